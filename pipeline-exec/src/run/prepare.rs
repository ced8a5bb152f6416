//! How a run starts: from what it is made of to a run under way.

use std::any::Any;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use pipeline_core::frame::{Frame, Given};
use pipeline_core::{BoundParams, Plan, Problem, ProblemCode, Problems, contain};
use tokio::runtime::Handle;

use super::{Run, RunHandle, aborting};
use crate::engine::{CallersPart, Engine, Parent};
use crate::event::{Event, Observers, RunEvents, RunView};
use crate::execute::Execute;
use crate::limits::Limits;
use crate::pressure::Monitor;
use crate::record::{Began, CommandLine, RunOwner, RunRecord};
use crate::report::scope_of;
use crate::runs::{Recording, RunStore, StoreError};
use crate::settings::Settings;
use crate::signals::Listening;
use crate::store::{Asked, Caching, OfRun};
use crate::timing::unique_id;

/// All that a run is made of, checked.
pub(crate) struct RunInputs {
    pub(crate) plan: Arc<Plan>,
    pub(crate) params: BoundParams,
    pub(crate) resources: Vec<Arc<dyn Any + Send + Sync>>,
    pub(crate) given: Vec<Given>,
    /// The steps that the settings disable, each with the reason.
    pub(crate) disabled: Vec<(usize, String)>,
    /// The steps that are asked for by name, sorted.
    pub(crate) asked_for: Vec<usize>,
    pub(crate) settings: Settings,
    /// The reasons, not the settings, for which steps run one at a time.
    pub(crate) one_at_a_time: Vec<String>,
    pub(crate) limits: Limits,
    pub(crate) monitor: Option<Monitor>,
    pub(crate) parent: Option<Parent>,
    pub(crate) observers: Observers,
    pub(crate) store: Option<RunStore>,
    /// What the run asks of a store of values.
    pub(crate) values: Option<Asked>,
    pub(crate) owner: RunOwner,
    pub(crate) command_line: Option<Arc<CommandLine>>,
    pub(crate) listening: Option<Listening>,
}

/// A run that has not begun to execute.
pub(crate) struct Prepared {
    record: RunRecord,
    observers: Observers,
    recording: Option<Recording>,
    parent: Option<Parent>,
    listening: Option<Listening>,
}

impl RunInputs {
    /// Makes the run, and tells its observers that it starts: on the caller's thread, so that they see what is current
    /// there.
    ///
    /// # Errors
    /// If the run cannot be recorded.
    pub(crate) fn prepare(self) -> Result<Prepared, Problems> {
        let RunInputs { plan, settings, params, owner, command_line, mut observers, .. } = self;
        contain::note_panic_places();
        aborting::warn();
        let scope = Arc::new(scope_of(&settings, &plan, &params, || unique_id().to_string()));
        let wall = SystemTime::now();
        let begin = |store: RunStore| {
            store.begin(
                scope.run_id(),
                &owner,
                settings.exclusive_run,
                plan.planned(),
                wall,
                command_line.clone(),
            )
        };
        let recording = self.store.map(begin).transpose().map_err(|error| cannot_record(&error))?;
        if let Some(recording) = recording.as_ref().filter(|_| settings.record_params) {
            recording.record(plan.open_params(&params)).map_err(|error| cannot_record(&error))?;
        }
        if let Some(saving) = recording.as_ref().and_then(Recording::saving) {
            observers.add(saving);
        }
        let caching = self.values.map(|asked| {
            let of_run = OfRun { run: scope.run_id(), program: &owner.program, disabled: &self.disabled };
            Arc::new(Caching::new(&plan, &params, asked, &of_run))
        });
        // Making the files and reading the store is no part of the run.
        let began = Began { at: Instant::now(), wall };
        if observers.any() {
            let view = RunView::new(Arc::clone(&plan), Arc::clone(&scope), Arc::new(settings.clone()), wall)
                .of_owner(owner.clone())
                .started_by(command_line.clone())
                .resumes(caching.as_ref().and_then(|caching| caching.resumes(&plan)));
            observers = observers.for_run(&view);
            observers.send(&Event::RunStarted {
                run_id: scope.run_id(),
                planned: plan.planned(),
                view: &view,
            });
        }
        let frame = Frame::new(plan, params, self.resources, scope, self.given).disable(self.disabled);
        let mut record = RunRecord::new(frame, settings, self.limits, began);
        record.caching = caching;
        record.monitor = self.monitor.map(Arc::new);
        record.one_at_a_time = self.one_at_a_time;
        record.owner = owner;
        record.asked_for = self.asked_for;
        record.command_line = command_line;
        record.is_journaled = recording.is_some();
        Ok(Prepared { record, observers, recording, parent: self.parent, listening: self.listening })
    }
}

impl Prepared {
    /// Whether the run has async steps: tasks of a runtime.
    pub(crate) fn has_async(&self) -> bool {
        self.record.frame.plan().has_async()
    }

    /// Starts the run. A caller that is going to wait in its thread is handed a driver.
    pub(crate) fn launch(self, runtime: Handle, caller_drives: bool) -> (RunHandle, Option<CallersPart>) {
        let Prepared { mut record, observers, mut recording, parent, listening } = self;
        if record.settings.timings || observers.any() {
            record = record.timed();
        }
        if let (Some(caching), Some(timings)) = (&record.caching, &record.timings) {
            caching.timed_by(timings);
        }
        let record = Arc::new(record);
        if let Some(recording) = &mut recording {
            recording.watch(&record);
        }
        let events = RunEvents::new(Arc::clone(&record), observers);
        let (engine, callers) = Engine::start(record, events, parent.clone(), runtime, caller_drives);
        (RunHandle::new(engine, parent, recording, listening), callers)
    }

    /// Has `executor` execute the run, and waits for that.
    pub(crate) fn execute(self, executor: &dyn Execute) -> Run {
        let mut record = self.record;
        // Another executor knows no store.
        record.caching = None;
        record.settings.timings = false;
        let record = Arc::new(record);
        let mut recording = self.recording;
        if let Some(recording) = &mut recording {
            recording.watch(&record);
        }
        let events = RunEvents::new(Arc::clone(&record), self.observers);
        executor.execute(&record.frame);
        record.frame.scope().stop();
        Run::new(record, &events, recording, None)
    }
}

/// Why a run that cannot be recorded does not start.
pub(crate) fn cannot_record(error: &StoreError) -> Problem {
    if error.is_of_another_run() {
        return Problem::new(ProblemCode::AlreadyRunning, format!("the run is to be the only one: {error}"))
            .hint("wait until it has ended, or leave out `exclusive_run` (`--exclusive-run`); `runs` lists the runs under way");
    }
    Problem::new(StoreError::PROBLEM, format!("the run cannot be recorded: {error}"))
        .hint("make room or give leave there, or record runs elsewhere")
}
