//! The runs that a store shows and compares.

use super::RunEntry;
use crate::record::RunOwner;

/// The runs that a store shows and compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    /// `None`: of every program.
    pub(super) program: Option<String>,
    /// `None`: of every pipeline. `Some(None)`: of the pipelines without a name.
    #[allow(clippy::option_option, reason = "a pipeline need not have a name")]
    pub(super) pipeline: Option<Option<String>>,
}

impl Scope {
    /// The runs of this program.
    pub(super) fn this_program() -> Self {
        Scope { program: Some(RunOwner::here(None).program), pipeline: None }
    }

    /// The runs of one pipeline.
    #[cfg(feature = "cli")]
    pub(super) fn of(owner: RunOwner) -> Self {
        Scope { program: Some(owner.program), pipeline: Some(owner.pipeline) }
    }

    pub(super) fn contains(&self, run: &RunEntry) -> bool {
        self.program.as_ref().is_none_or(|program| *program == run.program)
            && self.pipeline.as_ref().is_none_or(|pipeline| *pipeline == run.pipeline)
    }
}

impl RunEntry {
    /// Returns the program and the pipeline that the run belongs to.
    pub(crate) fn owner(&self) -> RunOwner {
        RunOwner { program: self.program.clone(), pipeline: self.pipeline.clone() }
    }
}
