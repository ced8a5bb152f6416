//! A step that waits, as the watchdog knows it.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{Either, select};
use pipeline_core::frame::{Attempt, GivenUp};
use tokio::sync::Notify;

use super::takeover::TakenFrom;
use super::virtual_time::VirtualDue;
use super::{Watch, watchdog};
use crate::engine::lanes::Slot;
use crate::engine::worker::WorkerStatus;

/// A step that waits and may be given up. Held by its task only.
#[derive(Debug)]
pub(crate) struct Waiter {
    watch: Arc<Watch>,
    step: usize,
    attempt: Attempt,
    slot: Slot,
    /// When the attempt started, since the run began.
    since: Duration,
    cancellable: bool,
    /// `None` if the watchdog's time counts.
    pub(super) virtual_due: Option<VirtualDue>,
    why: Mutex<Option<GivenUp>>,
    given_up: Notify,
}

impl Watch {
    /// Watches a step that waits, from now on; `since` is when its attempt started, if that is known.
    pub(crate) fn wait(
        self: &Arc<Self>,
        step: usize,
        attempt: Attempt,
        slot: Slot,
        since: Option<u64>,
    ) -> Arc<Waiter> {
        let since = since.map_or_else(|| self.now(), Duration::from_nanos);
        let rule = self.rules.as_ref().map(|rules| rules.of(step));
        let waiter = Arc::new(Waiter {
            watch: Arc::clone(self),
            step,
            attempt,
            slot,
            since,
            cancellable: !rule.is_some_and(|rule| rule.no_cancel),
            virtual_due: self.virtual_due(step),
            why: Mutex::default(),
            given_up: Notify::new(),
        });
        if rule.is_some_and(|rule| rule.watched) {
            let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
            waiters.insert(step, Arc::downgrade(&waiter));
        }
        if self.is_unused(step) {
            // Whoever marked it before it was entered has not found it.
            self.cancel_unused(step);
        }
        if waiter.virtual_due.is_none()
            && let Some(due) = self.due(step, since)
        {
            watchdog::add_waiter(&waiter, self.origin + due);
        }
        waiter
    }
}

impl Waiter {
    pub(crate) fn step(&self) -> usize {
        self.step
    }

    pub(crate) fn attempt(&self) -> Attempt {
        self.attempt
    }

    pub(super) fn slot(&self) -> Slot {
        self.slot
    }

    pub(super) fn is_cancellable(&self) -> bool {
        self.cancellable
    }

    /// Why it is overdue.
    pub(super) fn overdue(&self) -> GivenUp {
        self.watch.overdue(self.step, self.since)
    }

    /// Asks the step's task to drop the future.
    pub(super) fn give_up(&self, why: GivenUp) {
        self.why.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        self.given_up.notify_one();
    }

    /// Takes the step over: its task has no thread, or must not be cancelled.
    pub(super) fn take_over(&self, from: TakenFrom, mut why: GivenUp) {
        if self.cancellable {
            why.note
                .push_str("; no thread was free to drop it: others block the threads that run async steps");
        }
        self.watch.take_over(self.step, self.attempt, from, self.slot, why);
    }

    /// Waits until the step's task is asked to drop the future, or has to at a deadline in virtual time.
    pub(crate) async fn has_to_end(&self) -> GivenUp {
        let (asked, overdue) = (pin!(self.asked_to_end()), pin!(self.overdue_in_virtual_time()));
        match select(asked, overdue).await {
            Either::Left((why, _)) => why,
            Either::Right((why, _)) if self.cancellable => why,
            Either::Right((why, asked)) => {
                self.take_over(TakenFrom::OwnTask, why);
                asked.await
            }
        }
    }

    async fn asked_to_end(&self) -> GivenUp {
        loop {
            if let Some(why) = self.why.lock().unwrap_or_else(PoisonError::into_inner).clone() {
                return why;
            }
            self.given_up.notified().await;
        }
    }

    /// Calls `poll`, and shows meanwhile that the current thread polls the step.
    pub(crate) fn polling<T>(&self, poll: impl FnOnce() -> T) -> T {
        let status = WorkerStatus::here();
        let since = self.since.as_nanos() as u64;
        status.set_polling(self.watch.frame, self.step, self.attempt.number(), self.slot, since);
        let result = poll();
        status.clear();
        result
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waiters = self.watch.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        // A later attempt of the step may have its place now.
        if waiters.get(&self.step).is_some_and(|waiter| std::ptr::eq(waiter.as_ptr(), self)) {
            waiters.remove(&self.step);
        }
    }
}
