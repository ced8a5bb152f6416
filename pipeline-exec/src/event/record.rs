//! Events as data: one line of JSON each, for `--output json` and the journal of a run.

use std::time::Duration;

use pipeline_core::Lane;
use pipeline_core::frame::Status;
use serde::{Deserialize, Serialize};

use super::Event;
use crate::pressure::Share;
use crate::record::{CommandLine, ErrorReport, NestedReport};
use crate::report::RunReport;
use crate::stored::{CachedFrom, ResumeReport};
use crate::timing::unix_ms;

/// Version of this schema; a new field or kind does not change it, a changed meaning does.
pub(crate) const EVENT_SCHEMA: u32 = 1;

/// An owned, serialisable [`Event`]: `{"v":1,"at":0.0125,"run_id":"…","event":"step_started",…}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EventRecord {
    /// The version of the schema.
    pub v: u32,
    /// Seconds since the run began.
    pub at: f64,
    /// The id of the run.
    pub run_id: String,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened, as in [`Event`]. Durations are in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// The run starts.
    RunStarted {
        /// The program, by the name of its file.
        #[serde(default)]
        program: String,
        /// The name of the pipeline, in a program of several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pipeline: Option<String>,
        /// Number of steps that will end in one of the terminal states.
        planned: usize,
        /// When, in milliseconds since 1970.
        started_unix_ms: u64,
        /// The command line that started it; `None` if a program started it itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command_line: Option<CommandLine>,
        /// What it takes over from the run that it resumes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resumed: Option<ResumeReport>,
    },
    /// A step starts.
    StepStarted {
        /// The name of the step.
        step: String,
        /// Its identity, if that is not its name. Only in journals.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        identity: Option<String>,
        /// Where it runs.
        lane: Lane,
    },
    /// A step has ended.
    StepFinished {
        /// The name of the step.
        step: String,
        /// Its identity, if that is not its name. Only in journals.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        identity: Option<String>,
        /// How it ended.
        status: Status,
        /// Time from its start to its end.
        seconds: f64,
        /// Its own error.
        error: Option<ErrorReport>,
        /// The step because of which it was skipped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        because: Option<String>,
        /// Where its output comes from, if it was not run because that was stored.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cached_from: Option<CachedFrom>,
    },
    /// Many short steps have succeeded. Only in journals: observers receive an event for each step.
    StepsSucceeded {
        /// The names of the steps.
        steps: Vec<String>,
        /// Their identities, if one of them is not the name.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        identities: Vec<String>,
    },
    /// An attempt after the first starts.
    AttemptStarted {
        /// The name of the step.
        step: String,
        /// Number of the attempt, from 2.
        attempt: u32,
    },
    /// An attempt has failed, and will be followed by another unless the run is stopped before.
    AttemptFailed {
        /// The name of the step.
        step: String,
        /// Number of the attempt, from 1.
        attempt: u32,
        /// Why.
        error: ErrorReport,
        /// Time that the step waits before the next.
        retry_in_seconds: f64,
        /// Time from the attempt's start to its end; none if it did not run.
        seconds: Option<f64>,
    },
    /// A step has failed, and its fallback gives its output.
    FallbackUsed {
        /// The name of the step.
        step: String,
        /// Why it failed.
        error: ErrorReport,
    },
    /// An async step keeps its thread without waiting.
    SlowPoll {
        /// The name of the step.
        step: String,
        /// For how long so far.
        seconds: f64,
    },
    /// A run within a step has ended.
    NestedRunFinished {
        /// The nested run.
        nested: NestedReport,
    },
    /// The share of its slots that the run may use has changed.
    SlotsChanged {
        /// The share.
        share: Share,
        /// Why, in words.
        reason: String,
    },
    /// The run has ended.
    RunFinished {
        /// Time from the start of the run to the end of its last step.
        seconds: f64,
        /// Whether every step succeeded.
        succeeded: bool,
    },
    /// What the run did: the last line of `--output json`. Observers do not receive it.
    RunReported {
        /// The report, as [`RunReport::to_json`] has it.
        report: Box<RunReport>,
    },
    /// A kind that this version does not know: what a later version wrote can be read all the same.
    #[serde(other)]
    Unknown,
}

impl EventRecord {
    /// Copies an event. `at` is the time since the run began.
    pub fn of(event: &Event<'_>, at: Duration) -> Self {
        EventRecord {
            v: EVENT_SCHEMA,
            at: at.as_secs_f64(),
            run_id: event.run_id().to_owned(),
            kind: EventKind::of(event),
        }
    }

