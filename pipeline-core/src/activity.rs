//! What a step says of its own progress: how far it is, and what it has counted.
//!
//! Kept apart from events: a step may say so a million times a second, and whoever wants to show it looks when it draws.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// The total is not known.
const UNKNOWN: u64 = u64::MAX;

/// How far an attempt of a step is, and what it has counted; written by the step, read by whoever shows the run.
#[derive(Debug)]
pub(crate) struct Activity {
    /// Which attempt says so.
    pub(crate) attempt: u32,
    /// Whether the step has said how far it is; one that only counts has not.
    says_progress: AtomicBool,
    done: AtomicU64,
    total: AtomicU64,
    note: Mutex<String>,
    counters: Mutex<BTreeMap<Cow<'static, str>, u64>>,
}

/// What a step has said of itself by some moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepActivity {
    /// How far the step is, if it says so.
    pub progress: Option<ProgressSoFar>,
    /// What it has counted, by name.
    pub counters: BTreeMap<String, u64>,
}

/// How far a step is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProgressSoFar {
    /// How many items are done.
    pub done: u64,
    /// Of how many; `None` where that is not known.
    pub total: Option<u64>,
    /// What the step is at, in its own words; empty if it says nothing.
    pub note: String,
}

/// Says how far a step is, to whoever watches the run; from [`StepContext::progress`](crate::StepContext::progress).
///
/// Cheap to clone and to call: `add` is one atomic addition. It can go to other threads and tasks of the step.
#[derive(Clone, Debug)]
pub struct StepProgress(Arc<Activity>);

impl StepProgress {
    pub(crate) fn new(activity: Arc<Activity>, total: Option<u64>) -> Self {
        activity.total.store(total.unwrap_or(UNKNOWN), Ordering::Relaxed);
        activity.says_progress.store(true, Ordering::Relaxed);
        StepProgress(activity)
    }

    /// So many more items are done.
    pub fn add(&self, items: u64) {
        self.0.done.fetch_add(items, Ordering::Relaxed);
    }

    /// So many items are done in all.
    pub fn set(&self, done: u64) {
        self.0.done.store(done, Ordering::Relaxed);
    }

    /// So many items there will be in all.
    pub fn set_total(&self, total: u64) {
        self.0.total.store(total, Ordering::Relaxed);
    }

    /// Says what the step is at, in a few words; shown beside its name. Never say anything secret here.
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
