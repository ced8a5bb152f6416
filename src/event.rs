//! What an [`Observer`](crate::Observer) gets, and the same events as data.

pub use pipeline_core::frame::StepOutput;
pub use pipeline_exec::{Because, EventKind, EventRecord, RunEnd, RunView, StepCall};
