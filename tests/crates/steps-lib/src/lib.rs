//! A library that registers a step.

use pipeline::step;

/// What the library offers.
#[step]
pub fn from_the_library() -> u64 {
    7
}
