//! What the store did in a run, as data: in every build, because reports of any program are read.

use serde::{Deserialize, Serialize};

use crate::text::{counted, number};

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
    /// Number of steps that were not run, because that run had ended them or they are cached.
    #[serde(default)]
    pub done: usize,
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
    /// How long the step took then, in milliseconds; 0 also if that was not measured.
    pub took_ms: u64,
}

#[cfg(feature = "cli")]
impl CachedFrom {
    /// How long the step took then; `None` if that was not measured, or too short.
    pub(crate) fn took(&self) -> Option<std::time::Duration> {
        Some(std::time::Duration::from_millis(self.took_ms)).filter(|took| !took.is_zero())
    }
}

impl StoreReport {
    /// Returns the share of the cached steps that were not run, from 0 to 1; `None` if the run has none.
    pub fn hit_rate(&self) -> Option<f64> {
        let all = self.hits + self.misses;
        (all > 0).then(|| self.hits as f64 / all as f64)
    }

    /// How many outputs were found, and what was stored: `45 of 49 outputs found (92 %), 4 stored (12.0 MiB)`. `None` if the
    /// store was not asked.
    pub(crate) fn figures(&self) -> Option<String> {
        let mut parts = Vec::new();
        if let Some(rate) = self.hit_rate() {
            let (hits, all) = (number(self.hits), counted((self.hits + self.misses) as usize, "output"));
            // Only all are 100 %, and only none are 0 %.
            let percent = (100.0 * rate)
                .clamp(f64::from(u8::from(self.hits > 0)), if self.misses > 0 { 99.0 } else { 100.0 });
            parts.push(format!("{hits} of {all} found ({percent:.0} %)"));
        }
        if self.stored > 0 {
            parts.push(format!("{} stored ({})", number(self.stored), bytesize::ByteSize(self.stored_bytes)));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_run_without_a_miss_has_found_all() {
        let figures = |hits, misses| StoreReport { hits, misses, ..StoreReport::default() }.figures();
        assert_eq!(figures(0, 0), None);
        let said = [(1, 0), (0, 3), (1, 9_999), (9_999, 1)]
            .map(|(hits, misses)| figures(hits, misses).unwrap_or_default());
        let wanted = [
            "1 of 1 output found (100 %)",
            "0 of 3 outputs found (0 %)",
            "1 of 10,000 outputs found (1 %)",
            "9,999 of 10,000 outputs found (99 %)",
        ];
        assert_eq!(said, wanted);
    }
}
