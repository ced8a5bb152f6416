//! What to run and with what: the value a user builds and runs.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use pipeline_core::frame::Given;
use pipeline_core::{
    BoundParams, Dag, Lane, Params, Plan, PlanOptions, Problem, ProblemCode, Problems, Resources, Selection,
    Step, StepContext, StepDef, TypeDef, contain,
};
use serde::Serialize;

use crate::engine::{Parent, on_a_driving_thread};
use crate::event::{Observer, Observers};
use crate::execute::Execute;
use crate::limits::Limits;
use crate::pressure::{Monitor, ProcessSampler, Sampler};
use crate::run::{Run, RunHandle, execute, launch, prepare};
use crate::runtime;
use crate::settings::{Origins, ResolvedSettings, Settings};
use crate::store::{RunStore, StoreError};

/// A pipeline: a graph, the outputs wanted from it, and what its steps are given.
///
/// Every method that sets something returns the pipeline, so that calls chain. Nothing is checked until
/// [`Pipeline::plan`] or a run, which report all problems at once. A pipeline can be run many times, one after
/// another or at the same time; it is planned once.
///
/// ```
/// # use pipeline_core::{DagBuilder, Problems};
/// # use pipeline_exec::Pipeline;
/// let mut dag = DagBuilder::new();
/// let one = dag.cpu("one", (), |()| 1_u64);
/// let two = dag.cpu("two", (one,), |(one,)| one + 1);
/// let run = Pipeline::new(dag.build()?).run_blocking()?;
/// assert_eq!(run.output_named::<u64>("two").ok(), Some(&2));
/// # Ok::<(), Problems>(())
/// ```
#[must_use = "a pipeline does nothing until it is run"]
#[derive(Clone)]
pub struct Pipeline {
    graph: GraphSource,
    targets: Vec<TargetOf>,
    selected: Vec<String>,
    excluded: Vec<String>,
    from: Vec<String>,
    until: Vec<String>,
    keep: Vec<TargetOf>,
    keep_all: bool,
    given: Vec<Override>,
    params: Params,
    resources: Resources,
    settings: Settings,
    /// Where the settings come from, as far as they are not from code.
    origins: Origins,
    limits: Option<Limits>,
    sampler: Option<MakeSampler>,
    within: Option<StepContext>,
    observers: Observers,
    stops_on_signals: bool,
    store: Option<RunStore>,
    planned: Arc<Mutex<Option<Planned>>>,
}

/// Makes what samples a run.
type MakeSampler = Arc<dyn Fn() -> Box<dyn Sampler> + Send + Sync>;

/// What planning led to, kept for the next run.
type Planned = Result<Arc<Plan>, Problems>;

/// An output that is given instead of running its step.
#[derive(Clone)]
struct Override {
    of: TargetOf,
    ty: TypeDef,
    /// Makes the output for a step at a position of the plan, anew for each run.
    make: Arc<dyn Fn(usize) -> Given + Send + Sync>,
}

#[derive(Clone)]
enum GraphSource {
    /// The typed targets and everything they need.
    Targets,
    /// Every registered step.
    Registered,
    /// A graph made before.
    Dag(Arc<Dag>),
}

/// What the steps of a run read beside outputs.
pub(crate) struct Bound {
    pub(crate) params: BoundParams,
    pub(crate) resources: Vec<Arc<dyn Any + Send + Sync>>,
}

/// How a step is named in code.
#[derive(Clone)]
enum TargetOf {
    Def(&'static StepDef),
    Name(String),
}

impl Pipeline {
    /// The pipeline of one registered step and everything it needs. Further targets: [`Pipeline::and`].
    pub fn to<S: Step>() -> Self {
        Pipeline::with(GraphSource::Targets).and::<S>()
    }

    /// The pipeline of every step registered in this program. All outputs that nothing reads are targets, unless
    /// some are named with [`Pipeline::and`] or [`Pipeline::target`].
    pub fn all() -> Self {
        Pipeline::with(GraphSource::Registered)
    }

