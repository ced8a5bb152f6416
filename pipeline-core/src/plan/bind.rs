//! Binds run parameters and resources to the steps of a plan.

use std::any::Any;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::Plan;
use crate::contain;
use crate::dag::StepSpec;
use crate::params::{BoundParam, BoundParams, Given, NOT_SHOWN, ParamDef, ParamValue, Params};
use crate::problem::{Problem, ProblemCode, closest};
use crate::resources::Resources;
use crate::short_type::short_type;
use crate::step::{InputDef, InputKind};

impl Plan {
    /// Reads every run parameter of the plan, once. `is_needed` is asked about each that has no value, with the position of
    /// its step: a disabled step, which never reads it, does not need it.
    ///
    /// # Errors
    /// Returns every missing, unreadable and unknown parameter.
    pub fn bind_params(
        &self,
        given: &Params,
        is_needed: impl Fn(usize, &ParamDef) -> bool,
    ) -> Result<BoundParams, Vec<Problem>> {
        let mut problems = Vec::new();
        let of_steps = self.of_steps(given, &mut problems);
        let mut bound = BoundParams::default();
        for &(step, parameter) in &self.params {
            let (input, param) = self.param_def(step, parameter);
            let of_step = of_steps.get(&(self.in_dag(step as usize), &*param.name)).copied();
            let of_run = of_step.or_else(|| given.get(&param.name));
            match self.read_param(step, param, of_run) {
                Ok((given, value)) => {
                    let origin = self.origin(step, param, of_run);
                    bound.entries.push(BoundParam { def: param.clone(), given, value, origin });
                }
                Err(problem)
                    if problem.code == ProblemCode::MissingParam && !is_needed(step as usize, param) =>
                {
                    let (def, origin) = (param.clone(), Cow::Borrowed("nobody"));
                    bound.entries.push(BoundParam { def, given: None, value: Box::new(()), origin });
                }
                Err(problem) => {
                    let step = self.spec(step as usize);
                    problems.push(
                        problem
                            .step(step.name(), step.location())
                            .parameter(input.name.as_ref(), input.location),
                    );
                }
            }
        }
        if problems.is_empty() { Ok(bound) } else { Err(problems) }
    }

