//! The settings of a limit.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::quantity;

/// The settings of a named limit. The default is a mutex: capacity 1, no rate, no breaker.
///
/// ```
/// use std::time::Duration;
///
/// use pipeline_exec::{Breaker, LimitSettings};
///
/// // At most 10 at once, 5 per second, and none for 30 s after 3 failures in a row.
/// let settings = LimitSettings::new(10)
///     .rate("5/s".parse()?)
///     .breaker(Breaker::new(3, Duration::from_secs(30)));
/// # assert_eq!(settings.capacity, 10);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LimitSettings {
    /// The capacity, in the unit of the steps' needs. Default 1; 0 admits no step until
    /// [`Limits::set_capacity`](super::Limits::set_capacity) raises it.
    pub capacity: u64,
    /// How often steps may be admitted, whatever their amounts. Default: unlimited.
    pub rate: Option<RateLimit>,
    /// When to stop admitting steps because they fail. Default: never.
    pub breaker: Option<Breaker>,
}

impl Default for LimitSettings {
    fn default() -> Self {
        LimitSettings { capacity: 1, rate: None, breaker: None }
    }
}

impl LimitSettings {
    /// Makes a limit of this capacity, without rate and breaker.
    pub fn new(capacity: u64) -> Self {
        LimitSettings { capacity, ..LimitSettings::default() }
    }

    /// Sets how often steps may be admitted.
    #[must_use]
    pub fn rate(mut self, rate: RateLimit) -> Self {
        self.rate = Some(rate);
        self
    }

    /// Sets when to stop admitting steps because they fail.
    #[must_use]
    pub fn breaker(mut self, breaker: Breaker) -> Self {
        self.breaker = Some(breaker);
        self
    }

    /// Returns what is wrong with the settings, each with a hint.
    pub(crate) fn wrong(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        const AT_LEAST_1: &str = "give it a value of at least 1, or leave the setting out";
        let rate = self.rate.as_ref();
        let breaker = self.breaker.as_ref();
        let found = [
            (
                rate.is_some() && !cfg!(feature = "rate"),
                "it has a rate, which this build does not support",
                "enable the feature `rate` of `pipeline`, or leave the rate out",
            ),
            (rate.is_some_and(|rate| rate.count == 0), "its rate has a count of 0", AT_LEAST_1),
            (rate.is_some_and(|rate| rate.per.is_zero()), "its rate is per 0 seconds", AT_LEAST_1),
            (rate.is_some_and(|rate| rate.burst == Some(0)), "its rate has a burst of 0", AT_LEAST_1),
            (
                breaker.is_some_and(|breaker| breaker.failures == 0),
                "its breaker opens after 0 failures",
                AT_LEAST_1,
            ),
            (
                breaker.is_some_and(|breaker| breaker.probes == 0),
                "its breaker closes after 0 probes",
                AT_LEAST_1,
            ),
        ];
        found.into_iter().filter(|(is_wrong, ..)| *is_wrong).map(|(_, what, hint)| (what, hint))
    }
}

/// A number of admissions per unit of time, evenly spaced: `10/s` admits one every 100 ms.
///
/// Read from text (`"10/s"`, `"600/m"`, `"5/200ms"`) or from a table with the fields' names, in which `per` is a text such as
/// `"200ms"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenRate")]
#[non_exhaustive]
pub struct RateLimit {
    /// Number of admissions, at least 1.
    pub count: u32,
    /// The time for them, more than 0.
    #[serde(serialize_with = "quantity::time::serialize")]
    pub per: Duration,
    /// Number of admissions at once after a pause. Default 1: then no time of length `per` has more than `count`
    /// admissions. With a burst it has at most `count + burst`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
}

impl RateLimit {
    /// Makes a rate of `count` admissions per `per`, without bursts.
    pub fn new(count: u32, per: Duration) -> Self {
        RateLimit { count, per, burst: None }
    }

    /// Sets the number of admissions at once after a pause.
    #[must_use]
    pub fn burst(mut self, burst: u32) -> Self {
        self.burst = Some(burst);
        self
    }
}

impl std::str::FromStr for RateLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(count, per)| {
            let count = count.trim().parse().ok().filter(|count| *count > 0)?;
            let per = per.trim();
            // A unit alone is one of it: `10/s`.
            let per = if per.starts_with(|c: char| c.is_ascii_digit()) {
                per.to_owned()
            } else {
                format!("1{per}")
            };
            let per = quantity::duration(&per)
                .ok()
                .filter(|per| (1..=u128::from(u64::MAX)).contains(&per.as_nanos()))?;
            Some(RateLimit::new(count, per))
        });
        parsed.ok_or_else(|| {
            format!("`{text}` is not a rate; write a count and a time, as in `10/s` or `5/200ms`")
        })
    }
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a rate is a text such as \"10/s\", or a table of `count`, `per` and perhaps `burst`"
)]
enum WrittenRate {
    Text(String),
    Table(RateTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateTable {
    count: u32,
    #[serde(deserialize_with = "quantity::time::deserialize")]
    per: Duration,
    burst: Option<u32>,
}

impl TryFrom<WrittenRate> for RateLimit {
    type Error = String;

    fn try_from(written: WrittenRate) -> Result<Self, String> {
        match written {
            WrittenRate::Text(text) => text.parse(),
            WrittenRate::Table(RateTable { count, per, burst }) => Ok(RateLimit { count, per, burst }),
        }
    }
}

/// Stops admitting the steps that need a limit after several of them failed in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Breaker {
    /// Number of failures in a row after which it opens, at least 1.
    pub failures: u32,
    /// Time from opening to the first probe. Written as text: `"30s"`.
    #[serde(with = "quantity::time")]
    pub cooldown: Duration,
    /// Number of probes that have to succeed for it to close, at least 1. A failed probe opens it again.
    #[serde(default = "one")]
    pub probes: u32,
}

impl Breaker {
    /// Makes a breaker that opens after `failures` in a row for the time of `cooldown`; one probe closes it.
    pub fn new(failures: u32, cooldown: Duration) -> Self {
        Breaker { failures, cooldown, probes: 1 }
    }

    /// Sets the number of probes that have to succeed for it to close.
    #[must_use]
    pub fn probes(mut self, probes: u32) -> Self {
        self.probes = probes;
        self
    }
}

fn one() -> u32 {
    1
}
