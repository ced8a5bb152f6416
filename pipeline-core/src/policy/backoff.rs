//! How long to wait before a further attempt.

use std::fmt;
use std::time::Duration;

/// How long to wait before a further attempt: `first · factor^(n - 1)` before the attempt after the n-th, at most `cap`.
///
/// With `jitter`, a part of each wait is left to chance, so that steps that failed together do not come back together:
/// a wait `w` becomes one from `w · (1 - jitter)` to `w`.
///
/// A backoff with a [problem](Backoff::problem) is refused before a run. Its `Display` is what settings read: `100ms..10s`,
/// `100ms..10s by 3 with jitter 0.5`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Backoff {
    /// The wait after the first attempt.
    pub first: Duration,
    /// By how much each wait is longer than the one before, at least 1; 1 for a fixed wait.
    pub factor: f64,
    /// No wait is longer. At least `first`.
    pub cap: Duration,
    /// The part of a wait that is left to chance, from 0 to 1.
    pub jitter: f64,
}

impl Backoff {
    /// No wait at all.
    pub const NONE: Backoff = Backoff::fixed(Duration::ZERO);

    /// The same wait before every further attempt.
    pub const fn fixed(wait: Duration) -> Self {
        Backoff { first: wait, factor: 1.0, cap: wait, jitter: 0.0 }
    }

    /// Waits that double, from `first` to at most `cap`.
    pub const fn exponential(first: Duration, cap: Duration) -> Self {
        Backoff { first, factor: 2.0, cap, jitter: 0.0 }
    }

    /// The same with another factor.
    #[must_use]
    pub const fn factor(self, factor: f64) -> Self {
        Backoff { factor, ..self }
    }

    /// The same with a part of each wait left to chance.
    #[must_use]
    pub const fn jitter(self, jitter: f64) -> Self {
        Backoff { jitter, ..self }
    }

    /// Returns what is wrong with it: a factor or jitter out of its range, or a cap below the first wait.
    pub fn problem(&self) -> Option<&'static str> {
        // NaN is in no range.
        if !(1.0..=f64::MAX).contains(&self.factor) {
            Some("its factor is not a number of at least 1")
        } else if !(0.0..=1.0).contains(&self.jitter) {
            Some("its jitter is not a number from 0 to 1")
        } else if self.cap < self.first {
            Some("its longest wait is shorter than the first")
        } else {
            None
        }
    }

    /// The wait after the `attempt`-th attempt (from 1) has failed. `chance` is a number from 0 to 1, drawn by the
    /// caller, so that the same seed gives the same waits. With the same `chance`, no wait is shorter than an earlier one.
    pub fn wait(&self, attempt: u32, chance: f64) -> Duration {
        let longest = self.longest(attempt);
        let kept = 1.0 - self.jitter.clamp(0.0, 1.0) * chance.clamp(0.0, 1.0);
        if kept < 1.0 { longest.mul_f64(kept.max(0.0)).min(longest) } else { longest }
    }

    /// The wait without jitter.
    fn longest(&self, attempt: u32) -> Duration {
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let growth = self.factor.max(1.0).powi(exponent);
        // Rounding may take a little off a long time.
        let grown = |first: Duration| {
            Duration::try_from_secs_f64(first.as_secs_f64() * growth).map(|wait| wait.max(first))
        };
        match self.first {
            // Zero times infinity would be no number.
            Duration::ZERO => Duration::ZERO,
            first => grown(first).unwrap_or(self.cap).min(self.cap),
        }
    }
}

impl fmt::Display for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, cap] = [self.first, self.cap].map(humantime::format_duration);
        let grows_by = |factor: f64| (self.factor - factor).abs() < f64::EPSILON;
        write!(f, "{first}")?;
        if !(grows_by(1.0) || self.first == self.cap && self.problem().is_none()) {
            write!(f, "..{cap}")?;
            if !grows_by(2.0) {
                write!(f, " by {}", self.factor)?;
            }
        }
        if self.jitter != 0.0 {
            write!(f, " with jitter {}", self.jitter)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn waits_double_up_to_the_cap() {
        let backoff = Backoff::exponential(MS(100), MS(1000));
        let waits: Vec<_> = (1..=6).map(|attempt| backoff.wait(attempt, 0.0)).collect();
        assert_eq!(waits, [MS(100), MS(200), MS(400), MS(800), MS(1000), MS(1000)]);
    }

    #[test]
    fn a_fixed_wait_stays_the_same_and_the_last_attempt_does_not_overflow() {
        assert_eq!(Backoff::fixed(MS(70)).wait(1, 0.5), MS(70));
        assert_eq!(Backoff::fixed(MS(70)).wait(9, 0.5), MS(70));
        assert_eq!(Backoff::exponential(MS(1), MS(60_000)).wait(u32::MAX, 0.0), MS(60_000));
        assert_eq!(Backoff::NONE.wait(3, 0.0), Duration::ZERO);
    }

    #[test]
    fn no_wait_is_shorter_than_an_earlier_one_or_longer_than_the_cap() {
        let hour = MS(3_600_000);
        for backoff in [
            Backoff::exponential(MS(100), hour),
            Backoff::exponential(Duration::ZERO, hour),
            Backoff::exponential(Duration::from_nanos(1), hour).factor(f64::MAX),
            Backoff::exponential(MS(1), hour).factor(1.000_001).jitter(0.5),
            Backoff::exponential(Duration::from_secs(u64::MAX / 2), Duration::MAX).factor(1.1).jitter(1.0),
            Backoff::exponential(Duration::MAX, Duration::MAX),
            Backoff::fixed(Duration::MAX),
        ] {
            assert_eq!(backoff.problem(), None);
            for chance in [0.0, 0.3, 1.0] {
                let attempts = (1..3000).chain([100_000, i32::MAX as u32, i32::MAX as u32 + 1, u32::MAX]);
                let waits: Vec<Duration> = attempts.map(|attempt| backoff.wait(attempt, chance)).collect();
                assert!(waits.is_sorted(), "{backoff} {chance}");
                assert!(waits.iter().all(|wait| *wait <= backoff.cap), "{backoff} {chance}");
            }
        }
        assert_eq!(Backoff::exponential(Duration::ZERO, hour).wait(2000, 0.0), Duration::ZERO);
    }

    #[test]
    fn a_factor_a_jitter_or_a_cap_out_of_its_range_is_a_problem() {
        let good = Backoff::exponential(MS(1), MS(10));
        for factor in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, 0.99, -2.0] {
            assert!(good.factor(factor).problem().is_some(), "{factor}");
        }
        for jitter in [f64::NAN, f64::INFINITY, -0.1, 1.1] {
            assert!(good.jitter(jitter).problem().is_some(), "{jitter}");
        }
        assert!(Backoff::exponential(MS(10), MS(1)).problem().is_some());
        assert_eq!(good.factor(1.0).jitter(1.0).problem(), None);
    }

    #[test]
    fn jitter_takes_its_part_of_a_wait_and_no_more() {
        let backoff = Backoff::fixed(MS(100)).jitter(0.5);
        assert_eq!(backoff.wait(1, 0.0), MS(100));
        assert_eq!(backoff.wait(1, 1.0), MS(50));
        assert_eq!(backoff.wait(1, 0.5), MS(75));
    }
}
