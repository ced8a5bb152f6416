//! What a thread is doing, written where the watchdog can read it.
//!
//! Each thread that runs steps has one status. The thread writes which step it runs, with plain stores and no lock; the
//! watchdog reads. What it reads may be out of date when it acts, so every act goes through
//! [`Frame::give_up`](pipeline_core::frame::Frame::give_up), which alone decides.

use std::cell::OnceCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::lanes::Slot;

/// What one thread is doing.
#[derive(Debug, Default)]
pub(super) struct WorkerStatus {
    /// The frame's number above the step's position plus one; zero while the thread runs no step.
    word: AtomicU64,
    /// The number of the attempt, and the number of polls: two polls in a row never look alike.
    attempt: AtomicU64,
    /// When the attempt started, in nanoseconds since its run began; `UNKNOWN` if no one looked at the clock.
    since: AtomicU64,
    /// What the watchdog saw here last; only it writes.
    seen: Mutex<Seen>,
}

/// What the watchdog saw of a thread.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    word: u64,
    attempt: u64,
    /// When it saw this first, in nanoseconds since the run began.
    pub(super) first: u64,
    /// Whether it has warned about it.
    pub(super) warned: bool,
}

const UNKNOWN: u64 = u64::MAX;
const COUNT: u64 = 1 << 32;
const HAS_WAITED: u32 = 1 << 31;
const IS_LENT: u32 = 1 << 30;

/// The step that a thread runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Running {
    pub(super) frame: u32,
    pub(super) step: usize,
    pub(super) attempt: u32,
    /// Whether the thread polls a step that has waited, rather than drives a lane.
    pub(super) has_waited: bool,
    /// The slot on which the step runs.
    pub(super) slot: Slot,
    /// When the attempt started, in nanoseconds since the run began.
    pub(super) since: Option<u64>,
}

/// The mark of a slot on the number of an attempt.
fn marked(slot: Slot) -> u32 {
    if slot == Slot::Lent { IS_LENT } else { 0 }
}

static WORKERS: Mutex<Vec<Weak<WorkerStatus>>> = Mutex::new(Vec::new());

thread_local! {
    static STATUS: OnceCell<Arc<WorkerStatus>> = const { OnceCell::new() };
}

impl WorkerStatus {
    /// The status of the current thread.
    pub(super) fn here() -> Arc<WorkerStatus> {
        STATUS.with(|status| {
            Arc::clone(status.get_or_init(|| {
                let status = Arc::new(WorkerStatus::default());
                let mut workers = WORKERS.lock().unwrap_or_else(PoisonError::into_inner);
                workers.retain(|status| status.strong_count() > 0);
                workers.push(Arc::downgrade(&status));
                status
            }))
        })
    }

    /// The statuses of all threads that live.
    pub(super) fn all() -> Vec<Arc<WorkerStatus>> {
        WORKERS.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
    }

    /// The thread polls an attempt that has waited.
    pub(super) fn set_polling(&self, frame: u32, step: usize, attempt: u32, slot: Slot, since: u64) {
        // One step is polled many times; the count distinguishes the polls.
        let count = (self.attempt.load(Ordering::Relaxed) & !(COUNT - 1)).wrapping_add(COUNT);
        self.since.store(since, Ordering::Relaxed);
        self.attempt.store(count | u64::from(attempt | marked(slot) | HAS_WAITED), Ordering::Relaxed);
        self.word.store(WorkerStatus::word(frame, step), Ordering::Release);
    }

    /// The thread begins an attempt.
    #[inline]
    pub(super) fn set(&self, frame: u32, step: usize, attempt: u32, slot: Slot, since: Option<u64>) {
        self.since.store(since.unwrap_or(UNKNOWN), Ordering::Relaxed);
        self.attempt.store(u64::from(attempt | marked(slot)), Ordering::Relaxed);
        self.word.store(WorkerStatus::word(frame, step), Ordering::Release);
    }

    /// The thread begins a step that is never given up: one store. It need not be cleared before the next is set.
    #[inline]
    pub(super) fn set_plain(&self, frame: u32, step: usize) {
        self.word.store(WorkerStatus::word(frame, step), Ordering::Relaxed);
    }

    #[inline]
    fn word(frame: u32, step: usize) -> u64 {
        u64::from(frame) << 32 | (step as u64 + 1)
    }

    /// The thread runs no step any more.
    #[inline]
    pub(super) fn clear(&self) {
        self.word.store(0, Ordering::Release);
    }

    /// The step that the thread runs.
    pub(super) fn read(&self) -> Option<Running> {
        let word = self.word.load(Ordering::Acquire);
        let step = (word as u32).checked_sub(1)? as usize;
        let since = Some(self.since.load(Ordering::Relaxed)).filter(|&since| since != UNKNOWN);
        let attempt = self.attempt.load(Ordering::Relaxed) as u32;
        let has_waited = attempt & HAS_WAITED != 0;
        let slot = if attempt & IS_LENT == 0 { Slot::OfLane } else { Slot::Lent };
        let attempt = attempt & !(HAS_WAITED | IS_LENT);
        Some(Running { frame: (word >> 32) as u32, step, attempt, has_waited, slot, since })
    }

    /// What the watchdog has seen; if it has changed since, it is seen now for the first time.
    pub(super) fn seen(&self, now: u64) -> Seen {
        let (word, attempt) = (self.word.load(Ordering::Acquire), self.attempt.load(Ordering::Relaxed));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if (seen.word, seen.attempt) != (word, attempt) {
            *seen = Seen { word, attempt, first: now, warned: false };
        }
        *seen
    }

    /// Records that the watchdog has warned about what it saw.
    pub(super) fn mark_warned(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).warned = true;
    }
}
