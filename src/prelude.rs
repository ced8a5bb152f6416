//! What a pipeline file imports: `use pipeline::prelude::*;`.

pub use crate::{StepContext, StepError, step};
#[cfg(feature = "exec")]
pub use crate::{Pipeline, Settings};
