//! The inputs of steps from outside: given outputs, run parameters, resources.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use pipeline_core::frame::Given;
#[cfg(feature = "outputs")]
use pipeline_core::short_type;
use pipeline_core::{BoundParams, Dag, Plan, Problem, ProblemCode, Step, TypeDef, contain};
use serde::Serialize;

use super::{Pipeline, TargetOf};
use crate::limits::Limits;

/// The output of a step, given by name instead of running the step: for [`Pipeline::with_output_named`].
///
/// Every value that can be cloned is one; [`GivenOutput::from_fn`] and [`GivenOutput::json`] make the others.
#[must_use = "an output does nothing until it is given to a pipeline"]
pub struct GivenOutput {
    /// `None` if it is read as the type that the step returns.
    ty: Option<TypeDef>,
    make: Arc<Make>,
}

/// A given output and its step.
#[derive(Clone)]
pub(super) struct Override {
    pub(super) of: TargetOf,
    ty: Option<TypeDef>,
    make: Arc<Make>,
}

/// Makes the output for a step at a position of a plan, anew for each run. On failure, returns the reason and a hint.
type Make = dyn Fn(&Plan, usize) -> Result<Given, (String, &'static str)> + Send + Sync;

impl<T: Clone + Send + Sync + 'static> From<T> for GivenOutput {
    fn from(value: T) -> Self {
        GivenOutput::from_fn(move || value.clone())
    }
}

impl GivenOutput {
    /// Makes the value anew for each run: for types that cannot be cloned.
    ///
    /// ```
    #[doc = include_str!("examples/graph.in")]
    /// # use pipeline_exec::GivenOutput;
    /// let orders = GivenOutput::from_fn(|| vec![20_u64, 22]);
    /// let run = Pipeline::new(dag).with_output_named("orders", orders).run_blocking()?;
    /// assert_eq!(run.output_named::<String>("report")?, "total: 42");
    /// # Ok(()) }
    /// ```
    pub fn from_fn<T: Send + Sync + 'static>(make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        let make = move |_: &Plan, step: usize| Ok(Given::new(step, make()));
        GivenOutput { ty: Some(TypeDef::of::<T>()), make: Arc::new(make) }
    }

    /// Reads JSON as the type that the step returns: a file that a run [has saved](crate::RunStore::save_outputs), or one
    /// written by hand. If it cannot be read, the run reports a problem.
    ///
    /// The bytes live as long as the program, because the value may borrow from them. Outputs of closures cannot be read.
    ///
    /// ```no_run
    /// # use pipeline_exec::{GivenOutput, Pipeline};
    /// let orders = std::fs::read("orders.json")?;
    /// let pipeline = Pipeline::all().with_output_named("orders", GivenOutput::json(orders));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[cfg(feature = "outputs")]
    pub fn json(json: impl Into<Vec<u8>>) -> Self {
        GivenOutput::of_json(Vec::leak(json.into()))
    }

    /// As [`GivenOutput::json`], for bytes that live as long as the program already.
    #[cfg(feature = "outputs")]
    pub(crate) fn of_json(json: &'static [u8]) -> Self {
        GivenOutput { ty: None, make: Arc::new(move |plan, step| read_json(plan, step, json)) }
    }
}

impl fmt::Debug for GivenOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GivenOutput").field("ty", &self.ty).finish_non_exhaustive()
    }
}

/// What inputs are checked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A run: every step that is not disabled needs all of its inputs.
    Run,
    /// A look at the plan, which needs no secret.
    #[cfg_attr(not(feature = "cli"), allow(dead_code))]
    Plan,
    /// A look at the plan of a pipeline that could not be given its resources.
    #[cfg_attr(not(feature = "cli"), allow(dead_code))]
    PlanWithoutResources,
}

/// The parameters and resources of a run.
pub(crate) struct Bound {
    pub(crate) params: BoundParams,
    pub(crate) resources: Vec<Arc<dyn Any + Send + Sync>>,
    /// The steps that the settings disable, each with the reason.
    pub(crate) disabled: Vec<(usize, String)>,
    /// The reasons of validators for which the steps run one at a time.
    pub(crate) one_at_a_time: Vec<String>,
}

/// Reads JSON as the output of a step, by position in the plan.
#[cfg(feature = "outputs")]
pub(crate) fn read_json(
    plan: &Plan,
    step: usize,
    json: &'static [u8],
) -> Result<Given, (String, &'static str)> {
    let def = plan.spec(step).def();
    let ty = short_type(def.output.name());
    match def.codec.read(step, without_mark(json)) {
        Some(Ok(given)) => Ok(given),
        Some(Err(error)) => Err((
            format!("cannot be read as `{ty}`: {}", without_value(&error)),
            "give JSON as the type's `Deserialize` reads it, such as `run --save-outputs` writes",
        )),
        None => Err((
            format!("cannot be read: serde does not know how to read `{ty}`"),
            "derive `Deserialize` for the type, or let the step run; outputs of closures cannot be read",
        )),
    }
}

