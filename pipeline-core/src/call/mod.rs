//! One call of a step: how type-erased code reads its inputs and hands over its output.
//!
//! The macro implements [`SyncStep`] or [`AsyncStep`] for each step; [`SyncCode`] and [`AsyncCode`] erase them into
//! a [`Callable`]. Which input is bound to which slot was settled and type-checked when the plan was made, so a
//! call only follows indices.

mod case;
mod fallback;
mod future;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::DeserializeOwned;

pub use self::case::case_number;
pub use self::fallback::{Fallback, fallback_of, fallback_of_error, fallback_value};
pub use self::future::StepFuture;
pub(crate) use self::future::poll_once;
use crate::context::StepContext;
use crate::error::StepError;
use crate::frame::{Attempt, Frame};
use crate::step::Step;
use crate::view::View;

/// The code of a step, type-erased: static for functions, shared for closures.
#[derive(Clone)]
pub enum Code {
    /// The code of an annotated function.
    Static(&'static dyn Callable),
    /// A closure with its captures.
    Shared(Arc<dyn Callable>),
}

impl Code {
    /// The code of a synchronous step function.
    pub const fn sync_fn<S: SyncStep>() -> Self {
        Code::Static(&SyncCode::<S>(PhantomData))
    }

    /// The code of an async step function.
    pub const fn async_fn<S: AsyncStep>() -> Self {
        Code::Static(&AsyncCode::<S>(PhantomData))
    }

    /// The callable behind either form.
    #[inline]
    pub fn callable(&self) -> &dyn Callable {
        match self {
            Code::Static(code) => *code,
            Code::Shared(code) => &**code,
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code")
    }
}

/// Code that a frame can call. Implemented here only; steps implement [`SyncStep`] or [`AsyncStep`].
pub trait Callable: Send + Sync + 'static {
    /// Runs the step as far as it goes without waiting. On success the output has been put into its slot.
    fn start<'a>(&'a self, call: Call<'a>) -> Started<'a>;

    /// Puts the fallback of a step that has failed into its slot; `false` where it has none.
    fn fall_back(&self, call: Call<'_>, error: &StepError) -> bool {
        let _ = (call, error);
        false
    }

    /// Which case of the step's switch its output is, by position in [`Policy::switch`](crate::Policy::switch).
    fn case(&self, call: Call<'_>) -> Option<u32> {
        let _ = call;
        None
    }
}

/// How far a call came.
pub enum Started<'a> {
    /// It ended.
    Done(Result<(), Failure>),
    /// It waits for something; poll the future to go on.
    Pending(StepFuture<'a>),
}

impl fmt::Debug for Started<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Started::Done(_) => "Done",
            Started::Pending(_) => "Pending",
        })
    }
}

/// A synchronous step, as the macro writes it.
pub trait SyncStep: Step {
    /// Binds the inputs and calls the function.
    ///
    /// # Errors
    /// What the function returned as `Err`.
    fn call(call: Call<'_>) -> Result<Self::Output, Failure>;

    /// The output to go on with when the last attempt has failed.
    fn fallback(error: &StepError) -> Option<Self::Output> {
        let _ = error;
        None
    }

    /// Which case of the step's switch an output is.
    fn case(output: &Self::Output) -> Option<u32> {
        let _ = output;
        None
    }
}

/// An async step, as the macro writes it.
pub trait AsyncStep: Step {
    /// Binds the inputs and calls the function.
    fn call(call: Call<'_>) -> impl Future<Output = Result<Self::Output, Failure>> + Send;

    /// As [`SyncStep::fallback`].
    fn fallback(error: &StepError) -> Option<Self::Output> {
        let _ = error;
        None
    }

    /// As [`SyncStep::case`].
    fn case(output: &Self::Output) -> Option<u32> {
        let _ = output;
        None
    }
}

struct SyncCode<S>(PhantomData<fn() -> S>);
struct AsyncCode<S>(PhantomData<fn() -> S>);

impl<S: SyncStep> Callable for SyncCode<S> {
    fn start<'a>(&'a self, call: Call<'a>) -> Started<'a> {
        Started::Done(S::call(call).map(|output| _ = call.put(output)))
    }

    fn fall_back(&self, call: Call<'_>, error: &StepError) -> bool {
        S::fallback(error).is_some_and(|output| call.put(output))
    }

