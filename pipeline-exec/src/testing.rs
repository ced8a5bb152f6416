//! For tests of pipelines.
//!
//! Four tools need nothing from here:
//! * A step is a plain function: call it, `valid_orders(&sample)`.
//! * A step with a context: [`StepContext::for_test`](pipeline_core::StepContext::for_test).
//! * A step that is not to run: [`Pipeline::with_output`](crate::Pipeline::with_output) gives its output, and prunes
//!   what only it needs.
//! * Time: with tokio's `start_paused` test runtime, waiting steps wait in virtual time.
//!
//! This module adds a [`Recorder`] that keeps what happened, and checks it against the rules that hold for every run.

use std::sync::{Arc, Mutex, PoisonError};

use pipeline_core::Plan;
use pipeline_core::frame::Status;

use crate::event::{Event, Observer};
use crate::report::RunReport;

/// Keeps the starts and ends of the steps of a run, in the order in which they happened. Clones share what is kept.
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

/// One thing that happened to a step.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Moment {
    Started(String),
    Finished(String),
}

impl Recorder {
    /// A recorder that has seen nothing.
    pub fn new() -> Self {
        Recorder::default()
    }

    /// The names of the steps that started, in the order in which they did.
    pub fn started(&self) -> Vec<String> {
        self.filtered(|moment| match moment {
            Moment::Started(step) => Some(step),
            Moment::Finished(_) => None,
        })
    }

    /// The names of the steps that ended, in the order in which they did.
    pub fn finished(&self) -> Vec<String> {
        self.filtered(|moment| match moment {
            Moment::Finished(step) => Some(step),
            Moment::Started(_) => None,
        })
    }

    /// What happened against the rules, in words; empty for every run that is as it should be.
    ///
    /// No step starts before all it waits for has ended; none starts or ends twice; none but a skipped one ends without
    /// a start; what was planned is the sum of the terminal states.
    ///
    /// # Complexity
    /// O(edges · log steps + moments).
    pub fn violations(&self, plan: &Plan, report: &RunReport) -> Vec<String> {
        let moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut violations = Vec::new();
        let mut start = vec![None; plan.len()];
        let mut end = vec![None; plan.len()];
        for (at, moment) in moments.iter().enumerate() {
            let (Moment::Started(name) | Moment::Finished(name)) = moment;
            let Some(step) = plan.dag().find(name).ok().and_then(|step| plan.position(step)) else {
                violations.push(format!("`{name}` is not part of the plan"));
                continue;
            };
            let (seen, what) = match moment {
                Moment::Started(_) => (&mut start[step], "started"),
                Moment::Finished(_) => (&mut end[step], "ended"),
            };
            if seen.replace(at).is_some() {
                violations.push(format!("`{name}` {what} twice"));
            }
        }
        for step in 0..plan.len() {
            let name = plan.spec(step).name();
            let skipped = report.steps.get(step).is_some_and(|step| step.status == Status::Skipped);
            if end[step].is_some() && ((start[step].is_none() && !skipped) || start[step] > end[step]) {
                violations.push(format!("`{name}` ended before it started"));
            }
            for earlier in plan.waits_for(step) {
                if start[step].is_some() && (end[earlier].is_none() || end[earlier] > start[step]) {
                    violations.push(format!("`{name}` started before `{}` ended", plan.spec(earlier).name()));
                }
            }
        }
        let counts = &report.counts;
        let sum = counts.succeeded + counts.failed + counts.skipped + counts.cancelled + counts.cached;
        if counts.planned != sum || counts.planned != plan.len() {
            violations.push(format!("{} steps were planned, but {sum} have ended", counts.planned));
        }
        violations
    }

    fn filtered(&self, pick: impl Fn(&Moment) -> Option<&String>) -> Vec<String> {
        let moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        moments.iter().filter_map(pick).cloned().collect()
    }
}

impl Observer for Recorder {
    fn on_event(&self, event: &Event<'_>) {
        let moment = match event {
            Event::StepStarted { step, .. } => Moment::Started((*step).to_owned()),
            Event::StepFinished { step, .. } => Moment::Finished((*step).to_owned()),
            _ => return,
        };
        self.moments.lock().unwrap_or_else(PoisonError::into_inner).push(moment);
    }
}
