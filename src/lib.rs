//! x
pub use pipeline_core::*;