//! What steps are given: outputs instead of running them, run parameters, resources.

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
    /// # use pipeline_core::DagBuilder;
    /// # use pipeline_exec::{GivenOutput, Pipeline};
    /// struct Socket(u16);
    ///
    /// # fn main() -> Result<(), pipeline_core::Problems> {
    /// let mut dag = DagBuilder::new();
    /// let socket = dag.cpu("socket", (), |()| Socket(80));
    /// dag.cpu("port", (socket,), |(socket,)| socket.0);
    /// let pipeline = Pipeline::new(dag.build()?);
    /// let run = pipeline.with_output_named("socket", GivenOutput::from_fn(|| Socket(8080))).run_blocking()?;
    /// assert_eq!(run.output_named::<u16>("port"), Ok(&8080));
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
        let json: &'static [u8] = Vec::leak(json.into());
        let make = move |plan: &Plan, step: usize| {
            let def = plan.spec(step).def();
            let ty = short_type(def.output.name());
            match def.codec.read(step, json) {
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
        };
        GivenOutput { ty: None, make: Arc::new(make) }
    }
}

impl fmt::Debug for GivenOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GivenOutput").field("ty", &self.ty).finish_non_exhaustive()
    }
}

/// What the steps of a run read beside outputs.
pub(crate) struct Bound {
    pub(crate) params: BoundParams,
    pub(crate) resources: Vec<Arc<dyn Any + Send + Sync>>,
}

/// What serde says of a value that it cannot read, without the value: `invalid type: string "x", expected u64`. What the
/// type's own code says may quote it too, and is left out.
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
        None => "its `Deserialize` refuses the value, and why is not told, for that may quote it".to_owned(),
    }
}

impl Pipeline {
    /// Gives the output of a step instead of running it. Steps that only it needs do not run either. For tests, and to
    /// continue from an earlier result. Each run gets a clone of the value.
    ///
    /// ```
    /// # extern crate pipeline_core as pipeline;
    /// # use pipeline_exec::Pipeline;
    /// # use pipeline_macros::step;
    /// #[step]
    /// fn price() -> u64 {
    ///     panic!("asks a server")
    /// }
    ///
    /// #[step]
    /// fn total(price: &u64) -> u64 {
    ///     price * 3
    /// }
    ///
    /// # fn main() -> Result<(), pipeline_core::Problems> {
    /// let run = Pipeline::to::<total>().with_output::<price>(14).run_blocking()?;
    /// assert_eq!(run.output::<total>(), Ok(&42));
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
    /// # use pipeline_core::DagBuilder;
    /// # use pipeline_exec::Pipeline;
    /// # let mut dag = DagBuilder::new();
    /// # let price = dag.cpu("price", (), |()| 0_u64);
    /// # dag.cpu("total", (price,), |(price,)| price * 3);
    /// let run = Pipeline::new(dag.build()?).with_output_named("price", 14_u64).run_blocking()?;
    /// assert_eq!(run.output_named::<u64>("total"), Ok(&42));
    /// # Ok::<(), pipeline_core::Problems>(())
    /// ```
    pub fn with_output_named(self, name: impl Into<String>, output: impl Into<GivenOutput>) -> Self {
        self.give(TargetOf::Name(name.into()), output.into())
    }

    fn give(mut self, of: TargetOf, GivenOutput { ty, make }: GivenOutput) -> Self {
        self.given.push(Override { of, ty, make });
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
    #[cfg(feature = "cli")]
    pub(crate) fn params_default(
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

    /// Outputs given by name, whose type rustc could not compare.
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
