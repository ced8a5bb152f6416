//! Loads a document as a graph that runs.

use std::collections::HashMap;

use super::{
    Bound, BoundSource, Dag, DefRef, Draft, DraftStep, GraphDocument, InputDocument, Scope, StepDocument,
};
use crate::problem::{Problem, ProblemCode, Problems, closest};
use crate::registry;
use crate::step::{InputKind, StepDef};

/// The builder number of every loaded graph; real builders count from 1.
const LOADED: u32 = 0;

/// The steps of this program by identity, and the steps of the document by name.
struct Known<'a> {
    registered: HashMap<String, Vec<&'static StepDef>>,
    positions: HashMap<&'a str, u32>,
}

impl Dag {
    /// Loads a graph. Its steps are found among the registered ones by identity, and keep their identities and edges. The graph
    /// is checked as if a builder had made it. A document has no values of parameters: a run gives them. Locations are those
    /// of the functions, also for instances.
    ///
    /// # Errors
    /// Returns all problems of the document and the graph at once; [`ProblemCode::InvalidDocument`] for a closure, for a step
    /// or parameter that this program does not have, and for an edge from a step that is not in the document.
    ///
    /// # Complexity
    /// O(steps + edges), and the sorting of the registered steps.
    pub fn from_document(document: &GraphDocument) -> Result<Dag, Problems> {
        let mut problems = Vec::new();
        let known = Known::of(document, &mut problems);
        let mut draft = Draft::new(Scope::Builder(LOADED));
        for step in &document.steps {
            match known.definition(step) {
                Ok(def) => drop(draft.add(known.load(step, def, &mut problems))),
                Err(problem) => problems.push(problem),
            }
        }
        Problems::check(problems)?;
        draft.finish()
    }
}

impl<'a> Known<'a> {
    fn of(document: &'a GraphDocument, problems: &mut Vec<Problem>) -> Self {
        let mut registered: HashMap<String, Vec<&'static StepDef>> = HashMap::new();
        for def in registry::registered() {
            registered.entry(def.id()).or_default().push(def);
        }
        let mut positions = HashMap::with_capacity(document.steps.len());
        for (position, step) in document.steps.iter().enumerate() {
            if positions.insert(step.name.as_str(), position as u32).is_some() {
                problems.push(invalid(format!("the document has two steps named `{}`", step.name)));
            }
        }
        Known { registered, positions }
    }

    fn definition(&self, step: &StepDocument) -> Result<&'static StepDef, Problem> {
        if step.closure {
            let message = format!("step `{}` is a closure, which a document cannot hold", step.name);
            return Err(invalid(message)
                .note(format!("it was added at {}:{}", step.file, step.line))
                .hint("make it a function with `#[step]`, or build this graph in code"));
        }
        match self.registered.get(&step.id).map(Vec::as_slice) {
            Some(&[only]) => Ok(only),
            None | Some([]) => {
                let linker = "if it lives in a library that nothing names, add `use that_crate as _;`";
                let hint = match closest(&step.id, self.registered.keys().map(String::as_str)) {
                    Some(close) => format!("did you mean `{close}`? {linker}"),
                    None => linker.to_owned(),
                };
                Err(invalid(format!(
                    "step `{}` is `{}`, which this program does not have",
                    step.name, step.id
                ))
                .note(format!("it was written in {} {}", step.package, step.version))
                .hint(hint))
            }
            Some(several) => {
                let problem = Problem::new(
                    ProblemCode::DuplicateStep,
                    format!("step `{}` is `{}`, which is registered more than once", step.name, step.id),
                );
                Err(several.iter().fold(problem, |problem, def| problem.note(format!("at {}", def.location))))
            }
        }
    }

    fn load(&self, step: &StepDocument, def: &'static StepDef, problems: &mut Vec<Problem>) -> DraftStep {
        let mut bound = Vec::new();
        for input in step.inputs.iter().filter(|input| input.kind == "upstream") {
            match self.bind(step, def, input) {
                Ok(binding) => bound.push(binding),
                Err(problem) => problems.push(problem.step(step.name.as_str(), def.location)),
            }
        }
        let after = self.positions(step, &step.after).unwrap_or_else(|problem| {
            problems.push(problem.step(step.name.as_str(), def.location));
            Vec::new()
        });
        DraftStep {
            def: DefRef::Static(def),
            name: step.named.then(|| step.name.clone().into()),
            location: def.location,
            bound,
            after,
            after_closed: true,
            params: Vec::new(),
            policy: None,
        }
    }

    fn bind(&self, step: &StepDocument, def: &StepDef, input: &InputDocument) -> Result<Bound, Problem> {
        let name = &input.parameter;
        let place = def.inputs.iter().position(|known| known.name == *name);
        let Some((parameter, source)) = place.and_then(|place| match &def.inputs[place].kind {
            InputKind::Upstream { source, .. } => Some((place, source)),
            _ => None,
        }) else {
            let inputs = def.inputs.iter().map(|known| &*known.name);
            let problem = invalid(format!("step `{}` has no input `{name}` in this program", step.name));
            return Err(match closest(name, inputs) {
                Some(close) => problem.hint(format!("did you mean `{close}`?")),
                None => problem.hint("the step has changed since the document was written"),
            });
        };
        if !source.is_many() && input.from.len() != 1 {
            let count = input.from.len();
            return Err(invalid(format!("input `{name}` of `{}` reads one step, not {count}", step.name)));
        }
        let sources = self
            .positions(step, &input.from)?
            .into_iter()
            .map(|step| BoundSource::Step { step, builder: LOADED });
        let sources = sources.collect();
        Ok(Bound { parameter: parameter as u32, sources })
    }

    fn positions(&self, step: &StepDocument, names: &[String]) -> Result<Vec<u32>, Problem> {
        let position = |name: &String| {
            self.positions.get(name.as_str()).copied().ok_or_else(|| {
                let problem =
                    invalid(format!("step `{}` names `{name}`, which is not in the document", step.name));
                match closest(name, self.positions.keys().copied()) {
                    Some(close) => problem.hint(format!("did you mean `{close}`?")),
                    None => problem,
                }
            })
        };
        names.iter().map(position).collect()
    }
}

fn invalid(message: String) -> Problem {
    Problem::new(ProblemCode::InvalidDocument, message)
}
