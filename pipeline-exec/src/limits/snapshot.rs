//! Reports about limits.

use serde::{Deserialize, Serialize};

/// The state of a limit at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LimitReport {
    /// The limit's name.
    pub name: String,
    /// Its capacity.
    pub capacity: u64,
    /// The amount in use; more than `capacity` for a while after that was lowered.
    pub in_use: u64,
    /// The largest amount that was in use at once.
    pub peak: u64,
    /// Number of waiting steps that need it, for whatever reason they wait.
    pub waiting: usize,
    /// The state of its breaker, if it has one.
    pub breaker: Option<BreakerState>,
}

/// State of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BreakerState {
    /// Admits all steps.
    Closed,
    /// Admits none.
    Open,
    /// Admits a few probes, to see whether they succeed again.
    HalfOpen,
}
