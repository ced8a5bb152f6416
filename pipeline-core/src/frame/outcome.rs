//! The result of a step: its status, its error, its output; and outputs that this run did not compute.

use super::{Ended, Finished, Frame, Ready, Status};
use crate::error::StepError;
use crate::value::{Given, StepOutput};

impl Frame {
    /// Returns the status of a step.
    pub fn status(&self, step: usize) -> Status {
        self.cells.status(step as u32)
    }

    /// Returns the error of a step that failed, or of the step that caused its skip.
    pub fn error(&self, step: usize) -> Option<&StepError> {
        self.cells.error(step as u32)
    }

    /// Returns the step whose failure caused the skip of a step.
    pub fn skipped_because(&self, step: usize) -> Option<usize> {
        let cause = || self.cells.cause_of(step as u32).map(|cause| cause as usize);
        (self.status(step) == Status::Skipped).then(cause).flatten().filter(|&cause| cause != step)
    }

    /// Reports whether the output of a step can be read from outside: it is there, is kept, and was not moved out.
    pub fn is_available(&self, step: usize) -> bool {
        let is_gone = || self.cells.counters(step as u32).is_gone();
        self.plan.is_kept(step) && self.status(step).has_output() && !is_gone()
    }

    /// Reads an output from outside: `None` if it is not available, or not a `T`.
    pub fn output<T: 'static>(&self, step: usize) -> Option<&T> {
        if self.is_available(step) { self.cells.kept(step as u32) } else { None }
    }

    /// Moves an output out, from outside: `None` if it is not available, or not a `T`.
    pub fn take_output<T: 'static>(&mut self, step: usize) -> Option<T> {
        if self.is_available(step) { self.cells.take_kept(step as u32) } else { None }
    }

    /// Returns the output of a step that has ended and is not finished; `None` if it has none.
    pub fn output_of<'a>(&'a self, finished: &'a Finished) -> Option<StepOutput<'a>> {
        assert!(finished.frame == self.id, "a token belongs to the frame that made it");
        let codec = self.plan.spec(finished.step()).def().codec;
        // The token exists once; borrowed as it is here, it cannot be handed to `finish`.
        let is_here = finished.status().has_output() && !matches!(finished.result, Err(Ended::Unread));
        is_here.then(|| self.cells.fresh(finished.step, codec.write))
    }

    /// Ends the given steps of the plan before the run.
    pub(super) fn put_given(&self, given: Vec<Given>) {
        assert_eq!(given.len(), self.plan.given().len(), "every given step has one output");
        for given in given {
            let step = given.step();
            assert!(self.plan.given().contains(&step), "only given steps have an output before the run");
            assert!(self.cells.counters(step).ended().is_none(), "an output is given once");
            let status = self.cells.put_given(given);
            self.cells.counters(step).end(status as u8);
        }
    }

    /// Gives a step that is ready its output without running it. Hand the result to [`Frame::finish`].
    ///
    /// # Panics
    /// If the output is that of another step, or of another type than the step returns.
    pub fn finish_with(&self, ready: Ready, given: Given) -> Finished {
        assert!(ready.frame() == self.id, "a token belongs to the frame that made it");
        assert!(ready.index() == given.step(), "the given output is that of the step");
        let status = self.cells.put_given(given);
        self.finished(ready.index(), Err(Ended::Elsewhere(status)))
    }
}
