//! What a step gets from its [`StepContext`](crate::StepContext).

pub use pipeline_core::{Cancelled, ProgressSoFar, StepActivity, StepProgress, StepRng};
