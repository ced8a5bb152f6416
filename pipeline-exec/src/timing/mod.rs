//! Time and thread of each step.

mod counter;
mod ticker;
mod wall;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

pub(crate) use self::ticker::Ticker;
pub(crate) use self::wall::{unique_id, unix_ms};

/// The start and end of each step of a run, in nanoseconds since the run began. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Timings {
    origin: Instant,
    stamps: Arc<[Stamp]>,
}

#[derive(Debug)]
struct Stamp {
    start: AtomicU64,
    end: AtomicU64,
    place: AtomicU32,
}

/// The thread of a step: its number in this process, and its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u32);

const NEVER: u64 = u64::MAX;
const BLOCKING: u32 = 1 << 31;
const CALLER: u32 = 1 << 30;

impl Place {
    /// Returns the current thread, as one of the blocking pool.
    pub(crate) fn blocking_thread() -> Self {
        Place(thread_number() | BLOCKING)
    }

    /// Returns the current thread, as one that runs tasks.
    pub(crate) fn task() -> Self {
        Place(thread_number())
    }

    /// Returns the current thread, as the one that waits for the run.
    pub(crate) fn caller() -> Self {
        Place(thread_number() | CALLER)
    }

    /// Returns the watchdog's thread, which finishes steps but starts none.
    pub(crate) fn watchdog() -> Self {
        Place(thread_number())
    }

    /// Returns the current thread, of the same kind.
    pub(crate) fn here(self) -> Self {
        Place(thread_number() | self.0 & (BLOCKING | CALLER))
    }

    pub(crate) fn number(self) -> u32 {
        self.0 & !(BLOCKING | CALLER)
    }

    pub(crate) fn is_blocking(self) -> bool {
        self.0 & BLOCKING != 0
    }

    pub(crate) fn is_caller(self) -> bool {
        self.0 & CALLER != 0
    }
}

fn thread_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    thread_local! {
        static NUMBER: Cell<u32> = const { Cell::new(u32::MAX) };
    }
    NUMBER.with(|number| {
        if number.get() == u32::MAX {
            number.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        number.get()
    })
}

impl Timings {
    pub(crate) fn new(steps: usize, origin: Instant) -> Self {
        let stamp = |_| Stamp { start: NEVER.into(), end: NEVER.into(), place: 0.into() };
        Timings { origin, stamps: (0..steps).map(stamp).collect() }
    }

    /// Returns the nanoseconds since the run began.
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn now(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    pub(crate) fn start(&self, step: usize, now: u64, place: Place) {
        let stamp = &self.stamps[step];
        stamp.start.store(now, Ordering::Relaxed);
        stamp.place.store(place.0, Ordering::Relaxed);
    }

    /// Records the end of a step, and returns its duration.
    pub(crate) fn end(&self, step: usize, now: u64) -> u64 {
        let stamp = &self.stamps[step];
        stamp.end.store(now, Ordering::Relaxed);
        now.saturating_sub(stamp.start.load(Ordering::Relaxed))
    }

    /// Returns start and end of a step that ran. The end is at least the start, although clocks of two threads may differ.
    pub(crate) fn span(&self, step: usize) -> Option<(u64, u64)> {
        let stamp = &self.stamps[step];
        let (start, end) = (stamp.start.load(Ordering::Relaxed), stamp.end.load(Ordering::Relaxed));
        (start != NEVER && end != NEVER).then_some((start, end.max(start)))
    }

    /// Returns the start of a step, if it has started.
    pub(crate) fn started(&self, step: usize) -> Option<u64> {
        Some(self.stamps[step].start.load(Ordering::Relaxed)).filter(|&start| start != NEVER)
    }

    /// Returns the thread on which a step started.
    pub(crate) fn place(&self, step: usize) -> Place {
        Place(self.stamps[step].place.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The thread that ends a step may differ from the one that started it.
    #[test]
    #[allow(clippy::disallowed_methods)]
    fn a_step_never_ends_before_it_starts() {
        let timings = Timings::new(1, Instant::now());
        timings.start(0, 100, Place::task());
        assert_eq!(timings.end(0, 90), 0);
        assert_eq!(timings.span(0), Some((100, 100)));
    }
}