    /// The pipeline of a graph; targets as [`Pipeline::all`].
    pub fn new(dag: impl Into<Arc<Dag>>) -> Self {
        Pipeline::with(GraphSource::Dag(dag.into()))
    }

    fn with(graph: GraphSource) -> Self {
        Pipeline {
            graph,
            targets: Vec::new(),
            selected: Vec::new(),
            excluded: Vec::new(),
            from: Vec::new(),
            until: Vec::new(),
            keep: Vec::new(),
            keep_all: false,
            given: Vec::new(),
            params: Params::new(),
            resources: Resources::new(),
            settings: Settings::default(),
            origins: Origins::default(),
            limits: None,
            sampler: None,
            within: None,
            observers: Observers::default(),
            stops_on_signals: false,
            store: None,
            planned: Arc::default(),
        }
    }

    /// Wants the output of another step.
    pub fn and<S: Step>(mut self) -> Self {
        self.targets.push(TargetOf::Def(S::def()));
        self.replan()
    }

    /// Wants the output of a step by name: short where unique, or `module::name`.
    pub fn target(mut self, name: impl Into<String>) -> Self {
        self.targets.push(TargetOf::Name(name.into()));
        self.replan()
    }

    /// Runs the steps that any of these terms selects, and keeps their outputs where no step takes them: a name, a glob,
    /// `tag:x`, `group:x`, with a leading `+` for everything upstream, with a trailing `+` for everything downstream; all
    /// forms are in [`Selection`].
    pub fn select(mut self, terms: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.selected.extend(terms.into_iter().map(Into::into));
        self.replan()
    }

    /// Does not want the steps that any of these terms selects. A target that needs one of them is a problem, unless
    /// its output is given.
    pub fn exclude(mut self, terms: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.excluded.extend(terms.into_iter().map(Into::into));
        self.replan()
    }

    /// Runs only the steps that these terms select and everything that needs them, with what those need. Several terms
    /// are alternatives; [`Pipeline::select`], [`Pipeline::until`] and [`Pipeline::exclude`] narrow it further.
    pub fn from_steps(mut self, terms: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.from.extend(terms.into_iter().map(Into::into));
        self.replan()
    }

    /// Runs only the steps that these terms select and everything that they need: the run ends with them.
    pub fn until(mut self, terms: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.until.extend(terms.into_iter().map(Into::into));
        self.replan()
    }

    /// Skips the steps that write (`#[step(writes)]`), and with them what requires their outputs; the report says why.
    pub fn no_write(self) -> Self {
        let settings = self.settings.clone().no_write(true);
        self.settings(settings)
    }

    /// Keeps the output of a step to the end of the run, beside those of the targets.
    pub fn keep<S: Step>(mut self) -> Self {
        self.keep.push(TargetOf::Def(S::def()));
        self.replan()
    }

    /// Keeps the output of a step by name.
    pub fn keep_named(mut self, name: impl Into<String>) -> Self {
        self.keep.push(TargetOf::Name(name.into()));
        self.replan()
    }

    /// Keeps every output to the end of the run, but those that a step takes by value.
    pub fn keep_all(mut self) -> Self {
        self.keep_all = true;
        self.replan()
    }

    /// Gives the output of a step instead of running it; steps that only it needs do not run either. For tests, and
    /// for going on from what is there. The value is cloned for each run.
    pub fn with_output<S: Step>(self, value: S::Output) -> Self
    where
        S::Output: Clone,
    {
        self.with_output_from::<S>(move || value.clone())
    }

    /// Gives the output of a step, made anew for each run.
    pub fn with_output_from<S: Step>(self, make: impl Fn() -> S::Output + Send + Sync + 'static) -> Self {
        self.give::<S::Output>(TargetOf::Def(S::def()), move |step| Given::new(step, make()))
    }