/// Returns JSON without the byte order mark that some editors and shells write first, and JSON does not allow.
#[cfg(feature = "outputs")]
fn without_mark(json: &[u8]) -> &[u8] {
    json.strip_prefix("\u{feff}".as_bytes()).unwrap_or(json)
}

/// Returns serde's reason without the value that it cannot read: `expected u64`, not `invalid type: string "x", expected u64`.
/// The reason from a type's own code may quote the value, and is left out.
#[cfg(feature = "outputs")]
fn without_value(error: &std::io::Error) -> String {
    const QUOTE_IT: [&str; 5] =
        ["invalid type: ", "invalid value: ", "invalid length ", "unknown variant `", "unknown field `"];
    const OF_FIELDS: [&str; 2] = ["missing field `", "duplicate field `"];
    let why = error.to_string();
    let starts = |with: &[&str]| with.iter().any(|start| why.starts_with(start));
    let of_json = error.get_ref().and_then(|inner| inner.downcast_ref::<serde_json::Error>());
    match why.rfind(", expected ").filter(|_| starts(&QUOTE_IT)) {
        Some(at) => why[at + ", ".len()..].to_owned(),
        None if starts(&OF_FIELDS) || of_json.is_some_and(|error| !error.is_data()) => why,
        None => {
            "its `Deserialize` refuses the value; the reason is not shown, because it may quote the value"
                .to_owned()
        }
    }
}

impl Pipeline {
    /// Gives the output of a step instead of running it. Steps that only it needs do not run either. For tests, and to
    /// continue from an earlier result. Each run gets a clone of the value.
    ///
    /// ```
    #[doc = include_str!("examples/steps.in")]
    /// let run = Pipeline::to::<total>().with_output::<orders>(vec![20, 22]).run_blocking()?;
    /// assert_eq!(run.output::<total>()?, &42);
    /// # Ok(()) }
    /// ```
    pub fn with_output<S: Step>(self, value: S::Output) -> Self
    where
        S::Output: Clone,
    {
        self.give(TargetOf::Def(S::def()), value.into())
    }

    /// Gives the output of a step by name: a value of the type that the step returns, or a [`GivenOutput`].
    ///
    /// ```
    #[doc = include_str!("examples/graph.in")]
    /// let run = Pipeline::new(dag).with_output_named("total", 42_u64).run_blocking()?;
    /// assert_eq!(run.output_named::<String>("report")?, "total: 42");
    /// # Ok(()) }
    /// ```
    pub fn with_output_named(self, name: impl Into<String>, output: impl Into<GivenOutput>) -> Self {
        self.give(TargetOf::Name(name.into()), output.into())
    }

    fn give(mut self, of: TargetOf, GivenOutput { ty, make }: GivenOutput) -> Self {
        self.given.push(Override { of, ty, make });
        self.replan()
    }

    /// Sets a run parameter for all steps that declare it; `"step.parameter"` sets it for one step.
    ///
    /// ```
    #[doc = include_str!("examples/params.in")]
    /// let run = Pipeline::to::<greeting>().param("name", "you").run_blocking()?;
    /// assert_eq!(run.output::<greeting>()?, "hello you");
    /// # Ok(()) }
    /// ```
    pub fn param(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.params.set(name, &value);
        self
    }

    /// Sets a run parameter from text, read as the type that each step declares. A command line does this.
    ///
    /// ```
    #[doc = include_str!("examples/params.in")]
    /// let run = Pipeline::to::<greeting>().param_text("name", "you").param_text("times", "2").run_blocking()?;
    /// assert_eq!(run.output::<greeting>()?, "hello you you");
    /// # Ok(()) }
    /// ```
    pub fn param_text(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.params.set_text(name, text);
        self
    }

    /// Sets a run parameter that is not set yet.
    #[cfg(feature = "cli")]
    pub(crate) fn default_param(&mut self, name: String, value: pipeline_core::ParamValue, origin: &str) {
        self.params.set_default(name, value, origin);
    }

