//! A run: how it starts, what can be seen of it meanwhile, and what is left when it has ended.

mod aborting;
mod handle;
mod held;
mod output;

use std::io;
#[cfg(feature = "report")]
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use pipeline_core::frame::{Frame, Status};
use pipeline_core::{Problem, ProblemCode, Problems, Step, StepError, contain};
use tokio::runtime::Handle;

pub use self::handle::{RunHandle, Stopper};
use self::held::Held;
pub use self::output::{OutputError, RunFailed};
use crate::engine::{CallersPart, Engine, GivenToRun, Parent, never_admitted};
use crate::event::{Event, RunView};
use crate::execute::Execute;
use crate::pipeline::Pipeline;
use crate::report::{RunReport, scope_of};
use crate::settings::Settings;
use crate::signals::{self, Listening, Signal};
use crate::stderr;
use crate::store::{Recording, RunStore, StoreError};

/// Starts a run. A caller that is going to wait in its thread is handed a driver.
///
/// # Errors
/// All problems at once; then nothing has started.
pub(crate) fn launch(
    pipeline: &Pipeline,
    runtime: Handle,
    caller_drives: bool,
) -> Result<(RunHandle, Option<CallersPart>), Problems> {
    Ok(prepare(pipeline)?.launch(runtime, caller_drives))
}

/// Has somebody else execute a run, and waits for that.
///
/// # Errors
/// All problems at once; then nothing has started.
pub(crate) fn execute(pipeline: &Pipeline, runtime: Handle, executor: &dyn Execute) -> Result<Run, Problems> {
    let Prepared { frame, given, .. } = prepare(pipeline)?;
    let settings = Settings { timings: false, ..given.settings };
    let given = GivenToRun { settings, ..given };
    let engine = Engine::elsewhere(Arc::clone(&frame), given, runtime);
    executor.execute(&frame);
    drop(frame);
    engine.stop();
    Ok(Run::new(engine, None))
}

/// A run that nobody has begun to execute.
pub(crate) struct Prepared {
    frame: Arc<Frame>,
    given: GivenToRun,
    parent: Option<Parent>,
    listening: Option<Listening>,
}

impl Prepared {
    /// As [`launch`].
    pub(crate) fn launch(self, runtime: Handle, caller_drives: bool) -> (RunHandle, Option<CallersPart>) {
        let Prepared { frame, given, parent, listening } = self;
        let (engine, done, callers) = Engine::start(frame, given, runtime, caller_drives);
        if let Some(listening) = &listening {
            listening.attach(&engine);
        }
        (RunHandle::new(engine, done, parent, listening), callers)
    }
}

/// Checks and makes all that a run needs, and tells its observers that it starts: on the caller's thread, where what is
/// current for the caller can be seen.
///
/// # Errors
/// All problems at once.
pub(crate) fn prepare(pipeline: &Pipeline) -> Result<Prepared, Problems> {
    let plan = pipeline.plan()?;
    let mut problems = Vec::new();
    let bound = pipeline.bind(&plan).map_err(|found| problems.extend(found));
    let given = pipeline.make_given(&plan).map_err(|found| problems.extend(found));
    let monitor = pipeline.make_monitor().map_err(|problem| problems.push(problem));
    let parent = pipeline.parent().map_err(|problem| problems.push(problem));
    let listening = pipeline.stops_on_signals().then(signals::listen).transpose();
    let listening = listening.map_err(|error| problems.push(cannot_listen(&error)));
    Problems::check(problems)?;
    let (monitor, listening) = (monitor.ok().flatten(), listening.ok().flatten());
    let parent = parent.ok().flatten();
    let (Ok(bound), Ok(given)) = (bound, given) else {
        unreachable!("invariant: what could not be bound was reported")
    };
    let settings = pipeline.current_settings();
    let limits = pipeline.make_limits(parent.as_ref());
    if let Some(parent) = &parent {
        Problems::check(never_admitted(parent, &plan, settings, &limits))?;
    }
    contain::note_panic_places();
    aborting::warn();
    let mut observers = pipeline.observers().clone();
    let scope = Arc::new(scope_of(settings, &plan, &bound.params, || uuid::Uuid::now_v7().to_string()));
    let wall = SystemTime::now();
    let command_line = pipeline.command_line();
    let begin = |store: RunStore| store.begin(scope.run_id(), plan.planned(), wall, command_line.cloned());
    let store = pipeline.store().map_err(|error| cannot_record(&error))?;
    let recording = store.map(begin).transpose().map_err(|error| cannot_record(&error))?;
    if let Some(saving) = recording.as_ref().and_then(Recording::saving) {
        observers.add(saving);
    }
    // Making the files is no part of the run.
    let begun = Begun { at: Instant::now(), wall };
    if observers.any() {
        let view =
            RunView::new(Arc::clone(&plan), Arc::clone(&scope), Arc::new(settings.clone()), begun.wall)
                .started_by(command_line.cloned());
        observers = observers.for_run(&view);
        observers.send(&Event::RunStarted { run_id: scope.run_id(), planned: plan.planned(), view: &view });
    }
    let disabled = pipeline.disabled(&plan);
    let frame = Frame::new(plan, bound.params, bound.resources, scope, given).disable(disabled);
    let frame = Arc::new(frame);
    let given = GivenToRun {
        settings: settings.clone(),
        observers,
        begun,
        limits,
        monitor,
        parent: parent.clone(),
        command_line: command_line.cloned(),
        recording,
    };
    Ok(Prepared { frame, given, parent, listening })
}

