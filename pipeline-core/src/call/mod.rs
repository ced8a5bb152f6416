//! One call of a step: how type-erased code reads its inputs and hands over its output.
//!
//! The macro implements [`SyncStep`] or [`AsyncStep`] for each step; [`SyncCode`] and [`AsyncCode`] erase them into
//! a [`Callable`]. Which input is bound to which slot was settled and type-checked when the plan was made, so a
//! call only follows indices.

mod future;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::DeserializeOwned;

pub use self::future::StepFuture;
pub(crate) use self::future::poll_once;
use crate::context::StepContext;
use crate::error::StepError;
use crate::frame::Frame;
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
}

/// An async step, as the macro writes it.
pub trait AsyncStep: Step {
    /// Binds the inputs and calls the function.
    fn call(call: Call<'_>) -> impl Future<Output = Result<Self::Output, Failure>> + Send;
}

struct SyncCode<S>(PhantomData<fn() -> S>);
struct AsyncCode<S>(PhantomData<fn() -> S>);

impl<S: SyncStep> Callable for SyncCode<S> {
    fn start<'a>(&'a self, call: Call<'a>) -> Started<'a> {
        Started::Done(S::call(call).map(|output| call.put(output)))
    }
}

impl<S: AsyncStep> Callable for AsyncCode<S> {
    fn start<'a>(&'a self, call: Call<'a>) -> Started<'a> {
        poll_once(async move { S::call(call).await.map(|output| call.put(output)) })
    }
}

/// What a step function returned as `Err`. Boxed twice: a result of one word, rarely an error, is returned in a
/// register from every step.
#[derive(Debug)]
pub struct Failure(pub(crate) Box<Box<dyn Error + Send + Sync>>);

impl Failure {
    /// Keeps the user's error as it is.
    pub fn from_error(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Failure(Box::new(error.into()))
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
}

impl<T, E> Fallible for Result<T, E> {
    type Output = T;
}

/// The inputs of one call, and the place for its output.
///
/// Parameters are addressed by their position. Every accessor trusts the plan, which has compared the types: the
/// macro and the builder are the only callers.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    pub(crate) frame: &'a Frame,
    pub(crate) step: u32,
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("step", &self.step).finish_non_exhaustive()
    }
}

impl<'a> Call<'a> {
    /// Reads the output of the one upstream bound to `parameter`.
    #[inline]
    pub fn view<P: View + ?Sized>(self, parameter: usize) -> &'a P {
        P::view(self.frame.value(self.frame.plan().source(self.step, parameter)))
    }

    /// Moves the output of the one upstream out of its slot.
    pub fn take<T: 'static>(self, parameter: usize) -> T {
        self.frame.take_value(self.step, parameter)
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
        self.frame.outcome::<P>(self.frame.plan().source(self.step, parameter))
    }

    /// Reads every upstream of a fan-in, in its order.
    pub fn views<P: View + ?Sized>(self, parameter: usize) -> impl ExactSizeIterator<Item = &'a P> {
        let frame = self.frame;
        frame.plan().sources(self.step, parameter).iter().map(move |&source| P::view(frame.value(source)))
    }

    /// The outcomes of every upstream of a fan-in, in its order.
    pub fn outcomes<P: View + ?Sized>(
        self,
        parameter: usize,
    ) -> impl ExactSizeIterator<Item = Result<&'a P, &'a StepError>> {
        let frame = self.frame;
        frame.plan().sources(self.step, parameter).iter().map(move |&source| frame.outcome::<P>(source))
    }

    /// `None` for each upstream of a fan-in that did not succeed, in its order.
    pub fn options<P: View + ?Sized>(self, parameter: usize) -> impl ExactSizeIterator<Item = Option<&'a P>> {
        self.outcomes::<P>(parameter).map(Result::ok)
    }

    /// The names of the upstream steps of a fan-in, in its order.
    pub fn names(self, parameter: usize) -> impl ExactSizeIterator<Item = &'a str> {
        let plan = self.frame.plan();
        plan.sources(self.step, parameter).iter().map(move |&source| plan.name(source))
    }

    /// A run parameter by value.
    pub fn param<T: DeserializeOwned + Send + Sync + 'static>(self, parameter: usize) -> T {
        self.frame.params().owned(self.frame.plan().param_index(self.step, parameter))
    }

    /// A run parameter by reference; it lives as long as the run.
    pub fn param_view<P: View + ?Sized>(self, parameter: usize) -> &'a P {
        P::view(self.frame.params().borrowed(self.frame.plan().param_index(self.step, parameter)))
    }

    /// An injected value.
    pub fn resource<T: Send + Sync + 'static>(self, parameter: usize) -> &'a T {
        self.frame.resource(self.frame.plan().resource_index(self.step, parameter))
    }

    /// The context of this step in this run.
    pub fn context(self) -> StepContext {
        self.frame.context(self.step)
    }

    /// Puts the output into its slot.
    #[inline]
    pub(crate) fn put<T: Send + Sync + 'static>(self, output: T) {
        self.frame.put_value(self.step, output);
    }
}
