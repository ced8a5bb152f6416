//! How a run is executed, and who watches it.

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
use crate::settings::{Origins, ResolvedSettings, Settings};
use crate::store::{RunStore, StoreError};

impl Pipeline {
    /// Lays settings over those that were set before: each one that a method has set, or that is not the default, wins.
    pub fn settings(self, settings: Settings) -> Self {
        let merged = self.settings.clone().merge(settings);
        self.replace_settings(merged, Origins::default())
    }

    fn replace_settings(mut self, settings: Settings, origins: Origins) -> Self {
        let is_planned_alike = self.settings.no_write == settings.no_write;
        (self.settings, self.origins) = (settings, origins);
        if is_planned_alike { self } else { self.replan() }
    }

    /// Replaces all settings by those of several sources: problems and reasons then name the source of a setting.
    pub fn settings_from(self, resolved: &ResolvedSettings) -> Self {
        self.replace_settings(resolved.settings().clone(), resolved.origins().clone())
    }

    /// Every setting with where it comes from.
    #[cfg(feature = "cli")]
    pub(crate) fn settings_in_force(&self) -> Vec<crate::settings::SettingInForce> {
        crate::settings::SettingInForce::all(&self.settings, &self.origins)
    }

    /// The steps that the settings disable, by position in the plan, each with why.
    pub(crate) fn disabled(&self, plan: &Plan) -> Vec<(usize, String)> {
        self.settings.disabled(plan, &self.origins)
    }

    /// Shares limits with other pipelines: what all their runs need of a name is counted together. They take the place of
    /// [`Settings::limits`]. The names `cores` and `memory`, against which counts what steps declare, are taken from the
    /// settings of the first run that needs them, where they are not configured.
    pub fn limits(mut self, limits: &Limits) -> Self {
        self.limits = Some(limits.clone());
        self
    }

    /// The limits of one run: those given, those of the run that it is part of, or its own.
    pub(crate) fn make_limits(&self, parent: Option<&Parent>) -> Limits {
        let given = self.limits.clone().or_else(|| parent?.limits());
        given.unwrap_or_else(|| self.settings.make_limits())
    }

    /// Measures memory and processor time in a way of your own: `make` is called once for each run. See
    /// [`Settings::memory_limit`] and [`Settings::sample_every`] for when there is something to measure for.
    pub fn sampler(mut self, make: impl Fn() -> Box<dyn Sampler> + Send + Sync + 'static) -> Self {
        self.sampler = Some(Arc::new(make));
        self
    }

    /// What samples one run, where something is to be sampled.
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
                    .hint("mend what was given to `.sampler(…)`")
            })?,
            None => Box::new(ProcessSampler::new().map_err(|error| {
                let message = format!("memory cannot be sampled here: {error}");
                Problem::new(ProblemCode::InvalidSetting, message)
                    .hint("leave out `memory_limit` and `sample_every`, or give a sampler with `.sampler(…)`")
            })?),
        };
        Ok(Some(Monitor::new(sampler, limit, every, self.settings.width(Lane::Cpu))))
    }

    /// Runs this pipeline as a part of the step that `context` belongs to: it shares the slots and limits of that step's
    /// run instead of having its own, and the step lends it its slot while it waits for it. So runs in runs keep to the
    /// outermost limits, and come to their end however few slots there are. It is stopped with the step.
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
    /// A run within a context that is of no step under way (one made for a test, or kept after the step's end) is a
    /// problem when it is started; so is one nested more than 64 deep.
    pub fn within(mut self, context: &StepContext) -> Self {
        self.within = Some(context.clone());
        self
    }

    /// The step that a run of this pipeline is a part of.
    pub(crate) fn parent(&self) -> Result<Option<Parent>, Problem> {
        self.within.as_ref().map(Parent::of).transpose()
    }

    /// Runs one step at a time.
    pub fn sequential(mut self) -> Self {
        self.settings.workers = Some(1);
        self
    }

    /// Runs at most so many steps at once, over all lanes.
    pub fn workers(mut self, workers: usize) -> Self {
        self.settings = self.settings.workers(workers);
        self
    }

    /// Stops the run at the first failure. By default what is independent goes on.
    pub fn fail_fast(mut self, on: bool) -> Self {
        self.settings = self.settings.fail_fast(on);
        self
    }

    /// Sets the seed from which each step's random numbers come ([`StepContext::rng`](pipeline_core::StepContext::rng)).
    /// Without one, each run has a fresh one, which its report tells.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings = self.settings.seed(seed);
        self
    }

    /// Stops runs of this pipeline when the process receives SIGINT (Ctrl-C) or SIGTERM; for programs that are one job.
    ///
    /// The first signal stops the runs, as [`RunHandle::stop`](crate::RunHandle::stop) does: no further step starts, async steps that wait are
    /// dropped, steps on threads are waited for up to [`Settings::grace`]. A line on standard error says so. The run then
    /// ends as any other does: [`Run::stopped_by`](crate::Run::stopped_by) and the report tell which signal it was, and
    /// [`Run::exit_code`](crate::Run::exit_code) is 130 or 143. Runs that start later with this setting are stopped at
    /// once: the process is on its way out.
    ///
    /// A run with a grace time that has not ended a second after it, because an observer blocks say, is given up: the
    /// process ends with that code.
    ///
    /// A further signal, 100 ms after the first or later, ends the process at once with that code, whatever its threads do:
    /// no destructor and no exit handler runs.
    ///
    /// The handlers are installed when the first such run starts, beside those that the program or tokio have. While no
    /// run listens and no signal has come, each signal ends the process as it does by default; a program that was started
    /// with the signal ignored is no exception. So a program that deals with these signals itself does not use this, but
    /// calls [`Stopper::stop`](crate::Stopper::stop).
    ///
    /// On systems other than Unix this does nothing.
    #[cfg(feature = "signal")]
    pub fn stop_on_signals(mut self) -> Self {
        self.stops_on_signals = true;
        self
    }

    /// Records each run of this pipeline in a runs directory: its journal as it happens, then report, trace and history.
    /// Takes the place of [`Settings::runs_dir`], which does the same and opens the directory anew for each run.
    ///
    /// A run that cannot be recorded is a problem when it is started. What goes wrong later does not fail the run, see
    /// [`Run::recorded`](crate::Run::recorded). The files are written by the thread that waits for the run.
    #[cfg(feature = "report")]
    pub fn record_to(mut self, store: &RunStore) -> Self {
        self.store = Some(store.clone());
        self
    }

    /// Records nothing, whatever the settings say.
    #[cfg(feature = "cli")]
    pub(crate) fn unrecorded(mut self) -> Self {
        self.store = None;
        self.settings.runs_dir = None;
        self
    }

    /// The words that its runs are started with.
    #[cfg(feature = "cli")]
    pub(crate) fn started_by(mut self, command_line: CommandLine) -> Self {
        self.command_line = Some(Arc::new(command_line));
        self
    }

    #[cfg(feature = "cli")]
    pub(crate) fn command_line(&self) -> Option<&Arc<CommandLine>> {
        self.command_line.as_ref()
    }

    /// Where a run is to be recorded.
    pub(crate) fn store(&self) -> Result<Option<RunStore>, StoreError> {
        if self.store.is_some() {
            return Ok(self.store.clone());
        }
        let open = |dir: &PathBuf| RunStore::open(dir).map(|store| store.keeping(self.settings.keep_runs));
        self.settings.runs_dir.as_ref().map(open).transpose()
    }

    /// Sends the events of the run to an observer.
    pub fn observe(mut self, observer: impl Observer) -> Self {
        self.observers.add(Arc::new(observer));
        self
    }
}
