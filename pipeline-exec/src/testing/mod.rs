//! Tools for tests of pipelines.
//!
//! Four need nothing from here:
//! * A step is a plain function: call it, `valid_orders(&sample)`.
//! * A step with a context: [`StepContext::for_test`](pipeline_core::StepContext::for_test).
//! * A step that should not run: [`Pipeline::with_output`](crate::Pipeline::with_output) gives its output, and prunes
//!   what only it needs.
//! * Time: with tokio's `start_paused` test runtime, waiting steps wait in virtual time.
//!
//! This module adds a [`Recorder`], which records a run and checks it against the rules that hold for every run.

mod check;

use std::sync::{Arc, Mutex, PoisonError};

use pipeline_core::Plan;
use pipeline_core::frame::Status;

use self::check::Check;
use crate::event::{Event, Observer};
use crate::report::RunReport;
use crate::settings::Settings;

/// Records the starts and ends of the steps of a run, in their order. Clones share the record.
///
/// ```
/// # use pipeline_core::{DagBuilder, Problems};
/// # use pipeline_exec::{Pipeline, testing::Recorder};
/// let mut dag = DagBuilder::new();
/// let one = dag.cpu("one", (), |()| 1_u64);
/// dag.cpu("two", (one,), |(one,)| one + 1);
/// let recorder = Recorder::new();
/// let pipeline = Pipeline::new(dag.build()?).observe(recorder.clone());
/// let run = pipeline.run_blocking()?;
/// assert_eq!(recorder.started(), ["one", "two"]);
/// let plan = pipeline.plan()?;
/// assert_eq!(recorder.violations(&plan, run.report()), Vec::<String>::new());
/// # Ok::<(), Problems>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    moments: Arc<Mutex<Vec<Moment>>>,
}

/// A recorded event of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Moment {
    step: String,
    what: What,
}

/// Kind of an event of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Started,
    /// This attempt, which is not the first, started.
    AttemptStarted(u32),
    /// This attempt failed, and another will follow.
    AttemptFailed(u32),
    Finished(Status),
}

impl Recorder {
    /// Makes an empty recorder.
    pub fn new() -> Self {
        Recorder::default()
    }

    /// Returns the names of the steps that started, in that order.
    pub fn started(&self) -> Vec<String> {
        self.filtered(|what| *what == What::Started)
    }

    /// Returns the names of the steps that ended, in that order.
    pub fn finished(&self) -> Vec<String> {
        self.filtered(|what| matches!(what, What::Finished(_)))
    }

    /// Returns the violations of the rules, as text; none for a correct run.
    ///
    /// * A step starts after all steps that it waits for have ended. Steps of which it needs only some are left out.
    /// * No step starts or ends twice, or ends with another status than that of the report.
    /// * Attempts start and fail in turn, between start and end.
    /// * Only a skipped, cancelled or refused step ends without a start.
    /// * Steps of one sequence follow each other, and an exclusive step runs alone.
    /// * The number of planned steps is the sum of the terminal states.
    ///
    /// # Complexity
    /// O(edges · log steps + events · width), with the number of steps that run at once as the width.
    pub fn violations(&self, plan: &Plan, report: &RunReport) -> Vec<String> {
        self.check(plan, report, None)
    }

    /// Returns the same for a run with these settings, if its slots and limits were not changed meanwhile. In addition, no more
    /// steps run at once than workers and slots allow, and no more of a limit is in use than its capacity.
    ///
    /// Between two attempts, a step uses nothing.
    pub fn violations_under(&self, settings: &Settings, plan: &Plan, report: &RunReport) -> Vec<String> {
        self.check(plan, report, Some(settings))
    }

    fn check(&self, plan: &Plan, report: &RunReport, settings: Option<&Settings>) -> Vec<String> {
        let history = self.moments.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut check = Check::new(plan, report, history);
        check.each_step_alone();
        check.order();
        check.counts();
        check.concurrency(settings);
        check.violations()
    }

    fn filtered(&self, is_wanted: impl Fn(&What) -> bool) -> Vec<String> {
        let moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = moments.iter().filter(|moment| is_wanted(&moment.what));
        wanted.map(|moment| moment.step.clone()).collect()
    }
}

impl Observer for Recorder {
    fn on_event(&self, event: &Event<'_>) {
        let (step, what) = match event {
            Event::StepStarted { step, .. } => (*step, What::Started),
            Event::AttemptStarted { step, attempt, .. } => (*step, What::AttemptStarted(*attempt)),
            Event::AttemptFailed { step, attempt, .. } => (*step, What::AttemptFailed(*attempt)),
            Event::StepFinished { step, status, .. } => (*step, What::Finished(*status)),
            _ => return,
        };
        let moment = Moment { step: step.to_owned(), what };
        self.moments.lock().unwrap_or_else(PoisonError::into_inner).push(moment);
    }
}
