//! A run: how it starts, what can be seen of it meanwhile, and what is left when it has ended.

mod aborting;
mod handle;
mod output;
mod prepare;

#[cfg(feature = "cli")]
use std::io::{self, Write};
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
use crate::report::{LARGE, RunReport};
use crate::runs::{Recording, StoreError};
use crate::signals::Signal;
use crate::stderr;
use crate::store::Left;

/// A run that has ended: its outputs, how each step ended, and the report.
///
/// Dropping it drops the outputs that were kept.
#[derive(Debug)]
pub struct Run {
    record: Arc<RunRecord>,
    duration: Duration,
    stopped_by: Option<Signal>,
    report: OnceLock<RunReport>,
    /// The report with a selection of the steps of a large run.
    #[cfg_attr(not(feature = "cli"), allow(dead_code))]
    digest: OnceLock<RunReport>,
    #[cfg_attr(not(feature = "report"), allow(dead_code))]
    recorded: Option<Result<PathBuf, StoreError>>,
    /// What a run that resumes this one has to do; `None` if this one succeeded.
    #[cfg_attr(not(feature = "cli"), allow(dead_code))]
    left: Option<Left>,
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
        let (report, digest) = (OnceLock::new(), OnceLock::new());
        events.end(duration, &report);
        let recorded = recording.map(|recording| {
            let report = digest_of(&record, duration, &report, &digest);
            let recorded = recording.finish(&record, report, duration);
            if let Err(error) = &recorded {
                // A program may never ask what went wrong.
                stderr::write(&format!(
                    "warning: run {} could not be recorded wholly: {error}\n",
                    report.run_id
                ));
            }
            recorded
        });
        Run { record, duration, stopped_by, report, digest, recorded, left: None }
    }

    /// Returns the folder in which the run [was recorded](crate::Pipeline::record_to), or why it could not be recorded completely. `None`
    /// if it was not to be recorded.
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/steps.in")]
    /// let run = Pipeline::to::<total>().run_blocking()?;
    /// assert!(run.recorded().is_none());
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "report")]
    pub fn recorded(&self) -> Option<Result<&Path, &StoreError>> {
        Some(self.recorded.as_ref()?.as_deref())
    }

    /// Returns the id of the run, the same in every event and in the report.
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/steps.in")]
    /// let run = Pipeline::to::<total>().run_blocking()?;
    /// assert_eq!(run.id(), run.report().run_id);
    /// # Ok(()) }
    /// ```
    pub fn id(&self) -> &str {
        self.record.frame.scope().run_id()
    }

    /// Returns the time from the first look at the plan to the end of the last step.
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/steps.in")]
    /// let run = Pipeline::to::<total>().run_blocking()?;
    /// println!("took {:?}", run.duration());
    /// # Ok(()) }
    /// ```
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Reports whether nothing went wrong. Each step has an output, or its output is not missed: the step is optional, its
    /// condition did not hold, its switch chose another branch, it was unused, or it was skipped because of such a step. O(steps).
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/steps.in")]
    /// assert!(Pipeline::to::<total>().run_blocking()?.succeeded());
    /// # Ok(()) }
    /// ```
    pub fn succeeded(&self) -> bool {
        self.record.succeeded()
    }

    /// Returns the signal that stopped the run, if it [listens for signals](crate::Pipeline) and one came.
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/steps.in")]
    /// let run = Pipeline::to::<total>().run_blocking()?;
    /// assert_eq!(run.stopped_by(), None);
    /// # Ok(()) }
    /// ```
    pub fn stopped_by(&self) -> Option<Signal> {
        self.stopped_by
    }

    /// Returns the exit code of a program that is this one run: 130 or 143 if SIGINT or SIGTERM stopped the run, else 0 if the run
    /// succeeded, else 1. O(steps).
    ///
    /// Returned from `main`, it ends the process without waiting for detached steps.
    ///
    /// ```no_run
    /// # use pipeline_exec::Pipeline;
    /// fn main() -> std::process::ExitCode {
    ///     Pipeline::all().run_blocking().expect("a valid pipeline").exit_code()
    /// }
    /// ```
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit_number())
    }

    pub(crate) fn exit_number(&self) -> u8 {
        self.stopped_by.map_or(u8::from(!self.succeeded()), Signal::exit_code)
    }

    /// Returns the run itself if it [succeeded](Run::succeeded).
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/steps.in")]
    /// let run = Pipeline::to::<total>().run_blocking()?.into_result()?;
    /// assert_eq!(run.output::<total>()?, &7);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Every failure of the run, timeouts included.
    pub fn into_result(self) -> Result<Run, RunFailed> {
        if self.succeeded() { Ok(self) } else { Err(RunFailed::of(&self.record.frame)) }
    }

    /// Returns an output that was asked for.
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/steps.in")]
    /// let run = Pipeline::to::<total>().run_blocking()?;
    /// assert_eq!(run.output::<total>()?, &7);
    /// assert!(run.output::<orders>().is_err()); // dropped after its last reader
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Why there is none: the step failed, was skipped or cancelled, was not part of the run, or its output was not kept.
    pub fn output<S: Step>(&self) -> Result<&S::Output, OutputError> {
        output::of_step::<S>(&self.record)
    }

    /// Returns an output by the name of its step.
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/graph.in")]
    /// let run = Pipeline::new(dag).run_blocking()?;
    /// assert_eq!(run.output_named::<String>("report")?, "total: 7");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Run::output`], and if the step returns another type than `T`.
    pub fn output_named<T: 'static>(&self, name: &str) -> Result<&T, OutputError> {
        output::of_name(&self.record, name)
    }

    /// Moves an output out of the run.
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/steps.in")]
    /// let mut run = Pipeline::to::<orders>().run_blocking()?;
    /// let orders: Vec<u64> = run.take_output::<orders>()?;
    /// assert_eq!(orders, [3, 4]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Run::output`], and if it was moved out before.
    pub fn take_output<S: Step>(&mut self) -> Result<S::Output, OutputError> {
        output::take::<S>(self)
    }

    /// Returns the names of the steps whose outputs can be read, in plan order.
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/graph.in")]
    /// let run = Pipeline::new(dag).run_blocking()?;
    /// assert_eq!(run.available(), ["report"]);
    /// # Ok(()) }
    /// ```
    pub fn available(&self) -> Vec<&str> {
        output::available(&self.record)
    }

    /// Returns how a step ended, by name.
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/graph.in")]
    /// # use pipeline_core::frame::Status;
    /// let run = Pipeline::new(dag).run_blocking()?;
    /// assert_eq!(run.status("orders")?, Status::Succeeded);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the run has no such step.
    pub fn status(&self, name: &str) -> Result<Status, OutputError> {
        output::position(&self.record.frame, name).map(|step| self.record.frame.status(step))
    }

    /// Returns why a step did not succeed, by name: its own error, or that of the step that caused its skip.
    ///
    /// ```
    /// # use pipeline_exec::Pipeline;
    /// let mut dag = pipeline_core::DagBuilder::new();
    /// let rows = dag.blocking("rows", (), |()| Err::<u64, _>("no such table"));
    /// dag.cpu("total", (rows,), |(rows,)| *rows);
    /// let run = Pipeline::new(dag.build()?).run_blocking()?;
    /// assert_eq!(run.error("total").unwrap().message(), "no such table");
    /// # Ok::<(), pipeline_core::Problems>(())
    /// ```
    pub fn error(&self, name: &str) -> Option<&StepError> {
        self.record.frame.error(output::position(&self.record.frame, name).ok()?)
    }

    /// Returns the report, made at the first call. O(steps).
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/steps.in")]
    /// let run = Pipeline::to::<total>().run_blocking()?;
    /// assert_eq!(run.report().counts.succeeded, 2);
    /// println!("{}", run.report());
    /// # Ok(()) }
    /// ```
    pub fn report(&self) -> &RunReport {
        self.report.get_or_init(|| RunReport::of(&self.record, self.duration))
    }

    /// Returns the report, with a selection of the steps if the run is large: its size does not grow with the run's.
    #[cfg(feature = "cli")]
    pub(crate) fn digest(&self) -> &RunReport {
        digest_of(&self.record, self.duration, &self.report, &self.digest)
    }

    /// Returns what a run has to do that resumes this one; `None` if this one succeeded, or left nothing.
    #[cfg(feature = "cli")]
    pub(crate) fn left(&self) -> Option<&Left> {
        self.left.as_ref()
    }

    /// Writes the report as JSON, with every step.
    #[cfg(feature = "cli")]
    pub(crate) fn write_report(&self, out: &mut impl Write) -> io::Result<()> {
        self.digest().write_whole(&self.record, out)
    }

    /// Stores what a run that did not succeed needs to go on, and removes what one that did does not need.
    fn settle(&mut self) {
        let Some(caching) = self.record.caching.clone() else { return };
        if self.succeeded() {
            caching.forget(self.record.frame.plan());
        } else {
            if let Some(frame) = self.frame_alone() {
                caching.keep_rest(frame);
            }
            self.left = caching.leave(&self.record.frame);
        }
        caching.print_warnings();
    }

    /// The frame, if no thread but this one can reach it.
    fn frame_alone(&mut self) -> Option<&mut Frame> {
        while Arc::strong_count(&self.record) > 1 {
            if self.record.history.any_detached() {
                return None;
            }
            // A thread that leaves the run still holds it.
            std::thread::yield_now();
        }
        Arc::get_mut(&mut Arc::get_mut(&mut self.record)?.frame)
    }
}

/// The report of a run, with a selection of the steps of a large run.
fn digest_of<'r>(
    record: &RunRecord,
    duration: Duration,
    report: &'r OnceLock<RunReport>,
    digest: &'r OnceLock<RunReport>,
) -> &'r RunReport {
    if record.frame.plan().len() > LARGE {
        digest.get_or_init(|| RunReport::digest(record, duration))
    } else {
        report.get_or_init(|| RunReport::of(record, duration))
    }
}