fn cannot_listen(error: &io::Error) -> Problem {
    let message = format!("the operating system does not let this process listen for signals: {error}");
    Problem::new(ProblemCode::Environment, message)
        .hint("leave out `.stop_on_signals()`: signals then end the process at once")
}

fn cannot_record(error: &StoreError) -> Problem {
    Problem::new(StoreError::PROBLEM, format!("the run cannot be recorded: {error}"))
        .hint("make room or give leave there, or record runs elsewhere")
}

/// When a run began: by the monotonic clock for durations, by the wall clock for people.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    pub(crate) at: Instant,
    pub(crate) wall: SystemTime,
}

/// A run that has ended: its outputs, how each step ended, and the report.
///
/// Dropping it drops the outputs that were kept.
#[derive(Debug)]
pub struct Run {
    engine: Held,
    duration: Duration,
    stopped_by: Option<Signal>,
    report: OnceLock<RunReport>,
    #[cfg_attr(not(feature = "report"), allow(dead_code))]
    recorded: Option<Result<PathBuf, StoreError>>,
}

impl Run {
    pub(crate) fn new(engine: Arc<Engine>, stopped_by: Option<Signal>) -> Self {
        // Otherwise every step has ended: a driver leaves only when there is no work left.
        if engine.frame.scope().is_stopped() || cfg!(debug_assertions) {
            let left = engine.frame.cancel_rest();
            debug_assert!(left == 0 || engine.frame.scope().is_stopped(), "{left} steps were left lying");
        }
        engine.check();
        let duration = engine.begun.at.elapsed();
        engine.over();
        let report = OnceLock::new();
        engine.tell_end(duration, &report);
        let recording = engine.recording().take();
        let recorded = recording.map(|recording| {
            let report = report.get_or_init(|| RunReport::of(&engine, duration));
            record(recording, &engine, report, duration)
        });
        Run { engine: Held::new(engine), duration, stopped_by, report, recorded }
    }

    /// The folder in which the run [was recorded](Pipeline::record_to), or why it could not be, or not wholly; `None` where
    /// it was not to be recorded.
    #[cfg(feature = "report")]
    pub fn recorded(&self) -> Option<Result<&Path, &StoreError>> {
        Some(self.recorded.as_ref()?.as_deref())
    }

    /// The id of the run, the same in every event and in the report.
    pub fn id(&self) -> &str {
        self.engine.frame.scope().run_id()
    }

    /// From the first look at the plan to the last step's end.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Whether nothing went wrong: every step has an output, or is not missed because it is optional, its condition did
    /// not hold, its switch chose another branch, or nobody needed it; or it was skipped because of such a step. O(steps).
    pub fn succeeded(&self) -> bool {
        self.engine.succeeded()
    }

    /// The signal that stopped the run, where it [listens for signals](Pipeline) and one came.
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
        if self.succeeded() { Ok(self) } else { Err(RunFailed::of(&self.engine.frame)) }
    }

    /// Reads an output that was asked for.
    ///
    /// # Errors
    /// Why there is none: the step failed, was skipped or cancelled, was not part of the run, or its output was not
    /// kept.
    pub fn output<S: Step>(&self) -> Result<&S::Output, OutputError> {
        output::of_step::<S>(&self.engine.frame)
    }

    /// Reads an output by the step's name.
    ///
    /// # Errors
    /// As [`Run::output`], and where the step returns another type than `T`.
    pub fn output_named<T: 'static>(&self, name: &str) -> Result<&T, OutputError> {
        output::of_name(&self.engine.frame, name)
    }

    /// Moves an output that was asked for out of the run.
    ///
    /// # Errors
    /// As [`Run::output`], and where it was moved out before.
    pub fn take_output<S: Step>(&mut self) -> Result<S::Output, OutputError> {
        output::take::<S>(&mut self.engine)
    }

    /// The names of the steps whose outputs can be read, in plan order.
    pub fn available(&self) -> Vec<&str> {
        output::available(&self.engine.frame)
    }

    /// How a step ended, by name.
    ///
    /// # Errors
    /// Where the run has no such step.
    pub fn status(&self, name: &str) -> Result<Status, OutputError> {
        output::position(&self.engine.frame, name).map(|step| self.engine.frame.status(step))
    }

    /// Why a step did not succeed, by name: its own error, or that of the step that caused its skip.
    pub fn error(&self, name: &str) -> Option<&StepError> {
        self.engine.frame.error(output::position(&self.engine.frame, name).ok()?)
    }

    /// The report; made when first asked for. O(steps).
    pub fn report(&self) -> &RunReport {
        self.report.get_or_init(|| RunReport::of(&self.engine, self.duration))
    }
}

/// Writes what is left to write of a run that has ended.
fn record(
    recording: Recording,
    engine: &Engine,
    report: &RunReport,
    wall: Duration,
) -> Result<PathBuf, StoreError> {
    let recorded = recording.finish(engine, report, wall);
    if let Err(error) = &recorded {
        // Told here, since what is lost must not be so in silence where a program does not ask.
        stderr::write(&format!("warning: run {} could not be recorded wholly: {error}\n", report.run_id));
    }
    recorded
}
