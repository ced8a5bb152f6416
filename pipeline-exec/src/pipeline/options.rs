//! How a run is executed, recorded and observed.

use std::path::PathBuf;
use std::sync::Arc;

use pipeline_core::{Lane, Plan, Problem, ProblemCode, StepContext, contain};

use super::Pipeline;
use crate::engine::Parent;
use crate::event::Observer;
use crate::limits::Limits;
use crate::pressure::{Monitor, ProcessSampler, Sampler};
#[cfg(feature = "cli")]
use crate::record::CommandLine;
use crate::record::RunOwner;
use crate::runs::{RunStore, StoreError};
use crate::settings::Settings;

impl Pipeline {
    /// Lays settings over those of earlier calls. A setting wins if a method has set it, or if it is not the default.
    ///
    /// ```
    #[doc = include_str!("examples/steps.in")]
    /// # use pipeline_exec::Settings;
    /// let pipeline = Pipeline::to::<total>().settings(Settings::default().workers(4));
    /// let pipeline = pipeline.settings(Settings::default().seed(7)); // still 4 workers
    /// assert_eq!(pipeline.run_blocking()?.report().provenance.seed, 7);
    /// # Ok(()) }
    /// ```
    pub fn settings(mut self, settings: Settings) -> Self {
        let no_write = self.settings.no_write;
        self.settings = self.settings.merge(settings);
        if self.settings.no_write == no_write { self } else { self.replan() }
    }

    /// Returns every setting with its origin.
    #[cfg(feature = "cli")]
    pub(crate) fn settings_in_force(&self) -> Vec<crate::settings::SettingInForce> {
        crate::settings::SettingInForce::all(&self.settings)
    }

    /// Returns the steps that the settings disable, by position in the plan, each with its reason.
    pub(crate) fn disabled(&self, plan: &Plan) -> Vec<(usize, String)> {
        self.settings.disabled(plan)
    }

    /// Shares limits with other pipelines: all their runs together count against each name. They replace
    /// [`Settings::limits`]. The limits `cores` and `memory`, against which the declarations of steps count, come from the
    /// settings of the first run that needs them, unless they are configured.
    ///
    /// ```
    #[doc = include_str!("examples/steps.in")]
    /// # use pipeline_exec::{LimitSettings, Limits};
    /// let limits = Limits::new().limit("database", LimitSettings::new(4));
    /// let (first, second) = (Pipeline::to::<total>().limits(&limits), Pipeline::to::<largest>().limits(&limits));
    /// assert!(first.run_blocking()?.succeeded() && second.run_blocking()?.succeeded());
    /// # Ok(()) }
    /// ```
    pub fn limits(mut self, limits: &Limits) -> Self {
        self.limits = Some(limits.clone());
        self
    }

    /// Returns the limits of one run: the shared ones, those of the run around it, or its own.
    pub(crate) fn make_limits(&self, parent: Option<&Parent>) -> Limits {
        let given = self.limits.clone().or_else(|| parent?.limits());
        given.unwrap_or_else(|| self.settings.make_limits())
    }

    /// Replaces the sampler that measures memory and processor time; `make` is called once per run. Runs sample if
    /// [`Settings::memory_limit`] or [`Settings::sample_every`] is set.
    ///
    /// ```
    #[doc = include_str!("examples/steps.in")]
    /// # use pipeline_exec::Settings;
    /// # use pipeline_exec::pressure::Sample;
    /// let settings = Settings::default().memory_limit(1 << 30);
    /// let pipeline = Pipeline::to::<total>().settings(settings);
    /// let run = pipeline.sampler(|| Box::new(|| Ok(Sample::of_memory(1 << 20)))).run_blocking()?;
    /// assert!(run.succeeded());
    /// # Ok(()) }
    /// ```
    pub fn sampler(mut self, make: impl Fn() -> Box<dyn Sampler> + Send + Sync + 'static) -> Self {
        self.sampler = Some(Arc::new(make));
        self
    }

    /// Makes the monitor of one run, if something is to be sampled.
    pub(crate) fn make_monitor(&self) -> Result<Option<Monitor>, Problem> {
        let limit = self.settings.memory_limit.filter(|_| self.settings.fallback);
        let every = self.settings.sample_every;
        if limit.is_none() && every.is_none() {
            return Ok(None);
        }
        let sampler: Box<dyn Sampler> = match &self.sampler {
            Some(make) => contain::guard(|| make()).map_err(|panic| {
                let message = format!("making the sampler panicked: {panic}");
                Problem::new(ProblemCode::InvalidSetting, message)
                    .hint("fix the code that was given to `.sampler(…)`")
            })?,
            None => Box::new(ProcessSampler::new().map_err(|error| {
                let message = format!("memory cannot be sampled here: {error}");
                Problem::new(ProblemCode::InvalidSetting, message)
                    .hint("leave out `memory_limit` and `sample_every`, or give a sampler with `.sampler(…)`")
            })?),
        };
        Ok(Some(Monitor::new(sampler, limit, every, self.settings.width(Lane::Cpu))))
    }

    /// Runs this pipeline as a part of the step that `context` belongs to. The run shares the slots and limits of that step's run,
    /// and while the step waits for it, it alone can use the step's slot, for a step of any lane. So nested runs keep to the outermost
    /// number of steps at once, and finish however few slots there are, and whatever the waiting step holds (a lock). The run
    /// stops with the step.
    ///
    /// ```
    /// # use pipeline_core::{DagBuilder, Problems, StepContext};
    /// # use pipeline_exec::Pipeline;
    /// fn total(parts: &[u64], cx: &StepContext) -> Result<u64, Problems> {
    ///     let mut dag = DagBuilder::new();
    ///     for (index, part) in parts.to_vec().into_iter().enumerate() {
    ///         dag.cpu(format!("part_{index}"), (), move |()| part * 2);
    ///     }
    ///     let run = Pipeline::new(dag.build()?).within(cx).run_blocking()?;
    ///     Ok(run.available().iter().filter_map(|name| run.output_named::<u64>(name).ok()).sum())
    /// }
    /// ```
    ///
    /// The start reports a problem if `context` belongs to no running step (it was made for a test, or kept after the step's end),
    /// or if runs are nested more than 64 deep.
    pub fn within(mut self, context: &StepContext) -> Self {
        self.within = Some(context.clone());
        self
    }

