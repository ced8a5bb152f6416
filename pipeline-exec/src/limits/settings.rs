//! Limits as configured.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One named limit. By default a mutex: capacity 1, no rate, no breaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LimitSettings {
    /// How much there is to share, in whatever unit the steps' needs are written in. Default 1; 0 admits nobody until
    /// [`Limits::set_capacity`](super::Limits::set_capacity) says otherwise.
    pub capacity: u64,
    /// How often steps may be admitted, whatever their amounts. No limit by default.
    pub rate: Option<RateLimit>,
    /// When to stop admitting steps because they fail. Never by default.
    pub breaker: Option<Breaker>,
}

impl Default for LimitSettings {
    fn default() -> Self {
        LimitSettings { capacity: 1, rate: None, breaker: None }
    }
}

impl LimitSettings {
    /// A limit of some capacity, without rate and breaker.
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

    /// What cannot be meant or done, each with a hint.
    pub(crate) fn wrong(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        const AT_LEAST_1: &str = "give it a value of at least 1, or leave the setting out";
        let rate = self.rate.as_ref();
        let breaker = self.breaker.as_ref();
        let found = [
            (
                rate.is_some() && !cfg!(feature = "rate"),
                "it has a rate, which this build cannot keep",
                "turn on the feature `rate` of `pipeline`, or leave the rate out",
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

/// So many admissions in so much time, evenly spaced: `10/s` admits one every 100 ms.
///
/// Read from text (`"10/s"`, `"600/m"`, `"5/200ms"`; units `ns`, `us`, `ms`, `s`, `m`, `h`) or from a table with the
/// fields' names, where `per` is a text such as `"200ms"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenRate")]
#[non_exhaustive]
pub struct RateLimit {
    /// How many, at least 1.
    pub count: u32,
    /// In how much time, more than 0.
    #[serde(serialize_with = "write_duration")]
    pub per: Duration,
    /// How many may follow each other at once after a pause. By default 1, so that no time of length `per` sees more
    /// than `count`; with a burst, it sees at most `count + burst`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
}

impl RateLimit {
    /// So many in so much time, evenly spaced.
    pub fn new(count: u32, per: Duration) -> Self {
        RateLimit { count, per, burst: None }
    }

    /// Sets how many may follow each other at once after a pause.
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
            let per = parse_duration(per).filter(|per| !per.is_zero())?;
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
    #[serde(deserialize_with = "read_duration")]
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

/// Stops admitting steps that need a limit, after some failed in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Breaker {
    /// After how many failures in a row it opens, at least 1.
    pub failures: u32,
    /// How long it stays open before it lets a probe through. Written as text: `"30s"`.
    #[serde(serialize_with = "write_duration", deserialize_with = "read_duration")]
    pub cooldown: Duration,
    /// How many probes have to succeed for it to close, at least 1. So many are let through; one failure opens it again.
    #[serde(default = "one")]
    pub probes: u32,
}

impl Breaker {
    /// Opens after so many failures in a row, for so long; one probe closes it.
    pub fn new(failures: u32, cooldown: Duration) -> Self {
        Breaker { failures, cooldown, probes: 1 }
    }

    /// Sets how many probes have to succeed for it to close.
    #[must_use]
    pub fn probes(mut self, probes: u32) -> Self {
        self.probes = probes;
        self
    }
}

fn one() -> u32 {
    1
}

/// Units as written, in nanoseconds. The largest that divides a duration is the one it is written in.
const UNITS: [(&str, u64); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// A whole number and a unit; the unit alone is one of it.
fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let nanos = UNITS.iter().find(|(name, _)| *name == unit.trim())?.1;
    let number: u64 = if number.is_empty() { 1 } else { number.parse().ok()? };
    Some(Duration::from_nanos(number.checked_mul(nanos)?))
}

fn read_duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    let message =
        || format!("`{text}` is not a duration; write a whole number and a unit, as in `30s` or `200ms`");
    parse_duration(&text).ok_or_else(|| serde::de::Error::custom(message()))
}

fn write_duration<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let unit = UNITS.iter().find(|(_, unit)| nanos != 0 && nanos.is_multiple_of(*unit));
    let (name, unit) = unit.copied().unwrap_or(("s", 1_000_000_000));
    to.collect_str(&format_args!("{}{name}", nanos / unit))
}