    /// Gives the output of a step by name.
    pub fn with_output_named<T: Clone + Send + Sync + 'static>(
        self,
        name: impl Into<String>,
        value: T,
    ) -> Self {
        self.give::<T>(TargetOf::Name(name.into()), move |step| Given::new(step, value.clone()))
    }

    fn give<T: Send + Sync + 'static>(
        mut self,
        of: TargetOf,
        make: impl Fn(usize) -> Given + Send + Sync + 'static,
    ) -> Self {
        self.given.push(Override { of, ty: TypeDef::of::<T>(), make: Arc::new(make) });
        self.replan()
    }

    /// Sets a run parameter, for all steps that declare it; `"step.parameter"` sets it for one.
    pub fn param(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.params.set(name, &value);
        self
    }

    /// Sets a run parameter from text, as a command line does.
    pub fn param_text(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.params.set_text(name, text);
        self
    }

    /// Sets run parameters that are not set yet.
    pub fn params_default(
        mut self,
        params: impl IntoIterator<Item = (String, pipeline_core::ParamValue)>,
        origin: &str,
    ) -> Self {
        for (name, value) in params {
            self.params.set_default(name, value, origin);
        }
        self
    }

    /// Injects a value, found by its type.
    pub fn resource<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.resource_arc(Arc::new(value))
    }

    /// Injects a value that is shared with others.
    pub fn resource_arc<T: Send + Sync + 'static>(mut self, value: Arc<T>) -> Self {
        self.resources.insert(None, value);
        self
    }

    /// Injects a value, found by its type and name.
    pub fn resource_named<T: Send + Sync + 'static>(mut self, name: impl Into<String>, value: T) -> Self {
        self.resources.insert(Some(name.into()), Arc::new(value));
        self
    }

    /// Sets how the run is executed, in place of everything that was set before ([`Pipeline::sequential`] and
    /// [`Pipeline::workers`] included).
    pub fn settings(mut self, settings: Settings) -> Self {
        let is_planned_alike = self.settings.no_write == settings.no_write;
        self.settings = settings;
        self.origins = Origins::default();
        if is_planned_alike { self } else { self.replan() }
    }

    /// As [`Pipeline::settings`], from several sources: problems and reasons then say where a setting comes from.
    pub fn settings_from(self, resolved: &ResolvedSettings) -> Self {
        let this = self.settings(resolved.settings().clone());
        Pipeline { origins: resolved.origins().clone(), ..this }
    }

    /// The steps that the settings turn off, by position in the plan, each with why.
    pub(crate) fn turned_off(&self, plan: &Plan) -> Vec<(usize, String)> {
        self.settings.turned_off(plan, &self.origins)
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
    /// The first signal stops the runs, as [`RunHandle::stop`] does: no further step starts, async steps that wait are
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

    pub(crate) fn stops_on_signals(&self) -> bool {
        self.stops_on_signals
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

    /// Plans the run: resolves the graph, checks it, and settles what runs. Done once; a later run uses it.
    ///
    /// # Errors
    /// All problems of the graph and its targets at once. Parameters and resources are checked by the run.
    pub fn plan(&self) -> Result<Arc<Plan>, Problems> {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        planned.get_or_insert_with(|| self.make_plan().map(Arc::new)).clone()
    }

    /// Checks everything that a run would check first, and runs nothing.
    ///
    /// # Errors
    /// All problems of graph, parameters, resources and settings at once.
    pub fn check(&self) -> Result<Arc<Plan>, Problems> {
        let plan = self.plan()?;
        match self.bind(&plan) {
            Ok(_) => Ok(plan),
            Err(problems) => Err(Problems::check(problems).expect_err("invariant: what failed was reported")),
        }
    }

    /// Runs the pipeline. Steps run on the tokio runtime this is awaited in, or, outside of one, on the
    /// framework's own.
    ///
    /// A step that fails does not make this an error: the run is the value that tells how each step ended.
    ///
    /// # Errors
    /// All problems of graph, parameters, resources and settings at once; then no step has run.
    ///
    /// # Cancel safety
    /// Dropping the future stops the run: no further step starts, async steps that wait are dropped, and steps on
    /// threads run to their end in the background, their outputs discarded.
    pub async fn run(&self) -> Result<Run, Problems> {
        self.start()?.wait().await
    }

    /// Runs the pipeline and waits for it in the calling thread, which takes part in it. Works inside of a tokio runtime
    /// and inside of a step too, however deep: the steps then run on threads of their own. Still it blocks the thread
    /// that it is called on; in async code, prefer [`Pipeline::run`].
    ///
    /// # Errors
    /// As [`Pipeline::run`].
    pub fn run_blocking(&self) -> Result<Run, Problems> {
        if runtime::is_entered() && !on_a_driving_thread() {
            let prepared = prepare(self)?;
            return runtime::on_a_thread_of_its_own(|runtime| prepared.launch(runtime, false).0);
        }
        // On a thread that is in a step, the run's own steps are left to others.
        let (handle, callers) = launch(self, runtime::own(), !on_a_driving_thread())?;
        if let Some(callers) = callers {
            callers.drive();
        }
        Ok(handle.wait_blocking())
    }

    /// Has another executor run the pipeline, in the calling thread. The settings that concern schedule and time are its
    /// own to honour; observers are told of the start and the end of the run only, and the report has no times.
    ///
    /// # Errors
    /// As [`Pipeline::run`].
    pub fn run_with(&self, executor: &impl Execute) -> Result<Run, Problems> {
        execute(self, runtime::current(), executor)
    }

    /// Starts the pipeline in the background.
    ///
    /// # Errors
    /// As [`Pipeline::run`].
    pub fn start(&self) -> Result<RunHandle, Problems> {
        launch(self, runtime::current(), false).map(|(handle, _)| handle)
    }

    /// How the run will be executed.
    pub fn current_settings(&self) -> &Settings {
        &self.settings
    }

    /// The run parameters that are given.
    #[cfg(feature = "cli")]
    pub(crate) fn params(&self) -> &Params {
        &self.params
    }

    pub(crate) fn observers(&self) -> &Observers {
        &self.observers
    }

    /// What a run of the plan is given, checked and found: parameters and resources. Settings are checked beside them.
    pub(crate) fn bind(&self, plan: &Plan) -> Result<Bound, Vec<Problem>> {
        let mut problems = self.settings.problems(&self.origins);
        problems.extend(self.settings.unknown_names(plan.dag(), &self.origins));
        problems.extend(self.limits.iter().flat_map(Limits::problems));
        if self.limits.is_some() && !self.settings.limits.is_empty() {
            let message = "limits are given twice: in the settings, and shared with other pipelines";
            let problem = Problem::new(ProblemCode::InvalidSetting, message);
            problems.push(problem.hint("configure the shared ones, and leave `limits` out of the settings"));
        }
        let params = plan.bind_params(&self.params).map_err(|found| problems.extend(found));
        let resources = plan.bind_resources(&self.resources).map_err(|found| problems.extend(found));
        match (params, resources) {
            (Ok(params), Ok(resources)) if problems.is_empty() => Ok(Bound { params, resources }),
            _ => Err(problems),
        }
    }

    /// The outputs that are given, made for one run; of two for one step, the later.
    pub(crate) fn make_given(&self, plan: &Plan) -> Result<Vec<Given>, Vec<Problem>> {
        let mut made = BTreeMap::new();
        for given in &self.given {
            let position = given.of.find(plan.dag()).ok().and_then(|step| plan.position(step));
            if let Some(step) = position.filter(|&step| plan.given().contains(&(step as u32))) {
                made.insert(step, given);
            }
        }
        let mut problems = Vec::new();
        let make = |(step, given): (usize, &Override)| {
            let spec = plan.spec(step);
            let made = contain::guard(|| (given.make)(step)).map_err(|panic| {
                let message = format!("making the output given for `{}` panicked", spec.name());
                Problem::new(ProblemCode::OverrideMismatch, message)
                    .step(spec.name(), spec.location())
                    .note(panic)
                    .hint("mend what was given to `with_output` or `with_output_from`")
            });
            made.map_err(|problem| problems.push(problem)).ok()
        };
        let given = made.into_iter().filter_map(make).collect();
        if problems.is_empty() { Ok(given) } else { Err(problems) }
    }

    fn replan(mut self) -> Self {
        self.planned = Arc::default();
        self
    }

    fn make_plan(&self) -> Result<Plan, Problems> {
        let dag = match &self.graph {
            GraphSource::Dag(dag) => Arc::clone(dag),
            GraphSource::Registered => Arc::new(Dag::registered()?),
            GraphSource::Targets => Arc::new(self.dag_of_targets()?),
        };
        if dag.is_empty() {
            return Err(Problem::new(ProblemCode::NoSteps, "the pipeline has no steps")
                .hint("add steps, or name a target")
                .into());
        }
        let mut problems = Vec::new();
        let mut find = |of: &TargetOf| match of.find(&dag) {
            Ok(step) => Some(step),
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        let mut options = PlanOptions {
            run: Vec::new(),
            targets: self.targets.iter().filter_map(&mut find).collect(),
            keep: self.keep.iter().filter_map(&mut find).collect(),
            keep_all: self.keep_all,
            given: self.given.iter().filter_map(|given| find(&given.of)).collect(),
            withheld: self.withheld(&dag),
        };
        problems.extend(self.mismatched_outputs(&dag));
        let excluded = self.apply_selection(&dag, &mut options, &mut problems);
        Problems::check(problems)?;
        let plan = Plan::new(dag, &options)?;
        Problems::check(needed_but_excluded(&plan, &excluded))?;
        Ok(plan)
    }

    /// The steps that the settings say are not to run.
    fn withheld(&self, dag: &Dag) -> Vec<(usize, String)> {
        let writers = (0..dag.len()).filter(|&step| self.settings.no_write && dag.step(step).policy().writes);
        writers.map(|step| (step, NO_WRITE.to_owned())).collect()
    }

    /// Adds what was selected to the targets, takes out what was excluded or is out of bounds, and returns what was excluded.
    fn apply_selection(
        &self,
        dag: &Dag,
        options: &mut PlanOptions,
        problems: &mut Vec<Problem>,
    ) -> Vec<usize> {
        let told = problems.len();
        let mut select = |selection: Result<Selection, Problems>| {
            let selected = selection.and_then(|selection| dag.select(&selection));
            selected.unwrap_or_else(|found| {
                problems.extend(found.into_vec());
                Vec::new()
            })
        };
        let is_bounded = !self.from.is_empty() || !self.until.is_empty();
        if !self.selected.is_empty() {
            options.run = select(Selection::parse(&self.selected));
        } else if is_bounded || options.targets.is_empty() && !self.excluded.is_empty() {
            // Without targets, all that is left is run; and the bounds say what is wanted.
            options.run = (0..dag.len()).collect();
        }
        if !is_bounded && self.excluded.is_empty() {
            return Vec::new();
        }
        let excluded =
            if self.excluded.is_empty() { Vec::new() } else { select(Selection::parse(&self.excluded)) };
        let bounds = Selection::all().from_steps(&self.from).and_then(|all| all.until(&self.until));
        let within = select(bounds);
        let is_wanted =
            |step: &usize| within.binary_search(step).is_ok() && excluded.binary_search(step).is_err();
        options.targets.retain(is_wanted);
        options.run.retain(is_wanted);
        if options.targets.is_empty() && options.run.is_empty() && problems.len() == told {
            problems.push(self.nothing_left(within.is_empty()));
        }
        excluded
    }

    /// Why a selection whose terms all fit selects nothing.
    fn nothing_left(&self, bounds_exclude_all: bool) -> Problem {
        let (from, until) = (self.from.join("`, `"), self.until.join("`, `"));
        let (message, hint) = if bounds_exclude_all {
            let message = format!("nothing is left to run: `{until}` needs nothing from `{from}` on");
            (message, "begin further up, or end further down")
        } else if self.from.is_empty() && self.until.is_empty() {
            ("every selected step is excluded".to_owned(), "exclude less, or select more")
        } else {
            let message = "nothing is left to run: no selected step is between the ends that were given";
            (message.to_owned(), "select more, or move the ends")
        };
        Problem::new(ProblemCode::InvalidSelection, message).hint(hint)
    }

    /// Targets named by string are looked up in the whole registry: they join the typed ones.
    fn dag_of_targets(&self) -> Result<Dag, Problems> {
        let mut defs = Vec::new();
        let mut registered = None;
        for of in self.targets.iter().chain(&self.keep).chain(self.given.iter().map(|given| &given.of)) {
            match of {
                TargetOf::Def(def) => defs.push(*def),
                TargetOf::Name(name) => {
                    let all = registered.get_or_insert_with(pipeline_core::registered);
                    defs.extend(all.iter().filter(|def| def.name == *name || def.id() == *name));
                }
            }
        }
        Dag::from_defs(&defs)
    }

    /// Outputs given by name, whose type rustc could not compare.
    fn mismatched_outputs(&self, dag: &Dag) -> Vec<Problem> {
        let mut problems = Vec::new();
        for given in &self.given {
            let (TargetOf::Name(name), Ok(step)) = (&given.of, given.of.find(dag)) else { continue };
            let spec = dag.step(step);
            if given.ty != spec.def().output {
                let message = format!("the output given for `{name}` has another type than the step returns");
                problems.push(
                    Problem::new(ProblemCode::OverrideMismatch, message)
                        .step(spec.name(), spec.location())
                        .note(format!("given    {}", given.ty))
                        .note(format!("returned {}", spec.def().output))
                        .hint("give a value of the type that the step returns"),
                );
            }
        }
        problems
    }
}

/// Why a step that writes is skipped.
const NO_WRITE: &str = "it writes, and the run is not to write";

/// Excluded steps that a target needs all the same.
fn needed_but_excluded(plan: &Plan, excluded: &[usize]) -> Vec<Problem> {
    let needed = excluded.iter().filter_map(|&step| plan.position(step));
    let running = needed.filter(|&step| !plan.given().contains(&(step as u32)));
    running
        .map(|step| {
            let spec = plan.spec(step);
            let dag = plan.dag();
            let reader = dag
                .downstream(plan.in_dag(step))
                .iter()
                .map(|&reader| reader as usize)
                .find(|reader| plan.position(*reader).is_some() && excluded.binary_search(reader).is_err())
                .map_or("another step", |reader| dag.step(reader).name());
            let message = format!("step `{}` is excluded, but `{reader}` needs it", spec.name());
            Problem::new(ProblemCode::InvalidSelection, message).step(spec.name(), spec.location()).hint(
                format!("exclude `{}+` to leave out what depends on it too, or give its output", spec.name()),
            )
        })
        .collect()
}

impl TargetOf {
    /// The position in the graph.
    fn find(&self, dag: &Dag) -> Result<usize, Problem> {
        match self {
            TargetOf::Name(name) => dag.find(name),
            TargetOf::Def(def) => dag.position_of_def(def).ok_or_else(|| {
                Problem::new(
                    ProblemCode::UnknownTarget,
                    format!("step `{}` is not part of this pipeline", def.id()),
                )
                .hint("name a step of the graph, or add it to the graph")
            }),
        }
    }
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |of: &TargetOf| match of {
            TargetOf::Def(def) => def.id(),
            TargetOf::Name(name) => name.clone(),
        };
        f.debug_struct("Pipeline")
            .field("targets", &self.targets.iter().map(named).collect::<Vec<_>>())
            .field("params", &self.params)
            .field("resources", &self.resources)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
