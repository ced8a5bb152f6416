//! What a pipeline file imports: `use pipeline::prelude::*;`.

#[cfg(feature = "exec")]
pub use crate::{Pipeline, Settings};
pub use crate::{Secret, StepContext, StepError, step};
