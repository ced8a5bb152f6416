//! What a run remembers of steps that did not simply succeed or fail.
//!
//! Behind a lock: a step that ends with its first attempt, in time, is not in here.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pipeline_core::StepError;

use super::{AttemptReport, AttemptTimes};

/// What a run remembers of its steps.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Whether there is anything.
    any: AtomicBool,
    steps: Mutex<BTreeMap<usize, Past>>,
    retries: AtomicU32,
    /// How many attempts were left behind and still run.
    detached: AtomicUsize,
    /// How many of these count against the run's `max_detached`.
    counted: AtomicUsize,
    stopped: Mutex<Option<String>>,
}

/// What happened to one step before its end.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// When the first attempt started, since the run began.
    pub(crate) first_start: Duration,
    /// The attempts that failed and were followed by another.
    pub(crate) failed: Vec<Failed>,
    /// When the latest attempt ran, where it is not the first or is to be followed by another; `None` also where it did
    /// not start, or nothing is timed.
    pub(crate) latest: Option<AttemptTimes>,
    /// The failure of the latest attempt while the step waits for the next, for the journal: the process may end before.
    #[cfg_attr(not(feature = "report"), allow(dead_code, reason = "there is no journal then"))]
    pub(crate) awaiting: Option<AttemptReport>,
    /// The error instead of which the step's fallback was used.
    pub(crate) fallback_for: Option<Box<StepError>>,
    /// For how long the step kept a thread that runs tasks, at the longest.
    pub(crate) slow_poll: Option<Duration>,
    /// Whether it ran alone because its `parallel_if` said no.
    pub(crate) ran_alone: bool,
    /// How many of its attempts were left behind and still run.
    pub(crate) still_running: u32,
    /// How many of these count against the run's `max_detached`.
    pub(crate) counted: u32,
}

/// An attempt that failed and was followed by another.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: Box<StepError>,
    /// How long the wait before the next was to be.
    pub(crate) wait: Duration,
    /// When it ran, where it did and times are noted.
    pub(crate) times: Option<AttemptTimes>,
}

impl History {
    /// Which attempt of a step comes next.
    #[inline]
    pub(crate) fn next_attempt(&self, step: usize) -> u32 {
        if !self.any.load(Ordering::Relaxed) {
            return 1;
        }
        self.lock().get(&step).map_or(1, |past| past.failed.len() as u32 + 1)
    }

    /// What happened to a step, if anything did.
    pub(crate) fn look<T>(&self, step: usize, look: impl FnOnce(&Past) -> T) -> Option<T> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        self.lock().get(&step).map(look)
    }

    /// The steps of which something was noted, sorted.
    #[cfg(feature = "report")]
    pub(crate) fn steps(&self) -> Vec<usize> {
        if self.any.load(Ordering::Relaxed) { self.lock().keys().copied().collect() } else { Vec::new() }
    }

    /// Notes something about a step.
    pub(crate) fn note<T>(&self, step: usize, note: impl FnOnce(&mut Past) -> T) -> T {
        self.any.store(true, Ordering::Relaxed);
        note(self.lock().entry(step).or_default())
    }

    /// Takes one retry out of the run's budget; `false` where none is left.
    pub(crate) fn take_retry(&self, budget: Option<u32>) -> bool {
        let used = self.retries.fetch_add(1, Ordering::Relaxed);
        budget.is_none_or(|budget| used < budget)
    }

    /// An attempt is left behind; whether it `counts` against how many may be. How many that do are now.
    pub(crate) fn detach(&self, step: usize, counts: bool) -> usize {
        self.note(step, |past| {
            past.still_running += 1;
            past.counted += u32::from(counts);
        });
        self.detached.fetch_add(1, Ordering::AcqRel);
        if counts { self.counted.fetch_add(1, Ordering::AcqRel) + 1 } else { 0 }
    }

    /// An attempt that was left behind has ended.
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

    /// Whether an attempt that was left behind still runs.
    pub(crate) fn any_detached(&self) -> bool {
        self.detached.load(Ordering::Acquire) > 0
    }

    /// Notes why the run is stopped; the first reason stays.
    pub(crate) fn stopped_because(&self, reason: &str) {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        stopped.get_or_insert_with(|| reason.to_owned());
    }

    /// Why the run was stopped.
    pub(crate) fn why_stopped(&self) -> Option<String> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, Past>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
