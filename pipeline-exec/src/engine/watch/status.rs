//! What a thread is doing, written where the watchdog can read it.
//!
//! One status for each thread that runs steps. Its thread writes which step it is in, with two stores and no lock; the
//! watchdog reads. What it reads may be out of date by the time it acts, which is why every act goes through
//! [`Frame::give_up`](pipeline_core::frame::Frame::give_up): that alone decides.

use std::cell::OnceCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What one thread is doing.
#[derive(Debug, Default)]
pub(crate) struct WorkerStatus {
    /// The frame's number above the step's position plus one; zero while the thread is in no step.
    word: AtomicU64,
    /// Which attempt, and how often the thread has polled something: two polls in a row never look alike.
    attempt: AtomicU64,
    /// When the attempt started, in nanoseconds since its run began; `UNKNOWN` where nobody looked at the clock.
    since: AtomicU64,
    /// What the watchdog saw here last; only it writes.
    seen: Mutex<Seen>,
}

/// What the watchdog saw at a status.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) word: u64,
    pub(crate) attempt: u64,
    /// When it saw this first, in nanoseconds since the run began.
    pub(crate) first: u64,
    /// Whether a warning about it was given.
    pub(crate) warned: bool,
}

const UNKNOWN: u64 = u64::MAX;
const COUNT: u64 = 1 << 32;
const HAS_WAITED: u32 = 1 << 31;

/// Which step of which run a thread is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) frame: u32,
    pub(crate) step: usize,
    pub(crate) attempt: u32,
    /// Whether it polls a step that has waited, rather than drives a lane.
    pub(crate) has_waited: bool,
    /// Nanoseconds since the run began.
    pub(crate) since: Option<u64>,
}

static WORKERS: Mutex<Vec<Weak<WorkerStatus>>> = Mutex::new(Vec::new());

thread_local! {
    static STATUS: OnceCell<Arc<WorkerStatus>> = const { OnceCell::new() };
}

impl WorkerStatus {
    /// The status of the current thread.
    pub(crate) fn here() -> Arc<WorkerStatus> {
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

    /// Every status whose thread lives.
    pub(crate) fn all() -> Vec<Arc<WorkerStatus>> {
        WORKERS.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
    }

    /// The thread polls an attempt that has waited.
    pub(super) fn set_polling(&self, frame: u32, step: usize, attempt: u32, since: u64) {
        // One step is polled many times; the count tells one poll from the next.
        let count = (self.attempt.load(Ordering::Relaxed) & !(COUNT - 1)).wrapping_add(COUNT);
        self.since.store(since, Ordering::Relaxed);
        self.attempt.store(count | u64::from(attempt | HAS_WAITED), Ordering::Relaxed);
        self.word.store(WorkerStatus::word(frame, step), Ordering::Release);
    }

    /// The thread begins an attempt.
    #[inline]
    pub(crate) fn set(&self, frame: u32, step: usize, attempt: u32, since: Option<u64>) {
        self.since.store(since.unwrap_or(UNKNOWN), Ordering::Relaxed);
        self.attempt.store(u64::from(attempt), Ordering::Relaxed);
        self.word.store(WorkerStatus::word(frame, step), Ordering::Release);
    }

    /// The thread begins a step that nobody gives up on: one store. It need not be closed before the next is opened.
    #[inline]
    pub(crate) fn set_plain(&self, frame: u32, step: usize) {
        self.word.store(WorkerStatus::word(frame, step), Ordering::Relaxed);
    }

    #[inline]
    fn word(frame: u32, step: usize) -> u64 {
        u64::from(frame) << 32 | (step as u64 + 1)
    }

    /// The thread is in no step any more.
    #[inline]
    pub(crate) fn clear(&self) {
        self.word.store(0, Ordering::Release);
    }

    /// What the thread is doing.
    pub(crate) fn read(&self) -> Option<Running> {
        let word = self.word.load(Ordering::Acquire);
        let step = (word as u32).checked_sub(1)? as usize;
        let since = Some(self.since.load(Ordering::Relaxed)).filter(|&since| since != UNKNOWN);
        let attempt = self.attempt.load(Ordering::Relaxed) as u32;
        let has_waited = attempt & HAS_WAITED != 0;
        Some(Running { frame: (word >> 32) as u32, step, attempt: attempt & !HAS_WAITED, has_waited, since })
    }

    /// What the watchdog knows of it: seen anew where it changed since.
    pub(crate) fn seen(&self, now: u64) -> Seen {
        let (word, attempt) = (self.word.load(Ordering::Acquire), self.attempt.load(Ordering::Relaxed));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if (seen.word, seen.attempt) != (word, attempt) {
            *seen = Seen { word, attempt, first: now, warned: false };
        }
        *seen
    }

    /// Notes that a warning was given about what was seen.
    pub(crate) fn mark_warned(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).warned = true;
    }
}