    /// Returns the step that a run of this pipeline is a part of.
    pub(crate) fn parent(&self) -> Result<Option<Parent>, Problem> {
        self.within.as_ref().map(Parent::of).transpose()
    }

    /// Stops runs of this pipeline when the process receives SIGINT (Ctrl-C) or SIGTERM; for programs that are one job.
    ///
    /// The first signal stops the runs, as [`RunHandle::stop`](crate::RunHandle::stop) does: no further step starts, waiting async
    /// steps are dropped, and the run waits for steps on threads up to [`Settings::grace`]. A line on standard error reports it.
    /// The run then ends as any other: [`Run::stopped_by`](crate::Run::stopped_by) and the report name the signal, and
    /// [`Run::exit_code`](crate::Run::exit_code) is 130 or 143. Runs that start later with this setting stop at once, because the
    /// process is about to end.
    ///
    /// A run with a grace time that has not ended a second after it, such as one with an observer that blocks, is given up: the
    /// process ends with that code.
    ///
    /// A further signal, at least 100 ms after the first, ends the process at once with that code, whatever its threads do. No
    /// destructor and no exit handler runs.
    ///
    /// The start of the first such run installs the handlers, in addition to those of the program or tokio. While no run listens
    /// and no signal has come, each signal ends the process as it does by default, even if the program was started with the signal
    /// ignored. So a program that handles these signals itself calls [`Stopper::stop`](crate::Stopper::stop) instead.
    ///
    /// On systems other than Unix, this does nothing.
    ///
    /// ```no_run
    /// # use std::process::ExitCode;
    /// # use pipeline_exec::Pipeline;
    /// fn main() -> ExitCode {
    ///     match Pipeline::all().stop_on_signals().run_blocking() {
    ///         Ok(run) => run.exit_code(),
    ///         Err(problems) => {
    ///             eprintln!("{problems}");
    ///             ExitCode::FAILURE
    ///         }
    ///     }
    /// }
    /// ```
    #[cfg(feature = "signal")]
    pub fn stop_on_signals(mut self) -> Self {
        self.stops_on_signals = true;
        self
    }

    /// Records each run of this pipeline in a directory: its journal while it runs, then report, trace and history.
    ///
    /// The start of a run that cannot be recorded reports a problem. A later error does not fail the run; see
    /// [`Run::recorded`](crate::Run::recorded). The thread that waits for the run writes the files.
    ///
    /// ```
    #[doc = include_str!("examples/steps.in")]
    /// # use pipeline_exec::RunStore;
    /// # let folder = std::env::temp_dir().join(format!("pipeline-record-to-{}", std::process::id()));
    /// let store = RunStore::open(&folder)?;
    /// let run = Pipeline::to::<total>().record_to(&store).run_blocking()?;
    /// assert_eq!(store.runs()?[0].run_id, run.id());
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "report")]
    pub fn record_to(mut self, store: &RunStore) -> Self {
        self.store = Some(store.clone());
        self
    }

    /// Records nothing, whatever the settings are.
    #[cfg(feature = "cli")]
    pub(crate) fn unrecorded(mut self) -> Self {
        self.store = None;
        self.settings.runs_dir = None;
        self
    }

    /// Drops each output after its last reader, also those of targets: no one reads outputs of its runs. So a panic in such a
    /// drop fails its step before the run ends.
    #[cfg(feature = "cli")]
    pub(crate) fn unread(mut self) -> Self {
        self.is_unread = true;
        self.replan()
    }

    /// The owner of its runs.
    pub(crate) fn owner(&self) -> RunOwner {
        RunOwner::here(self.name().map(|named| named.name.clone()))
    }

    /// Sets the command line that starts its runs.
    #[cfg(feature = "cli")]
    pub(crate) fn started_by(mut self, command_line: CommandLine) -> Self {
        self.command_line = Some(Arc::new(command_line));
        self
    }

    #[cfg(feature = "cli")]
    pub(crate) fn command_line(&self) -> Option<&Arc<CommandLine>> {
        self.command_line.as_ref()
    }

    /// Returns the store in which a run is recorded.
    pub(crate) fn run_store(&self) -> Result<Option<RunStore>, StoreError> {
        if self.store.is_some() {
            return Ok(self.store.clone());
        }
        let open = |dir: &PathBuf| RunStore::open(dir).map(|store| store.keeping(self.settings.keep_runs));
        self.settings.runs_dir.as_ref().map(open).transpose()
    }

    /// Sends the events of each run to an observer: a closure, or a type that implements [`Observer`]. Observers are added to
    /// those of earlier calls.
    ///
    /// ```
    #[doc = include_str!("examples/steps.in")]
    /// # use pipeline_exec::{Event, RunStatus};
    /// let pipeline = Pipeline::to::<total>().observe(|event: &Event<'_>| {
    ///     if let Event::RunFinished { end, .. } = event {
    ///         assert_eq!(end.report().status, RunStatus::Succeeded);
    ///     }
    /// });
    /// pipeline.run_blocking()?;
    /// # Ok(()) }
    /// ```
    pub fn observe(mut self, observer: impl Observer) -> Self {
        self.observers.add(Arc::new(observer));
        self
    }
}
