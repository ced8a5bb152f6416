//! Finds the steps that feed each parameter.

use std::borrow::Cow;
use std::collections::HashMap;

use super::DefRef;
use super::by_name::Names;
use super::draft::{BoundSource, Draft, DraftStep, Scope, address};
use crate::lists::Lists;
use crate::naming::{Nameable, keep_meant};
use crate::problem::{Problem, ProblemCode};
use crate::registry;
use crate::step::{InputDef, InputKind, Mode, Quorum, Source, StepDef};

/// The resolved edges of a draft, by position in the draft.
pub(crate) struct Edges {
    pub(crate) first_parameter: Vec<u32>,
    pub(crate) sources: Lists,
    pub(crate) after: Lists,
}

impl Edges {
    /// Another parameter of a step that reads the same output.
    fn other_reader(&self, step: usize, parameter: usize, source: u32) -> Option<usize> {
        let first = self.first_parameter[step] as usize;
        let count = self.first_parameter[step + 1] as usize - first;
        (0..count).find(|&other| other != parameter && self.sources.get(first + other).contains(&source))
    }
}

impl Draft {
    /// Resolves the inputs of every step. Path edges add the registered steps that they name, so the draft grows while it
    /// is walked.
    pub(crate) fn resolve(&mut self) -> Edges {
        if self.scope == Scope::Registry {
            self.add_named_steps();
        }
        let mut names = None;
        let mut edges = Edges {
            first_parameter: vec![0],
            sources: Lists::with_capacity(self.steps.len(), self.steps.len()),
            after: Lists::with_capacity(self.steps.len(), 0),
        };
        let mut step = 0;
        while step < self.steps.len() {
            let def = self.steps[step].def.clone();
            let bound = std::mem::take(&mut self.steps[step].bound);
            for (parameter, input) in def.inputs.iter().enumerate() {
                let by_hand = bound.iter().find(|bound| bound.parameter as usize == parameter);
                edges.sources.push(match by_hand {
                    Some(bound) => self.resolve_bound(step as u32, input, &bound.sources, &mut names),
                    None => self.resolve_input(step as u32, input, &mut names),
                });
            }
            edges.first_parameter.push(edges.sources.len() as u32);
            let open = if self.steps[step].after_closed { &[][..] } else { &def.after };
            let mut after: Vec<u32> = open.iter().map(|path| self.resolve_path(step, None, path())).collect();
            after.append(&mut self.steps[step].after);
            edges.after.push(after);
            step += 1;
        }
        edges
    }

    /// Adds the steps that names, patterns and tags reach in registry scope, before all others: so the matches of a pattern
    /// do not depend on the order of resolution.
    fn add_named_steps(&mut self) {
        let mut registered: Option<Vec<&'static StepDef>> = None;
        let mut step = 0;
        while step < self.steps.len() {
            let def = self.steps[step].def.clone();
            for input in def.inputs.iter() {
                let InputKind::Upstream { source, .. } = &input.kind else { continue };
                match source {
                    Source::Path(path) => {
                        self.add_registered(path());
                    }
                    Source::Paths(paths) => {
                        for path in paths.iter() {
                            self.add_registered(path());
                        }
                    }
                    Source::Name(_) | Source::Glob { .. } | Source::Tag { .. } => {
                        let all = registered.get_or_insert_with(registry::registered);
                        let others = all.iter().copied();
                        let mut found: Vec<_> =
                            others.filter(|found| !found.is_template() && !is_same(&def, found)).collect();
                        match source {
                            Source::Name(name) => {
                                keep_meant(name, &mut found, |def| Nameable { def, given: None });
                            }
                            _ => found.retain(|found| matches(source, found)),
                        }
                        for found in found {
                            self.add_registered(found);
                        }
                    }
                    Source::Unbound | Source::UnboundMany => {}
                }
            }
            for path in def.after.iter() {
                self.add_registered(path());
            }
            step += 1;
        }
    }

    fn resolve_input(&mut self, step: u32, input: &InputDef, names: &mut Option<Names>) -> Vec<u32> {
        let InputKind::Upstream { source, .. } = &input.kind else { return Vec::new() };
        match source {
            Source::Path(path) => vec![self.resolve_path(step as usize, Some(input), path())],
            Source::Paths(paths) => {
                paths.iter().map(|path| self.resolve_path(step as usize, Some(input), path())).collect()
            }
            Source::Name(name) => self.resolve_name(step, input, name, names).into_iter().collect(),
            Source::Glob { .. } | Source::Tag { .. } => self.resolve_pattern(step, input, source),
            Source::Unbound | Source::UnboundMany => {
                let problem = Problem::new(
                    ProblemCode::UnboundInput,
                    format!("input `{}` of `{}` is not bound", input.name, self.label(step)),
                );
                self.report(
                    problem.note(wanted(input)),
                    step,
                    Some(input),
                    format!(
                        "a step with `#[input]` is a template: bind it in a builder with `.input(\"{}\", …)`",
                        input.name
                    ),
                );
                Vec::new()
            }
        }
    }

