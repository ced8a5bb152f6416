//! What of a step's time was work: its attempts, without what lies between them.

use std::time::Duration;

use super::{AttemptReport, AttemptTimes, StepReport};

impl StepReport {
    /// When its attempts ran, in order: of a step with one, its start and duration. Attempts that a breaker refused did not
    /// run; where it is not known when each ran, as in reports from before this was noted, all of them are one.
    pub fn attempt_times(&self) -> impl Iterator<Item = AttemptTimes> + '_ {
        self.timed_attempts().map(|(times, _)| times)
    }

    /// The same, each with what was told of it where it failed and was followed by another.
    pub(crate) fn timed_attempts(&self) -> impl Iterator<Item = (AttemptTimes, Option<&AttemptReport>)> + '_ {
        let whole = self.start.filter(|_| !self.attempts_are_timed());
        let whole = whole.map(|start| AttemptTimes { start, duration: self.duration });
        let failed = self.failed_attempts.iter().filter_map(|failed| Some((failed.times?, Some(failed))));
        failed.chain(self.last_attempt.or(whole).map(|times| (times, None)))
    }

    /// For how long it was at work: its attempts together, without [what lies between](StepReport::between_attempts).
    pub fn work(&self) -> Option<Duration> {
        let works = self.attempt_times().filter_map(|times| times.duration);
        let work = works.reduce(Duration::saturating_add)?;
        Some(if self.attempts_are_timed() { work } else { work.saturating_sub(self.backoff()) })
    }

    /// For how long it waited between its attempts: its backoff, and then for a slot, a limit or a breaker. Zero for
    /// a step with one attempt. Where it is not known when its attempts ran, the backoff alone.
    pub fn between_attempts(&self) -> Duration {
        if !self.attempts_are_timed() {
            return self.backoff();
        }
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

    /// How long it was to wait before each further attempt, all together.
    pub(crate) fn backoff(&self) -> Duration {
        self.failed_attempts.iter().map(|failed| failed.retried_after).sum()
    }

    /// Whether it is known when each of several attempts ran.
    pub(crate) fn attempts_are_timed(&self) -> bool {
        self.last_attempt.is_some() || self.failed_attempts.iter().any(|failed| failed.times.is_some())
    }

    /// When it was ready for an attempt, and when that started, for each attempt of which both are known.
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
