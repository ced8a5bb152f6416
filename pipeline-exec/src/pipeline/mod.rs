//! Pipelines: what to run, with which inputs, and how.

mod given;
#[cfg(feature = "cli")]
mod inspect;
mod options;
mod planning;
mod start;
#[cfg_attr(not(feature = "store"), path = "unstored.rs")]
mod stored;
mod validation;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use pipeline_core::{Dag, Params, Plan, Problems, Resources, Step, StepContext, StepDef};

pub use self::given::GivenOutput;
use self::given::Override;
pub(crate) use self::given::Purpose;
#[cfg(feature = "cli")]
pub(crate) use self::given::read_json;
pub use self::validation::{Classifier, Validator, Verdict};
use crate::engine::on_a_driving_thread;
use crate::event::Observers;
use crate::execute::Execute;
use crate::limits::Limits;
use crate::pressure::Sampler;
use crate::record::CommandLine;
use crate::run::{Run, RunHandle};
use crate::runs::RunStore;
use crate::runtime;
use crate::settings::{Named, Settings};

/// A pipeline: a graph, the outputs wanted from it, and the inputs of its steps.
///
/// Methods that set something return the pipeline, so calls chain. [`Pipeline::plan`] and each run check everything and
/// report all problems at once. A pipeline is planned once and can run many times, also at the same time.
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
#[allow(clippy::struct_excessive_bools, reason = "each has a method, and none excludes another")]
pub struct Pipeline {
    /// Its name in a program of several.
    name: Option<Named>,
    graph: GraphSource,
    targets: Vec<TargetOf>,
    /// Whether `selected` replaces the targets, which then only determine the graph.
    targets_are_replaced: bool,
    selected: Vec<String>,
    excluded: Vec<String>,
    from: Vec<String>,
    until: Vec<String>,
    keep: Vec<TargetOf>,
    keep_all: bool,
    /// Whether no one reads outputs after the run.
    is_unread: bool,
    given: Vec<Override>,
    params: Params,
    resources: Resources,
    settings: Settings,
    limits: Option<Limits>,
    sampler: Option<MakeSampler>,
    validators: Vec<Arc<dyn Validator>>,
    classifiers: Vec<Arc<dyn Classifier>>,
    within: Option<StepContext>,
    observers: Observers,
    stops_on_signals: bool,
    store: Option<RunStore>,
    #[cfg(feature = "store")]
    values: Option<crate::store::ValueStore>,
    #[cfg(feature = "store")]
    resume_from: Option<String>,
    #[cfg(feature = "store")]
    fresh: Vec<String>,
    /// The command line that started it, if one did.
    command_line: Option<Arc<CommandLine>>,
    planned: Arc<Mutex<Option<Planned>>>,
}

/// Makes the sampler of a run.
type MakeSampler = Arc<dyn Fn() -> Box<dyn Sampler> + Send + Sync>;

/// The result of planning, kept for the next run.
type Planned = Result<Arc<Plan>, Problems>;

#[derive(Clone)]
enum GraphSource {
    /// The typed targets and everything they need.
    Targets,
    /// Every registered step.
    Registered,
    /// A graph made before.
    Dag(Arc<Dag>),
}

/// How a step is named in code.
#[derive(Clone)]
enum TargetOf {
    Def(&'static StepDef),
    Name(String),
}

impl Pipeline {
    /// Returns the pipeline of one registered step and everything it needs. [`Pipeline::and`] adds further targets.
    ///
    /// ```
    #[doc = include_str!("examples/steps.in")]
    /// let run = Pipeline::to::<total>().run_blocking()?;
    /// assert_eq!(run.output::<total>()?, &7);
    /// # Ok(()) }
    /// ```
    pub fn to<S: Step>() -> Self {
        Pipeline::with(GraphSource::Targets).and::<S>()
    }