    fn case(&self, call: Call<'_>) -> Option<u32> {
        S::case(call.frame.own_value(call.step()))
    }
}

impl<S: AsyncStep> Callable for AsyncCode<S> {
    fn start<'a>(&'a self, call: Call<'a>) -> Started<'a> {
        poll_once(async move { S::call(call).await.map(|output| _ = call.put(output)) })
    }

    fn fall_back(&self, call: Call<'_>, error: &StepError) -> bool {
        S::fallback(error).is_some_and(|output| call.put(output))
    }

    fn case(&self, call: Call<'_>) -> Option<u32> {
        S::case(call.frame.own_value(call.step()))
    }
}

/// Why a call ended without an output. Boxed: a result of one word, rarely an error, is returned in a register from
/// every step.
#[derive(Debug)]
pub struct Failure(pub(crate) Box<Why>);

/// What is behind a [`Failure`].
#[derive(Debug)]
pub(crate) enum Why {
    /// The function returned `Err`.
    Error { source: Box<dyn Error + Send + Sync>, may_retry: bool },
    /// The step's condition does not hold: the function was not called.
    NotMet,
}

impl Failure {
    /// Keeps the user's error as it is.
    pub fn from_error(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Failure(Box::new(Why::Error { source: error.into(), may_retry: true }))
    }

    /// The step's condition does not hold.
    #[must_use]
    pub fn not_met() -> Self {
        Failure(Box::new(Why::NotMet))
    }

    /// The same failure, of which the step's filter says whether another attempt is worth it.
    #[must_use]
    pub fn retry_if(mut self, worth_it: bool) -> Self {
        if let Why::Error { may_retry, .. } = &mut *self.0 {
            *may_retry = worth_it;
        }
        self
    }
}

/// The return type of a step that can fail.
#[diagnostic::on_unimplemented(
    message = "a fallible step returns `Result<T, E>`, not `{Self}`",
    note = "remove `fallible` from `#[step(…)]`, or return a `Result`"
)]
pub trait Fallible {
    /// The `T` of the `Result<T, E>`.
    type Output;
    /// The `E` of the `Result<T, E>`.
    type Error;
}

impl<T, E> Fallible for Result<T, E> {
    type Output = T;
    type Error = E;
}

/// The inputs of one call, and the place for its output.
///
/// Parameters are addressed by their position. Every accessor trusts the plan, which has compared the types: the
/// macro and the builder are the only callers.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    pub(crate) frame: &'a Frame,
    /// The step, below its attempt: in one word, so that a call is passed in two registers.
    at: u64,
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("step", &self.step()).finish_non_exhaustive()
    }
}

impl<'a> Call<'a> {
    #[inline]
    pub(crate) fn new(frame: &'a Frame, step: u32, attempt: Attempt) -> Self {
        Call { frame, at: u64::from(step) | u64::from(attempt.bits()) << 32 }
    }

    #[inline]
    pub(crate) fn step(self) -> u32 {
        self.at as u32
    }

    #[inline]
    pub(crate) fn attempt(self) -> Attempt {
        Attempt::from_bits((self.at >> 32) as u32)
    }

