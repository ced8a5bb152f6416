//! Typed access to the slots: the only callers of their unsafe functions, each with the reason why it may.
//!
//! Three facts carry every proof below. *Types*: the plan is made from a graph in which every edge's two types were
//! compared, and outputs are put by the step's own code. *Order*: a step starts with a [`Ready`](super::Ready), which
//! exists once and only after every upstream has ended (see [`Counters`](super::counter::Counters)). *Life*: an
//! output is dropped or taken only after each of its readers has ended, and a kept one not before the frame is.

#![allow(unsafe_code)]

use std::any::{Any, TypeId};

use super::{Finished, Frame, Ready, Status};
use crate::error::{self, FailureKind, StepError};
use crate::view::View;

/// An output that a step gets without being run.
pub struct Given {
    step: u32,
    /// The status that the step ends with.
    status: Status,
    ty: TypeId,
    value: Box<dyn Any + Send + Sync>,
    put: fn(&Frame, u32, Box<dyn Any + Send + Sync>),
}

impl Given {
    /// The output of a step, by position in the plan, handed in by the caller: the step will be [`Status::Given`].
    pub fn new<T: Send + Sync + 'static>(step: usize, value: T) -> Self {
        let put = |frame: &Frame, step, value: Box<dyn Any + Send + Sync>| {
            if let Ok(value) = value.downcast::<T>() {
                frame.put_value(step, *value);
            }
        };
        let (step, ty) = (step as u32, TypeId::of::<T>());
        Given { step, status: Status::Given, ty, value: Box::new(value), put }
    }

    /// The same output, found in a store: the step will be [`Status::Cached`].
    #[must_use]
    pub fn from_store(self) -> Self {
        Given { status: Status::Cached, ..self }
    }
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Given").field("step", &self.step).finish_non_exhaustive()
    }
}

impl Frame {
    pub(super) fn put_given(&self, given: Vec<Given>) {
        assert_eq!(given.len(), self.plan.given().len(), "every given step has one output");
        for given in given {
            assert!(
                self.plan.given().contains(&given.step),
                "only given steps have an output before the run"
            );
            assert!(self.cells[given.step as usize].counters.ended().is_none(), "an output is given once");
            let (step, status) = (given.step, self.put_one(given));
            self.cells[step as usize].counters.end(status as u8);
        }
    }

    /// Gives a step that is ready its output without running it. Hand the result to [`Frame::finish`].
    ///
    /// # Panics
    /// If the output is that of another step, or of another type than the step returns.
    pub fn finish_with(&self, ready: Ready, given: Given) -> Finished {
        assert!(ready.frame() == self.id, "a token belongs to the frame that made it");
        assert!(ready.index() == given.step, "the given output is that of the step");
        let status = self.put_one(given);
        self.finished(ready.index(), Ok(status))
    }

    /// Puts a given output and returns the status that its step ends with.
    fn put_one(&self, given: Given) -> Status {
        let output = self.plan.spec(given.step as usize).def().output;
        assert!(output.id() == given.ty, "the given output has the type that the step returns");
        (given.put)(self, given.step, given.value);
        given.status
    }