    /// Returns the pipeline of every step registered in this program. Its targets are the outputs that no step reads, unless
    /// [`Pipeline::and`] or [`Pipeline::target`] names some.
    ///
    /// ```standalone_crate
    #[doc = include_str!("examples/steps.in")]
    /// let run = Pipeline::all().run_blocking()?;
    /// assert_eq!((run.output::<total>()?, run.output::<largest>()?), (&7, &Some(4)));
    /// # Ok(()) }
    /// ```
    pub fn all() -> Self {
        Pipeline::with(GraphSource::Registered)
    }

    /// Returns the pipeline of a graph, with the same targets as [`Pipeline::all`].
    ///
    /// ```
    #[doc = include_str!("examples/graph.in")]
    /// let run = Pipeline::new(dag).run_blocking()?;
    /// assert_eq!(run.output_named::<String>("report")?, "total: 7");
    /// # Ok(()) }
    /// ```
    pub fn new(dag: impl Into<Arc<Dag>>) -> Self {
        Pipeline::with(GraphSource::Dag(dag.into()))
    }

    fn with(graph: GraphSource) -> Self {
        Pipeline {
            name: None,
            graph,
            targets: Vec::new(),
            targets_are_replaced: false,
            selected: Vec::new(),
            excluded: Vec::new(),
            from: Vec::new(),
            until: Vec::new(),
            keep: Vec::new(),
            keep_all: false,
            is_unread: false,
            given: Vec::new(),
            params: Params::new(),
            resources: Resources::new(),
            settings: Settings::default(),
            limits: None,
            sampler: None,
            validators: Vec::new(),
            classifiers: Vec::new(),
            within: None,
            observers: Observers::default(),
            stops_on_signals: false,
            store: None,
            #[cfg(feature = "store")]
            values: None,
            #[cfg(feature = "store")]
            resume_from: None,
            #[cfg(feature = "store")]
            fresh: Vec::new(),
            command_line: None,
            planned: Arc::default(),
        }
    }

    /// Adds a target: a step whose output is wanted.
    ///
    /// ```
    #[doc = include_str!("examples/steps.in")]
    /// let run = Pipeline::to::<total>().and::<largest>().run_blocking()?;
    /// assert_eq!(run.output::<largest>()?, &Some(4));
    /// # Ok(()) }
    /// ```
    pub fn and<S: Step>(mut self) -> Self {
        self.targets.push(TargetOf::Def(S::def()));
        self.replan()
    }

    /// Adds a target by name: the step's own name if it is unique, else `module::name`.
    ///
    /// ```
    #[doc = include_str!("examples/graph.in")]
    /// let run = Pipeline::new(dag).target("total").run_blocking()?;
    /// assert_eq!(run.output_named::<u64>("total")?, &7);
    /// assert!(run.status("report").is_err()); // not part of the run
    /// # Ok(()) }
    /// ```
    pub fn target(mut self, name: impl Into<String>) -> Self {
        self.targets.push(TargetOf::Name(name.into()));
        self.replan()
    }

    /// Runs the steps that any of these terms selects, and what they need. Their outputs are kept unless a step takes them.
    ///
    /// A term is a name, a glob, `tag:x` or `group:x`. A leading `+` adds everything upstream, a trailing `+` everything
    /// downstream. [`Selection`](pipeline_core::Selection) lists all forms.
    ///
    /// ```
    #[doc = include_str!("examples/graph.in")]
    /// let run = Pipeline::new(dag).select(["tot*"]).run_blocking()?;
    /// assert_eq!(run.output_named::<u64>("total")?, &7);
    /// # Ok(()) }
    /// ```
    pub fn select(mut self, terms: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.selected.extend(terms.into_iter().map(Into::into));
        self.replan()
    }

