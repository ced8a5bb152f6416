//! Observers of one kind of event each: a closure at the start or end of runs or steps.

use std::time::Duration;

use pipeline_core::frame::Status;
use pipeline_core::{Lane, StepError};

use super::{Event, RunView};
use crate::pipeline::Pipeline;
use crate::report::RunReport;

/// A step that starts.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StepStart<'a> {
    /// The id of the run.
    pub run_id: &'a str,
    /// The name of the step.
    pub step: &'a str,
    /// Where it runs.
    pub lane: Lane,
}

/// A step that has ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StepEnd<'a> {
    /// The id of the run.
    pub run_id: &'a str,
    /// The name of the step.
    pub step: &'a str,
    /// How it ended.
    pub status: Status,
    /// From its start to its end.
    pub duration: Duration,
    /// Why it failed.
    pub error: Option<&'a StepError>,
}

/// Hooks: observers that look at one thing. Each is added beside those that there are, and has the rules of an
/// [`Observer`](crate::Observer): it is called on the thread where the thing happens and must not block; a panic in it is
/// contained and printed by the panic hook, and changes nothing of the run.
impl Pipeline {
    /// Calls a closure when a run starts, before any step does, on the thread that starts it.
    pub fn on_run_start(self, hook: impl Fn(&RunView) + Send + Sync + 'static) -> Self {
        self.observe(move |event: &Event<'_>| {
            if let Event::RunStarted { view, .. } = event {
                hook(view);
            }
        })
    }

    /// Calls a closure with the report when a run has ended, stopped and dropped runs included. Nothing of the run goes
    /// on then, but whoever waits for it waits for the hook too: what takes long (a notification over the net) is handed to
    /// a thread or task of its own.
    ///
    /// ```
    /// # use std::sync::mpsc;
    /// # use pipeline_core::DagBuilder;
    /// # use pipeline_exec::{Pipeline, RunStatus};
    /// # let mut dag = DagBuilder::new();
    /// # dag.blocking("load", (), |()| Err::<u64, _>("no such table"));
    /// let (failures, told) = mpsc::channel();
    /// let pipeline = Pipeline::new(dag.build()?).on_run_end(move |run| {
    ///     if run.status == RunStatus::Failed {
    ///         let _ = failures.send(run.counts.failed);
    ///     }
    /// });
    /// pipeline.run_blocking()?;
    /// assert_eq!(told.try_recv(), Ok(1));
    /// # Ok::<(), pipeline_core::Problems>(())
    /// ```
    pub fn on_run_end(self, hook: impl Fn(&RunReport) + Send + Sync + 'static) -> Self {
        self.observe(move |event: &Event<'_>| {
            if let Event::RunFinished { end, .. } = event {
                hook(end.report());
            }
        })
    }

    /// Calls a closure when a step starts. Steps that are skipped do not.
    pub fn on_step_start(self, hook: impl Fn(&StepStart<'_>) + Send + Sync + 'static) -> Self {
        self.observe(move |event: &Event<'_>| {
            if let Event::StepStarted { run_id, step, lane, .. } = *event {
                hook(&StepStart { run_id, step, lane });
            }
        })
    }

    /// Calls a closure when a step has ended, skipped ones included, before its dependents start.
    pub fn on_step_end(self, hook: impl Fn(&StepEnd<'_>) + Send + Sync + 'static) -> Self {
        self.observe(move |event: &Event<'_>| {
            if let Event::StepFinished { run_id, step, status, duration, error, .. } = *event {
                hook(&StepEnd { run_id, step, status, duration, error });
            }
        })
    }
}
