//! What the store did in a run, as data: in every build, because reports of any program are read.

use serde::{Deserialize, Serialize};

/// What the store did in a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoreReport {
    /// Number of steps that ended with what was stored.
    pub hits: u64,
    /// Number of cached steps that were run.
    pub misses: u64,
    /// Number of outputs that were stored.
    pub stored: u64,
    /// The length of these outputs in bytes, encoded.
    pub bytes: u64,
    /// The bytes that they take in the store.
    pub stored_bytes: u64,
    /// The run that this one resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed: Option<ResumeReport>,
}

/// What a run took over from the run that it resumed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ResumeReport {
    /// The id of that run.
    pub run: String,
    /// The steps that had ended in that run and had to run again, in plan order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub again: Vec<RunAgain>,
}

/// A step that had ended in the run that is resumed, and had to run again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunAgain {
    /// The identity of the step.
    pub step: String,
    /// Why: "its code changed".
    pub reason: String,
}

/// Where the output of a step comes from that was not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CachedFrom {
    /// The id of the run that made it.
    pub run: String,
    /// When it was made, in milliseconds since 1970.
    pub made_unix_ms: u64,
    /// How long the step took then, in milliseconds.
    pub took_ms: u64,
}

impl StoreReport {
    /// Returns the share of the cached steps that were not run, from 0 to 1; `None` if the run has none.
    pub fn hit_rate(&self) -> Option<f64> {
        let all = self.hits + self.misses;
        (all > 0).then(|| self.hits as f64 / all as f64)
    }
}