    /// Leaves out the steps that any of these terms selects. A target that needs one of them is a problem, unless its output is
    /// given.
    ///
    /// ```
    #[doc = include_str!("examples/graph.in")]
    /// let run = Pipeline::new(dag).exclude(["report"]).run_blocking()?;
    /// assert_eq!(run.available(), ["orders", "total"]);
    /// # Ok(()) }
    /// ```
    pub fn exclude(mut self, terms: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.excluded.extend(terms.into_iter().map(Into::into));
        self.replan()
    }

    /// Runs only the steps that any of these terms selects and their dependents, with what those need. [`Pipeline::select`],
    /// [`Pipeline::until`] and [`Pipeline::exclude`] narrow this further.
    ///
    /// ```
    #[doc = include_str!("examples/graph.in")]
    /// let pipeline = Pipeline::new(dag).from_steps(["total"]).with_output_named("orders", vec![1_u64]);
    /// let run = pipeline.run_blocking()?;
    /// assert_eq!(run.output_named::<String>("report")?, "total: 1");
    /// # Ok(()) }
    /// ```
    pub fn from_steps(mut self, terms: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.from.extend(terms.into_iter().map(Into::into));
        self.replan()
    }

    /// Runs only the steps that any of these terms selects and what they need: the run ends with them.
    ///
    /// ```
    #[doc = include_str!("examples/graph.in")]
    /// let run = Pipeline::new(dag).until(["total"]).run_blocking()?;
    /// assert!(run.status("report").is_err()); // not part of the run
    /// # Ok(()) }
    /// ```
    pub fn until(mut self, terms: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.until.extend(terms.into_iter().map(Into::into));
        self.replan()
    }

    /// Keeps the output of a step to the end of the run, in addition to those of the targets.
    ///
    /// ```
    #[doc = include_str!("examples/steps.in")]
    /// let run = Pipeline::to::<total>().keep::<orders>().run_blocking()?;
    /// assert_eq!(run.output::<orders>()?, &[3, 4]);
    /// # Ok(()) }
    /// ```
    pub fn keep<S: Step>(mut self) -> Self {
        self.keep.push(TargetOf::Def(S::def()));
        self.replan()
    }

    /// Keeps the output of a step, by name.
    ///
    /// ```
    #[doc = include_str!("examples/graph.in")]
    /// let run = Pipeline::new(dag).keep_named("total").run_blocking()?;
    /// assert_eq!(run.output_named::<u64>("total")?, &7);
    /// # Ok(()) }
    /// ```
    pub fn keep_named(mut self, name: impl Into<String>) -> Self {
        self.keep.push(TargetOf::Name(name.into()));
        self.replan()
    }

    /// Keeps every output to the end of the run, except those that a step takes by value.
    ///
    /// ```
    #[doc = include_str!("examples/graph.in")]
    /// let run = Pipeline::new(dag).keep_all().run_blocking()?;
    /// assert_eq!(run.available(), ["orders", "total", "report"]);
    /// # Ok(()) }
    /// ```
    pub fn keep_all(mut self) -> Self {
        self.keep_all = true;
        self.replan()
    }

    /// Plans the run: resolves the graph, checks it, and determines which steps run. The plan is kept for later runs.
    ///
    /// ```
    #[doc = include_str!("examples/graph.in")]
    /// let plan = Pipeline::new(dag).target("total").plan()?;
    /// assert_eq!(plan.planned(), 2);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// All problems of the graph and its targets at once. A run checks parameters, resources and settings too.
    pub fn plan(&self) -> Result<Arc<Plan>, Problems> {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        planned.get_or_insert_with(|| self.make_plan().map(Arc::new)).clone()
    }

    /// Checks everything that a run checks before its first step, and runs nothing.
    ///
    /// ```
    #[doc = include_str!("examples/steps.in")]
    /// let problems = Pipeline::to::<total>().param("color", "red").check().unwrap_err();
    /// assert!(problems.has(pipeline_core::ProblemCode::UnknownParam));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// All problems of graph, parameters, resources and settings at once.
    pub fn check(&self) -> Result<Arc<Plan>, Problems> {
        self.check_for(Purpose::Run)
    }

