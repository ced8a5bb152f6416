//! From a pipeline to a run.

use std::io;

use pipeline_core::{Problem, ProblemCode, Problems};

use super::{Pipeline, Purpose};
use crate::engine::never_admitted;
use crate::run::{Prepared, RunInputs, cannot_record};
use crate::signals;

impl Pipeline {
    /// Checks and makes all that a run needs, and tells its observers that it starts.
    ///
    /// # Errors
    /// All problems at once; then nothing has started.
    pub(super) fn prepare(&self) -> Result<Prepared, Problems> {
        let plan = self.plan()?;
        let mut problems = Vec::new();
        let bound = self.bind(&plan, Purpose::Run).map_err(|found| problems.extend(found));
        let given = self.make_given(&plan).map_err(|found| problems.extend(found));
        let monitor = self.make_monitor().map_err(|problem| problems.push(problem));
        let parent = self.parent().map_err(|problem| problems.push(problem));
        let listening = self.stops_on_signals.then(signals::listen).transpose();
        let listening = listening.map_err(|error| problems.push(cannot_listen(&error)));
        Problems::check(problems)?;
        let (Ok(bound), Ok(given), Ok(monitor), Ok(parent), Ok(listening)) =
            (bound, given, monitor, parent, listening)
        else {
            unreachable!("invariant: what could not be made was reported")
        };
        let limits = self.make_limits(parent.as_ref());
        let mut settings = self.settings.clone();
        if !bound.one_at_a_time.is_empty() {
            settings.workers = Some(1);
        }
        if let Some(parent) = &parent {
            Problems::check(never_admitted(parent, &plan, &settings, &limits))?;
        }
        let store = self.run_store().map_err(|error| cannot_record(&error))?;
        if self.settings.exclusive_run && store.is_none() {
            return Err(exclusive_without_record().into());
        }
        let values = self.asked(&plan)?;
        let inputs = RunInputs {
            params: bound.params,
            resources: bound.resources,
            given,
            disabled: bound.disabled,
            asked_for: self.asked_for(&plan),
            plan,
            settings,
            one_at_a_time: bound.one_at_a_time,
            limits,
            monitor,
            parent,
            observers: self.observers.clone(),
            store,
            values,
            owner: self.owner(),
            command_line: self.command_line.clone(),
            listening,
        };
        inputs.prepare()
    }
}

/// Other runs of the pipeline are found by their records.
fn exclusive_without_record() -> Problem {
    Problem::new(
        ProblemCode::InvalidSetting,
        "`exclusive_run` is set, but the run is not recorded: other runs are found in the runs directory",
    )
    .hint("set `runs_dir` (`--runs-dir DIR`) or use `.record_to(&store)`; remove `--no-report`")
}

fn cannot_listen(error: &io::Error) -> Problem {
    let message = format!("the operating system does not let this process listen for signals: {error}");
    Problem::new(ProblemCode::Environment, message)
        .hint("leave out `.stop_on_signals()`: signals then end the process at once")
}
