//! A runtime whose threads are all blocked by async steps that were given up.
//!
//! A thread cannot be stopped. As long as they block, no async step starts, continues, or is dropped; the run ends without
//! them, and says who blocks.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use pipeline_core::Lane;

use super::{Waiter, Watch};
use crate::engine::Engine;
use crate::engine::worker::WorkerStatus;
use crate::record::History;

/// Time for which all threads are blocked before the run is stopped because of it.
const TOLERATED: Duration = Duration::from_millis(500);

/// The async steps of a run that block threads after they were given up.
#[derive(Debug, Default)]
pub(super) struct Starvation {
    /// A step for each thread that was left behind.
    left_behind: Mutex<Vec<usize>>,
    /// When all threads were first seen to be blocked, since the run began.
    since: Mutex<Option<Duration>>,
}

impl Starvation {
    /// Records that a thread was left behind with an async step.
    pub(super) fn left_behind(&self, step: usize) {
        self.left_behind.lock().unwrap_or_else(PoisonError::into_inner).push(step);
    }

    /// The steps that still block threads, one for each thread.
    fn blocking(&self, history: &History) -> Vec<usize> {
        let mut left_behind = self.left_behind.lock().unwrap_or_else(PoisonError::into_inner);
        left_behind.retain(|step| history.look(*step, |past| past.still_running > 0) == Some(true));
        left_behind.clone()
    }

    /// For how long all threads have been blocked.
    fn time(&self, all_blocked: bool, now: Duration) -> Duration {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        *since = if all_blocked { since.or(Some(now)) } else { None };
        since.map_or(Duration::ZERO, |since| now.saturating_sub(since))
    }
}

impl Watch {
    /// The steps that block every thread which runs async steps of this run, in words; `None` while a thread is left.
    pub(in crate::engine) fn who_blocks(&self, engine: &Engine) -> Option<String> {
        let threads = engine.runtime.metrics().num_workers();
        let mut blocking = self.starvation.blocking(&self.history);
        if blocking.len() < threads {
            return None;
        }
        blocking.sort_unstable();
        blocking.dedup();
        let names: Vec<&str> = blocking.iter().map(|step| self.plan.spec(*step).name()).collect();
        let (who, block) = match names.as_slice() {
            [name] => (format!("`{name}`"), "blocks"),
            names => (format!("`{}`", names.join("`, `")), "block"),
        };
        let which =
            if threads == 1 { "the only thread".to_owned() } else { format!("all {threads} threads") };
        Some(format!("{who} {block} {which} that can run async steps: make such a step a plain `fn`"))
    }

    /// The steps that wait, may be cancelled, and are not polled now.
    fn waiting(&self) -> Vec<Arc<Waiter>> {
        let running = WorkerStatus::all().into_iter().filter_map(|status| status.read());
        let polled: Vec<usize> =
            running.filter(|running| running.frame == self.frame).map(|running| running.step).collect();
        let given_up = |step| self.history.look(step, |past| past.still_running > 0) == Some(true);
        let waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        let waiters = waiters.values().filter_map(Weak::upgrade);
        waiters
            .filter(|waiter| {
                waiter.is_cancellable() && !polled.contains(&waiter.step()) && !given_up(waiter.step())
            })
            .collect()
    }

    /// Stops a run whose async steps have had no thread for a while, and ends those that wait once it is stopped.
    pub(super) fn inspect_starvation(&self, now: Duration) {
        let Some(engine) = self.engine.upgrade() else { return };
        let present = engine.done.enter();
        let blocked = self.who_blocks(&engine).is_some();
        let time = self.starvation.time(blocked, now);
        if blocked {
            let waiting = self.waiting();
            let has_work = Lane::ALL.into_iter().any(|lane| lane.is_async() && engine.has_work(lane));
            if engine.frame.scope().is_stopped() {
                for waiter in waiting {
                    self.take_over_waiting(&waiter, engine.stopped());
                }
            } else if time >= TOLERATED && (has_work || !waiting.is_empty()) {
                engine.stop_because("no async step could continue");
            }
        }
        drop(engine);
        drop(present);
    }
}
