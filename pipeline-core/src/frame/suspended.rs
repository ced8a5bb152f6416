//! An async step that waits: its future, and the frame that it borrows from.

#![allow(unsafe_code)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::{Attempt, Finished, Frame, GivenUp, Stopped};
use crate::call::StepFuture;
use crate::contain;

/// An async step that waits. Await it to continue; it never panics. It ends with `None` if the attempt was given up
/// meanwhile.
///
/// # Cancel safety
/// Call [`Suspended::cancel`] to stop the step. If a `Suspended` is only dropped, its step never ends.
#[must_use = "futures do nothing unless polled"]
pub struct Suspended {
    /// `None` once it has ended. Declared before the frame that it borrows from, and so dropped before it.
    future: Option<StepFuture<'static>>,
    frame: Arc<Frame>,
    step: u32,
    attempt: Attempt,
}

impl Suspended {
    /// Keeps a step's future together with the frame it borrows from.
    pub(super) fn new(future: StepFuture<'_>, frame: Arc<Frame>, step: u32, attempt: Attempt) -> Self {
        // SAFETY: the future borrows from `*frame`, which is on the heap and lives at least as long as this value;
        // the fields are private, the future never leaves this value, and it is dropped before the frame is.
        let future = unsafe { future.unbounded() };
        Suspended { future: Some(future), frame, step, attempt }
    }

    /// Returns the step, by position in the plan.
    pub fn step(&self) -> usize {
        self.step as usize
    }

    /// Returns the attempt of the step.
    pub fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// Drops the step's future, because of `why`. A panic in that drop is recorded in the step's error. `None` if the
    /// attempt was given up before.
    pub fn cancel(mut self, why: GivenUp) -> Option<Finished> {
        let future = self.future.take();
        let note = match contain::guard(|| drop(future)) {
            Ok(()) => why.note,
            Err(panic) => format!("{}; dropping the step's future panicked: {panic}", why.note),
        };
        let owned = self.frame.owns(self.step, self.attempt);
        owned.then(|| self.frame.cancelled(self.step, self.attempt, GivenUp { note, ..why }))
    }
}

impl Drop for Suspended {
    /// A runtime that shuts down drops what waits. The future is user code.
    fn drop(&mut self) {
        contain::drop_each(self.future.take());
    }
}

impl Future for Suspended {
    type Output = Option<Finished>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Finished>> {
        let step = self.step;
        let polled = match &mut self.future {
            Some(future) => contain::guard(|| Pin::new(future).poll(cx)),
            None => return Poll::Pending,
        };
        let result = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => result.map_err(Stopped::Failed),
            Err(panic) => Err(Stopped::Panicked(panic)),
        };
        // Its output is in the slot, or its error in `result`: a panic in its drop changes nothing.
        contain::drop_each(self.future.take());
        Poll::Ready(self.frame.ended(step, self.attempt, result))
    }
}

impl std::fmt::Debug for Suspended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suspended").field("step", &self.step).finish_non_exhaustive()
    }
}
