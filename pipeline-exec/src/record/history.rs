//! Histories of the steps that did not simply succeed or fail.
//!
//! Behind a lock: a step that ends with its first attempt, in time, has no history.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pipeline_core::StepError;

use super::{AttemptReport, AttemptTimes};

/// Histories of the steps of a run.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Whether any step has a history.
    any: AtomicBool,
    steps: Mutex<BTreeMap<usize, StepHistory>>,
    retries: AtomicU32,
    /// Number of detached attempts that still run.
    detached: AtomicUsize,
    /// Number of these that count against the run's `max_detached`.
    counted: AtomicUsize,
    stopped: Mutex<Option<String>>,
}

/// History of one step.
#[derive(Debug, Default)]
pub(crate) struct StepHistory {
    /// When the first attempt started, since the run began.
    pub(crate) first_start: Duration,
    /// When the first attempt started, if the time of the runtime was paused; on the scale of that time.
    pub(crate) first_virtual: Option<Duration>,
    /// The attempts that failed and were followed by another.
    pub(crate) failed: Vec<Failed>,
    /// When the latest attempt ran, if it is not the first or is to be followed by another; `None` also if it did not start,
    /// or nothing is timed.
    pub(crate) latest: Option<AttemptTimes>,
    /// The failure of the latest attempt while the step waits for the next. For the journal: the process may end before.
    #[cfg_attr(not(feature = "report"), allow(dead_code, reason = "there is no journal then"))]
    pub(crate) awaiting: Option<AttemptReport>,
    /// The error instead of which the step's fallback was used.
    pub(crate) fallback_for: Option<Box<StepError>>,
    /// The longest time for which the step kept a thread that runs tasks.
    pub(crate) slow_poll: Option<Duration>,
    /// Whether it ran alone because its `parallel_if` returned false.
    pub(crate) ran_alone: bool,
    /// Number of its detached attempts that still run.
    pub(crate) still_running: u32,
    /// Number of these that count against the run's `max_detached`.
    pub(crate) counted: u32,
}

/// An attempt that failed and was followed by another.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: Box<StepError>,
    /// The backoff before the next attempt.
    pub(crate) wait: Duration,
    /// When it ran, if it did and times are recorded.
    pub(crate) times: Option<AttemptTimes>,
}

impl History {
    /// Number of the next attempt of a step.
    #[inline]
    pub(crate) fn next_attempt(&self, step: usize) -> u32 {
        if !self.any.load(Ordering::Relaxed) {
            return 1;
        }
        self.lock().get(&step).map_or(1, |past| past.failed.len() as u32 + 1)
    }

    /// Reads the history of a step, if it has one.
    pub(crate) fn look<T>(&self, step: usize, look: impl FnOnce(&StepHistory) -> T) -> Option<T> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        self.lock().get(&step).map(look)
    }

    /// The steps that have a history, sorted.
    #[cfg(feature = "report")]
    pub(crate) fn steps(&self) -> Vec<usize> {
        if self.any.load(Ordering::Relaxed) { self.lock().keys().copied().collect() } else { Vec::new() }
    }

    /// Changes the history of a step.
    pub(crate) fn note<T>(&self, step: usize, note: impl FnOnce(&mut StepHistory) -> T) -> T {
        self.any.store(true, Ordering::Relaxed);
        note(self.lock().entry(step).or_default())
    }

    /// Takes one retry out of the run's budget. Returns false if none is left.
    pub(crate) fn take_retry(&self, budget: Option<u32>) -> bool {
        let used = self.retries.fetch_add(1, Ordering::Relaxed);
        budget.is_none_or(|budget| used < budget)
    }

    /// Records that an attempt is detached; if it `counts` against `max_detached`, returns how many of those still run.
    pub(crate) fn detach(&self, step: usize, counts: bool) -> usize {
        self.note(step, |past| {
            past.still_running += 1;
            past.counted += u32::from(counts);
        });
        self.detached.fetch_add(1, Ordering::AcqRel);
        if counts { self.counted.fetch_add(1, Ordering::AcqRel) + 1 } else { 0 }
    }

    /// Records that a detached attempt has ended.
    pub(crate) fn reattach(&self, step: usize) {
        let counted = self.note(step, |past| {
            past.still_running = past.still_running.saturating_sub(1);
            let counted = past.counted > past.still_running;
            past.counted -= u32::from(counted);
            counted
        });
        self.counted.fetch_sub(usize::from(counted), Ordering::AcqRel);
        self.detached.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether a detached attempt still runs.
    pub(crate) fn any_detached(&self) -> bool {
        self.detached.load(Ordering::Acquire) > 0
    }

    /// Records why the run is stopped; the first reason stays.
    pub(crate) fn stopped_because(&self, reason: &str) {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        stopped.get_or_insert_with(|| reason.to_owned());
    }

    /// Adds to the reason what else was the case when the run was stopped.
    pub(crate) fn stopped_while(&self, also: &str) {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let reason = stopped.take().unwrap_or_else(|| "the run was stopped".to_owned());
        *stopped = Some(format!("{reason}; {also}"));
    }

    /// Why the run was stopped.
    pub(crate) fn why_stopped(&self) -> Option<String> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, StepHistory>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
