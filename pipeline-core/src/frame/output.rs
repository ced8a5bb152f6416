//! The output of a step between its end and whoever needs it.

use std::fmt;
use std::io::{self, Write};

use super::{Finished, Frame};

/// The output of a step that has just succeeded, before any other step reads, takes or drops it.
#[derive(Clone, Copy)]
pub struct StepOutput<'a> {
    frame: &'a Frame,
    finished: &'a Finished,
}

impl<'a> StepOutput<'a> {
    /// The output, where it is a `T`.
    pub fn get<T: 'static>(self) -> Option<&'a T> {
        self.frame.fresh_value(self.finished)
    }

    /// The full name of its type.
    pub fn type_name(self) -> &'static str {
        self.frame.plan().spec(self.finished.step()).def().output.name()
    }

    /// Writes the output as JSON; `None` where its type is not `Serialize`, where the step is a closure, and where the
    /// program was built without the feature `outputs`.
    ///
    /// # Errors
    /// What the type's `Serialize` or the writer says. JSON has no maps whose keys are not text or numbers.
    pub fn write_json(self, out: &mut dyn Write) -> Option<io::Result<()>> {
        let write = self.frame.plan().spec(self.finished.step()).def().codec.write?;
        Some(write(self, out))
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

impl Frame {
    /// The output of a step that has ended and is not finished; `None` where it has none.
    pub fn output_of<'a>(&'a self, finished: &'a Finished) -> Option<StepOutput<'a>> {
        finished.status().has_output().then_some(StepOutput { frame: self, finished })
    }
}
