//! Finds the step of a graph that a name means.

use std::sync::OnceLock;

use super::select::all_labels;
use super::{Dag, StepSpec};
use crate::naming::{Nameable, keep_meant};
use crate::problem::{Problem, ProblemCode, closest};
use crate::registry;

/// Maximum number of candidates listed for an ambiguous name.
const MOST: usize = 10;

/// The positions of all steps, sorted by name; made at the first look-up.
#[derive(Debug, Default)]
pub(crate) struct NameIndex {
    /// By the name in the graph, which is unique.
    by_name: OnceLock<Vec<u32>>,
    /// By the name of the definition, which several steps can share; then by position.
    by_short_name: OnceLock<Vec<u32>>,
}

impl Dag {
    /// Finds a step by its name in the graph, its full identity `module::name`, the end of one (`ingest::orders`), or its
    /// short name if that is unique. The identity of a function also finds an instance made from it, if it is the only one.
    ///
    /// # Errors
    /// [`ProblemCode::UnknownTarget`], with the closest name, or a hint about a library that was not linked;
    /// [`ProblemCode::AmbiguousName`], with the candidates and their locations.
    ///
    /// # Complexity
    /// O(log steps); the first call sorts the names.
    pub fn find(&self, name: &str) -> Result<usize, Problem> {
        if let Some(step) = self.named(name) {
            return Ok(step);
        }
        match self.meant_by(name).as_slice() {
            [] => Err(self.unknown(name)),
            [only] => Ok(*only),
            several => Err(self.ambiguous(name, several)),
        }
    }

    /// Reports whether the name means a step, or several.
    pub(super) fn is_step(&self, name: &str) -> bool {
        self.named(name).is_some() || !self.meant_by(name).is_empty()
    }

    /// Returns the step of exactly this name in the graph.
    pub(super) fn named(&self, name: &str) -> Option<usize> {
        let by_name = self.names.by_name.get_or_init(|| self.sorted(StepSpec::name));
        let found = by_name.binary_search_by(|&step| self.step(step as usize).name().cmp(name)).ok()?;
        by_name.get(found).map(|&step| step as usize)
    }

    /// Returns the steps whose definition's identity is `name`, or else those whose identity ends with it; ascending.
    fn meant_by(&self, name: &str) -> Vec<usize> {
        let short = name.rsplit("::").next().unwrap_or(name);
        let index = self.names.by_short_name.get_or_init(|| self.sorted(short_name));
        let first = index.partition_point(|&step| short_name(self.step(step as usize)) < short);
        let candidates = index.iter().skip(first).map(|&step| step as usize);
        let mut found: Vec<usize> =
            candidates.take_while(|&step| short_name(self.step(step)) == short).collect();
        keep_meant(name, &mut found, |&step| nameable(self.step(step)));
        found
    }

    fn sorted<'a>(&'a self, key: impl Fn(&'a StepSpec) -> &'a str) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        order.sort_by_key(|&step| key(&self.steps[step as usize]));
        order
    }

    fn unknown(&self, name: &str) -> Problem {
        let problem = Problem::new(ProblemCode::UnknownTarget, format!("there is no step `{name}`"));
        if let Some(def) = registry::registered().into_iter().find(|def| def.answers_to(name)) {
            return problem
                .note(format!("`{}` at {} is registered, but no part of this graph", def.id(), def.location))
                .hint(if def.is_template() {
                    "it is a template: make an instance of it in a builder"
                } else {
                    "make it a target of the graph, or add it to the builder"
                });
        }
        if let Some((kind, term)) = self.label(name) {
            return problem.hint(format!("`{name}` is a {kind}, not a step; as a term, it is `{term}`"));
        }
        let names = self.steps.iter().flat_map(|spec| [spec.name(), &spec.def().name]);
        let labels = self.steps.iter().flat_map(|spec| all_labels(spec.def()));
        let known = names.chain(labels.map(|(_, label)| label));
        let linker = "if the step lives in a library that nothing names, add `use that_crate as _;`";
        problem.hint(match closest(name, known) {
            Some(close) => {
                let term = if self.is_step(close) { None } else { self.label(close) };
                let close = term.map_or_else(|| close.to_owned(), |(_, term)| term);
                format!("did you mean `{close}`? {linker}")
            }
            None => linker.to_owned(),
        })
    }

    fn ambiguous(&self, name: &str, several: &[usize]) -> Problem {
        let count = several.len();
        let mut problem = Problem::new(ProblemCode::AmbiguousName, format!("`{name}` fits {count} steps"));
        for &step in several.iter().take(MOST) {
            let spec = self.step(step);
            problem = problem.note(format!("`{}` at {}", spec.name(), spec.location()));
        }
        if count > MOST {
            problem = problem.note(format!("and {} more", count - MOST));
        }
        problem.hint("use one of these names")
    }
}

fn short_name(spec: &StepSpec) -> &str {
    &spec.def().name
}

fn nameable(spec: &StepSpec) -> Nameable<'_> {
    Nameable { def: spec.def(), given: spec.is_named.then(|| spec.name()) }
}
