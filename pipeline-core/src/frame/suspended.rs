//! An async step that waits: its future, and the frame that the future borrows from.

#![allow(unsafe_code)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::{Finished, Frame};
use crate::call::StepFuture;
use crate::contain;

/// An async step that waits. Await it to go on; it never panics.
///
/// # Cancel safety
/// Call [`Suspended::cancel`] to stop the step; a `Suspended` that is only dropped leaves its step without an end.
#[must_use = "futures do nothing unless polled"]
pub struct Suspended {
    /// `None` once it has ended. Declared before the frame that it borrows from, and so dropped before it.
    future: Option<StepFuture<'static>>,
    frame: Arc<Frame>,
    step: u32,
}

impl Suspended {
    /// Keeps a step's future together with the frame it borrows from.
    pub(super) fn new(future: StepFuture<'_>, frame: Arc<Frame>, step: u32) -> Self {
        // SAFETY: the future borrows from `*frame`, which is on the heap and lives at least as long as this value;
        // the fields are private, the future never leaves this value, and it is dropped before the frame is.
        let future = unsafe { future.unbounded() };
        Suspended { future: Some(future), frame, step }
    }

    /// The step, by position in the plan.
    pub fn step(&self) -> usize {
        self.step as usize
    }

    /// Drops the step's future. A panic in that drop is noted in the step's error.
    pub fn cancel(mut self) -> Finished {
        let future = self.future.take();
        let note = match contain::guard(|| drop(future)) {
            Ok(()) => "the run was stopped".to_owned(),
            Err(panic) => format!("the run was stopped; dropping the step's future panicked: {panic}"),
        };
        self.frame.cancelled(self.step, &note)
    }
}

impl Future for Suspended {
    type Output = Finished;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Finished> {
        let step = self.step;
        let polled = match &mut self.future {
            Some(future) => contain::guard(|| Pin::new(future).poll(cx)),
            None => return Poll::Pending,
        };
        let result = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => Ok(result),
            Err(panic) => Err(panic),
        };
        let future = self.future.take();
        let dropped = contain::guard(|| drop(future));
        Poll::Ready(match (result, dropped) {
            (Ok(Ok(())), _) => self.frame.finished(step, Ok(())),
            (Ok(Err(failure)), _) => self.frame.failed(step, failure),
            (Err(panic), _) => self.frame.panicked(step, panic),
        })
    }
}

impl std::fmt::Debug for Suspended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suspended").field("step", &self.step).finish_non_exhaustive()
    }
}
