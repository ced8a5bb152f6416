//! The part of its slots that a run may use.

use std::fmt;
use std::num::NonZero;

use serde::{Deserialize, Serialize};

/// The part of its slots that a run may use: all, a half, a quarter and so on, or one step at a time.
///
/// Serialised as the number by which slots are divided. A lane always keeps one slot, so a run always makes progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Share(NonZero<u32>);

impl Share {
    /// Every slot.
    pub const ALL: Share = Share(NonZero::<u32>::MIN);
    /// One step at a time, over all lanes.
    pub const ONE: Share = Share(NonZero::<u32>::MAX);

    /// Returns the number of a lane's slots, rounded down, but at least 1.
    pub fn of(self, slots: usize) -> usize {
        (slots / self.0.get() as usize).max(1)
    }

    /// Returns the fraction of the slots, above 0 and up to 1.
    pub fn fraction(self) -> f64 {
        f64::from(self.0.get()).recip()
    }

    /// Reports whether all lanes together may run only one step, not one each.
    pub fn is_one_at_a_time(self) -> bool {
        self == Share::ONE
    }

    /// Returns half of it, or one step at a time if a lane of `slots` has only one left.
    pub(super) fn halved(self, slots: usize) -> Self {
        let half = self.0.saturating_mul(const { NonZero::new(2).expect("invariant: 2 is not 0") });
        if self.of(slots) == 1 || half.get() as usize > slots { Share::ONE } else { Share(half) }
    }

    /// Returns twice as much, up to all. After one step at a time, returns the smallest share that leaves a lane of `slots` one.
    pub(super) fn doubled(self, slots: usize) -> Self {
        let divisor = if self.is_one_at_a_time() { prev_power_of_two(slots) } else { self.0.get() / 2 };
        NonZero::new(divisor).map_or(Share::ALL, Share)
    }
}

/// Returns the greatest power of two that is at most `slots`.
fn prev_power_of_two(slots: usize) -> u32 {
    slots.checked_ilog2().map_or(1, |exponent| 1 << exponent.min(31))
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Share::ALL => f.pad("all slots"),
            Share::ONE => f.pad("one step at a time"),
            Share(divisor) => f.pad(&format!("1/{divisor} of the slots")),
        }
    }
}
