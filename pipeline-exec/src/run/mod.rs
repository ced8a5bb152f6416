//! A run: how it starts, what can be seen of it meanwhile, and what is left when it has ended.

mod aborting;
mod handle;
mod output;
mod prepare;

#[cfg(feature = "report")]
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pipeline_core::frame::{Frame, Status};
use pipeline_core::{Step, StepError};

pub use self::handle::RunHandle;
pub use self::output::{OutputError, RunFailed};
pub(crate) use self::prepare::{Prepared, RunInputs, cannot_record};
use crate::event::RunEvents;
use crate::record::RunRecord;
use crate::report::RunReport;
use crate::signals::Signal;
use crate::stderr;
use crate::store::{Recording, StoreError};

/// A run that has ended: its outputs, how each step ended, and the report.
///
/// Dropping it drops the outputs that were kept.
#[derive(Debug)]
pub struct Run {
    record: Arc<RunRecord>,
    duration: Duration,
    stopped_by: Option<Signal>,
    report: OnceLock<RunReport>,
    #[cfg_attr(not(feature = "report"), allow(dead_code))]
    recorded: Option<Result<PathBuf, StoreError>>,
}

impl Run {
    /// The run, when its last step has ended.
    fn new(
        record: Arc<RunRecord>,
        events: &RunEvents,
        recording: Option<Recording>,
        stopped_by: Option<Signal>,
    ) -> Self {
        let duration = record.began.at.elapsed();
        record.end();
        let report = OnceLock::new();
        events.end(duration, &report);
        let recorded = recording.map(|recording| {
            let report = report.get_or_init(|| RunReport::of(&record, duration));
            let recorded = recording.finish(&record, report, duration);
            if let Err(error) = &recorded {
                // Told here, since what is lost must not be so in silence if a program does not ask.
                stderr::write(&format!(
                    "warning: run {} could not be recorded wholly: {error}\n",
                    report.run_id
                ));
            }
            recorded
        });
        Run { record, duration, stopped_by, report, recorded }
    }

    /// The folder in which the run [was recorded](crate::Pipeline::record_to), or why it could not be, or not wholly; `None` where
    /// it was not to be recorded.
    #[cfg(feature = "report")]
    pub fn recorded(&self) -> Option<Result<&Path, &StoreError>> {
        Some(self.recorded.as_ref()?.as_deref())
    }

    /// The id of the run, the same in every event and in the report.
    pub fn id(&self) -> &str {
        self.record.frame.scope().run_id()
    }

    /// From the first look at the plan to the last step's end.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Whether nothing went wrong: every step has an output, or is not missed because it is optional, its condition did
    /// not hold, its switch chose another branch, or nobody needed it; or it was skipped because of such a step. O(steps).
    pub fn succeeded(&self) -> bool {
        self.record.succeeded()
    }

    /// The signal that stopped the run, where it [listens for signals](crate::Pipeline) and one came.
    pub fn stopped_by(&self) -> Option<Signal> {
        self.stopped_by
    }

    /// What the process of a program that is this one run exits with: 130 or 143 where SIGINT or SIGTERM stopped the run,
    /// else 0 where the run succeeded, else 1. O(steps).
    ///
    /// Returned from `main`, it ends the process without waiting for steps that were left behind on their threads.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit_number())
    }

    pub(crate) fn exit_number(&self) -> u8 {
        self.stopped_by.map_or(u8::from(!self.succeeded()), Signal::exit_code)
    }

    /// The run itself where it [succeeded](Run::succeeded).
    ///
    /// # Errors
    /// Every failure of the run, timeouts included.
    pub fn into_result(self) -> Result<Run, RunFailed> {
        if self.succeeded() { Ok(self) } else { Err(RunFailed::of(&self.record.frame)) }
    }

    /// Reads an output that was asked for.
    ///
    /// # Errors
    /// Why there is none: the step failed, was skipped or cancelled, was not part of the run, or its output was not
    /// kept.
    pub fn output<S: Step>(&self) -> Result<&S::Output, OutputError> {
        output::of_step::<S>(&self.record.frame)
    }

    /// Reads an output by the step's name.
    ///
    /// # Errors
    /// As [`Run::output`], and where the step returns another type than `T`.
    pub fn output_named<T: 'static>(&self, name: &str) -> Result<&T, OutputError> {
        output::of_name(&self.record.frame, name)
    }

    /// Moves an output that was asked for out of the run.
    ///
    /// # Errors
    /// As [`Run::output`], and where it was moved out before.
    pub fn take_output<S: Step>(&mut self) -> Result<S::Output, OutputError> {
        output::take::<S>(self)
    }

    /// The names of the steps whose outputs can be read, in plan order.
    pub fn available(&self) -> Vec<&str> {
        output::available(&self.record.frame)
    }

    /// How a step ended, by name.
    ///
    /// # Errors
    /// Where the run has no such step.
    pub fn status(&self, name: &str) -> Result<Status, OutputError> {
        output::position(&self.record.frame, name).map(|step| self.record.frame.status(step))
    }

    /// Why a step did not succeed, by name: its own error, or that of the step that caused its skip.
    pub fn error(&self, name: &str) -> Option<&StepError> {
        self.record.frame.error(output::position(&self.record.frame, name).ok()?)
    }

    /// The report; made when first asked for. O(steps).
    pub fn report(&self) -> &RunReport {
        self.report.get_or_init(|| RunReport::of(&self.record, self.duration))
    }

    /// The frame, if no thread but this one can reach it.
    fn frame_alone(&mut self) -> Option<&mut Frame> {
        while Arc::strong_count(&self.record) > 1 {
            if self.record.history.any_detached() {
                return None;
            }
            // A thread on its way out holds the run for another moment.
            std::thread::yield_now();
        }
        Arc::get_mut(&mut Arc::get_mut(&mut self.record)?.frame)
    }
}
