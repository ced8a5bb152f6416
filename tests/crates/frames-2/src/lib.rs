//! A later version of the crate, and a step that reads its frame.

use pipeline::step;

/// A frame, as this version has it.
pub struct Frame;

/// Shows a frame.
#[step]
pub fn shown(#[from("frame")] frame: &Frame) -> u8 {
    let Frame = frame;
    1
}
