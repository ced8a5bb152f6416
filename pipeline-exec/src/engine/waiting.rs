//! Async steps that wait.

use std::pin::Pin;
use std::sync::Arc;

use futures::future::{Either, select};
use pipeline_core::FailureKind;
use pipeline_core::frame::{Finished, GivenUp, Suspended};

use super::control::LOST_RUNTIME;
use super::driver::Driver;
use super::permits::{self, Permits};
use super::slot::SlotGuard;
use super::watch::Waiter;
use crate::timing::Place;

/// A step that waits, and its share of the run.
pub(super) struct Waiting {
    suspended: Option<Suspended>,
    waiter: Option<Arc<Waiter>>,
    guard: Option<SlotGuard>,
    permits: Permits,
}

impl Waiting {
    /// A step that waits; `since` is when its attempt started, if that is known.
    pub(super) fn new(suspended: Suspended, guard: SlotGuard, since: Option<u64>, permits: Permits) -> Self {
        let watch = guard.engine().watch.as_ref();
        let waiter =
            watch.map(|watch| watch.wait(suspended.step(), suspended.attempt(), guard.slot(), since));
        Waiting { suspended: Some(suspended), waiter, guard: Some(guard), permits }
    }

    /// Waits until the step ends, or is asked to end. `None` if the attempt was given up meanwhile.
    pub(super) async fn end(mut self) -> Option<(Finished, SlotGuard, Permits)> {
        let (suspended, guard) = (self.suspended.as_mut()?, self.guard.as_ref()?);
        let (step, attempt) = (suspended.step(), suspended.attempt().number());
        let engine = Arc::downgrade(guard.engine());
        let stop = guard.engine().stop.clone();
        let no_cancel = guard.engine().rule(step).is_some_and(|rule| rule.no_cancel);
        let waiter = self.waiter.as_deref();
        let events = &guard.engine().events;
        let ended = {
            let polled = std::future::poll_fn(|cx| {
                let mut poll = || {
                    let _entered = events.enter(step, attempt);
                    Pin::new(&mut *suspended).poll(cx)
                };
                match waiter {
                    Some(waiter) => waiter.polling(&mut poll),
                    None => poll(),
                }
            });
            let asked = async {
                let given_up = async {
                    match waiter {
                        Some(waiter) => waiter.has_to_end().await,
                        None => std::future::pending().await,
                    }
                };
                let stopped = async {
                    stop.cancelled().await;
                    if no_cancel {
                        // As a step on a thread, it runs to its end.
                        std::future::pending::<()>().await;
                    }
                };
                match select(std::pin::pin!(stopped), std::pin::pin!(given_up)).await {
                    Either::Left(_) => None,
                    Either::Right((why, _)) => Some(why),
                }
            };
            match select(std::pin::pin!(polled), std::pin::pin!(asked)).await {
                Either::Left((finished, _)) => Ok(finished),
                Either::Right((why, _)) => Err(why),
            }
        };
        // The step releases the frame before its guard can: the thread that waits for the run has the frame to itself.
        let suspended = self.suspended.take()?;
        let finished = match ended {
            Ok(finished) => {
                drop(suspended);
                finished
            }
            Err(why) => {
                let why = why.or_else(|| engine.upgrade().map(|engine| engine.stopped()));
                let _entered = events.enter(step, attempt);
                why.and_then(|why: GivenUp| suspended.cancel(why))
            }
        };
        let permits = std::mem::take(&mut self.permits);
        let mut guard = self.guard.take()?;
        if let Some(finished) = finished {
            return Some((finished, guard, permits));
        }
        permits::release(permits, guard.engine().given_up_as(step));
        guard.engine().history.reattach(step);
        guard.abandon();
        None
    }
}

impl Drop for Waiting {
    /// A runtime that shuts down drops what waits: the step is cancelled, and the run stopped. If the watchdog has taken over the
    /// step's share, nothing of the run is lost.
    fn drop(&mut self) {
        let (Some(mut guard), Some(suspended)) = (self.guard.take(), self.suspended.take()) else { return };
        let step = suspended.step();
        let cancelled = {
            let _entered = guard.engine().events.enter(step, suspended.attempt().number());
            suspended.cancel(GivenUp { kind: FailureKind::Cancelled, note: LOST_RUNTIME.to_owned() })
        };
        if let Some(cancelled) = cancelled {
            guard.engine().lost_runtime();
            Driver::new(guard, Place::task()).finish(cancelled, true);
        } else {
            guard.engine().history.reattach(step);
            guard.abandon();
        }
    }
}
