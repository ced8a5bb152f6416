//! The part of a step's time that was work: its attempts, without the time between them.

use std::time::Duration;

use super::{AttemptReport, AttemptTimes, StepReport};

impl StepReport {
    /// Returns when its attempts ran, in order. Attempts that a breaker refused did not run.
    pub fn attempt_times(&self) -> impl Iterator<Item = AttemptTimes> + '_ {
        self.timed_attempts().map(|(times, _)| times)
    }

    /// The same, each with its report if it failed and was followed by another.
    pub(crate) fn timed_attempts(&self) -> impl Iterator<Item = (AttemptTimes, Option<&AttemptReport>)> + '_ {
        let failed = self.failed_attempts.iter().filter_map(|failed| Some((failed.times?, Some(failed))));
        // A step with one attempt ran from its start to its end.
        let whole = self.start.filter(|_| !self.attempts_are_timed());
        let whole = whole.map(|start| AttemptTimes { start, duration: self.duration });
        failed.chain(self.last_attempt.or(whole).map(|times| (times, None)))
    }

    /// Returns how long it was at work: its attempts, without [the time between them](StepReport::between_attempts).
    pub fn work(&self) -> Option<Duration> {
        self.attempt_times().filter_map(|times| times.duration).reduce(Duration::saturating_add)
    }

    /// Returns how long it waited between its attempts: its backoff, and then for a slot, a limit or a breaker. Zero for a
    /// step with one attempt.
    pub fn between_attempts(&self) -> Duration {
        let end = self.start.zip(self.duration).map(|(start, duration)| start + duration);
        let mut before: Option<AttemptTimes> = None;
        let gaps = self.attempt_times().filter_map(|times| {
            let earlier = before.replace(times)?;
            Some(times.start.saturating_sub(earlier.start + earlier.duration?))
        });
        let between: Duration = gaps.sum();
        let after = before.and_then(|last| end?.checked_sub(last.start + last.duration?));
        between + after.unwrap_or_default()
    }

    /// The backoffs before its further attempts, all together.
    pub(crate) fn backoff(&self) -> Duration {
        self.failed_attempts.iter().map(|failed| failed.retried_after).sum()
    }

    /// Whether the report has the times of several attempts.
    pub(crate) fn attempts_are_timed(&self) -> bool {
        self.last_attempt.is_some() || self.failed_attempts.iter().any(|failed| failed.times.is_some())
    }

    /// When it was ready for each attempt, and when that started, if both are known.
    pub(super) fn turns(&self) -> impl Iterator<Item = (Duration, Duration)> + '_ {
        let first = self.start.zip(self.wait).map(|(start, wait)| (start.saturating_sub(wait), start));
        let next = self.failed_attempts.iter().skip(1).map(|failed| failed.times);
        let pairs = self.failed_attempts.iter().zip(next.chain([self.last_attempt]));
        let again = pairs.filter_map(|(failed, next)| {
            let (times, next) = (failed.times?, next?);
            Some((times.start + times.duration? + failed.retried_after, next.start))
        });
        first.into_iter().chain(again)
    }
}