    fn resolve_bound(
        &mut self,
        step: u32,
        input: &InputDef,
        sources: &[BoundSource],
        names: &mut Option<Names>,
    ) -> Vec<u32> {
        let mut resolved = Vec::with_capacity(sources.len());
        for source in sources {
            match source {
                BoundSource::Step { step, builder } if self.scope == Scope::Builder(*builder) => {
                    resolved.push(*step);
                }
                BoundSource::Step { .. } => {
                    let problem = foreign_handle(&self.label(step));
                    let problem = problem.step(self.label(step), self.steps[step as usize].location);
                    self.problems.push(problem.parameter(input.name.as_ref(), input.location));
                }
                BoundSource::Name(name) => resolved.extend(self.resolve_name(step, input, name, names)),
            }
        }
        resolved
    }

    /// Returns the step that a path names: the one instance in the draft, or the registered step itself.
    pub(crate) fn resolve_path(
        &mut self,
        step: usize,
        input: Option<&InputDef>,
        def: &'static StepDef,
    ) -> u32 {
        match self.by_def.get(&address(def)).map(Vec::as_slice) {
            None | Some([]) => self.add_registered(def),
            Some(&[only]) => only,
            Some(several) => {
                let first = several[0];
                if let Some(&plain) =
                    several.iter().find(|&&candidate| self.steps[candidate as usize].name.is_none())
                {
                    return plain;
                }
                let candidates: Vec<String> =
                    several.iter().map(|&candidate| self.label(candidate)).collect();
                let problem = Problem::new(
                    ProblemCode::AmbiguousName,
                    format!(
                        "`{}` reads `{}`, of which there are several instances",
                        self.label(step as u32),
                        def.name
                    ),
                )
                .note(format!("instances: {}", candidates.join(", ")));
                self.report(
                    problem,
                    step as u32,
                    input,
                    "bind the input to one of them with `.input(…)`".into(),
                );
                first
            }
        }
    }

    /// Returns every step of the draft that a pattern or tag names, by name; never the reader itself.
    pub(crate) fn matching(&self, step: u32, source: &Source) -> Vec<u32> {
        let mut found: Vec<u32> = (0..self.steps.len() as u32)
            .filter(|&candidate| candidate != step && matches_draft(source, &self.steps[candidate as usize]))
            .collect();
        found.sort_by_key(|&candidate| self.label(candidate));
        found
    }

    fn resolve_pattern(&mut self, step: u32, input: &InputDef, source: &Source) -> Vec<u32> {
        let found = self.matching(step, source);
        let (what, or_none, hint) = match source {
            Source::Tag { tag, or_none } => {
                let hint = format!("give steps `tags({tag:?})`, or write `or_none` if none is right");
                (format!("has the tag `{tag}`"), *or_none, hint)
            }
            Source::Glob { pattern, or_none } => {
                let hint = "check the pattern, or write `or_none` if none is right".to_owned();
                (format!("has a name like `{pattern}`"), *or_none, hint)
            }
            _ => unreachable!("invariant: only patterns and tags come here"),
        };
        if found.is_empty() && !or_none && !needs_none(input) {
            let problem = Problem::new(
                ProblemCode::UnknownUpstream,
                format!("input `{}` of `{}` collects nothing: no step {what}", input.name, self.label(step)),
            );
            self.report(problem.note(wanted(input)), step, Some(input), hint);
        }
        found
    }