    /// Adds a resource: a value that steps find by its type. A step that reads `&T` also finds it in a `Box<T>`, or in an `Arc<T>`
    /// that others share, and `T` can be a trait object.
    ///
    /// ```
    #[doc = include_str!("examples/resources.in")]
    /// let run = Pipeline::to::<length>().resource(Words(vec!["a", "b"])).run_blocking()?;
    /// assert_eq!(run.output::<length>()?, &2);
    ///
    /// let words = std::sync::Arc::new(Words(vec!["a"]));
    /// let run = Pipeline::to::<length>().resource(words.clone()).run_blocking()?;
    /// assert_eq!(run.output::<length>()?, &words.0.len());
    /// # Ok(()) }
    /// ```
    pub fn resource<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.resources.insert(None, Arc::new(value));
        self
    }

    /// Adds a resource that steps find by its type and name.
    ///
    /// ```
    #[doc = include_str!("examples/resources.in")]
    /// let run = Pipeline::to::<extra>().resource_named("extra", Words(vec!["c"])).run_blocking()?;
    /// assert_eq!(run.output::<extra>()?, &1);
    /// # Ok(()) }
    /// ```
    pub fn resource_named<T: Send + Sync + 'static>(mut self, name: impl Into<String>, value: T) -> Self {
        self.resources.insert(Some(name.into()), Arc::new(value));
        self
    }

    /// Checks settings, parameters and resources, and binds them to the steps of a plan. Disabled steps need none.
    pub(crate) fn bind(&self, plan: &Plan, purpose: Purpose) -> Result<Bound, Vec<Problem>> {
        let mut problems = self.settings.problems();
        problems.extend(self.settings.unknown_names(plan.dag()));
        problems.extend(self.limits.iter().flat_map(Limits::problems));
        if self.limits.is_some() && !self.settings.limits.is_empty() {
            let message = "limits are given twice: in the settings, and shared with other pipelines";
            let problem = Problem::new(ProblemCode::InvalidSetting, message);
            problems.push(problem.hint("configure the shared ones, and leave `limits` out of the settings"));
        }
        let disabled = self.disabled(plan);
        let is_off = |step: usize| disabled.binary_search_by_key(&step, |(step, _)| *step).is_ok();
        let runs = |step: usize| !is_off(step) && plan.disabled(step).is_none();
        let needs_secrets = purpose == Purpose::Run;
        let params = plan
            .bind_params(&self.params, |step, param| runs(step) && (needs_secrets || !param.is_secret()))
            .map_err(|found| problems.extend(found));
        #[cfg(feature = "store")]
        if let (Ok(params), Purpose::Run) = (&params, purpose) {
            problems.extend(crate::store::files::unreadable(plan, params, runs));
        }
        let resources = plan
            .bind_resources(&self.resources, |step| runs(step) && purpose != Purpose::PlanWithoutResources)
            .map_err(|found| problems.extend(found));
        let one_at_a_time = self.validate(plan).map_err(|found| problems.extend(found));
        match (params, resources, one_at_a_time) {
            (Ok(params), Ok(resources), Ok(one_at_a_time)) if problems.is_empty() => {
                Ok(Bound { params, resources, disabled, one_at_a_time })
            }
            _ => Err(problems),
        }
    }

    /// Makes the given outputs for one run. Of two for one step, the later wins.
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
            let problem = |what: &str, hint: &str| {
                let message = format!("the output given for `{}` {what}", spec.name());
                Problem::new(ProblemCode::OverrideMismatch, message)
                    .step(spec.name(), spec.location())
                    .hint(hint)
            };
            let made = match contain::guard(|| (given.make)(plan, step)) {
                Ok(made) => made.map_err(|(why, hint)| problem(&why, hint)),
                Err(panic) => {
                    let hint = match given.ty {
                        Some(_) => "fix the code that makes the value",
                        None => "fix the `Deserialize` of the type",
                    };
                    Err(problem("panicked when it was made", hint).note(panic))
                }
            };
            made.map_err(|problem| problems.push(problem)).ok()
        };
        let given = made.into_iter().filter_map(make).collect();
        if problems.is_empty() { Ok(given) } else { Err(problems) }
    }

    /// Checks the types of outputs given by name, which rustc cannot compare.
    pub(super) fn mismatched_outputs(&self, dag: &Dag) -> Vec<Problem> {
        let mut problems = Vec::new();
        for given in &self.given {
            let (TargetOf::Name(name), Ok(step)) = (&given.of, given.of.find(dag)) else { continue };
            let spec = dag.step(step);
            if let Some(ty) = given.ty.filter(|&ty| ty != spec.def().output) {
                let message = format!("the output given for `{name}` has another type than the step returns");
                problems.push(
                    Problem::new(ProblemCode::OverrideMismatch, message)
                        .step(spec.name(), spec.location())
                        .note(format!("given    {ty}"))
                        .note(format!("returned {}", spec.def().output))
                        .hint("give a value of the type that the step returns"),
                );
            }
        }
        problems
    }
}
