//! What the report has of steps that did not simply succeed or fail.

use std::time::Duration;

use pipeline_core::{FailureKind, StepError};
use serde::{Deserialize, Serialize};

use crate::engine::Engine;

/// Why a step failed, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorReport {
    /// The stable kind.
    pub kind: FailureKind,
    /// The error's own text, or the panic's message and place.
    pub message: String,
    /// The texts of the causes, outermost first.
    pub causes: Vec<String>,
}

/// An attempt that failed and was followed by another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AttemptReport {
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Why it failed.
    pub error: ErrorReport,
    /// How long the step was to wait before the next: its backoff. For a slot or a limit it may have waited longer.
    pub retried_after: Duration,
    /// When it ran; `None` where it did not (a breaker refused it), and where nothing was timed.
    #[serde(default)]
    pub times: Option<AttemptTimes>,
}

/// When an attempt ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AttemptTimes {
    /// From the begin of the run to its start.
    pub start: Duration,
    /// From its start to its end, or to the moment when it was given up. `None` where it had not ended when this was written.
    pub duration: Option<Duration>,
}

/// What a run remembers of one step; all empty for most.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) failed_attempts: Vec<AttemptReport>,
    pub(super) fallback_for: Option<ErrorReport>,
    pub(super) still_running: u32,
    pub(super) slow_poll: Option<Duration>,
    /// When the latest attempt ran, where it is not the first or was to be followed by another.
    pub(super) latest: Option<AttemptTimes>,
}

impl ErrorReport {
    pub(crate) fn of(error: &StepError) -> Self {
        ErrorReport { kind: error.kind(), message: error.message().to_owned(), causes: error.causes() }
    }
}

impl Outcome {
    pub(super) fn of(engine: &Engine, step: usize) -> Self {
        let is_timed = super::timings(engine).is_some();
        let look = engine.history.look(step, |past| Outcome {
            failed_attempts: past
                .failed
                .iter()
                .map(|failed| {
                    AttemptReport::of(&failed.error, failed.wait, failed.times.filter(|_| is_timed))
                })
                .collect(),
            fallback_for: past.fallback_for.as_deref().map(ErrorReport::of),
            still_running: past.still_running,
            slow_poll: past.slow_poll.filter(|_| !engine.settings.deterministic),
            latest: past.latest.filter(|_| is_timed),
        });
        look.unwrap_or_default()
    }

    /// From the start of the first attempt to the end of the last, of those that were followed by another, in nanoseconds.
    pub(super) fn span_of_failed(&self) -> Option<(u64, u64)> {
        let mut times = self.failed_attempts.iter().filter_map(|failed| failed.times);
        let first = times.next()?;
        let last = times.next_back().unwrap_or(first);
        let end = last.start + last.duration.unwrap_or_default();
        Some((first.start.as_nanos() as u64, end.as_nanos() as u64))
    }
}

impl AttemptReport {
    pub(crate) fn of(error: &StepError, retried_after: Duration, times: Option<AttemptTimes>) -> Self {
        AttemptReport { attempt: error.attempt(), error: ErrorReport::of(error), retried_after, times }
    }
}

impl AttemptTimes {
    /// An attempt that starts.
    pub(crate) fn begun(start: Duration) -> Self {
        AttemptTimes { start, duration: None }
    }

    /// The attempt ends at that moment, if it has not before.
    pub(crate) fn end(&mut self, now: Duration) {
        self.duration.get_or_insert(now.saturating_sub(self.start));
    }
}
