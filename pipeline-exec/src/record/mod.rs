//! What is known of a run, while it is under way and afterwards.
//!
//! The engine writes the record; the report, the journal and the events read it. It knows none of them, and it does not
//! know how the run is executed.

mod attempt;
mod command_line;
mod history;
mod nested;
mod owner;
mod step;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use pipeline_core::FailureKind;
use pipeline_core::frame::{Frame, Status};

pub use self::attempt::{AttemptReport, AttemptTimes, ErrorReport};
pub use self::command_line::CommandLine;
pub(crate) use self::history::{Failed, History};
pub(crate) use self::nested::NestedRuns;
pub use self::nested::{NestedFailure, NestedReport};
pub(crate) use self::owner::RunOwner;
pub(crate) use self::step::StepRecord;
#[cfg(feature = "report")]
pub(crate) use self::step::is_called;
use crate::limits::{Clamped, LimitReport, Limits, Need};
use crate::pressure::{Change, Curve, Monitor};
use crate::rules::{Rule, Rules};
use crate::runtime;
use crate::settings::Settings;
use crate::store::Caching;
use crate::timing::Timings;

/// Record of one run: what it was made of, and what has happened to its steps.
#[derive(Debug)]
pub(crate) struct RunRecord {
    pub(crate) frame: Arc<Frame>,
    pub(crate) settings: Settings,
    /// The reasons, not the settings, for which steps run one at a time.
    pub(crate) one_at_a_time: Vec<String>,
    pub(crate) limits: Limits,
    /// `None` if every step is only run and finished.
    pub(crate) rules: Option<Arc<Rules>>,
    /// `None` if nothing is stored.
    pub(crate) caching: Option<Arc<Caching>>,
    /// `None` if nothing is timed.
    pub(crate) timings: Option<Timings>,
    pub(crate) history: Arc<History>,
    /// `None` if nothing is sampled.
    pub(crate) monitor: Option<Arc<Monitor>>,
    /// The program and the pipeline that it belongs to.
    pub(crate) owner: RunOwner,
    /// The command line that started the run, if one did.
    pub(crate) command_line: Option<Arc<CommandLine>>,
    /// The steps that are asked for by name, sorted: none of them is optional.
    pub(crate) asked_for: Vec<usize>,
    /// The runs within its steps that have ended.
    nested: Mutex<NestedRuns>,
    pub(crate) began: Began,
    /// The zero of all time stamps of the run.
    pub(crate) origin: Instant,
    /// Whether a journal is kept of it.
    pub(crate) is_journaled: bool,
}

impl Drop for RunRecord {
    /// Drops the outputs of steps on threads where a drop may block: not on a thread that runs tasks.
    fn drop(&mut self) {
        let Some(frame) = Arc::get_mut(&mut self.frame) else { return };
        if runtime::is_entered() && frame.has_outputs_of_threads() {
            runtime::where_code_may_block(|| frame.drop_outputs_of_threads());
        }
    }
}

/// When a run began: by the monotonic clock for durations, by the wall clock for people.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Began {
    pub(crate) at: Instant,
    pub(crate) wall: SystemTime,
}

impl RunRecord {
    /// The record of a run that starts now.
    pub(crate) fn new(frame: Frame, settings: Settings, limits: Limits, began: Began) -> Self {
        let rules = Rules::new(frame.plan(), &settings, &limits).map(Arc::new);
        RunRecord {
            frame: Arc::new(frame),
            settings,
            one_at_a_time: Vec::new(),
            limits,
            rules,
            caching: None,
            timings: None,
            history: Arc::default(),
            monitor: None,
            owner: RunOwner::default(),
            command_line: None,
            asked_for: Vec::new(),
            nested: Mutex::default(),
            began,
            origin: Instant::now(),
            is_journaled: false,
        }
    }

    /// The same with the times of its steps.
    pub(crate) fn timed(mut self) -> Self {
        self.timings = Some(Timings::new(self.frame.plan().len(), self.origin));
        self
    }

    /// Remembers a run within one of its steps that has ended.
    pub(crate) fn add_nested(&self, step: usize, report: NestedReport) {
        self.nested.lock().unwrap_or_else(PoisonError::into_inner).add(step, report);
    }

