//! Step functions: the traits that the macro implements for them, and their erasure into a [`Callable`].

use std::future::Future;
use std::marker::PhantomData;

use super::{DefFn, Step};
use crate::call::{Call, Callable, Code, Failure, Started, poll_once};
use crate::error::StepError;

impl Code {
    /// Returns the code of a synchronous step function.
    pub const fn sync_fn<S: SyncStep>() -> Self {
        Code::Static(&SyncCode::<S>(PhantomData))
    }

    /// Returns the code of an async step function.
    pub const fn async_fn<S: AsyncStep>() -> Self {
        Code::Static(&AsyncCode::<S>(PhantomData))
    }
}

/// A synchronous step, as the macro writes it.
pub trait SyncStep: Step {
    /// Binds the inputs and calls the function.
    ///
    /// # Errors
    /// Returns the error of the function.
    fn call(call: Call<'_>) -> Result<Self::Output, Failure>;

    /// Returns the fallback output for a step whose last attempt has failed.
    fn fallback(error: &StepError) -> Option<Self::Output> {
        let _ = error;
        None
    }

    /// Returns the case that an output of a switch chooses.
    fn case(output: &Self::Output) -> Option<u32> {
        let _ = output;
        None
    }

    /// Returns the step's own part of its key in a store. Takes no input.
    fn key(call: Call<'_>) -> Option<String> {
        let _ = call;
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

    /// As [`SyncStep::key`].
    fn key(call: Call<'_>) -> Option<String> {
        let _ = call;
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
        S::case(call.own_output())
    }

    fn key(&self, call: Call<'_>) -> Option<String> {
        S::key(call)
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
        S::case(call.own_output())
    }

    fn key(&self, call: Call<'_>) -> Option<String> {
        S::key(call)
    }
}

/// Returns the number of the first case that is the same step as case `chosen`: several paths can name one step. `None`
/// if there is no such case.
pub fn case_number(cases: &[DefFn], chosen: u32) -> Option<u32> {
    let step = cases.get(chosen as usize)?();
    cases.iter().position(|case| std::ptr::eq(case(), step)).map(|position| position as u32)
}
