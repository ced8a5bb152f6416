//! The count of one group: an input that needs some of its members, and the member that decides.
//!
//! Successes count down to zero (enough), failures below zero (never enough). With `k` of `n` needed, `k` successes and
//! `n - k + 1` failures cannot both happen, so exactly one member decides. The `AcqRel` decrements form one release
//! sequence each, so a member that decides by its success sees the outputs of the members that succeeded before it.

use crate::sync::{AtomicI32, AtomicU32, Ordering};

/// The count of one group in one run.
#[derive(Debug)]
pub(crate) struct Tally {
    /// The number of successes still needed.
    needed: AtomicI32,
    /// The number of failures that still leave enough members to succeed.
    spare: AtomicI32,
    /// The member that decided by its success; `NONE` until then.
    winner: AtomicU32,
}

const NONE: u32 = u32::MAX;

impl Tally {
    /// Makes the count of a group in which `needed` of the `members` have to succeed.
    pub(crate) fn new(members: usize, needed: u32) -> Self {
        let count = |count: usize| i32::try_from(count).expect("invariant: a plan has fewer than 2^31 steps");
        let needed = count(needed as usize);
        Tally {
            needed: AtomicI32::new(needed),
            spare: AtomicI32::new(count(members) - needed),
            winner: AtomicU32::new(NONE),
        }
    }

    /// Counts a member that has ended. Returns true to exactly one caller: the one that decides, either way.
    pub(crate) fn arrive(&self, member: u32, succeeded: bool) -> bool {
        if !succeeded {
            return self.spare.fetch_sub(1, Ordering::AcqRel) == 0;
        }
        let decides = self.needed.fetch_sub(1, Ordering::AcqRel) == 1;
        if decides {
            self.winner.store(member, Ordering::Release);
        }
        decides
    }

    /// Returns the member that decided by its success.
    pub(crate) fn winner(&self) -> Option<u32> {
        Some(self.winner.load(Ordering::Acquire)).filter(|&winner| winner != NONE)
    }
}
