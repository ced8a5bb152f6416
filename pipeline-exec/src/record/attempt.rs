//! Attempts and errors as data.

use std::time::Duration;

use pipeline_core::{FailureKind, StepError};
use serde::{Deserialize, Serialize};

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
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Why it failed.
    pub error: ErrorReport,
    /// The backoff before the next attempt. The step may have waited longer, for a slot or a limit.
    pub retried_after: Duration,
    /// When it ran; `None` if it did not run (a breaker refused it), or if nothing was timed.
    #[serde(default)]
    pub times: Option<AttemptTimes>,
}

/// When an attempt ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AttemptTimes {
    /// Time from run start to attempt start.
    pub start: Duration,
    /// Time from its start until it ended or was given up. `None` if it had not ended when this was written.
    pub duration: Option<Duration>,
}

impl ErrorReport {
    pub(crate) fn of(error: &StepError) -> Self {
        ErrorReport { kind: error.kind(), message: error.message().to_owned(), causes: error.causes() }
    }
}

impl AttemptReport {
    pub(crate) fn of(error: &StepError, retried_after: Duration, times: Option<AttemptTimes>) -> Self {
        AttemptReport { attempt: error.attempt(), error: ErrorReport::of(error), retried_after, times }
    }
}

impl AttemptTimes {
    /// An attempt that starts now.
    pub(crate) fn begun(start: Duration) -> Self {
        AttemptTimes { start, duration: None }
    }

    /// Ends the attempt, unless it has ended before.
    pub(crate) fn end(&mut self, now: Duration) {
        self.duration.get_or_insert(now.saturating_sub(self.start));
    }

    /// When it ended, if it did.
    pub(crate) fn ended(&self) -> Option<Duration> {
        Some(self.start + self.duration?)
    }
}
