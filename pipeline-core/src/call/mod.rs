//! One call of a step: how type-erased code reads its inputs and hands over its output.
//!
//! Inputs were bound to slots and type-checked when the plan was made, so a call only follows indices.

mod code;
mod failure;
mod fallback;
mod future;

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

pub use self::code::{Callable, Code};
pub(crate) use self::failure::Why;
pub use self::failure::{Failure, Fallible, condition, is_worth_it};
pub use self::fallback::{Fallback, fallback_of, fallback_of_error, fallback_value};
pub(crate) use self::future::poll_once;
pub use self::future::{Started, StepFuture};
use crate::cells::{Attempt, Bindings, Cells};
use crate::context::StepContext;
use crate::error::{STOPPED, StepError};
use crate::view::View;

/// The inputs of one call, and the slot for its output.
///
/// Parameters are addressed by their position. Every accessor trusts the plan, which has compared the types. The macro
/// and the builder are the only callers.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    cells: &'a Cells,
    /// The attempt, above the step: one word, so that a call is passed in two registers.
    at: u64,
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("step", &self.step()).finish_non_exhaustive()
    }
}

impl<'a> Call<'a> {
    #[inline]
    pub(crate) fn new(cells: &'a Cells, step: u32, attempt: Attempt) -> Self {
        Call { cells, at: u64::from(step) | u64::from(attempt.bits()) << 32 }
    }

    #[inline]
    pub(crate) fn step(self) -> u32 {
        self.at as u32
    }

    #[inline]
    pub(crate) fn attempt(self) -> Attempt {
        Attempt::from_bits((self.at >> 32) as u32)
    }

