//! Reading the seven input files: streamed in blocks of whole lines, parsed straight from the bytes.

mod blocks;
pub(crate) mod csv;
mod error;
pub(crate) mod json_lines;
mod names;
mod words;

pub(crate) use error::{Expected, InputError};
pub(crate) use names::Names;
