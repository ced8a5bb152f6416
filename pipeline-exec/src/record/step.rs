//! What has happened to one step so far.

use std::time::Duration;

use pipeline_core::frame::Status;
use pipeline_core::{FailureKind, StepError};

use super::{AttemptReport, AttemptTimes, ErrorReport, RunRecord};
use crate::stored::CachedFrom;
use crate::timing::Timings;

/// A snapshot of what has happened to one step. Only here is it decided whether a step ran, which error is its own, and
/// how many attempts it had. The report is made of snapshots; the journal writes the difference between two of them, and
/// its reader folds the lines back into one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StepRecord {
    pub(crate) status: Status,
    /// Number of attempts that were started.
    pub(crate) attempts: u32,
    /// Time from run start to step start; `None` if the step did not run, or nothing is timed.
    pub(crate) start: Option<Duration>,
    /// Time from its start to its end. A step that was skipped, refused or stopped before a further attempt ended with
    /// its last attempt.
    pub(crate) duration: Option<Duration>,
    /// Its own error.
    pub(crate) error: Option<ErrorReport>,
    /// Name of the other step because of which it was skipped.
    pub(crate) because: Option<String>,
    /// The attempts that failed and were, or are to be, followed by another.
    pub(crate) failed: Vec<AttemptReport>,
    /// When the latest attempt ran; `None` if it is the only one, or did not start, or nothing is timed.
    pub(crate) latest: Option<AttemptTimes>,
    /// The error instead of which its fallback was used.
    pub(crate) fallback_for: Option<ErrorReport>,
    /// Where its output comes from, if it was stored.
    pub(crate) cached_from: Option<CachedFrom>,
    /// Number of its attempts that are detached and still run.
    pub(crate) still_running: u32,
    /// The longest time for which it kept a thread that runs async steps without waiting, if that was long.
    pub(crate) slow_poll: Option<Duration>,
}

impl Default for StepRecord {
    /// A step to which nothing has happened.
    fn default() -> Self {
        StepRecord {
            status: Status::Pending,
            attempts: 0,
            start: None,
            duration: None,
            error: None,
            because: None,
            failed: Vec::new(),
            latest: None,
            fallback_for: None,
            cached_from: None,
            still_running: 0,
            slow_poll: None,
        }
    }
}

impl StepRecord {
    /// A snapshot of a step. Without `timings` it has no times, whatever was timed.
    pub(crate) fn of(run: &RunRecord, step: usize, timings: Option<&Timings>) -> Self {
        let frame = &run.frame;
        // Read first: what is noted of a step is noted before it ends.
        let status = frame.status(step);
        let because = frame.skipped_because(step);
        let error = frame.error(step).filter(|_| !status.has_output());
        let refused = |error: &StepError| error.kind() == FailureKind::CircuitOpen || error.attempt() == 0;
        let ran = is_called(status) && !error.is_some_and(refused);
        let mut record = StepRecord {
            status,
            error: error.filter(|_| because.is_none()).map(ErrorReport::of),
            because: because.map(|cause| frame.plan().spec(cause).name().to_owned()),
            ..StepRecord::default()
        };
        if let Some(caching) = run.caching.as_ref().filter(|_| status == Status::Cached) {
            record.cached_from = caching.cached_from(step).cloned();
        }
        run.history.look(step, |past| {
            let timed = |times: Option<AttemptTimes>| times.filter(|_| timings.is_some());
            let failed = past.failed.iter();
            let failed = failed.map(|it| AttemptReport::of(&it.error, it.wait, timed(it.times)));
            record.failed = failed.collect();
            record.fallback_for = past.fallback_for.as_deref().map(ErrorReport::of);
            record.still_running = past.still_running;
            record.slow_poll = past.slow_poll;
            // If the step has ended, no other attempt followed.
            match past.awaiting.as_ref().filter(|_| status == Status::Pending) {
                Some(awaiting) => record.failed.push(awaiting.clone()),
                None => record.latest = timed(past.latest).filter(|_| ran),
            }
        });
        match timings {
            Some(timings) if status == Status::Pending => record.start = timings.started(step).map(nanos),
            Some(timings) => record.set_span(timings.span(step).filter(|_| ran)),
            None => {}
        }
        record.count_attempts(ran);
        record
    }

    /// Sets start and duration of a step that has ended, given when it did if it ran until then.
    fn set_span(&mut self, ran: Option<(u64, u64)>) {
        let span = match ran {
            Some((start, end)) => {
                self.latest.iter_mut().for_each(|times| times.end(nanos(end)));
                Some((nanos(start), nanos(end)))
            }
            None => self.span_of_failed(),
        };
        (self.start, self.duration) = span.map(|(start, end)| (start, end.saturating_sub(start))).unzip();
    }

    /// Start of the first and end of the last of the attempts that failed and were followed by another.
    fn span_of_failed(&self) -> Option<(Duration, Duration)> {
        let mut times = self.failed.iter().filter_map(|failed| failed.times);
        let first = times.next()?;
        let last = times.next_back().unwrap_or(first);
        Some((first.start, last.ended().unwrap_or(last.start)))
    }

    /// Counts the attempts; `ran` is false if the step was skipped, given or refused.
    pub(crate) fn count_attempts(&mut self, ran: bool) {
        let is_timed = self.latest.is_some() || self.start.is_some() && self.failed.is_empty();
        let ended = matches!(self.status, Status::Succeeded | Status::Failed | Status::TimedOut);
        self.attempts = self.failed.len() as u32 + u32::from(ran && (is_timed || ended));
    }
}

/// Whether a step that has ended so was called, unless a breaker refused it.
pub(crate) fn is_called(status: Status) -> bool {
    !matches!(status, Status::Skipped | Status::Cached | Status::Given)
}

fn nanos(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}