    #[inline]
    fn bindings(self) -> &'a Bindings {
        self.cells.bindings()
    }

    /// Returns the upstream steps of a fan-in, in its order.
    #[inline]
    fn sources(self, parameter: usize) -> &'a [u32] {
        self.bindings().sources(self.step(), parameter)
    }

    /// Reads the output of the step itself, once it has succeeded.
    pub(crate) fn own_output<T: 'static>(self) -> &'a T {
        self.cells.own_value(self.step())
    }

    /// Reads the output of the one upstream bound to `parameter`.
    #[inline]
    pub fn view<P: View + ?Sized>(self, parameter: usize) -> &'a P {
        P::view(self.cells.value(self.bindings().source(self.step(), parameter)))
    }

    /// Moves the output of the one upstream out of its slot.
    pub fn take<T: 'static>(self, parameter: usize) -> T {
        self.cells.take(self.step(), parameter)
    }

    /// Moves the output of the one upstream out of its slot in the last attempt, and clones it in earlier ones.
    pub fn take_or_clone<T: Clone + 'static>(self, parameter: usize) -> T {
        if self.attempt().is_last() && !self.cells.was_given_up(self.step()) {
            self.cells.take(self.step(), parameter)
        } else {
            self.cells.still_there::<T>(self.bindings().source(self.step(), parameter)).clone()
        }
    }

    /// Reads the output of the one upstream; `None` if it did not succeed.
    pub fn option<P: View + ?Sized>(self, parameter: usize) -> Option<&'a P> {
        self.outcome(parameter).ok()
    }

    /// Returns the outcome of the one upstream.
    ///
    /// # Errors
    /// Returns the error of the upstream or, if it was skipped, of the step that caused the skip.
    pub fn outcome<P: View + ?Sized>(self, parameter: usize) -> Result<&'a P, &'a StepError> {
        self.cells.outcome::<P>(self.bindings().source(self.step(), parameter))
    }

    /// Reads every upstream of a fan-in, in its order.
    pub fn views<P: View + ?Sized>(self, parameter: usize) -> impl ExactSizeIterator<Item = &'a P> {
        self.sources(parameter).iter().map(move |&source| P::view(self.cells.value(source)))
    }

    /// Returns the outcome of every upstream of a fan-in, in its order.
    pub fn outcomes<P: View + ?Sized>(
        self,
        parameter: usize,
    ) -> impl ExactSizeIterator<Item = Result<&'a P, &'a StepError>> {
        self.sources(parameter).iter().map(move |&source| self.cells.outcome::<P>(source))
    }

    /// Reads every upstream of a fan-in, in its order; `None` for each that did not succeed.
    pub fn options<P: View + ?Sized>(self, parameter: usize) -> impl ExactSizeIterator<Item = Option<&'a P>> {
        self.outcomes::<P>(parameter).map(Result::ok)
    }

    /// Reads the upstream steps of a fan-in that succeeded, in its order.
    pub fn available<P: View + ?Sized>(self, parameter: usize) -> impl Iterator<Item = &'a P> {
        self.outcomes::<P>(parameter).filter_map(Result::ok)
    }

    /// As [`Call::available`], each with the name of its step.
    pub fn available_named<P: View + ?Sized>(
        self,
        parameter: usize,
    ) -> impl Iterator<Item = (&'a str, &'a P)> {
        let named = self.names(parameter).zip(self.outcomes::<P>(parameter));
        named.filter_map(|(name, outcome)| Some((name, outcome.ok()?)))
    }

    /// Reads the one of several upstream steps that the input's quorum has chosen.
    pub fn chosen<P: View + ?Sized>(self, parameter: usize) -> &'a P {
        let source = self.cells.chosen(self.step(), parameter);
        let source = source.expect("invariant: a step that requires one of several is skipped without one");
        P::view(self.cells.value(source))
    }

    /// As [`Call::chosen`]; `None` if no step succeeded.
    pub fn chosen_option<P: View + ?Sized>(self, parameter: usize) -> Option<&'a P> {
        self.chosen_outcome(parameter).ok()
    }

    /// As [`Call::chosen`], as an outcome.
    ///
    /// # Errors
    /// Returns the error of the first upstream if none succeeded.
    pub fn chosen_outcome<P: View + ?Sized>(self, parameter: usize) -> Result<&'a P, &'a StepError> {
        let first = || self.sources(parameter).first().copied();
        match self.cells.chosen(self.step(), parameter).or_else(first) {
            Some(source) => self.cells.outcome::<P>(source),
            None => Err(&STOPPED),
        }
    }

    /// Returns the names of the upstream steps of a fan-in, in its order.
    pub fn names(self, parameter: usize) -> impl ExactSizeIterator<Item = &'a str> {
        self.sources(parameter).iter().map(move |&source| self.cells.name(source))
    }

    /// Returns a run parameter by value.
    pub fn param<T: DeserializeOwned + Send + Sync + 'static>(self, parameter: usize) -> T {
        self.cells.params().owned(self.bindings().source(self.step(), parameter))
    }

    /// Borrows a run parameter, which lives as long as the run.
    pub fn param_view<P: View + ?Sized>(self, parameter: usize) -> &'a P {
        P::view(self.cells.params().borrowed(self.bindings().source(self.step(), parameter)))
    }

    /// Borrows an injected value: the value itself, or what a box or an `Arc` holds.
    pub fn resource<P: View + ?Sized>(self, parameter: usize) -> &'a P {
        let value = self.cells.resource(self.bindings().source(self.step(), parameter));
        value.downcast_ref().map_or_else(|| self.object(parameter), P::view)
    }

    /// Borrows what an injected box or `Arc` holds.
    pub fn object<P: ?Sized + 'static>(self, parameter: usize) -> &'a P {
        let value = self.cells.resource(self.bindings().source(self.step(), parameter));
        let shared = || value.downcast_ref::<Arc<P>>().map(|value| &**value);
        let boxed = value.downcast_ref::<Box<P>>().map(|value| &**value);
        boxed.or_else(shared).expect("invariant: resources are found by type")
    }

    /// Returns the context of this step in this run.
    pub fn context(self) -> StepContext {
        self.cells.context(self.step(), self.attempt())
    }

    /// Puts the output into its slot. If the attempt is too late, drops the output instead and returns `false`.
    #[inline]
    pub(crate) fn put<T: Send + Sync + 'static>(self, output: T) -> bool {
        if self.attempt().is_watched() {
            return self.put_if_in_time(output);
        }
        self.cells.put(self.step(), output);
        true
    }

    #[inline(never)]
    fn put_if_in_time<T: Send + Sync + 'static>(self, output: T) -> bool {
        let is_in_time = self.cells.claim(self.step(), self.attempt());
        if is_in_time {
            self.cells.put(self.step(), output);
        }
        is_in_time
    }
}
