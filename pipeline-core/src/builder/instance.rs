//! A step of a builder whose name, inputs and parameters can still be set.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;

use super::{DagBuilder, Handle};
use crate::dag::{Bound, BoundSource};
use crate::location::Location;
use crate::params::ParamValue;
use crate::policy::Policy;
use crate::problem::{Problem, ProblemCode, closest};
use crate::step::InputKind;

/// A step that was just added to a builder. Its methods set its name, inputs, parameters and policy.
pub struct Instance<'b, T> {
    builder: &'b mut DagBuilder,
    step: u32,
    output: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Instance<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("name", &self.builder.name_of(self.step)).finish_non_exhaustive()
    }
}

impl<'b, T> Instance<'b, T> {
    pub(super) fn new(builder: &'b mut DagBuilder, step: u32) -> Self {
        Instance { builder, step, output: PhantomData }
    }

    /// Names the instance. Names are unique in a graph.
    #[must_use]
    pub fn named(self, name: impl Into<Cow<'static, str>>) -> Self {
        self.builder.draft.steps[self.step as usize].name = Some(name.into());
        self
    }

    /// Binds a parameter to a step.
    #[must_use]
    #[track_caller]
    pub fn input<U>(self, parameter: &str, upstream: Handle<U>) -> Self {
        self.bind(parameter, vec![upstream.source()])
    }

    /// Binds a fan-in parameter to several steps, in this order.
    #[must_use]
    #[track_caller]
    pub fn inputs<U>(self, parameter: &str, upstream: impl IntoIterator<Item = Handle<U>>) -> Self {
        self.bind(parameter, upstream.into_iter().map(Handle::source).collect())
    }

    /// Binds a parameter to the step of a name, which may be added later.
    #[must_use]
    #[track_caller]
    pub fn input_named(self, parameter: &str, upstream: impl Into<String>) -> Self {
        self.bind(parameter, vec![BoundSource::Name(upstream.into())])
    }

    /// Waits for another step, without reading its output.
    #[must_use]
    #[track_caller]
    pub fn after<U>(self, earlier: Handle<U>) -> Self {
        if earlier.builder != self.builder.id {
            let problem = crate::dag::foreign_handle(&self.builder.name_of(self.step));
            let step = self.builder.name_of(self.step);
            self.builder.problem(problem.step(step, Location::caller()));
            return self;
        }
        self.builder.draft.steps[self.step as usize].after.push(earlier.step);
        self
    }

    /// Sets a run parameter of this instance; it wins over the value of the run.
    #[must_use]
    #[track_caller]
    pub fn param(self, name: &str, value: impl Serialize) -> Self {
        let known: Vec<String> = self.builder.draft.steps[self.step as usize]
            .def
            .inputs
            .iter()
            .filter_map(|input| match &input.kind {
                InputKind::Param(param) => Some(param.name.to_string()),
                _ => None,
            })
            .collect();
        if known.iter().any(|known| known == name) {
            let value = ParamValue::of(&value);
            self.builder.draft.steps[self.step as usize].params.push((name.to_owned(), value));
        } else {
            let message = format!("step `{}` has no parameter `{name}`", self.builder.name_of(self.step));
            let problem = unknown(ProblemCode::UnknownParam, message, name, &known);
            let step = self.builder.name_of(self.step);
            self.builder.problem(problem.step(step, Location::caller()));
        }
        self
    }

    /// Changes how this instance runs: `policy` gets the policy of its function.
    ///
    /// The parts that belong to the code of the function stay: its condition, its fallback, its switch, and whether an input taken
    /// by value is cloned for each attempt. So an instance that takes an input by value is retried only if its function sets
    /// `retries` too.
    #[must_use]
    pub fn policy(self, policy: impl FnOnce(Policy) -> Policy) -> Self {
        self.builder.change_policy(self.step, policy);
        self
    }

    /// Returns the handle by which later steps read this one.
    pub fn handle(self) -> Handle<T> {
        Handle::new(self.builder.id, self.step)
    }

    #[track_caller]
    fn bind(self, parameter: &str, sources: Vec<BoundSource>) -> Self {
        let place = Location::caller();
        match self.check_binding(parameter, sources.len()) {
            Ok(position) => {
                self.builder.draft.steps[self.step as usize]
                    .bound
                    .push(Bound { parameter: position as u32, sources });
            }
            Err(problem) => {
                let step = self.builder.name_of(self.step);
                self.builder.problem(problem.step(step, place));
            }
        }
        self
    }

    /// Returns the position of a parameter that can be bound to this number of sources.
    fn check_binding(&self, parameter: &str, sources: usize) -> Result<usize, Problem> {
        let step = &self.builder.draft.steps[self.step as usize];
        let invalid = |message: String| Problem::new(ProblemCode::InvalidBinding, message);
        let found = step.def.inputs.iter().position(|input| input.name == parameter);
        let Some(position) = found else {
            let known: Vec<String> = step.def.inputs.iter().map(|input| input.name.to_string()).collect();
            let message = format!("step `{}` has no input `{parameter}`", self.builder.name_of(self.step));
            return Err(unknown(ProblemCode::InvalidBinding, message, parameter, &known));
        };
        match &step.def.inputs[position].kind {
            InputKind::Upstream { source, .. } => {
                if step.bound.iter().any(|bound| bound.parameter as usize == position) {
                    return Err(invalid(format!("input `{parameter}` is bound twice"))
                        .hint("bind each input once; a fan-in takes all its steps in one `.inputs(…)`"));
                }
                if !source.is_many() && sources != 1 {
                    return Err(invalid(format!(
                        "input `{parameter}` reads one step, but {sources} were given"
                    ))
                    .hint("use `.input(…)`, or make the parameter a `Vec<&T>`"));
                }
                Ok(position)
            }
            InputKind::Param(_) => Err(invalid(format!("`{parameter}` is a run parameter, not an input"))
                .hint(format!("set it with `.param({parameter:?}, …)`"))),
            InputKind::Resource { .. } | InputKind::Context => {
                Err(invalid(format!("`{parameter}` does not read a step"))
                    .hint("resources are given to the run; the context is made by it"))
            }
        }
    }
}

fn unknown(code: ProblemCode, message: String, wanted: &str, known: &[String]) -> Problem {
    let problem = Problem::new(code, message);
    let problem = match known {
        [] => problem.note("it has none"),
        known => problem.note(format!("it has: {}", known.join(", "))),
    };
    match closest(wanted, known.iter().map(String::as_str)) {
        Some(close) => problem.hint(format!("did you mean `{close}`?")),
        None => problem.hint("use one of these names"),
    }
}
