//! The progress and counters that a step reports.
//!
//! They are not events: a step may report a million times a second, and a viewer reads the state when it draws.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// The total is not known.
const UNKNOWN: u64 = u64::MAX;

/// The progress and counters of an attempt; written by the step, read by viewers of the run.
#[derive(Debug)]
pub(crate) struct Activity {
    /// The attempt that reports.
    pub(crate) attempt: u32,
    /// Whether the step reports progress; a step that only counts does not.
    says_progress: AtomicBool,
    done: AtomicU64,
    total: AtomicU64,
    note: Mutex<String>,
    counters: Mutex<BTreeMap<Cow<'static, str>, u64>>,
}

/// A snapshot of the progress and counters of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepActivity {
    /// The progress of the step, if it reports any.
    pub progress: Option<ProgressSoFar>,
    /// Its counters, by name.
    pub counters: BTreeMap<String, u64>,
}

/// The progress of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProgressSoFar {
    /// The number of items done.
    pub done: u64,
    /// The number of all items; `None` if unknown.
    pub total: Option<u64>,
    /// What the step is doing, in its own words; may be empty.
    pub note: String,
}

/// Reports the progress of a step to viewers of the run; made by
/// [`StepContext::progress`](crate::StepContext::progress).
///
/// Cheap to clone and to call: `add` is one atomic addition. Other threads and tasks of the step can use it.
#[derive(Clone, Debug)]
pub struct StepProgress(Arc<Activity>);

impl StepProgress {
    pub(crate) fn new(activity: Arc<Activity>, total: Option<u64>) -> Self {
        activity.total.store(total.unwrap_or(UNKNOWN), Ordering::Relaxed);
        activity.says_progress.store(true, Ordering::Relaxed);
        StepProgress(activity)
    }

    /// Adds to the number of items done.
    pub fn add(&self, items: u64) {
        self.0.done.fetch_add(items, Ordering::Relaxed);
    }

    /// Sets the number of items done.
    pub fn set(&self, done: u64) {
        self.0.done.store(done, Ordering::Relaxed);
    }

    /// Sets the number of all items.
    pub fn set_total(&self, total: u64) {
        self.0.total.store(total, Ordering::Relaxed);
    }

    /// Sets what the step is doing, in a few words; shown beside its name. It must not contain secrets.
    pub fn note(&self, text: impl Into<String>) {
        *self.0.note.lock().unwrap_or_else(PoisonError::into_inner) = text.into();
    }
}

impl Activity {
    pub(crate) fn new(attempt: u32) -> Self {
        Activity {
            attempt,
            says_progress: false.into(),
            done: 0.into(),
            total: UNKNOWN.into(),
            note: Mutex::default(),
            counters: Mutex::default(),
        }
    }

    pub(crate) fn count(&self, name: Cow<'static, str>, more: u64) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counters.entry(name).or_default();
        *count = count.saturating_add(more);
    }

    pub(crate) fn look(&self) -> StepActivity {
        let counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let counters = counters.iter().map(|(name, count)| (name.to_string(), *count)).collect();
        let progress = self.says_progress.load(Ordering::Relaxed).then(|| ProgressSoFar {
            done: self.done.load(Ordering::Relaxed),
            total: Some(self.total.load(Ordering::Relaxed)).filter(|&total| total != UNKNOWN),
            note: self.note.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        });
        StepActivity { progress, counters }
    }
}