    /// Reads the output of the one upstream bound to `parameter`.
    #[inline]
    pub fn view<P: View + ?Sized>(self, parameter: usize) -> &'a P {
        P::view(self.frame.value(self.frame.plan().source(self.step(), parameter)))
    }

    /// Moves the output of the one upstream out of its slot.
    pub fn take<T: 'static>(self, parameter: usize) -> T {
        self.frame.take_value(self.step(), parameter)
    }

    /// Moves the output of the one upstream out of its slot for the last attempt, and clones it for those before.
    pub fn take_or_clone<T: Clone + 'static>(self, parameter: usize) -> T {
        if self.attempt().is_last() && self.frame.has_sole_attempt(self.step()) {
            self.frame.take_value(self.step(), parameter)
        } else {
            self.frame.value::<T>(self.frame.plan().source(self.step(), parameter)).clone()
        }
    }

    /// `None` where the upstream did not succeed.
    pub fn option<P: View + ?Sized>(self, parameter: usize) -> Option<&'a P> {
        self.outcome(parameter).ok()
    }

    /// The outcome of the upstream.
    ///
    /// # Errors
    /// The error of the upstream, or, where it was skipped, of the step that caused the skip.
    pub fn outcome<P: View + ?Sized>(self, parameter: usize) -> Result<&'a P, &'a StepError> {
        self.frame.outcome::<P>(self.frame.plan().source(self.step(), parameter))
    }

    /// Reads every upstream of a fan-in, in its order.
    pub fn views<P: View + ?Sized>(self, parameter: usize) -> impl ExactSizeIterator<Item = &'a P> {
        let frame = self.frame;
        frame.plan().sources(self.step(), parameter).iter().map(move |&source| P::view(frame.value(source)))
    }

    /// The outcomes of every upstream of a fan-in, in its order.
    pub fn outcomes<P: View + ?Sized>(
        self,
        parameter: usize,
    ) -> impl ExactSizeIterator<Item = Result<&'a P, &'a StepError>> {
        let frame = self.frame;
        frame.plan().sources(self.step(), parameter).iter().map(move |&source| frame.outcome::<P>(source))
    }

    /// `None` for each upstream of a fan-in that did not succeed, in its order.
    pub fn options<P: View + ?Sized>(self, parameter: usize) -> impl ExactSizeIterator<Item = Option<&'a P>> {
        self.outcomes::<P>(parameter).map(Result::ok)
    }

    /// Reads those upstream steps of a fan-in that succeeded, in its order.
    pub fn available<P: View + ?Sized>(self, parameter: usize) -> impl Iterator<Item = &'a P> {
        self.outcomes::<P>(parameter).filter_map(Result::ok)
    }

    /// The same, each with the name of its step.
    pub fn available_named<P: View + ?Sized>(
        self,
        parameter: usize,
    ) -> impl Iterator<Item = (&'a str, &'a P)> {
        let named = self.names(parameter).zip(self.outcomes::<P>(parameter));
        named.filter_map(|(name, outcome)| Some((name, outcome.ok()?)))
    }

    /// Reads the one of several upstream steps that the input's quorum has chosen.
    pub fn chosen<P: View + ?Sized>(self, parameter: usize) -> &'a P {
        let source = self.frame.chosen(self.step(), parameter);
        let source = source.expect("invariant: a step that requires one of several is skipped without one");
        P::view(self.frame.value(source))
    }

    /// The same, `None` where none succeeded.
    pub fn chosen_option<P: View + ?Sized>(self, parameter: usize) -> Option<&'a P> {
        self.chosen_outcome(parameter).ok()
    }

    /// The same, as an outcome.
    ///
    /// # Errors
    /// Where none succeeded, the error of the first.
    pub fn chosen_outcome<P: View + ?Sized>(self, parameter: usize) -> Result<&'a P, &'a StepError> {
        let frame = self.frame;
        let first = || frame.plan().sources(self.step(), parameter).first().copied();
        match frame.chosen(self.step(), parameter).or_else(first) {
            Some(source) => frame.outcome::<P>(source),
            None => Err(&crate::error::STOPPED),
        }
    }

    /// The names of the upstream steps of a fan-in, in its order.
    pub fn names(self, parameter: usize) -> impl ExactSizeIterator<Item = &'a str> {
        let plan = self.frame.plan();
        plan.sources(self.step(), parameter).iter().map(move |&source| plan.name(source))
    }

    /// A run parameter by value.
    pub fn param<T: DeserializeOwned + Send + Sync + 'static>(self, parameter: usize) -> T {
        self.frame.params().owned(self.frame.plan().param_index(self.step(), parameter))
    }

    /// A run parameter by reference; it lives as long as the run.
    pub fn param_view<P: View + ?Sized>(self, parameter: usize) -> &'a P {
        P::view(self.frame.params().borrowed(self.frame.plan().param_index(self.step(), parameter)))
    }

    /// An injected value.
    pub fn resource<T: Send + Sync + 'static>(self, parameter: usize) -> &'a T {
        self.frame.resource(self.frame.plan().resource_index(self.step(), parameter))
    }

    /// The context of this step in this run.
    pub fn context(self) -> StepContext {
        self.frame.context(self.step(), self.attempt())
    }

    /// Puts the output into its slot; `false` where the attempt is too late, and the output was dropped instead.
    #[inline]
    pub(crate) fn put<T: Send + Sync + 'static>(self, output: T) -> bool {
        if self.attempt().is_watched() {
            return self.put_if_in_time(output);
        }
        self.frame.put_value(self.step(), output);
        true
    }

    #[inline(never)]
    fn put_if_in_time<T: Send + Sync + 'static>(self, output: T) -> bool {
        let is_in_time = self.frame.claim(self.step(), self.attempt());
        if is_in_time {
            self.frame.put_value(self.step(), output);
        }
        is_in_time
    }
}
