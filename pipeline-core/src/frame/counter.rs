//! The two counters of a step: how many inputs it misses, and how many readers its output has left.
//!
//! This is the whole synchronisation between steps. The thread that brings a counter to zero owns what comes next:
//! the step (it may start it) or the output (it may drop it). Both counters only fall, and each falls to zero once;
//! the `AcqRel` decrements form one release sequence, so whoever sees zero has seen everything that the other
//! threads did before their own decrement.

use crate::sync::{AtomicU32, Ordering};

/// Set in [`Counters::missing`] once the step has ended; the low bits then hold its status.
const ENDED: u32 = 1 << 31;

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
