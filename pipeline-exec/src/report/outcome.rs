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
    /// How long the step waited before the next.
    pub retried_after: Duration,
}

/// What a run remembers of one step; all empty for most.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) failed_attempts: Vec<AttemptReport>,
    pub(super) fallback_for: Option<ErrorReport>,
    pub(super) still_running: u32,
    pub(super) slow_poll: Option<Duration>,
}

impl ErrorReport {
    pub(crate) fn of(error: &StepError) -> Self {
        ErrorReport { kind: error.kind(), message: error.message().to_owned(), causes: error.causes() }
    }
}

impl Outcome {
    pub(super) fn of(engine: &Engine, step: usize) -> Self {
        let look = engine.history.look(step, |past| Outcome {
            failed_attempts: past
                .failed
                .iter()
                .map(|(error, wait)| AttemptReport::of(error, *wait))
                .collect(),
            fallback_for: past.fallback_for.as_deref().map(ErrorReport::of),
            still_running: past.still_running,
            slow_poll: past.slow_poll.filter(|_| !engine.settings.deterministic),
        });
        look.unwrap_or_default()
    }
}

impl AttemptReport {
    fn of(error: &StepError, retried_after: Duration) -> Self {
        AttemptReport { attempt: error.attempt(), error: ErrorReport::of(error), retried_after }
    }
}
