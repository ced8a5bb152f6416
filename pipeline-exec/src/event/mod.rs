//! What happens in a run, as it happens.

mod end;
mod observer;
mod record;
mod run;
mod view;

use std::time::Duration;

use pipeline_core::frame::{Status, StepOutput};
use pipeline_core::{Lane, StepError};

pub use self::end::RunEnd;
pub(crate) use self::observer::{Entered, Observers};
pub use self::observer::{Observer, StepCall};
#[cfg(feature = "report")]
pub(crate) use self::record::EVENT_SCHEMA;
pub use self::record::{EventKind, EventRecord};
pub(crate) use self::run::RunEvents;
pub use self::view::RunView;
use crate::pressure::Share;
use crate::record::NestedReport;
use crate::stored::CachedFrom;

/// Something that happened in a run.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The run starts; sent before any step does.
    RunStarted {
        /// The id of the run.
        run_id: &'a str,
        /// Number of steps that will end in one of the terminal states.
        planned: usize,
        /// The run as a whole: its plan, and the progress that its steps report.
        view: &'a RunView,
    },
    /// A step starts. Steps that are skipped do not.
    StepStarted {
        /// The id of the run.
        run_id: &'a str,
        /// The name of the step.
        step: &'a str,
        /// Its position in the plan, and in the report.
        position: usize,
        /// Where it runs.
        lane: Lane,
    },
    /// A step has ended. Sent before its dependents start. Steps that never start because the run was stopped have
    /// no such event: the report has them as cancelled.
    StepFinished {
        /// The id of the run.
        run_id: &'a str,
        /// The name of the step.
        step: &'a str,
        /// Its position in the plan, and in the report.
        position: usize,
        /// How it ended.
        status: Status,
        /// Time from its start to its end.
        duration: Duration,
        /// Its own error.
        error: Option<&'a StepError>,
        /// The step because of which it was skipped.
        because: Option<Because<'a>>,
        /// Its output, if it has one.
        output: Option<StepOutput<'a>>,
        /// Where its output comes from, if it was not run because that was stored.
        cached_from: Option<&'a CachedFrom>,
    },
    /// An attempt after the first starts. `StepStarted` is sent for the first.
    AttemptStarted {
        /// The id of the run.
        run_id: &'a str,
        /// The name of the step.
        step: &'a str,
        /// Its position in the plan, and in the report.
        position: usize,
        /// Number of the attempt, from 2.
        attempt: u32,
    },
    /// An attempt has failed, and will be followed by another unless the run is stopped before.
    AttemptFailed {
        /// The id of the run.
        run_id: &'a str,
        /// The name of the step.
        step: &'a str,
        /// Its position in the plan, and in the report.
        position: usize,
        /// Number of the attempt, from 1.
        attempt: u32,
        /// Why.
        error: &'a StepError,
        /// Time that the step waits before the next.
        retry_in: Duration,
        /// Time from the attempt's start to its end; `None` if it did not run: a breaker refused it.
        duration: Option<Duration>,
    },
    /// A step has failed, and its fallback gives its output.
    FallbackUsed {
        /// The id of the run.
        run_id: &'a str,
        /// The name of the step.
        step: &'a str,
        /// Its position in the plan, and in the report.
        position: usize,
        /// Why it failed.
        error: &'a StepError,
    },
    /// An async step keeps its thread without waiting: other steps cannot run there meanwhile.
    SlowPoll {
        /// The id of the run.
        run_id: &'a str,
        /// The name of the step.
        step: &'a str,
        /// Its position in the plan, and in the report.
        position: usize,
        /// For how long so far.
        time: Duration,
    },
    /// A run [within](crate::Pipeline::within) a step has ended.
    NestedRunFinished {
        /// The id of the outer run.
        run_id: &'a str,
        /// The name of the step.
        step: &'a str,
        /// Its position in the plan, and in the report.
        position: usize,
        /// The nested run.
        nested: &'a NestedReport,
    },
    /// The share of its slots that the run may use has changed, because of its memory.
    SlotsChanged {
        /// The id of the run.
        run_id: &'a str,
        /// The share.
        share: Share,
        /// Why, in words.
        reason: &'a str,
    },
    /// The run has ended.
    RunFinished {
        /// The id of the run.
        run_id: &'a str,
        /// Time from the start of the run to the end of its last step.
        duration: Duration,
        /// Whether every step succeeded.
        succeeded: bool,
        /// Makes the report when it is asked for it.
        end: &'a RunEnd<'a>,
    },
}

impl<'a> Event<'a> {
    /// The name of the step that it is about.
    fn step(&self) -> Option<&'a str> {
        match *self {
            Event::StepStarted { step, .. }
            | Event::StepFinished { step, .. }
            | Event::AttemptStarted { step, .. }
            | Event::AttemptFailed { step, .. }
            | Event::FallbackUsed { step, .. }
            | Event::SlowPoll { step, .. }
            | Event::NestedRunFinished { step, .. } => Some(step),
            Event::RunStarted { .. } | Event::SlotsChanged { .. } | Event::RunFinished { .. } => None,
        }
    }
}

/// A step because of which another was skipped: the one at which the skips of a chain began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Because<'a> {
    /// The name of the step.
    pub step: &'a str,
    /// How it ended: it failed, timed out, was skipped itself or cancelled.
    pub status: Status,
}

impl<'a> Event<'a> {
    /// Returns the id of the run.
    pub fn run_id(&self) -> &'a str {
        match *self {
            Event::RunStarted { run_id, .. }
            | Event::StepStarted { run_id, .. }
            | Event::StepFinished { run_id, .. }
            | Event::AttemptStarted { run_id, .. }
            | Event::AttemptFailed { run_id, .. }
            | Event::FallbackUsed { run_id, .. }
            | Event::SlowPoll { run_id, .. }
            | Event::NestedRunFinished { run_id, .. }
            | Event::SlotsChanged { run_id, .. }
            | Event::RunFinished { run_id, .. } => run_id,
        }
    }
}
