//! What a limit looks like from outside.

use serde::{Deserialize, Serialize};

/// One limit at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LimitReport {
    /// The limit's name.
    pub name: String,
    /// How much there is.
    pub capacity: u64,
    /// How much of it is in use; more than `capacity` for a while after that was lowered.
    pub in_use: u64,
    /// The most that was ever in use at once.
    pub peak: u64,
    /// How many steps wait that need it, whatever it is that they wait for.
    pub waiting: usize,
    /// The state of its breaker, where it has one.
    pub breaker: Option<BreakerState>,
}

/// Whether a breaker lets steps through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BreakerState {
    /// Yes, all.
    Closed,
    /// None.
    Open,
    /// A few, to find out whether they succeed again.
    HalfOpen,
}
