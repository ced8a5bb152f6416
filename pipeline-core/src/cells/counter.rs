//! The two counters of a step: how many inputs it misses, and how many readers its output has left.
//!
//! This is the whole synchronisation between steps. The thread that brings a counter to zero owns what comes next:
//! the step (it may start it) or the output (it may drop it). Both counters only fall, and each falls to zero once;
//! the `AcqRel` decrements form one release sequence, so whoever sees zero has seen everything that the other
//! threads did before their own decrement.

use crate::sync::{AtomicU32, Ordering};

/// Set in [`Counters::missing`] once the step has ended; the low bits then hold its status.
const ENDED: u32 = 1 << 31;

/// Set in [`Counters::missing`] while a watched attempt runs, whose number the low bits hold.
const RUNNING: u32 = 1 << 30;

/// Set beside the attempt's number once the one who runs it has claimed the step.
const CLAIMED: u32 = 1 << 29;

/// The value of [`Counters::missing`] once a watched attempt was given up, until another begins or the step ends.
const GIVEN_UP: u32 = 1 << 28;

/// The value of [`Counters::readers`] once the output has left its slot.
const GONE: u32 = u32::MAX;

/// The counters of one step.
#[derive(Debug)]
pub(crate) struct Counters {
    missing: AtomicU32,
    readers: AtomicU32,
}

impl Counters {
    /// A step that waits for `missing` upstream steps and whose output will be read by `readers` steps.
    pub(crate) fn new(missing: u32, readers: u32) -> Self {
        Counters { missing: AtomicU32::new(missing), readers: AtomicU32::new(readers) }
    }

    /// One upstream has ended. True for exactly one caller: the one that completes the inputs.
    #[inline]
    pub(crate) fn arrive(&self) -> bool {
        self.missing.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// One reader is done with the output. True for exactly one caller: the last.
    #[inline]
    pub(crate) fn release(&self) -> bool {
        self.readers.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// A watched attempt begins. Only the owner of the step calls it.
    pub(crate) fn begin(&self, attempt: u32) {
        self.missing.store(RUNNING | attempt, Ordering::Release);
    }

    /// Claims the step for the one who runs a watched attempt. True for one caller at most, and never for a claim and
    /// [`Counters::give_up`] both.
    #[inline]
    pub(crate) fn claim(&self, attempt: u32) -> bool {
        self.settle(attempt, CLAIMED | attempt)
    }

    /// Claims the step for the one who gives a watched attempt up.
    pub(crate) fn give_up(&self, attempt: u32) -> bool {
        self.settle(attempt, GIVEN_UP)
    }

    /// Whether a watched attempt has begun, and was neither claimed nor given up.
    pub(crate) fn is_running(&self, attempt: u32) -> bool {
        self.missing.load(Ordering::Acquire) == RUNNING | attempt
    }

    /// Whether the one who runs the attempt has claimed the step.
    pub(crate) fn is_claimed(&self, attempt: u32) -> bool {
        self.missing.load(Ordering::Acquire) == CLAIMED | attempt
    }

    #[inline]
    fn settle(&self, attempt: u32, to: u32) -> bool {
        let running = RUNNING | attempt;
        self.missing.compare_exchange(running, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Publishes the status of a step that has ended. Only the owner of the step calls it.
    #[inline]
    pub(crate) fn end(&self, status: u8) {
        self.missing.store(ENDED | u32::from(status), Ordering::Release);
    }

    /// The status, if the step has ended.
    #[inline]
    pub(crate) fn ended(&self) -> Option<u8> {
        let word = self.missing.load(Ordering::Acquire);
        (word & ENDED != 0).then_some((word & 0xff) as u8)
    }

    /// Records that the output was moved out or dropped. Only the owner of the output calls it.
    pub(crate) fn mark_gone(&self) {
        self.readers.store(GONE, Ordering::Relaxed);
    }

    /// Whether the output has left its slot; meaningful to whoever happens after the last reader.
    pub(crate) fn is_gone(&self) -> bool {
        self.readers.load(Ordering::Relaxed) == GONE
    }
}
