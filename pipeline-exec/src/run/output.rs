//! Reading outputs of a run, and the reason if there is none.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use pipeline_core::frame::{Frame, Status};
use pipeline_core::{Step, TypeDef};

use super::Run;
use crate::record::RunRecord;

/// Why an output cannot be read.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutputError {
    /// The run has no such step.
    NotInRun {
        /// The name that was asked for.
        step: String,
        /// What there is instead, or what to do.
        reason: String,
    },
    /// The step did not succeed.
    NoOutput {
        /// The name of the step.
        step: String,
        /// How it ended.
        status: Status,
        /// Why.
        reason: String,
    },
    /// The step succeeded, but its output was dropped after its last reader, taken, or moved out before.
    NotKept {
        /// The name of the step.
        step: String,
    },
    /// A detached attempt still runs, and may read outputs: they cannot be moved out until it ends.
    StillRead {
        /// The name of the step.
        step: String,
    },
    /// The step returns another type.
    OtherType {
        /// The name of the step.
        step: String,
        /// The type that it returns.
        returns: String,
    },
}

impl OutputError {
    /// Every code that [`OutputError::code`] returns, in order.
    pub const CODES: [&str; 5] = ["PL0201", "PL0202", "PL0203", "PL0204", "PL0205"];

    /// Returns the stable code; it never changes its meaning.
    pub const fn code(&self) -> &'static str {
        let [not_in_run, no_output, not_kept, still_read, other_type] = Self::CODES;
        match self {
            OutputError::NotInRun { .. } => not_in_run,
            OutputError::NoOutput { .. } => no_output,
            OutputError::NotKept { .. } => not_kept,
            OutputError::StillRead { .. } => still_read,
            OutputError::OtherType { .. } => other_type,
        }
    }
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] ", self.code())?;
        match self {
            OutputError::NotInRun { step, reason } => {
                write!(f, "step `{step}` is not part of the run: {reason}")
            }
            OutputError::NoOutput { step, status, reason } => {
                write!(f, "step `{step}` has no output, it was {status}: {reason}")
            }
            OutputError::NotKept { step } => {
                write!(f, "the output of step `{step}` is gone; make it a target, or keep it with `.keep`")
            }
            OutputError::StillRead { step } => {
                write!(
                    f,
                    "the output of step `{step}` cannot be moved out: a step that timed out still runs on its thread, and \
                     may read it; borrow it with `output`, or try again later"
                )
            }
            OutputError::OtherType { step, returns } => write!(f, "step `{step}` returns `{returns}`"),
        }
    }
}

/// As `Display`: it is what `fn main() -> Result<…>` prints.
impl fmt::Debug for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for OutputError {}

pub(super) fn of_step<S: Step>(run: &RunRecord) -> Result<&S::Output, OutputError> {
    at(run, step_position::<S>(&run.frame)?)
}