    /// The runs within its steps that have ended.
    pub(crate) fn nested_runs(&self) -> NestedRuns {
        self.nested.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Time since the zero of the time stamps.
    pub(crate) fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }

    /// What has happened to a step so far.
    #[cfg(feature = "report")]
    pub(crate) fn step(&self, step: usize) -> StepRecord {
        StepRecord::of(self, step, self.timings.as_ref())
    }

    /// The rule of a step; `None` for a plain one.
    fn rule(&self, step: usize) -> Option<&Rule> {
        Some(self.rules.as_ref()?.of(step))
    }

    /// Maximum number of attempts of a step.
    pub(crate) fn most_attempts(&self, step: usize) -> u32 {
        self.rule(step).map_or(1, |rule| rule.retries.saturating_add(1))
    }

    /// The limits of which a step needs more than there is.
    pub(crate) fn clamped(&self, step: usize) -> impl Iterator<Item = &Clamped> {
        self.rule(step).into_iter().flat_map(|rule| rule.needs.iter()).flat_map(Need::clamped)
    }

    /// Whether a step ran alone because its `parallel_if` returned false.
    pub(crate) fn ran_alone(&self, step: usize) -> bool {
        self.history.look(step, |past| past.ran_alone).unwrap_or(false)
    }

    /// Memory and processor time over the run, and how slots changed because of them, if they were sampled.
    pub(crate) fn resources(&self) -> Option<(Curve, Vec<Change>)> {
        let monitor = self.monitor.as_ref().filter(|_| !self.settings.deterministic)?;
        Some(monitor.seen())
    }

    /// Figures of the named limits that steps of the run needed.
    pub(crate) fn limits_in_use(&self) -> Vec<LimitReport> {
        if self.settings.deterministic || self.rules.is_none() {
            return Vec::new();
        }
        self.limits.snapshot().into_iter().filter(|limit| limit.peak > 0).collect()
    }

    /// Whether nothing went wrong: every step has an output, or the run does without it. O(steps).
    pub(crate) fn succeeded(&self) -> bool {
        (0..self.frame.plan().len()).all(|step| self.is_well(step))
    }

    /// Whether the run succeeds even if the step fails: the step is optional, and was not asked for by name.
    pub(crate) fn is_optional(&self, step: usize) -> bool {
        self.frame.plan().policy(step).optional && self.asked_for.binary_search(&step).is_err()
    }

    /// Whether a step has an output, or lacks it for a reason that is no failure of the run: its condition does not
    /// hold, it is unused, it is optional; or it was skipped because of such a step.
    fn is_well(&self, step: usize) -> bool {
        let cause = self.frame.skipped_because(step).unwrap_or(step);
        match self.frame.status(cause) {
            // A step that was skipped because of one that succeeded lacks what a detached attempt still reads.
            Status::Succeeded | Status::Cached | Status::Given => cause == step,
            Status::Failed | Status::TimedOut => self.is_optional(cause),
            Status::Skipped => true,
            Status::Cancelled => {
                self.frame.error(cause).is_some_and(|error| error.kind() == FailureKind::Unused)
            }
            _ => false,
        }
    }

    /// Ends the record: steps that did not run are cancelled. Nothing of the run is under way any more. Debug builds also check
    /// that what its steps ended with fits together.
    ///
    /// # Panics
    /// If steps were left that no one had cancelled: each step has to be in one terminal count.
    pub(crate) fn end(&self) {
        let is_stopped = self.frame.scope().is_stopped();
        // A run in which every step succeeded is not looked through: it would cost a tenth of a run of no-op steps.
        if is_stopped || self.frame.has_unsuccessful() || cfg!(debug_assertions) {
            let left = self.frame.cancel_rest();
            assert!(
                left == 0 || is_stopped,
                "{left} steps were left unfinished: this is a defect of `pipeline`"
            );
        }
        if cfg!(debug_assertions) {
            let found = self.frame.contradictions();
            assert!(found.is_empty(), "the run's end is contradictory:\n{}", found.join("\n"));
        }
        if let Some(monitor) = &self.monitor {
            monitor.end(self.elapsed());
        }
    }
}
