//! A run as a whole, as its observers see it.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use pipeline_core::{Plan, RunScope, StepActivity};

use crate::record::{CommandLine, RunOwner};
use crate::settings::Settings;
use crate::stored::ResumeReport;

/// A run, as its observers see it: what it is made of, and the progress that its steps report. Cheap to clone, and may be
/// kept: it holds none of the run's outputs.
#[derive(Clone)]
pub struct RunView {
    plan: Arc<Plan>,
    scope: Arc<RunScope>,
    settings: Arc<Settings>,
    started: SystemTime,
    owner: RunOwner,
    command_line: Option<Arc<CommandLine>>,
    resumed: Option<Arc<ResumeReport>>,
}

impl RunView {
    pub(crate) fn new(
        plan: Arc<Plan>,
        scope: Arc<RunScope>,
        settings: Arc<Settings>,
        started: SystemTime,
    ) -> Self {
        let owner = RunOwner::default();
        RunView { plan, scope, settings, started, owner, command_line: None, resumed: None }
    }

    pub(crate) fn of_owner(self, owner: RunOwner) -> Self {
        RunView { owner, ..self }
    }

    pub(crate) fn started_by(self, command_line: Option<Arc<CommandLine>>) -> Self {
        RunView { command_line, ..self }
    }

    pub(crate) fn resumes(self, resumed: Option<ResumeReport>) -> Self {
        RunView { resumed: resumed.map(Arc::new), ..self }
    }

    /// Returns the id of the run.
    pub fn run_id(&self) -> &str {
        self.scope.run_id()
    }

    /// Returns the name of the program's file.
    pub fn program(&self) -> &str {
        &self.owner.program
    }

    /// Returns the name of the pipeline, in a program of several.
    pub fn pipeline(&self) -> Option<&str> {
        self.owner.pipeline.as_deref()
    }

    /// Returns the plan: the steps that take part, with what each needs.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Returns the settings of the run.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns when the run began, by the wall clock.
    pub fn started(&self) -> SystemTime {
        self.started
    }

    /// Returns the command line that started the run; `None` if a program started it itself.
    pub fn command_line(&self) -> Option<&CommandLine> {
        self.command_line.as_deref()
    }

    /// Returns what the run takes over from the run that it resumes; `None` if it resumes none.
    pub fn resumed(&self) -> Option<&ResumeReport> {
        self.resumed.as_deref()
    }

    /// Returns the progress and the counters that a step has reported; empty if it has reported nothing. For displays: call it
    /// as often as there is something to draw, not at each event.
    pub fn activity(&self, step: &str) -> StepActivity {
        self.scope.activity(step)
    }

    /// Reports whether the run was asked to stop.
    pub fn is_stopped(&self) -> bool {
        self.scope.is_stopped()
    }
}

impl fmt::Debug for RunView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunView").field("run_id", &self.run_id()).finish_non_exhaustive()
    }
}