    /// The report of a run, as the last of its records. `at` is the time since the run began.
    #[cfg(feature = "cli")]
    pub(crate) fn of_report(report: &RunReport, at: Duration) -> Self {
        EventRecord {
            v: EVENT_SCHEMA,
            at: at.as_secs_f64(),
            run_id: report.run_id.clone(),
            kind: EventKind::RunReported { report: Box::new(report.clone()) },
        }
    }

    /// Returns the record as one line of JSON, without the line's end.
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| format!("{{\"error\":{:?}}}", error.to_string()))
    }
}

impl EventKind {
    /// The names of the kinds, as in the field `event`.
    pub const NAMES: [&str; 12] = [
        "run_started",
        "step_started",
        "step_finished",
        "steps_succeeded",
        "attempt_started",
        "attempt_failed",
        "fallback_used",
        "slow_poll",
        "nested_run_finished",
        "slots_changed",
        "run_finished",
        "run_reported",
    ];

    /// Returns the name of the kind, as in the field `event`.
    pub const fn name(&self) -> &'static str {
        match self {
            EventKind::RunStarted { .. } => "run_started",
            EventKind::StepStarted { .. } => "step_started",
            EventKind::StepFinished { .. } => "step_finished",
            EventKind::StepsSucceeded { .. } => "steps_succeeded",
            EventKind::AttemptStarted { .. } => "attempt_started",
            EventKind::AttemptFailed { .. } => "attempt_failed",
            EventKind::FallbackUsed { .. } => "fallback_used",
            EventKind::SlowPoll { .. } => "slow_poll",
            EventKind::NestedRunFinished { .. } => "nested_run_finished",
            EventKind::SlotsChanged { .. } => "slots_changed",
            EventKind::RunFinished { .. } => "run_finished",
            EventKind::RunReported { .. } => "run_reported",
            EventKind::Unknown => "unknown",
        }
    }

    /// The name of the step that it is about.
    #[cfg(feature = "report")]
    pub(crate) fn step(&self) -> Option<&str> {
        match self {
            EventKind::StepStarted { step, .. }
            | EventKind::StepFinished { step, .. }
            | EventKind::AttemptStarted { step, .. }
            | EventKind::AttemptFailed { step, .. }
            | EventKind::FallbackUsed { step, .. }
            | EventKind::SlowPoll { step, .. } => Some(step),
            EventKind::NestedRunFinished { nested } => Some(&nested.step),
            _ => None,
        }
    }

    fn of(event: &Event<'_>) -> Self {
        match *event {
            Event::RunStarted { planned, view, .. } => {
                let started_unix_ms = unix_ms(view.started());
                let command_line = view.command_line().cloned();
                let (program, pipeline) = (view.program().to_owned(), view.pipeline().map(str::to_owned));
                let resumed = view.resumed().cloned();
                EventKind::RunStarted { program, pipeline, planned, started_unix_ms, command_line, resumed }
            }
            Event::StepStarted { step, lane, .. } => {
                EventKind::StepStarted { step: step.to_owned(), identity: None, lane }
            }
            Event::StepFinished { step, status, duration, error, because, cached_from, .. } => {
                EventKind::StepFinished {
                    step: step.to_owned(),
                    identity: None,
                    status,
                    seconds: duration.as_secs_f64(),
                    error: error.map(ErrorReport::of),
                    because: because.map(|because| because.step.to_owned()),
                    cached_from: cached_from.cloned(),
                }
            }
            Event::AttemptStarted { step, attempt, .. } => {
                EventKind::AttemptStarted { step: step.to_owned(), attempt }
            }
            Event::AttemptFailed { step, attempt, error, retry_in, duration, .. } => {
                EventKind::AttemptFailed {
                    step: step.to_owned(),
                    attempt,
                    error: ErrorReport::of(error),
                    retry_in_seconds: retry_in.as_secs_f64(),
                    seconds: duration.map(|duration| duration.as_secs_f64()),
                }
            }
            Event::FallbackUsed { step, error, .. } => {
                EventKind::FallbackUsed { step: step.to_owned(), error: ErrorReport::of(error) }
            }
            Event::SlowPoll { step, time, .. } => {
                EventKind::SlowPoll { step: step.to_owned(), seconds: time.as_secs_f64() }
            }
            Event::NestedRunFinished { nested, .. } => {
                EventKind::NestedRunFinished { nested: nested.clone() }
            }
            Event::SlotsChanged { share, reason, .. } => {
                EventKind::SlotsChanged { share, reason: reason.to_owned() }
            }
            Event::RunFinished { duration, succeeded, .. } => {
                EventKind::RunFinished { seconds: duration.as_secs_f64(), succeeded }
            }
        }
    }
}
