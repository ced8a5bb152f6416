//! The output of a step, as observers of the run see it.

use std::fmt;
use std::io::{self, Write};

use super::slot::Value;

/// A function that writes an output as JSON.
pub(crate) type WriteFn = fn(StepOutput<'_>, &mut dyn Write) -> io::Result<()>;

/// The output of a step that has just succeeded, before any other step reads, takes or drops it.
#[derive(Clone, Copy)]
pub struct StepOutput<'a> {
    value: Value<'a>,
    write: Option<WriteFn>,
}

impl<'a> StepOutput<'a> {
    pub(crate) fn new(value: Value<'a>, write: Option<WriteFn>) -> Self {
        StepOutput { value, write }
    }

    /// Borrows the output, if it is a `T`.
    pub fn get<T: 'static>(self) -> Option<&'a T> {
        self.value.get()
    }

    /// Returns the full name of its type.
    pub fn type_name(self) -> &'static str {
        self.value.ty().name()
    }

    /// Writes the output as JSON; `None` if its type is not `Serialize`, if the step is a closure, and if the program
    /// was built without the feature `outputs`.
    ///
    /// # Errors
    /// Returns the error of the type's `Serialize` or of the writer. JSON has no maps whose keys are not text or numbers.
    pub fn write_json(self, out: &mut dyn Write) -> Option<io::Result<()>> {
        self.write.map(|write| write(self, out))
    }

    /// As [`StepOutput::get`], for the codec of the step's own type.
    #[cfg_attr(not(feature = "outputs"), allow(dead_code))]
    pub(crate) fn known<T: 'static>(self) -> &'a T {
        self.get().expect("invariant: a step's codec is made for the type that the step returns")
    }
}

/// Not the value: nothing that a step returns is shown.
impl fmt::Debug for StepOutput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepOutput").field("type", &self.type_name()).finish_non_exhaustive()
    }
}
