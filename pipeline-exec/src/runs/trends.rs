//! Compares the duration of a step with its usual one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Minimum number of runs to compare with.
const ENOUGH: usize = 4;
/// A deviation is unusual above this multiple of the usual one.
const UNUSUAL: f64 = 3.0;
/// Minimum usual deviation, as a part of the median, and at least [`LEAST`]: otherwise any difference between nearly
/// equal times would be unusual.
const LEAST_PART: f64 = 0.05;
const LEAST: Duration = Duration::from_micros(500);

/// The durations of a step over the latest runs in which it succeeded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepTrend {
    /// The name of the step in the latest run.
    pub step: String,
    /// The identity of the step: `module::name` of its function, or the name of an instance or a closure.
    pub identity: String,
    /// Number of runs.
    pub runs: usize,
    /// Number of earlier runs with the same run parameters as the latest: those with which it is compared.
    pub comparable: usize,
    /// The latest duration.
    pub last: Duration,
    /// The median of the comparable ones; if there is none, the latest.
    pub median: Duration,
    /// The deviation of the comparable ones: the median of the distances from their median.
    pub deviation: Duration,
    /// How the latest compares with the comparable ones.
    pub pace: Pace,
    /// Each time, the latest first.
    pub times: Vec<StepTime>,
}

/// The duration of a step in one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepTime {
    /// The id of the run.
    pub run_id: String,
    /// When the run began, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// The duration of the step.
    pub duration: Duration,
    /// The fingerprint of the values of the run's parameters, without secret ones.
    pub params_fingerprint: String,
}

/// How the latest duration compares with the earlier ones. It is unusual if it is more than three times as far from
/// their median as they usually are. The usual distance is at least 5 % of the median, and 0.5 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Pace {
    /// There are fewer than four to compare with.
    Unknown,
    /// As before.
    Usual,
    /// Slower than usual.
    Slower,
    /// Faster than usual.
    Faster,
}

impl StepTrend {
    /// Computes the trend of times, the latest first; there is at least one.
    pub(super) fn of(step: String, identity: String, times: Vec<StepTime>) -> Self {
        let last = times.first().map(|time| time.duration).unwrap_or_default();
        let is_comparable = |time: &&StepTime| time.params_fingerprint == times[0].params_fingerprint;
        let before: Vec<Duration> =
            times.iter().skip(1).filter(is_comparable).map(|time| time.duration).collect();
        let median = self::median(before.clone()).unwrap_or(last);
        let distances = before.iter().map(|time| time.abs_diff(median)).collect();
        let deviation = self::median(distances).unwrap_or_default();
        let pace = if before.len() < ENOUGH { Pace::Unknown } else { Pace::of(last, median, deviation) };
        let (runs, comparable) = (times.len(), before.len());
        StepTrend { step, identity, runs, comparable, last, median, deviation, pace, times }
    }
}

impl Pace {
    fn of(last: Duration, median: Duration, deviation: Duration) -> Self {
        let usual = deviation.max(median.mul_f64(LEAST_PART)).max(LEAST);
        if last.abs_diff(median) <= usual.mul_f64(UNUSUAL) {
            Pace::Usual
        } else if last > median {
            Pace::Slower
        } else {
            Pace::Faster
        }
    }

    /// Returns it in words.
    pub const fn name(self) -> &'static str {
        match self {
            Pace::Unknown => "too few runs to say",
            Pace::Usual => "as usual",
            Pace::Slower => "slower than usual",
            Pace::Faster => "faster than usual",
        }
    }
}

/// Returns the median; `None` without times.
pub(crate) fn median(mut times: Vec<Duration>) -> Option<Duration> {
    times.sort_unstable();
    let upper = *times.get(times.len() / 2)?;
    let lower = times[(times.len() - 1) / 2];
    Some(lower + upper.saturating_sub(lower) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trend(last: u64, before: &[u64]) -> StepTrend {
        let time = |&ms: &u64| StepTime {
            run_id: String::new(),
            started_unix_ms: 0,
            duration: Duration::from_millis(ms),
            params_fingerprint: String::new(),
        };
        StepTrend::of("s".into(), "m::s".into(), [last].iter().chain(before).map(time).collect())
    }

    #[test]
    fn the_median_of_an_even_number_is_between_the_middle_two() {
        let ms = Duration::from_millis;
        assert_eq!(median(vec![ms(4), ms(1), ms(2), ms(9)]), Some(ms(3)));
        assert_eq!((median(vec![ms(5)]), median(vec![])), (Some(ms(5)), None));
    }

    #[test]
    fn what_is_more_than_three_deviations_from_the_median_is_unusual() {
        let before = [1200, 1100, 1300, 1200, 1150];
        assert_eq!(trend(4100, &before).median, Duration::from_millis(1200));
        assert_eq!(trend(4100, &before).pace, Pace::Slower);
        assert_eq!(trend(200, &before).pace, Pace::Faster);
        // The deviation is 50 ms, taken as 60, which is 5 % of the median.
        assert_eq!(trend(1380, &before).pace, Pace::Usual);
        assert_eq!(trend(1381, &before).pace, Pace::Slower);
    }

    #[test]
    fn few_runs_are_not_compared() {
        assert_eq!(trend(9000, &[1, 1, 1]).pace, Pace::Unknown);
        assert_eq!(trend(9000, &[1, 1, 1, 1]).pace, Pace::Slower);
        assert_eq!(trend(7, &[]).median, Duration::from_millis(7));
    }
}