pub(super) fn of_name<'r, T: 'static>(run: &'r RunRecord, name: &str) -> Result<&'r T, OutputError> {
    at(run, position(&run.frame, name)?)
}

pub(super) fn take<S: Step>(run: &mut Run) -> Result<S::Output, OutputError> {
    let plan = Arc::clone(run.record.frame.plan());
    let step = step_position::<S>(&run.record.frame)?;
    at::<S::Output>(&run.record, step)?;
    let name = plan.spec(step).name().to_owned();
    if is_left_in_store(&run.record, step) {
        let alone = run.frame_alone().is_some();
        let caching = Arc::get_mut(&mut run.record).filter(|_| alone).and_then(|run| run.caching.as_mut());
        let output = caching.and_then(Arc::get_mut).and_then(|caching| caching.take_late_output(&plan, step));
        return output.ok_or(OutputError::StillRead { step: name });
    }
    match run.frame_alone() {
        Some(frame) => frame.take_output(step).ok_or(OutputError::NotKept { step: name }),
        None => Err(OutputError::StillRead { step: name }),
    }
}

/// Reports whether an output that was asked for is in the store, because no step of the run has read it.
fn is_left_in_store(run: &RunRecord, step: usize) -> bool {
    let caching = run.caching.as_ref().filter(|_| run.frame.plan().is_kept(step));
    caching.is_some_and(|caching| caching.has_late_output(step))
}

pub(super) fn available(run: &RunRecord) -> Vec<&str> {
    let (plan, frame) = (run.frame.plan(), &run.frame);
    let steps = (0..plan.len()).filter(|&step| frame.is_available(step) || is_left_in_store(run, step));
    steps.map(|step| plan.spec(step).name()).collect()
}

/// The position in the plan of a step by name.
pub(super) fn position(frame: &Frame, name: &str) -> Result<usize, OutputError> {
    let plan = frame.plan();
    let not_in_run = |reason| OutputError::NotInRun { step: name.to_owned(), reason };
    match plan.dag().find(name) {
        Ok(in_dag) => plan.position(in_dag).ok_or_else(|| not_in_run(NOT_PLANNED.to_owned())),
        Err(problem) => {
            let rest = problem.notes.into_iter().chain(problem.hint);
            let parts: Vec<String> = std::iter::once(problem.message).chain(rest).collect();
            Err(not_in_run(parts.join("; ")))
        }
    }
}

fn step_position<S: Step>(frame: &Frame) -> Result<usize, OutputError> {
    let plan = frame.plan();
    let found = plan.dag().position_of_def(S::def()).and_then(|in_dag| plan.position(in_dag));
    found.ok_or_else(|| OutputError::NotInRun {
        step: S::def().name.to_string(),
        reason: NOT_PLANNED.to_owned(),
    })
}

const NOT_PLANNED: &str = "make it a target, or an upstream of one";

fn at<T: 'static>(run: &RunRecord, step: usize) -> Result<&T, OutputError> {
    let frame = &run.frame;
    let spec = frame.plan().spec(step);
    let name = spec.name().to_owned();
    if let Some(output) = frame.output(step) {
        return Ok(output);
    }
    let status = frame.status(step);
    if !status.has_output() {
        let because = frame.skipped_because(step).map(|cause| frame.plan().spec(cause).name());
        let reason = match (frame.error(step), status) {
            (None, Status::Skipped) => format!(
                "because an attempt of step `{}` that was given up still reads what it takes",
                because.unwrap_or_default()
            ),
            (Some(error), Status::Skipped) => format!("because {error}"),
            (Some(error), _) => error.to_string(),
            (None, Status::Pending) => "it has not ended yet".to_owned(),
            (None, _) => "the run was stopped before it could start".to_owned(),
        };
        return Err(OutputError::NoOutput { step: name, status, reason });
    }
    let output: &TypeDef = &spec.def().output;
    if output.id() != std::any::TypeId::of::<T>() {
        return Err(OutputError::OtherType { step: name, returns: output.name().to_owned() });
    }
    if let Some(caching) = run.caching.as_ref().filter(|_| is_left_in_store(run, step)) {
        let reason = "its stored value is damaged: run the pipeline again".to_owned();
        return caching.late_output(frame.plan(), step).ok_or(OutputError::NoOutput {
            step: name,
            status,
            reason,
        });
    }
    Err(OutputError::NotKept { step: name })
}

/// Every failure of a run, as an error.
#[derive(Clone, PartialEq, Eq)]
pub struct RunFailed {
    run_id: String,
    failures: Vec<String>,
    others: usize,
}

impl RunFailed {
    pub(super) fn of(frame: &Frame) -> Self {
        let mut failed =
            RunFailed { run_id: frame.scope().run_id().to_owned(), failures: Vec::new(), others: 0 };
        for step in 0..frame.plan().len() {
            match (frame.status(step), frame.error(step)) {
                (Status::Failed | Status::TimedOut, Some(error)) => {
                    let causes = error.causes();
                    let chain = causes.iter().map(|cause| format!("\n    because {cause}"));
                    failed.failures.push(format!("{error}{}", chain.collect::<String>()));
                }
                (Status::Succeeded | Status::Cached | Status::Given, _) => {}
                _ => failed.others += 1,
            }
        }
        failed
    }

    /// Returns the text of each failure, in plan order, with its causes.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }
}

impl fmt::Display for RunFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "run {} failed: {} failed", self.run_id, steps(self.failures.len()))?;
        if self.others > 0 {
            write!(f, ", {} did not run", steps(self.others))?;
        }
        // Where the text becomes one line, the failures are still apart.
        let mut mark = ':';
        self.failures
            .iter()
            .try_for_each(|failure| write!(f, "{}\n  {failure}", std::mem::replace(&mut mark, ';')))
    }
}

fn steps(count: usize) -> String {
    format!("{count} step{}", if count == 1 { "" } else { "s" })
}

/// As `Display`: it is what `fn main() -> Result<…>` prints.
impl fmt::Debug for RunFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for RunFailed {}
