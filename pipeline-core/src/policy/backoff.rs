//! How long to wait before a further attempt.

use std::time::Duration;

/// How long to wait before a further attempt: `first · factor^(n - 1)` before the attempt after the n-th, at most `cap`.
///
/// With `jitter`, a part of each wait is left to chance, so that steps that failed together do not come back together:
/// a wait `w` becomes one from `w · (1 - jitter)` to `w`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Backoff {
    /// The wait after the first attempt.
    pub first: Duration,
    /// By how much each wait is longer than the one before; 1 for a fixed wait.
    pub factor: f64,
    /// No wait is longer.
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

    /// The wait after the `attempt`-th attempt (from 1) has failed. `chance` is a number from 0 to 1, drawn by the
    /// caller, so that the same seed gives the same waits.
    pub fn wait(&self, attempt: u32, chance: f64) -> Duration {
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.first.as_secs_f64() * self.factor.max(0.0).powi(exponent);
        // `min` also takes the place of an infinite product.
        let capped = grown.min(self.cap.as_secs_f64());
        let kept = 1.0 - self.jitter.clamp(0.0, 1.0) * chance.clamp(0.0, 1.0);
        Duration::try_from_secs_f64(capped * kept).unwrap_or(self.cap)
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
    fn jitter_takes_its_part_of_a_wait_and_no_more() {
        let backoff = Backoff::fixed(MS(100)).jitter(0.5);
        assert_eq!(backoff.wait(1, 0.0), MS(100));
        assert_eq!(backoff.wait(1, 1.0), MS(50));
        assert_eq!(backoff.wait(1, 0.5), MS(75));
    }
}
