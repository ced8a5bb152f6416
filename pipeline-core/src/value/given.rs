//! Outputs that steps get without being run.

use std::any::Any;
use std::fmt;

use super::slot::{PutFn, put_fn};
use super::{Status, TypeDef};

/// An output that a step gets without being run.
pub struct Given {
    pub(crate) step: u32,
    /// The status that the step ends with.
    pub(crate) status: Status,
    pub(crate) ty: TypeDef,
    pub(crate) value: Box<dyn Any + Send + Sync>,
    /// Puts the value, which is of the type, into a slot.
    pub(crate) put: PutFn,
}

impl Given {
    /// Makes the output of a step, by position in the plan. The caller hands it in: the step will be [`Status::Given`].
    pub fn new<T: Send + Sync + 'static>(step: usize, value: T) -> Self {
        Given {
            step: step as u32,
            status: Status::Given,
            ty: TypeDef::of::<T>(),
            value: Box::new(value),
            put: put_fn::<T>(),
        }
    }

    /// Marks the output as found in a store: the step will be [`Status::Cached`].
    #[must_use]
    pub fn from_store(self) -> Self {
        Given { status: Status::Cached, ..self }
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").field("step", &self.step).finish_non_exhaustive()
    }
}
