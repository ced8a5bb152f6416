//! From samples to shares: a run that uses too much memory gets fewer slots, and gets them back later.

use std::fmt;
use std::time::Duration;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use super::{Sample, Share};

/// Percentage of the limit from which the share is halved.
const HIGH: u64 = 80;
/// Percentage from which one step runs at a time.
const CRITICAL: u64 = 95;
/// Percentage below which the share may grow. The distance to [`HIGH`] keeps it from going up and down.
const CALM: u64 = 70;
/// Number of calm observations in a row that double the share: steps need time to use their memory.
const CALM_IN_A_ROW: u32 = 3;
/// Default number of slots that are halved: few enough to recover within seconds, enough for most machines.
const DEFAULT_SLOTS: usize = 16;

/// How close a run is to its memory limit, and the consequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Pressure {
    /// All slots are used.
    Normal,
    /// Memory has reached 80 % of the limit. Each such observation halves the share.
    High,
    /// Memory has reached 95 % of the limit: one step at a time, until it is below 70 % again.
    Critical,
    /// Memory is below 70 % again: the share grows.
    Recovering,
}

/// Decides how many slots a run may use. It reads no clock and does no I/O: the same samples give the same changes.
///
/// Between 70 % and 80 % of the limit nothing changes. A reduced share doubles after each three observations in a row below
/// 70 %.
///
/// ```
/// use pipeline_exec::pressure::{Controller, Sample};
/// use std::time::Duration;
///
/// let mut controller = Controller::new(1000).slots(8);
/// let change = controller.observe(Duration::ZERO, &Sample::of_memory(850)).unwrap();
/// assert_eq!(change.in_lane("CPU", 8), "memory 850 B of 1000 B (85 %): CPU slots 8 → 4");
/// ```
#[derive(Clone, Debug)]
pub struct Controller {
    limit: u64,
    slots: usize,
    share: Share,
    pressure: Pressure,
    calm: u32,
}

/// A change of the share that a run may use, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Change {
    /// Time of the observation since the run began.
    pub at: Duration,
    /// The new state.
    pub pressure: Pressure,
    /// The old share.
    pub before: Share,
    /// The new share.
    pub share: Share,
    /// The reason: "memory 3.4 GiB of 4.0 GiB (85 %)".
    pub reason: String,
}

impl Controller {
    /// Makes a controller for a run that may use `limit` bytes of memory; 0 is read as 1.
    ///
    /// If a sample shows a smaller limit, that one applies. `u64::MAX` means only the limit of the samples.
    pub fn new(limit: u64) -> Self {
        Controller { limit, slots: DEFAULT_SLOTS, share: Share::ALL, pressure: Pressure::Normal, calm: 0 }
    }

    /// Sets the slots of the lane that uses most memory; default 16. If the share leaves that lane one slot and pressure stays
    /// high, one step runs at a time over all lanes. Call it before the first observation.
    #[must_use]
    pub fn slots(mut self, slots: usize) -> Self {
        self.slots = slots.max(1);
        self
    }

    /// Returns the current share.
    pub fn share(&self) -> Share {
        self.share
    }

    /// Returns the current state.
    pub fn pressure(&self) -> Pressure {
        self.pressure
    }

    /// Takes a sample made `now` after the run began, and returns what changes because of it.
    ///
    /// A change is returned if the share changes, and if memory becomes critical although the share cannot become smaller.
    pub fn observe(&mut self, now: Duration, sample: &Sample) -> Option<Change> {
        let seen = sample.limit_seen.filter(|seen| *seen < self.limit);
        let limit = seen.unwrap_or(self.limit).max(1);
        let (share, pressure) = (self.share, self.pressure);
        self.take_in(percent(sample.memory, limit));
        let alarmed = self.pressure == Pressure::Critical && pressure != Pressure::Critical;
        (self.share != share || alarmed).then(|| Change {
            at: now,
            pressure: self.pressure,
            before: share,
            share: self.share,
            reason: reason(sample.memory, limit, seen.is_some()),
        })
    }

    fn take_in(&mut self, percent: u64) {
        self.calm = if percent < CALM { self.calm.saturating_add(1) } else { 0 };
        if percent >= CRITICAL {
            (self.share, self.pressure) = (Share::ONE, Pressure::Critical);
        } else if percent >= HIGH {
            self.share = self.share.halved(self.slots);
            // Critical stays critical until memory is calm: the share cannot become smaller.
            if self.pressure != Pressure::Critical {
                self.pressure = Pressure::High;
            }
        } else if self.share != Share::ALL && self.calm >= CALM_IN_A_ROW {
            self.calm = 0;
            self.share = self.share.doubled(self.slots);
            self.pressure = if self.share == Share::ALL { Pressure::Normal } else { Pressure::Recovering };
        }
    }
}

/// Returns whole percent, rounded down; `limit` is not 0.
fn percent(memory: u64, limit: u64) -> u64 {
    let percent = u128::from(memory) * 100 / u128::from(limit);
    u64::try_from(percent).unwrap_or(u64::MAX)
}

fn reason(memory: u64, limit: u64, of_cgroup: bool) -> String {
    let whose = if of_cgroup { " of the limit of its cgroup" } else { "" };
    format!("memory {} of {} ({} %{whose})", ByteSize(memory), ByteSize(limit), percent(memory, limit))
}

impl Change {
    /// Returns the change of one lane as text: "memory 3.4 GiB of 4.0 GiB (85 %): CPU slots 8 → 4".
    ///
    /// `lane` is the lane's name for people, `slots` its number of slots without pressure.
    pub fn in_lane(&self, lane: &str, slots: usize) -> String {
        if self.share.is_one_at_a_time() {
            return self.to_string();
        }
        let (before, after) = (self.before.of(slots), self.share.of(slots));
        format!("{}: {lane} slots {before} → {after}", self.reason)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.reason)?;
        match (self.before, self.share) {
            (Share::ONE, Share::ONE) => {
                f.write_str("one step runs at a time already; raise the limit, or let steps use less memory")
            }
            (before, share) => write!(f, "{share}, {before} before"),
        }
    }
}
