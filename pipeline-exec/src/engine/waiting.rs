//! The task of a step that waits, and of one that will be tried again.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use pipeline_core::frame::{Finished, GivenUp, Suspended};
use tokio_util::sync::CancellationToken;

use super::admission::{self, Applicant, Permits};
use super::drive::drive_async;
use super::driver::Driver;
use super::parked::Parked;
use super::slot::SlotGuard;
use super::watch::Waiter;
use crate::limits;
use crate::timing::Place;

/// A step that waits, and its share of the run.
pub(super) struct Waiting {
    suspended: Option<Suspended>,
    waiter: Option<Arc<Waiter>>,
    guard: Option<SlotGuard>,
    permits: Permits,
}

impl Waiting {
    /// A step that waits; `since` is when its attempt started, where that is known.
    pub(super) fn new(suspended: Suspended, guard: SlotGuard, since: Option<u64>, permits: Permits) -> Self {
        let watch = guard.engine().watch.as_ref();
        let waiter = watch.map(|watch| watch.wait(suspended.step(), suspended.attempt(), since));
        Waiting { suspended: Some(suspended), waiter, guard: Some(guard), permits }
    }

    /// Waits for the step, or for its end to be asked for. `None` where the attempt was given up meanwhile.
    async fn end(&mut self) -> Option<(Finished, SlotGuard, Permits)> {
        let engine = Arc::downgrade(self.guard.as_ref()?.engine());
        let stop = self.guard.as_ref()?.engine().stop.clone();
        let step = self.suspended.as_ref()?.step();
        let no_cancel = self.guard.as_ref()?.engine().rule(step).is_some_and(|rule| rule.no_cancel);
        let waiter = self.waiter.as_deref();
        let attempt = self.suspended.as_ref()?.attempt().number();
        let observed = self.guard.as_ref()?.engine();
        let ended = {
            let suspended = self.suspended.as_mut()?;
            let polled = std::future::poll_fn(|cx| {
                let mut poll = || {
                    let _entered = observed.events.enter(step, attempt);
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
                        Some(waiter) => waiter.asked_to_end().await,
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
        // The step lets go of the frame before its guard can: whoever waits for the run has the frame to itself.
        let suspended = self.suspended.take()?;
        let step = suspended.step();
        let finished = match ended {
            Ok(finished) => {
                drop(suspended);
                finished
            }
            Err(why) => {
                let why = why.or_else(|| engine.upgrade().map(|engine| engine.stopped()));
                let _entered = observed.events.enter(step, attempt);
                why.and_then(|why: GivenUp| suspended.cancel(why))
            }
        };
        let permits = std::mem::take(&mut self.permits);
        let mut guard = self.guard.take()?;
        let given_up = || guard.engine().given_up_as(step);
        let status = finished.as_ref().map_or_else(given_up, Finished::status);
        if let Some(finished) = finished {
            return Some((finished, guard, permits));
        }
        admission::release(permits, status);
        guard.engine().history.reattach(step);
        guard.abandon();
        None
    }
}

impl Drop for Waiting {
    /// A runtime that shuts down drops what waits: the step cannot end any more, and so neither can the run.
    fn drop(&mut self) {
        if let Some(guard) = &self.guard {
            guard.engine().stop();
        }
        if let Some(suspended) = self.suspended.take() {
            let engine = self.guard.as_ref().map(SlotGuard::engine);
            let _entered =
                engine.and_then(|e| e.events.enter(suspended.step(), suspended.attempt().number()));
            drop(suspended);
        }
    }
}

/// Waits for a step, finishes it, and goes on as a driver where one can be used.
pub(super) fn wait_for(mut waiting: Waiting) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let Some((finished, guard, permits)) = waiting.end().await else { return };
        drop(waiting);
        let mut driver = Driver::new(guard, Place::task());
        let status = finished.status();
        driver.end(finished, true);
        // After the end was told, as for a step that does not wait.
        admission::release(permits, status);
        if driver.has_rivals() {
            // Slots are scarce: what ends at the same moment may make something ready that is more urgent than what
            // this slot would take now.
            tokio::task::yield_now().await;
            driver.moved();
        }
        if driver.take_post() {
            drive_async(driver).await;
        }
    })
}

/// A step that will be tried again.
pub(super) struct Later {
    parked: Arc<Parked>,
    stop: CancellationToken,
    wait: Duration,
}

impl Later {
    pub(super) fn new(guard: SlotGuard, finished: Finished, wait: Duration) -> Self {
        let engine = guard.engine();
        if let Some(error) = finished.error() {
            engine.events.attempt_failed(finished.step(), error, wait);
        }
        let stop = engine.stop.clone();
        Later { parked: Parked::new(guard, Some(finished)), stop, wait }
    }
}

/// Waits out a backoff, and readies the step; where the run is stopped meanwhile, the step ends with the error it has.
pub(super) fn try_later(later: Later) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let Later { parked, stop, wait } = later;
        let stopped = {
            let waited = std::pin::pin!(tokio::time::sleep(wait));
            matches!(select(std::pin::pin!(stop.cancelled()), waited).await, Either::Left(_))
        };
        let Some((guard, Some(finished))) = parked.take() else { return };
        if stopped {
            // It was the last attempt after all: `end` sees that the run is stopped, and tries no other.
            Driver::new(guard, Place::task()).end(finished, true);
            return;
        }
        let engine = guard.engine();
        if let Some(ready) = engine.try_again(finished, wait) {
            let plan = engine.frame.plan();
            let (lane, urgency) = (plan.lane(ready.step()), engine.urgency(ready.step()));
            // The guard, dropped next, looks for work and finds it.
            engine.lanes.of(lane).backlog.push(urgency, ready);
        }
    })
}

/// Waits until a step may ask again for what it needs.
pub(super) fn ask_at(
    applicant: Applicant,
    place: limits::Place,
    at: Duration,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let stop = applicant.engine().stop.clone();
        let stopped = {
            let wait = std::pin::pin!(tokio::time::sleep(at.saturating_sub(admission::now())));
            matches!(select(std::pin::pin!(stop.cancelled()), wait).await, Either::Left(_))
        };
        if !stopped {
            applicant.ask_again(place);
        }
    })
}
