//! Outputs that steps get without being run.

use std::any::Any;
use std::fmt;

use super::Status;
use super::slot::Boxed;

/// An output that a step gets without being run.
pub struct Given {
    step: u32,
    /// The status that the step ends with.
    status: Status,
    value: Boxed,
}

impl Given {
    /// Makes the output of a step, by position in the plan. The caller hands it in: the step will be [`Status::Given`].
    pub fn new<T: Send + Sync + 'static>(step: usize, value: T) -> Self {
        Given { step: step as u32, status: Status::Given, value: Boxed::new(value) }
    }

    /// Marks the output as found in a store: the step will be [`Status::Cached`].
    #[must_use]
    pub fn from_store(self) -> Self {
        Given { status: Status::Cached, ..self }
    }

    /// Returns the value without its step.
    pub fn into_value(self) -> Box<dyn Any + Send + Sync> {
        self.value.into_value()
    }

    pub(crate) fn step(&self) -> u32 {
        self.step
    }

    /// Returns the status that the step ends with, and the value.
    pub(crate) fn into_parts(self) -> (Status, Boxed) {
        (self.status, self.value)
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").field("step", &self.step).finish_non_exhaustive()
    }
}
