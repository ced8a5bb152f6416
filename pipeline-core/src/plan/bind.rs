//! Binds run parameters to the steps of a plan: each value is read once per run, and each mistake is one problem.

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::Plan;
use super::readers::Readers;
use crate::contain;
use crate::dag::StepSpec;
use crate::notes::{self, Note};
use crate::params::{BoundParam, BoundParams, Given, NOT_SHOWN, ParamDef, ParamValue, Params};
use crate::problem::{Problem, ProblemCode, closest};
use crate::short_type::short_type;
use crate::step::{InputDef, InputKind};

/// Where the value of a step's parameter comes from.
#[derive(Clone, Copy)]
enum Found<'a> {
    /// The instance, which the builder made.
    Instance(&'a Result<ParamValue, String>),
    /// The run's parameters.
    Given(&'a Given),
    /// Its default.
    Default(fn() -> Box<dyn Any + Send + Sync>),
    /// Nothing.
    Missing,
}

/// What steps have in common that read one value.
#[derive(PartialEq, Eq, Hash)]
struct Key<'a> {
    /// The parameter.
    name: &'a str,
    ty: TypeId,
    /// The rank of the value that was given, which no other has.
    given: Option<i64>,
    /// The step, for the value of an instance.
    instance: Option<u32>,
    /// The text of a default, and the module in which it has its meaning.
    default: Option<(&'static str, &'a str)>,
}

/// A value that was read, with its notes; or the position of the problem.
type Read = Result<(Arc<dyn Any + Send + Sync>, Arc<[Note]>), usize>;

/// The origin of a value that an instance has of its own.
pub(super) const OF_INSTANCE: &str = "the instance";

impl Plan {
    /// Reads every run parameter of the plan: each value once per type, for all steps that read it. `is_needed` is asked about
    /// each that has no value, with the position of its step: a disabled step, which never reads it, does not need it.
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
        // Dropped last: it contains what the drop of a value may do.
        let mut bound = BoundParams::default();
        let mut read: HashMap<Key<'_>, Read> = HashMap::new();
        let mut failed: Vec<(Problem, Readers<'_>)> = Vec::new();
        for &(step, parameter) in &self.params {
            let (input, param) = self.param_def(step, parameter);
            let of_step = of_steps.get(&(self.in_dag(step as usize), &*param.name)).copied();
            let found = self.find_param(step, param, of_step.or_else(|| given.get(&param.name)));
            if matches!(found, Found::Missing) && !is_needed(step as usize, param) {
                let (value, notes) = (Arc::new(()), Arc::default());
                let (def, origin) = (param.clone(), Cow::Borrowed("nobody"));
                bound.entries.push(BoundParam { def, given: None, value, notes, origin });
                continue;
            }
            let value = read.entry(self.key(step, param, found)).or_insert_with(|| {
                let (value, notes) = notes::collect(|| self.read_param(param, found));
                value.map(|value| (value, notes.into())).map_err(|problem| {
                    let spec = self.spec(step as usize);
                    let problem = problem.step(spec.name(), spec.location());
                    failed.push((problem.parameter(input.name.as_ref(), input.location), Readers::default()));
                    failed.len() - 1
                })
            });
            match value {
                Ok((value, notes)) => bound.entries.push(BoundParam {
                    def: param.clone(),
                    given: found.value().and_then(|value| value.as_ref().ok()).cloned(),
                    value: Arc::clone(value),
                    notes: Arc::clone(notes),
                    origin: found.origin(),
                }),
                Err(problem) => failed[*problem].1.add(self.spec(step as usize).name()),
            }
        }
        problems.extend(failed.into_iter().map(|(problem, readers)| readers.note(problem)));
        if problems.is_empty() { Ok(bound) } else { Err(problems) }
    }

    fn param_def(&self, step: u32, parameter: u32) -> (&InputDef, &ParamDef) {
        let input = &self.spec(step as usize).def().inputs[parameter as usize];
        match &input.kind {
            InputKind::Param(param) => (input, param),
            _ => unreachable!("invariant: the plan lists run parameters only"),
        }
    }

