//! The two counters of a step: the inputs that it still waits for, and the readers that its output still has.
//!
//! This is the whole synchronisation between steps. The thread that brings a counter to zero owns the step (it may
//! start it) or the output (it may drop it). Both counters only fall, and each reaches zero once; the `AcqRel`
//! decrements form one release sequence, so the thread that sees zero sees everything that the other threads did before
//! their own decrement.

use crate::sync::{AtomicU32, Ordering};

/// Set in [`Counters::missing`] once the step has ended. Its status follows below, and the bits below [`STATUS`] are all
/// set: if the run was stopped before the inputs were complete, upstream steps may still count down here, and must not
/// change the status.
const ENDED: u32 = 1 << 31;

/// The position of the status of a step that has ended, and its bits.
const STATUS: u32 = 27;
const STATUS_BITS: u32 = 0xf;

/// Set in [`Counters::missing`] while a watched attempt runs, whose number the low bits hold.
const RUNNING: u32 = 1 << 30;

/// Set beside the attempt's number once its thread has claimed the step.
const CLAIMED: u32 = 1 << 29;

/// Set beside the attempt's number once it was given up, until another begins or the step ends.
const GIVEN_UP: u32 = 1 << 28;

/// The bits of an attempt's number.
const NUMBER: u32 = (1 << 24) - 1;

/// The value of [`Counters::readers`] once the output has left its slot, or if it never was there. In the latter case,
/// readers are still counted down from here; no output has as many as [`MOST_READERS`].
const GONE: u32 = u32::MAX;
const MOST_READERS: u32 = GONE / 2;

/// The counters of one step.
#[derive(Debug)]
pub(crate) struct Counters {
    missing: AtomicU32,
    readers: AtomicU32,
}

impl Counters {
    /// Makes the counters of a step that waits for `missing` upstream steps and whose output has `readers`.
    pub(crate) fn new(missing: u32, readers: u32) -> Self {
        Counters { missing: AtomicU32::new(missing), readers: AtomicU32::new(readers) }
    }

    /// Counts an upstream step that has ended. Returns true to exactly one caller: the one that completes the inputs.
    #[inline]
    pub(crate) fn arrive(&self) -> bool {
        self.missing.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Counts a reader that is done with the output. Returns true to exactly one caller: the last.
    #[inline]
    pub(crate) fn release(&self) -> bool {
        self.readers.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Begins a watched attempt. Only the owner of the step calls it.
    ///
    /// # Panics
    /// If an attempt of this number, or a later one, was watched before: a thread that still runs it could then claim the
    /// step for this one.
    pub(crate) fn begin(&self, attempt: u32) {
        let word = self.missing.load(Ordering::Relaxed);
        assert!(word & ENDED == 0, "no attempt follows the end of its step");
        let earlier = if word & (CLAIMED | GIVEN_UP) == 0 { 0 } else { word & NUMBER };
        assert!(
            word & RUNNING == 0 && earlier < attempt && attempt <= NUMBER,
            "attempts of a step are numbered upwards from 1, and run one after another: attempt {attempt} after {earlier}"
        );
        self.missing.store(RUNNING | attempt, Ordering::Release);
    }

    /// Claims the step for the thread that runs a watched attempt. Returns true to at most one caller, and never to both
    /// a claim and a [`Counters::give_up`].
    #[inline]
    pub(crate) fn claim(&self, attempt: u32) -> bool {
        self.settle(attempt, CLAIMED | attempt)
    }

    /// Claims the step for the thread that gives up a watched attempt.
    pub(crate) fn give_up(&self, attempt: u32) -> bool {
        self.settle(attempt, GIVEN_UP | attempt)
    }

    /// Reports whether a watched attempt is running: it was not claimed or given up.
    pub(crate) fn is_running(&self, attempt: u32) -> bool {
        self.missing.load(Ordering::Acquire) == RUNNING | attempt
    }

    /// Reports whether the thread that runs the attempt has claimed the step.
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
        debug_assert!(u32::from(status) <= STATUS_BITS);
        let untouched = (1 << STATUS) - 1;
        self.missing.store(ENDED | u32::from(status) << STATUS | untouched, Ordering::Release);
    }

    /// Returns the status, if the step has ended.
    #[inline]
    pub(crate) fn ended(&self) -> Option<u8> {
        let word = self.missing.load(Ordering::Acquire);
        (word & ENDED != 0).then_some(((word >> STATUS) & STATUS_BITS) as u8)
    }

    /// Records that the output was moved out or dropped, or never was there. Only the owner of the output calls it.
    pub(crate) fn mark_gone(&self) {
        self.readers.store(GONE, Ordering::Relaxed);
    }

    /// Reports whether the output is not in its slot; meaningful only after the last reader, or if it never was there.
    pub(crate) fn is_gone(&self) -> bool {
        self.readers.load(Ordering::Relaxed) > MOST_READERS
    }
}
