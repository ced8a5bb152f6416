//! What to run and with what: the value a user builds and runs.

mod given;
mod manner;
mod planning;
mod start;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use pipeline_core::{Dag, Params, Plan, Problems, Resources, Step, StepContext, StepDef};

pub use self::given::GivenOutput;
use self::given::Override;
use crate::engine::on_a_driving_thread;
use crate::event::Observers;
use crate::execute::Execute;
use crate::limits::Limits;
use crate::pressure::Sampler;
use crate::record::CommandLine;
use crate::run::{Run, RunHandle};
use crate::runtime;
use crate::settings::{Origins, Settings};
use crate::store::RunStore;

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
    /// The words that it was started with, where the command line started it.
    command_line: Option<Arc<CommandLine>>,
    planned: Arc<Mutex<Option<Planned>>>,
}

/// Makes what samples a run.
type MakeSampler = Arc<dyn Fn() -> Box<dyn Sampler> + Send + Sync>;

/// What planning led to, kept for the next run.
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
            command_line: None,
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
    /// forms are in [`Selection`](pipeline_core::Selection).
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
            let prepared = self.prepare()?;
            return runtime::block_on_new_thread(|runtime| prepared.launch(runtime, false).0.wait());
        }
        // On a thread that is in a step, the run's own steps are left to others.
        let (handle, callers) = self.prepare()?.launch(runtime::own(), !on_a_driving_thread());
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
        Ok(self.prepare()?.execute(executor))
    }

    /// Starts the pipeline in the background.
    ///
    /// # Errors
    /// As [`Pipeline::run`].
    pub fn start(&self) -> Result<RunHandle, Problems> {
        Ok(self.prepare()?.launch(runtime::current(), false).0)
    }

    /// The settings of its runs.
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
