//! The count of one group: an input that needs some of its members, and the member that decides.
//!
//! The success that completes the number needed decides at once. If there are too few, the member that ends last decides:
//! only then is it known which failure is the first in the order written, and so the cause of the skip is the same in
//! every run. The `AcqRel` decrements form one release sequence each. So a member that decides by its success sees the
//! outputs of the members that succeeded before it, and the member that ends last sees all successes.

use crate::sync::{AtomicI32, AtomicU32, Ordering};

/// The count of one group in one run.
#[derive(Debug)]
pub(crate) struct Tally {
    /// The number of successes still needed.
    needed: AtomicI32,
    /// The number of members that have not ended.
    left: AtomicI32,
    /// The member that decided by its success; `NONE` until then.
    winner: AtomicU32,
}

const NONE: u32 = u32::MAX;

impl Tally {
    /// Makes the count of a group in which `needed` of the `members` have to succeed.
    pub(crate) fn new(members: usize, needed: u32) -> Self {
        let count = |count: usize| i32::try_from(count).expect("invariant: a plan has fewer than 2^31 steps");
        Tally {
            needed: AtomicI32::new(count(needed as usize)),
            left: AtomicI32::new(count(members)),
            winner: AtomicU32::new(NONE),
        }
    }

    /// Counts a member that has ended. Returns true to exactly one caller: the one that decides, either way.
    pub(crate) fn arrive(&self, member: u32, succeeded: bool) -> bool {
        let decides = succeeded && self.needed.fetch_sub(1, Ordering::AcqRel) == 1;
        if decides {
            self.winner.store(member, Ordering::Release);
        }
        let is_last = self.left.fetch_sub(1, Ordering::AcqRel) == 1;
        decides || is_last && self.needed.load(Ordering::Relaxed) > 0
    }

    /// Returns the member that decided by its success.
    pub(crate) fn winner(&self) -> Option<u32> {
        Some(self.winner.load(Ordering::Acquire)).filter(|&winner| winner != NONE)
    }
}