    /// Finds the value of a parameter; `of_run` is what was given for it.
    fn find_param<'a>(&'a self, step: u32, param: &ParamDef, of_run: Option<&'a Given>) -> Found<'a> {
        let spec = self.spec(step as usize);
        if let Some((_, value)) = spec.params.iter().rev().find(|(name, _)| *name == param.name) {
            return Found::Instance(value);
        }
        match (of_run, param.default) {
            (Some(given), _) => Found::Given(given),
            (None, Some(default)) => Found::Default(default),
            (None, None) => Found::Missing,
        }
    }

    fn key<'a>(&'a self, step: u32, param: &'a ParamDef, found: Found<'a>) -> Key<'a> {
        let module = || self.spec(step as usize).def().module.as_ref();
        let key = Key { name: &param.name, ty: param.ty.id(), given: None, instance: None, default: None };
        match found {
            Found::Instance(_) => Key { instance: Some(step), ..key },
            Found::Given(given) => Key { given: Some(given.rank), ..key },
            Found::Default(_) => Key { default: param.default_text.map(|text| (text, module())), ..key },
            Found::Missing => key,
        }
    }

    fn read_param(&self, param: &ParamDef, found: Found<'_>) -> Result<Arc<dyn Any + Send + Sync>, Problem> {
        // A reason may quote the value.
        let shown = |why: String| if self.is_secret(&param.name) { NOT_SHOWN.to_owned() } else { why };
        match found {
            Found::Instance(value) | Found::Given(Given { value, .. }) => {
                // Reading runs the type's own `Deserialize`, which may panic.
                let read = |value: &ParamValue| contain::guard(|| value.read(param)).unwrap_or_else(Err);
                let read = value.as_ref().map_err(String::clone).and_then(read);
                read.map(Arc::from).map_err(|why| {
                    let (ty, full) = self.type_of(param);
                    let message = format!("run parameter `{}` does not fit `{ty}`", param.name);
                    let problem = Problem::new(ProblemCode::InvalidParam, message);
                    full.into_iter()
                        .fold(problem, Problem::note)
                        .note(shown(why))
                        .note(format!("given by {}", found.origin()))
                        .hint("give a value of that type; as text, lists and objects are written as JSON")
                })
            }
            Found::Default(default) => contain::guard(default).map(Arc::from).map_err(|panic| {
                let message = format!("the default of run parameter `{}` panicked", param.name);
                Problem::new(ProblemCode::InvalidParam, message)
                    .note(shown(panic))
                    .hint("give the parameter a value, or fix its default")
            }),
            Found::Missing => Err(self.missing_param(param)),
        }
    }

    /// Reports whether some step of the graph reads a parameter of this name as a secret, or may do so. What is given for
    /// one goes to every step that reads it.
    fn is_secret(&self, name: &str) -> bool {
        let inputs = (0..self.dag().len()).flat_map(|step| &self.dag().step(step).def().inputs[..]);
        let mut params = inputs.filter_map(|input| match &input.kind {
            InputKind::Param(param) if param.name == name => Some(param),
            _ => None,
        });
        params.any(ParamDef::is_secret)
    }

    fn missing_param(&self, param: &ParamDef) -> Problem {
        let (name, (ty, full)) = (&param.name, self.type_of(param));
        let message = format!("run parameter `{name}` (`{ty}`) was not given");
        let problem = full.into_iter().fold(Problem::new(ProblemCode::MissingParam, message), Problem::note);
        problem.hint(if self.is_secret(name) {
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

impl<'a> Found<'a> {
    fn value(self) -> Option<&'a Result<ParamValue, String>> {
        match self {
            Found::Instance(value) | Found::Given(Given { value, .. }) => Some(value),
            Found::Default(_) | Found::Missing => None,
        }
    }

    /// Returns the origin in words.
    fn origin(self) -> Cow<'static, str> {
        match self {
            Found::Instance(_) => Cow::Borrowed(OF_INSTANCE),
            Found::Given(given) => given.origin.clone(),
            Found::Default(_) | Found::Missing => Cow::Borrowed("its default"),
        }
    }
}
