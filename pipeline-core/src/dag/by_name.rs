//! Edges that name their step in a string.

use std::collections::HashMap;

use super::draft::{Draft, DraftStep, Scope};
use super::resolve::wanted;
use crate::naming::{Nameable, keep_meant};
use crate::problem::{Problem, ProblemCode, closest};
use crate::registry;
use crate::step::{InputDef, StepDef};

/// The steps by the last part of their names; built when the first name is looked up.
pub(super) struct Names {
    draft: HashMap<String, Vec<u32>>,
    registry: HashMap<String, Vec<&'static StepDef>>,
}

impl Draft {
    pub(super) fn resolve_name(
        &mut self,
        step: u32,
        input: &InputDef,
        name: &str,
        names: &mut Option<Names>,
    ) -> Option<u32> {
        let known = names.get_or_insert_with(|| Names::of(self));
        let mut found = known.draft.get(last_part(name)).cloned().unwrap_or_default();
        keep_meant(name, &mut found, |&candidate| self.steps[candidate as usize].nameable());
        // A step that names itself waits for itself, unless another step has the name too.
        if found.len() > 1 {
            found.retain(|&candidate| candidate != step);
        }
        match found.as_slice() {
            [only] => Some(*only),
            [] => self.resolve_registered_name(step, input, name, known),
            several => {
                let places = several.iter().map(|&candidate| {
                    let candidate = &self.steps[candidate as usize];
                    let name = candidate.name.as_deref().map_or_else(|| candidate.def.id(), str::to_owned);
                    format!("`{name}` at {}", candidate.location)
                });
                self.report_ambiguous(step, input, name, places.collect());
                None
            }
        }
    }

    fn report_ambiguous(&mut self, step: u32, input: &InputDef, name: &str, places: Vec<String>) {
        let message = format!("input `{}` names `{name}`, which fits {} steps", input.name, places.len());
        let problem = Problem::new(ProblemCode::AmbiguousName, message);
        let problem = places.into_iter().fold(problem, Problem::note);
        self.report(problem, step, Some(input), "use the full name, `module::step`".into());
    }

    /// Resolves a name that no step of the draft has: in a builder, to the registered step of that name.
    fn resolve_registered_name(
        &mut self,
        step: u32,
        input: &InputDef,
        name: &str,
        known: &mut Names,
    ) -> Option<u32> {
        let mut found = match self.scope {
            Scope::Builder(_) => known.registry.get(last_part(name)).cloned().unwrap_or_default(),
            Scope::Registry => Vec::new(),
        };
        keep_meant(name, &mut found, |def| Nameable { def, given: None });
        match found.as_slice() {
            [only] => return Some(self.add_registered(only)),
            [] => {}
            several => {
                let places = several.iter().map(|def| format!("`{}` at {}", def.id(), def.location));
                self.report_ambiguous(step, input, name, places.collect());
                return None;
            }
        }
        let candidates = known.draft.keys().chain(known.registry.keys()).map(String::as_str);
        let mut hint = match closest(name, candidates) {
            Some(close) => format!("did you mean `{close}`? "),
            None => String::new(),
        };
        hint.push_str("if the step lives in a library that nothing names, add `use that_crate as _;`");
        let problem = Problem::new(
            ProblemCode::UnknownUpstream,
            format!("step `{}` reads `{name}`, but there is no step of that name", self.label(step)),
        );
        self.report(problem.note(wanted(input)), step, Some(input), hint);
        None
    }
}

impl Names {
    fn of(draft: &Draft) -> Names {
        let mut of_draft: HashMap<String, Vec<u32>> = HashMap::new();
        for (position, step) in draft.steps.iter().enumerate() {
            let names = [step.name.as_deref(), Some(&*step.def.name)].map(|name| name.map(last_part));
            let given = names[0].filter(|given| Some(*given) != names[1]);
            for name in given.into_iter().chain(names[1]) {
                of_draft.entry(name.to_owned()).or_default().push(position as u32);
            }
        }
        let mut registry: HashMap<String, Vec<&'static StepDef>> = HashMap::new();
        for def in registry::registered().into_iter().filter(|def| !def.is_template()) {
            registry.entry(last_part(&def.name).to_owned()).or_default().push(def);
        }
        Names { draft: of_draft, registry }
    }
}

impl DraftStep {
    fn nameable(&self) -> Nameable<'_> {
        Nameable { def: &self.def, given: self.name.as_deref() }
    }
}

/// Returns the part of a name after its last `::`.
fn last_part(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}
