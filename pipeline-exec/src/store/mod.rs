//! The store: values of steps that survive the run.
//!
//! A value is found by its [`Key`]: what made it. It exists if and only if its record exists, and a record is written
//! after the bytes that it names.

#[allow(dead_code, unused_imports, reason = "the keys of a run use it")]
pub(crate) mod files;
mod key;

pub use self::files::{InputDir, InputFile, InputGlob};
pub use self::key::{Content, Key};