    /// Checks what a run or a look at the plan needs.
    pub(crate) fn check_for(&self, purpose: Purpose) -> Result<Arc<Plan>, Problems> {
        let plan = self.plan()?;
        match self.bind(&plan, purpose) {
            Ok(_) => Ok(plan),
            Err(problems) => Err(Problems::check(problems).expect_err("invariant: what failed was reported")),
        }
    }

    /// Runs the pipeline. Steps run on the tokio runtime in which this is awaited; without one, on the framework's own.
    ///
    /// A failed step is not an error here: the run reports how each step ended.
    ///
    /// ```
    #[doc = include_str!("examples/steps.in")]
    /// let run = futures::executor::block_on(Pipeline::to::<total>().run())?;
    /// assert_eq!(run.output::<total>()?, &7);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// All problems of graph, parameters, resources and settings at once. Then no step has run.
    ///
    /// # Cancel safety
    /// Dropping the future stops the run: no further step starts, and waiting async steps are dropped. Steps on threads run to
    /// their end in the background, and their outputs are discarded.
    pub async fn run(&self) -> Result<Run, Problems> {
        Ok(self.start()?.wait().await)
    }

    /// Runs the pipeline and waits for it. The calling thread runs steps too.
    ///
    /// This also works inside a tokio runtime and inside a step, however deep: the steps then run on other threads. It still
    /// blocks the calling thread; in async code, prefer [`Pipeline::run`].
    ///
    /// ```
    #[doc = include_str!("examples/steps.in")]
    /// let run = Pipeline::to::<total>().run_blocking()?;
    /// assert!(run.succeeded());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Pipeline::run`].
    pub fn run_blocking(&self) -> Result<Run, Problems> {
        let (prepared, drives) = (self.prepare()?, on_a_driving_thread());
        let is_within_step = drives || self.within.is_some();
        // Steps beside that step may block the threads of the framework's runtime until that step has ended.
        if (runtime::is_entered() && !drives) || (is_within_step && prepared.has_async()) {
            let run = runtime::block_on_new_thread(|runtime| prepared.launch(runtime, false).0.wait());
            return Ok(run);
        }
        // On a thread that is in a step, the run's own steps are left to others.
        let (handle, callers) = prepared.launch(runtime::own(), !drives);
        Ok(handle.wait_blocking(callers))
    }

    /// Runs the pipeline with another executor, in the calling thread. [`Execute`] has an example.
    ///
    /// That executor honours the settings about schedule and time, or not. Observers get the start and the end of the run only,
    /// and the report has no times.
    ///
    /// # Errors
    /// As [`Pipeline::run`].
    pub fn run_with(&self, executor: &impl Execute) -> Result<Run, Problems> {
        Ok(self.prepare()?.execute(executor))
    }

    /// Starts the pipeline in the background.
    ///
    /// ```
    #[doc = include_str!("examples/steps.in")]
    /// let handle = Pipeline::to::<total>().start()?;
    /// let run = futures::executor::block_on(handle.wait());
    /// assert_eq!(run.output::<total>()?, &7);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`Pipeline::run`].
    pub fn start(&self) -> Result<RunHandle, Problems> {
        Ok(self.prepare()?.launch(runtime::current(), false).0)
    }

    /// Sets its name in a program of several pipelines.
    #[cfg(feature = "cli")]
    pub(crate) fn named(mut self, name: Named) -> Self {
        self.name = Some(name);
        self
    }

    /// Its name in a program of several pipelines.
    pub(crate) fn name(&self) -> Option<&Named> {
        self.name.as_ref()
    }

    /// The settings of its runs.
    #[cfg(feature = "cli")]
    pub(crate) fn current_settings(&self) -> &Settings {
        &self.settings
    }

    /// The run parameters that are given.
    #[cfg(feature = "cli")]
    pub(crate) fn params(&self) -> &Params {
        &self.params
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