    /// Finds every resource of the plan. `is_needed` is asked about each that was not given, with the position of its step:
    /// a disabled step, which never reads it, does not need it.
    ///
    /// # Errors
    /// Returns every missing resource.
    pub fn bind_resources(
        &self,
        given: &Resources,
        is_needed: impl Fn(usize) -> bool,
    ) -> Result<Vec<Arc<dyn Any + Send + Sync>>, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut bound = Vec::with_capacity(self.resources.len());
        for &(step, parameter) in &self.resources {
            let spec = self.spec(step as usize);
            let input = &spec.def().inputs[parameter as usize];
            let InputKind::Resource { name, ty } = &input.kind else {
                unreachable!("invariant: the plan lists resources only")
            };
            if let Some(value) = given.find(ty.id(), name.as_deref()) {
                bound.push(Arc::clone(value));
                continue;
            }
            if !is_needed(step as usize) {
                bound.push(Arc::new(()));
                continue;
            }
            let names = given.names(ty.id());
            let named = name.as_ref().map_or(String::new(), |name| format!(" named `{name}`"));
            let message =
                format!("step `{}` needs a resource `{ty}`{named}, which was not given", spec.name());
            let mut problem = Problem::new(ProblemCode::MissingResource, message)
                .step(spec.name(), spec.location())
                .parameter(input.name.as_ref(), input.location)
                .hint(match name {
                    Some(name) => format!("give it with `.resource_named({name:?}, value)`"),
                    None => "give it with `.resource(value)`; for the command line, with \
                             `pipeline::main_with(async |pipeline| Ok(pipeline.resource(value)))`"
                        .to_owned(),
                });
            if !names.is_empty() {
                problem = problem.note(format!("given of this type: {}", names.join(", ")));
            }
            problems.push(problem);
        }
        if problems.is_empty() { Ok(bound) } else { Err(problems) }
    }

    fn param_def(&self, step: u32, parameter: u32) -> (&InputDef, &ParamDef) {
        let input = &self.spec(step as usize).def().inputs[parameter as usize];
        match &input.kind {
            InputKind::Param(param) => (input, param),
            _ => unreachable!("invariant: the plan lists run parameters only"),
        }
    }

    /// Returns the origin of a parameter's value, in words.
    fn origin(&self, step: u32, param: &ParamDef, of_run: Option<&Given>) -> Cow<'static, str> {
        let spec = self.spec(step as usize);
        if spec.params.iter().any(|(name, _)| *name == param.name) {
            return Cow::Borrowed("the instance");
        }
        of_run.map_or(Cow::Borrowed("its default"), |given| given.origin.clone())
    }

    #[allow(clippy::type_complexity)]
    fn read_param(
        &self,
        step: u32,
        param: &ParamDef,
        of_run: Option<&Given>,
    ) -> Result<(Option<ParamValue>, Box<dyn Any + Send + Sync>), Problem> {
        let spec = self.spec(step as usize);
        let bound = spec.params.iter().rev().find(|(name, _)| *name == param.name).map(|(_, value)| value);
        let of_run = || of_run.map(|given| (&given.value, &*given.origin));
        let found = bound.map(|value| (value, "the instance")).or_else(of_run);
        match found {
            Some((value, origin)) => {
                // Reading runs the type's own `Deserialize`, which may panic.
                let read = |value: ParamValue| {
                    let read = contain::guard(|| value.read(param)).unwrap_or_else(Err);
                    read.map(|read| (Some(value), read))
                };
                let value = value.clone().and_then(read);
                value.map_err(|why| {
                    let why = if param.is_secret() { NOT_SHOWN.to_owned() } else { why };
                    let (ty, full) = self.type_of(param);
                    let problem = Problem::new(
                        ProblemCode::InvalidParam,
                        format!("run parameter `{}` does not fit `{ty}`", param.name),
                    );
                    full.into_iter()
                        .fold(problem, Problem::note)
                        .note(why)
                        .note(format!("given by {origin}"))
                        .hint("give a value of that type; as text, lists and objects are written as JSON")
                })
            }
            None => match param.default {
                Some(default) => contain::guard(default).map(|value| (None, value)).map_err(|panic| {
                    Problem::new(
                        ProblemCode::InvalidParam,
                        format!("the default of run parameter `{}` panicked", param.name),
                    )
                    .note(panic)
                    .hint("give the parameter a value, or fix its default")
                }),
                None => Err(self.missing_param(param)),
            },
        }
    }

    fn missing_param(&self, param: &ParamDef) -> Problem {
        let (name, (ty, full)) = (&param.name, self.type_of(param));
        let message = format!("run parameter `{name}` (`{ty}`) was not given");
        let problem = full.into_iter().fold(Problem::new(ProblemCode::MissingParam, message), Problem::note);
        problem.hint(if param.is_secret() {
            format!(
                "give it with `.param({name:?}, …)` or as `PIPELINE_PARAM_{name}` in the environment: a secret on the command \
                 line is seen by others"
            )
        } else {
            format!("give it with `.param({name:?}, …)` or `-p {name}=…`, or declare `#[param(default = …)]`")
        })
    }

    /// Returns the type of a parameter in short; and in full, if another parameter's type looks the same.
    fn type_of(&self, param: &ParamDef) -> (String, Option<String>) {
        let short = short_type(param.ty.name());
        let looks_alike = |&(step, parameter): &(u32, u32)| {
            let other = self.param_def(step, parameter).1.ty;
            other != param.ty && short_type(other.name()) == short
        };
        let full = self.params.iter().any(looks_alike).then(|| format!("`{short}` is {} here", param.ty));
        (short, full)
    }

    /// Finds the values given for single steps (`step.parameter`), by position in the graph and parameter. Reports those
    /// that fit several steps, and parameters that no step of the graph declares. Steps outside of the plan count as well, so
    /// that one set of parameters serves every target.
    fn of_steps<'p>(
        &self,
        given: &'p Params,
        problems: &mut Vec<Problem>,
    ) -> HashMap<(usize, &'p str), &'p Given> {
        let mut of_steps: HashMap<(usize, &str), &Given> = HashMap::new();
        let declared: BTreeSet<&str> = match given.names().next() {
            Some(_) => self.dag().steps().iter().flat_map(declared_by).collect(),
            None => return of_steps,
        };
        for name in given.names().filter(|name| !declared.contains(name)) {
            let Some(value) = given.get(name) else { continue };
            match self.of_step(name) {
                Ok(Some(key)) => {
                    let kept = of_steps.entry(key).or_insert(value);
                    if kept.rank < value.rank {
                        *kept = value;
                    }
                }
                Ok(None) => problems.push(self.unknown_param(name, value, &declared)),
                Err(ambiguous) => problems.push(Problem {
                    message: format!("run parameter `{name}`: {}", ambiguous.message),
                    ..ambiguous.note(format!("given by {}", value.origin))
                }),
            }
        }
        of_steps
    }

    /// Returns the step and the parameter of a name `step.parameter`; both may have dots in their names.
    fn of_step<'n>(&self, name: &'n str) -> Result<Option<(usize, &'n str)>, Problem> {
        let mut ambiguous = None;
        for (dot, _) in name.match_indices('.') {
            let (step, param) = (&name[..dot], &name[dot + 1..]);
            match self.dag().find(step) {
                Ok(step) if declared_by(self.dag().step(step)).any(|declared| declared == param) => {
                    return Ok(Some((step, param)));
                }
                Err(problem) if problem.code == ProblemCode::AmbiguousName => ambiguous = Some(problem),
                _ => {}
            }
        }
        ambiguous.map_or(Ok(None), Err)
    }

    fn unknown_param(&self, name: &str, given: &Given, declared: &BTreeSet<&str>) -> Problem {
        let listed = declared.iter().copied().collect::<Vec<_>>().join(", ");
        let problem =
            Problem::new(ProblemCode::UnknownParam, format!("no step has a run parameter `{name}`"))
                .note(format!("known: {}", if listed.is_empty() { "none" } else { listed.as_str() }))
                .note(format!("given by {}", given.origin));
        let of_steps = self
            .dag()
            .steps()
            .iter()
            .flat_map(|spec| declared_by(spec).map(move |param| format!("{}.{param}", spec.name())));
        let known: Vec<String> = declared.iter().map(|&name| name.to_owned()).chain(of_steps).collect();
        match closest(name, known.iter().map(String::as_str)) {
            Some(close) => problem.hint(format!("did you mean `{close}`?")),
            None => problem.hint("remove it, or declare it with `#[param]`"),
        }
    }
}

/// Returns the names of the run parameters that a step declares.
fn declared_by(spec: &StepSpec) -> impl Iterator<Item = &str> {
    spec.def().inputs.iter().filter_map(|input| match &input.kind {
        InputKind::Param(param) => Some(&*param.name),
        _ => None,
    })
}