    /// Stores the output of a step that is running.
    #[inline]
    pub(crate) fn put_value<T: Send + Sync + 'static>(&self, step: u32, value: T) {
        debug_assert!(self.plan.spec(step as usize).def().output.id() == TypeId::of::<T>());
        // SAFETY: called once, by the code of the step itself, before it has ended: nobody reads the slot yet.
        unsafe { self.cells[step as usize].slot.put(value) };
    }

    /// Reads an output for a step that is running and has it as a required input.
    #[inline]
    pub(crate) fn value<T: 'static>(&self, source: u32) -> &T {
        debug_assert!(self.plan.spec(source as usize).def().output.id() == TypeId::of::<T>());
        // SAFETY: types and order as above; a required input has succeeded, or the reader were skipped; the reader
        // has not released it, so it lives as long as the call that the reference is bound to.
        unsafe { self.cells[source as usize].slot.get() }
    }

    /// Reads the output of a step that has succeeded, for the choice of its branches: they are readers of it.
    pub(crate) fn own_value<T: 'static>(&self, step: u32) -> &T {
        assert!(self.status(step as usize).has_output(), "a choice is made by an output");
        self.value(step)
    }

    /// Reads the output of a step that has ended with one and is not finished; `None` where it returns another type.
    pub(super) fn fresh_value<'a, T: 'static>(&'a self, finished: &'a Finished) -> Option<&'a T> {
        assert!(finished.frame == self.id, "a token belongs to the frame that made it");
        let is_of_type = self.plan.spec(finished.step()).def().output.id() == TypeId::of::<T>();
        if !is_of_type || finished.result.is_err() {
            return None;
        }
        // SAFETY: the type was compared. The token says that the step's code has put the output; it exists once, and
        // borrowed as it is here, it cannot be handed to `finish`, before which no other step reads, takes or drops.
        Some(unsafe { self.cells[finished.step()].slot.get() })
    }

    /// Moves an output out for the step that takes it.
    pub(crate) fn take_value<T: 'static>(&self, step: u32, parameter: usize) -> T {
        let source = self.plan.source(step, parameter);
        debug_assert!(self.plan.spec(source as usize).def().output.id() == TypeId::of::<T>());
        let cell = &self.cells[source as usize];
        assert!(!cell.counters.is_gone(), "an output is taken once");
        let still_read = self.any_given_up() && self.is_still_read(source, step).is_some();
        assert!(
            !still_read && self.has_sole_attempt(step),
            "an output is taken when nobody reads it any more"
        );
        cell.counters.mark_gone();
        // SAFETY: types and order as above; the graph has one taker per output, which waits for every other reader, and
        // neither an attempt of a reader nor one of the taker itself was given up; marked as gone, the output is
        // neither dropped nor taken again.
        unsafe { cell.slot.take() }
    }

    /// Reads an output, or why there is none, for a step that is running and has it as an input.
    pub(crate) fn outcome<P: View + ?Sized>(&self, source: u32) -> Result<&P, &StepError> {
        if self.status(source as usize).has_output() {
            return Ok(P::view(self.value(source)));
        }
        Err(self.error_of(source).unwrap_or(&error::STOPPED))
    }

    /// The status of a step.
    pub fn status(&self, step: usize) -> Status {
        self.cells[step].counters.ended().map_or(Status::Pending, Status::from_code)
    }

    /// The error of a step that failed, or of the step that caused its skip.
    pub fn error(&self, step: usize) -> Option<&StepError> {
        self.error_of(step as u32)
    }

    /// The step whose failure caused a skip.
    pub fn skipped_because(&self, step: usize) -> Option<usize> {
        match self.status(step) {
            Status::Skipped => {
                self.cause_of(step as u32).map(|cause| cause as usize).filter(|&cause| cause != step)
            }
            _ => None,
        }
    }

    /// Whether the output of a step can be read from outside: it is there, is kept, and was not moved out.
    pub fn is_available(&self, step: usize) -> bool {
        self.plan.is_kept(step) && self.status(step).has_output() && !self.cells[step].counters.is_gone()
    }

    /// Reads an output that is kept, from outside: `None` where the step has not ended with one, is not kept, or
    /// returns another type.
    pub fn output<T: 'static>(&self, step: usize) -> Option<&T> {
        let output = self.plan.spec(step).def().output;
        if !self.is_available(step) || output.id() != TypeId::of::<T>() {
            return None;
        }
        // SAFETY: the type was compared; the status was read with `Acquire`, after the output was put; a kept output
        // is neither taken nor dropped before the frame is.
        Some(unsafe { self.cells[step].slot.get() })
    }

    /// Moves an output that is kept out, from outside; `None` as [`Frame::output`], and after the first time.
    pub fn take_output<T: 'static>(&mut self, step: usize) -> Option<T> {
        self.output::<T>(step)?;
        let cell = &self.cells[step];
        cell.counters.mark_gone();
        // SAFETY: there is a value of this type (`output` has looked), and `&mut self` proves that nobody reads it.
        Some(unsafe { cell.slot.take() })
    }

    /// Ends a step with an error.
    pub(super) fn publish_error(&self, step: u32, error: Box<StepError>) {
        let code = code_of(error.kind());
        self.count_unsuccessful();
        let cell = &self.cells[step as usize];
        // SAFETY: called by whoever ends the step, once, when its code has put no value, or when the value was just
        // dropped by its last reader: the slot is empty and nobody else uses it.
        unsafe { cell.slot.put_error(error) };
        cell.counters.end(code);
    }

    /// Ends a step that was skipped.
    pub(super) fn publish_cause(&self, step: u32, cause: u32) {
        self.count_unsuccessful();
        let cell = &self.cells[step as usize];
        // SAFETY: called by whoever ends the step, once; its code has not run.
        unsafe { cell.slot.put_cause(cause) };
        cell.counters.end(Status::Skipped as u8);
    }

    /// The step whose failure is behind the missing output of a step that has ended without one.
    pub(super) fn cause_of(&self, step: u32) -> Option<u32> {
        let cell = &self.cells[step as usize];
        let code = cell.counters.ended()?;
        if code == Status::Skipped as u8 {
            // SAFETY: the status says that `publish_cause` has stored it.
            return Some(unsafe { cell.slot.cause() });
        }
        // Its code had succeeded, and whoever needed the output has had it.
        let is_late =
            code == Status::Failed as u8 && self.error(step as usize).is_some_and(StepError::is_late);
        (!is_late && !Status::from_code(code).has_output()).then_some(step)
    }

    fn error_of(&self, step: u32) -> Option<&StepError> {
        let cell = &self.cells[step as usize];
        let cause = match cell.counters.ended() {
            // SAFETY: the status says that `publish_cause` has stored it.
            Some(code) if code == Status::Skipped as u8 => unsafe { cell.slot.cause() },
            _ => step,
        };
        let cell = &self.cells[cause as usize];
        match cell.counters.ended() {
            Some(code) if holds_error(code) => {
                // SAFETY: the status says that `publish_error` has stored it; errors live as long as the frame.
                Some(unsafe { cell.slot.error() })
            }
            _ => None,
        }
    }

    /// Drops an output after its last reader, if there is one.
    pub(super) fn drop_value(&self, step: u32) {
        let cell = &self.cells[step as usize];
        let output = self.plan.spec(step as usize).def().output;
        let has_output = cell.counters.ended().is_some_and(|code| Status::from_code(code).has_output());
        if let (true, false, Some(drop)) = (has_output, cell.counters.is_gone(), output.drop_slot()) {
            cell.counters.mark_gone();
            // SAFETY: the drop function is the one of the type that the step returns; every reader has released the
            // output, and marked as gone, it is not dropped again.
            unsafe { drop(&cell.slot) };
        }
    }

    /// Drops whatever a slot still holds at the end of the frame's life.
    pub(super) fn drop_left_over(&mut self, step: u32) {
        if self.cells[step as usize].counters.ended().is_some_and(holds_error) {
            // SAFETY: the status says that there is an error; `&mut self` proves that nobody reads it.
            unsafe { self.cells[step as usize].slot.drop_error() };
        } else {
            self.drop_value(step);
        }
    }
}

/// The status code of a step that never started because the run was stopped: cancelled, without an error.
pub(super) const STOPPED_CODE: u8 = 6;

/// The status code of a step that was skipped because of itself, not of an upstream: skipped, with an error that says
/// why.
pub(super) const NOT_MET_CODE: u8 = 7;

/// Whether a slot holds an error, by the code of its step's status.
fn holds_error(code: u8) -> bool {
    matches!(Status::from_code(code), Status::Failed | Status::Cancelled | Status::TimedOut | Status::Skipped)
        && code != STOPPED_CODE
        && code != Status::Skipped as u8
}

/// The status of a step that ended with an error.
pub(super) fn status_of(kind: FailureKind) -> Status {
    Status::from_code(code_of(kind))
}

/// The status code of a step that ended with an error.
fn code_of(kind: FailureKind) -> u8 {
    match kind {
        FailureKind::Cancelled | FailureKind::Unused => Status::Cancelled as u8,
        FailureKind::TimedOut => Status::TimedOut as u8,
        FailureKind::NotMet => NOT_MET_CODE,
        _ => Status::Failed as u8,
    }
}