    /// Compares the type of every edge, and finds outputs that are taken twice.
    pub(crate) fn check_types(&mut self, edges: &Edges, names: &[Cow<'static, str>]) {
        self.check_cases();
        let mut takers: HashMap<u32, (u32, usize)> = HashMap::new();
        for step in 0..self.steps.len() {
            let def = self.steps[step].def.clone();
            for (parameter, input) in def.inputs.iter().enumerate() {
                let InputKind::Upstream { ty, mode, quorum, .. } = &input.kind else { continue };
                let width = edges.sources.get(edges.first_parameter[step] as usize + parameter).len();
                if let Some(count) = quorum.count(*mode).filter(|&count| count as usize > width) {
                    let message = format!("input `{}` needs {count} successes of {width} steps", input.name);
                    let problem = Problem::new(ProblemCode::InvalidQuorum, message);
                    self.report(problem, step as u32, Some(input), "ask for fewer, or add steps".to_owned());
                }
                for &source in edges.sources.get(edges.first_parameter[step] as usize + parameter) {
                    let upstream = self.steps[source as usize].def.clone();
                    if upstream.output != *ty {
                        let problem = mismatch(&names[step], input, &def, &names[source as usize], &upstream);
                        self.problems.push(problem);
                    }
                    if *mode == Mode::Branch {
                        self.check_branch(step as u32, input, source);
                    }
                    if *mode != Mode::Take {
                        continue;
                    }
                    if let Some(other) = edges.other_reader(step, parameter, source) {
                        let message = format!(
                            "`{}` takes the output of `{}` in one parameter and reads it in another",
                            names[step], names[source as usize]
                        );
                        let problem = Problem::new(ProblemCode::SecondTaker, message)
                            .note(format!("the other parameter is `{}`", def.inputs[other].name));
                        let hint = "use the taken value for both".to_owned();
                        self.report(problem, step as u32, Some(input), hint);
                    }
                    if let Some(&(other, _)) = takers.get(&source) {
                        let hint =
                            "let one of them read it by `&`; the taker runs after all readers".to_owned();
                        let problem = Problem::new(
                            ProblemCode::SecondTaker,
                            format!(
                                "`{}` and `{}` both take the output of `{}` by value",
                                names[other as usize], names[step], names[source as usize]
                            ),
                        )
                        .note(format!(
                            "`{}` is at {}",
                            names[other as usize], self.steps[other as usize].location
                        ));
                        self.report(problem, step as u32, Some(input), hint);
                    } else {
                        takers.insert(source, (step as u32, parameter));
                    }
                }
            }
        }
    }

    /// Checks that every case of a switch that is part of the graph is declared as a branch of it.
    fn check_cases(&mut self) {
        for switch in 0..self.steps.len() {
            let switch_def = self.steps[switch].def.clone();
            for case in switch_def.cases.iter().map(|case| case()) {
                let Some(&step) = self.by_def.get(&address(case)).and_then(|steps| steps.first()) else {
                    continue;
                };
                let is_branch =
                    |input: &InputDef| matches!(input.kind, InputKind::Upstream { mode: Mode::Branch, .. });
                if case.inputs.iter().any(is_branch) {
                    continue;
                }
                let message =
                    format!("`{}` is a case of `{}`, but does not say so", case.name, switch_def.name);
                let problem = Problem::new(ProblemCode::InvalidSwitch, message);
                let hint = format!("write `#[step(branch = {})]` on `{}`", switch_def.name, case.name);
                self.report(problem, step, None, hint);
            }
        }
    }

    /// Checks that a branch is one of the cases of its switch.
    fn check_branch(&mut self, step: u32, input: &InputDef, switch: u32) {
        let (def, switch_def) =
            (self.steps[step as usize].def.clone(), self.steps[switch as usize].def.clone());
        let cases = &switch_def.cases;
        if cases.iter().any(|case| std::ptr::eq(case(), &raw const *def)) {
            return;
        }
        let message =
            format!("`{}` is a branch of `{}`, which has no such case", self.label(step), self.label(switch));
        let known: Vec<String> = cases.iter().map(|case| case().name.to_string()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let problem = Problem::new(ProblemCode::InvalidSwitch, message).note(format!("its cases: {known}"));
        let hint = format!("add `pattern => {}` to the `switch(…)` of `{}`", def.name, switch_def.name);
        self.report(problem, step, Some(input), hint);
    }

    pub(super) fn report(&mut self, problem: Problem, step: u32, input: Option<&InputDef>, hint: String) {
        let location = self.steps[step as usize].location;
        let mut problem = problem.step(self.label(step), location).hint(hint);
        if let Some(input) = input {
            problem = problem.parameter(input.name.as_ref(), input.location);
        }
        self.problems.push(problem);
    }

    /// Returns the name of a step for messages, before names are made unique.
    pub(crate) fn label(&self, step: u32) -> String {
        let step = &self.steps[step as usize];
        step.name.clone().unwrap_or_else(|| step.def.name.clone()).into_owned()
    }
}

/// Returns the problem of a handle that was given to another builder.
pub(crate) fn foreign_handle(step: &str) -> Problem {
    let message = format!("step `{step}` was given a handle that another builder has made");
    Problem::new(ProblemCode::InvalidBinding, message)
        .hint("use handles of the same builder; a part's steps are reached by `Included::output`")
}

/// Returns what an input reads, in words: the part of a message about an input without an upstream step.
pub(super) fn wanted(input: &InputDef) -> String {
    match &input.kind {
        InputKind::Upstream { source, ty, .. } if source.is_many() => {
            format!("it reads steps that return {ty}")
        }
        InputKind::Upstream { ty, .. } => format!("it reads a step that returns {ty}"),
        _ => unreachable!("invariant: only inputs with an upstream are resolved"),
    }
}

/// Reports whether no step has to succeed for an input: `at_least = 0`.
fn needs_none(input: &InputDef) -> bool {
    matches!(input.kind, InputKind::Upstream { quorum: Quorum::AtLeast { count: 0, .. }, .. })
}

/// Reports whether a registered step matches a pattern or tag.
fn matches(source: &Source, def: &StepDef) -> bool {
    match source {
        Source::Glob { pattern, .. } => fast_glob::glob_match(pattern.as_bytes(), def.name.as_bytes()),
        Source::Tag { tag, .. } => def.tags.contains(&tag.as_ref()),
        _ => false,
    }
}

fn matches_draft(source: &Source, step: &DraftStep) -> bool {
    match (source, &step.name) {
        (Source::Glob { pattern, .. }, Some(name)) => {
            fast_glob::glob_match(pattern.as_bytes(), name.as_bytes())
        }
        _ => matches(source, &step.def),
    }
}

fn is_same(def: &DefRef, other: &'static StepDef) -> bool {
    matches!(def, DefRef::Static(def) if std::ptr::eq(*def, other))
}

fn mismatch(step: &str, input: &InputDef, def: &StepDef, upstream_name: &str, upstream: &StepDef) -> Problem {
    let InputKind::Upstream { ty: wanted, .. } = &input.kind else {
        unreachable!("invariant: only inputs with an upstream are compared")
    };
    let mut problem = Problem::new(
        ProblemCode::TypeMismatch,
        format!("input `{}` of `{step}` reads `{upstream_name}`, which returns another type", input.name),
    )
    .step(step, def.location)
    .parameter(input.name.as_ref(), input.location)
    .note(format!("wanted   {wanted}"))
    .note(format!("returned {} by `{upstream_name}` at {}", upstream.output, upstream.location));
    if wanted.name() == upstream.output.name() {
        problem = problem
            .note(format!(
                "the step is of package {}, the upstream of package {}",
                def.package, upstream.package
            ))
            .note(two_versions(wanted.name()))
            .hint(format!(
                "depend on one version of it everywhere: `cargo tree -d` shows what needs which, `cargo tree -i {}` names the \
                 versions",
                crate_of(wanted.name())
            ));
    } else {
        problem = problem.hint("change the parameter's type, or name another upstream with `#[from(…)]`");
    }
    problem
}

/// Returns which crate is in the build twice, with its versions if it has steps: only the versions of such packages are known
/// at run time.
fn two_versions(ty: &str) -> String {
    let of = crate_of(ty);
    let packages = registry::packages();
    let versions: Vec<&str> = packages
        .keys()
        .filter(|(name, _)| name.replace('-', "_") == of)
        .map(|(_, version)| *version)
        .collect();
    let which = match versions.as_slice() {
        [] | [_] => "in two versions".to_owned(),
        several => format!("in versions {}", several.join(" and ")),
    };
    format!("both types have one name: their crate `{of}` is in the build {which}")
}

/// Returns the crate of a type's name: the first one in it that is not of the standard library.
fn crate_of(ty: &str) -> &str {
    let paths = ty.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    let mut crates = paths.filter_map(|path| path.split_once("::")).map(|(first, _)| first);
    crates.find(|first| !["alloc", "core", "std"].contains(first)).unwrap_or(ty)
}

#[cfg(test)]
mod tests {
    use super::crate_of;

    #[test]
    fn the_crate_of_a_type_is_that_of_the_first_part_that_is_not_of_the_standard_library() {
        for (ty, wanted) in [
            ("frames::Frame", "frames"),
            ("alloc::vec::Vec<core::option::Option<data_frames::inner::Frame>>", "data_frames"),
            ("(u64, &[shapes::Round])", "shapes"),
            ("u64", "u64"),
        ] {
            assert_eq!(crate_of(ty), wanted, "{ty}");
        }
    }
}
