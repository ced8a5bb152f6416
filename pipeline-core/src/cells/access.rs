//! Typed access to the slots: the only caller of their unsafe functions, with the proof of each call.
//!
//! Every proof below rests on three facts. *Types*: the plan is made from a graph in which every edge's two types were
//! compared, and outputs are put by the step's own code. *Order*: the frame starts a step with a
//! [`Ready`](crate::frame::Ready), which exists once and only after every upstream has ended (see [`Counters`](super::Counters)). *Life*:
//! the frame has an output dropped or taken only after each of its readers has ended, and a kept one not before the
//! frame itself is dropped.

#![allow(unsafe_code)]

use std::any::TypeId;

use super::Cells;
use crate::error::{self, StepError};
use crate::value::{DropFn, Given, Slot, Status, StepOutput, Value, WriteFn, code_of, holds_error};
use crate::view::View;

impl Cells {
    #[inline]
    fn slot(&self, step: u32) -> &Slot {
        &self.each[step as usize].slot
    }

    /// Reports whether a step returns values of type `T`.
    fn returns<T: 'static>(&self, step: u32) -> bool {
        self.bindings.output(step).id() == TypeId::of::<T>()
    }

    /// Stores the output of a step that is running.
    #[inline]
    pub(crate) fn put<T: Send + Sync + 'static>(&self, step: u32, value: T) {
        debug_assert!(self.returns::<T>(step));
        // SAFETY: called once, by the code of the step itself, before it has ended: no other step reads the slot yet.
        unsafe { self.slot(step).put(value) };
    }

    /// Stores a given output and returns the status of its step. The caller holds the right to run the step, or the run
    /// has not begun.
    ///
    /// # Panics
    /// If the output is not of the type that the step returns.
    pub(crate) fn put_given(&self, given: Given) -> Status {
        let step = given.step();
        let (status, value) = given.into_parts();
        assert!(
            self.bindings.output(step) == value.ty(),
            "the given output has the type that the step returns"
        );
        // SAFETY: the type was compared; only the caller may put an output of the step, and no other step reads the slot
        // before the caller has ended the step.
        unsafe { value.put(self.slot(step)) };
        status
    }

    /// Reads an output for a step that is running and has it as a required input.
    #[inline]
    pub(crate) fn value<T: 'static>(&self, source: u32) -> &T {
        debug_assert!(self.returns::<T>(source));
        // SAFETY: types and order as above; a required input has succeeded, or the reader would have been skipped; the
        // reader has not released it, so it lives as long as the call that the reference is bound to.
        unsafe { self.slot(source).get() }
    }

    /// Reads the output of a step that has succeeded, for the choice of its branches: they are readers of it.
    pub(crate) fn own_value<T: 'static>(&self, step: u32) -> &T {
        assert!(
            self.status(step).has_output() && !self.counters(step).is_gone(),
            "a choice is made by an output"
        );
        self.value(step)
    }

    /// Returns the output of a step that has ended with one and is not finished. The caller has the right to finish the
    /// step, and does not do so while the result lives.
    pub(crate) fn fresh(&self, step: u32, write: Option<WriteFn>) -> StepOutput<'_> {
        StepOutput::new(self.holding(step), write)
    }

    /// Reads an output that an earlier attempt of the step that takes it may have moved out.
    ///
    /// # Panics
    /// If it was moved out: the caller started another attempt after the last one.
    pub(crate) fn still_there<T: 'static>(&self, source: u32) -> &T {
        assert!(!self.counters(source).is_gone(), "no attempt follows the one that took an output");
        self.value(source)
    }

    /// Moves an output out for the step that takes it.
    pub(crate) fn take<T: 'static>(&self, step: u32, parameter: usize) -> T {
        let source = self.bindings.source(step, parameter);
        debug_assert!(self.returns::<T>(source));
        assert!(!self.counters(source).is_gone(), "an output is taken once");
        let is_still_read = self.any_given_up() && self.still_reads(source, step).is_some();
        assert!(
            !is_still_read && !self.was_given_up(step),
            "an output is taken when no step reads it any more"
        );
        self.counters(source).mark_gone();
        // SAFETY: types and order as above; the graph has one taker per output, which waits for every other reader; no
        // attempt of a reader or of the taker was given up; marked as gone, the output is not dropped or taken again.
        unsafe { self.slot(source).take() }
    }

    /// Reads an output, or the error that explains why there is none, for a step that is running and has it as an input.
    pub(crate) fn outcome<P: View + ?Sized>(&self, source: u32) -> Result<&P, &StepError> {
        if self.status(source).has_output() {
            return Ok(P::view(self.value(source)));
        }
        Err(self.error(source).unwrap_or(&error::STOPPED))
    }

    /// Returns the status of a step.
    pub(crate) fn status(&self, step: u32) -> Status {
        self.counters(step).ended().map_or(Status::Pending, Status::from_code)
    }

    /// Reads the output of a step that has ended with one and keeps it; `None` if the step returns another type.
    pub(crate) fn kept<T: 'static>(&self, step: u32) -> Option<&T> {
        self.holding(step).get()
    }

    fn holding(&self, step: u32) -> Value<'_> {
        // SAFETY: types as above; both callers know that the output is there, and stays: a kept one until the frame is
        // dropped, a fresh one until its step is finished.
        unsafe { self.slot(step).holding(self.bindings.output(step)) }
    }

    /// Moves out the output of a step that has ended with one and keeps it; `None` if the step returns another type.
    pub(crate) fn take_kept<T: 'static>(&mut self, step: u32) -> Option<T> {
        self.kept::<T>(step)?;
        self.counters(step).mark_gone();
        // SAFETY: there is a value of this type, and `&mut self` proves that no step reads it.
        Some(unsafe { self.slot(step).take() })
    }

    /// Ends a step with an error.
    pub(crate) fn publish_error(&self, step: u32, error: Box<StepError>) {
        let code = code_of(error.kind());
        // SAFETY: called once, by the thread that ends the step, when its code has put no value, or by the last reader
        // right after it dropped the value: the slot is empty and not used elsewhere.
        unsafe { self.slot(step).put_error(error) };
        self.counters(step).end(code);
    }

    /// Ends a step that was skipped because of `cause`.
    pub(crate) fn publish_cause(&self, step: u32, cause: u32) {
        // SAFETY: called once, by the thread that ends the step; its code has not run.
        unsafe { self.slot(step).put_cause(cause) };
        self.counters(step).end(Status::Skipped as u8);
    }

    /// Returns the step whose failure is the cause if a step has ended without an output.
    pub(crate) fn cause_of(&self, step: u32) -> Option<u32> {
        let code = self.counters(step).ended()?;
        if code == Status::Skipped as u8 {
            // SAFETY: by its status, `publish_cause` has stored it.
            return Some(unsafe { self.slot(step).cause() });
        }
        // A late failure is that of a drop: the readers of the output were served.
        let is_late = code == Status::Failed as u8 && self.error(step).is_some_and(StepError::is_late);
        (!is_late && !Status::from_code(code).has_output()).then_some(step)
    }

    /// Returns the error of a step that failed, or of the step that caused its skip.
    pub(crate) fn error(&self, step: u32) -> Option<&StepError> {
        let cause = match self.counters(step).ended() {
            // SAFETY: by its status, `publish_cause` has stored it.
            Some(code) if code == Status::Skipped as u8 => unsafe { self.slot(step).cause() },
            _ => step,
        };
        match self.counters(cause).ended() {
            // SAFETY: by its status, `publish_error` has stored it; errors live as long as the cells.
            Some(code) if holds_error(code) => Some(unsafe { self.slot(cause).error() }),
            _ => None,
        }
    }

    /// Returns the function that drops the output of a step, if the output is still there and needs a drop.
    #[inline]
    fn pending_drop(&self, step: u32) -> Option<DropFn> {
        let drop = self.bindings.output(step).drop_slot()?;
        (self.status(step).has_output() && !self.counters(step).is_gone()).then_some(drop)
    }

    /// Reports whether a step has an output that is still there, and whose drop may run code that is not the standard
    /// library's.
    pub(crate) fn drop_may_block(&self, step: u32) -> bool {
        self.pending_drop(step).is_some() && self.bindings.output(step).drop_runs_foreign_code()
    }

    /// Drops the output of a step, if it is still there. Its last reader has ended.
    pub(crate) fn drop_value(&self, step: u32) {
        if let Some(drop) = self.pending_drop(step) {
            self.counters(step).mark_gone();
            // SAFETY: the drop function is the one of the type that the step returns; every reader has released the
            // output, and marked as gone, it is not dropped again.
            unsafe { drop(self.slot(step)) };
        }
    }

    /// Drops what a slot still holds when the frame is dropped.
    pub(crate) fn drop_left_over(&mut self, step: u32) {
        if self.counters(step).ended().is_some_and(holds_error) {
            // SAFETY: by its status, there is an error; `&mut self` proves that it is not read.
            unsafe { self.each[step as usize].slot.drop_error() };
        } else {
            self.drop_value(step);
        }
    }
}
