//! The graph: every step of a pipeline with its inputs resolved and checked, in topological order.
//!
//! A `Dag` is made from the registry ([`Dag::of`], [`Dag::registered`]) or from a [`DagBuilder`](crate::DagBuilder); both go
//! through the same resolution and the same checks. It is immutable, holds indices rather than pointers, and never
//! recurses, so that a chain of a million steps is no deeper than one of ten.

mod by_name;
mod critical;
mod cycle;
mod draft;
mod levels;
mod load;
mod names;
mod order;
mod pattern;
mod query;
mod render;
mod resolve;
mod select;
mod selection;
mod spec;
mod stats;
#[cfg(test)]
mod tests;

pub use critical::CriticalPath;
pub(crate) use critical::Ways;
pub(crate) use draft::{Bound, BoundSource, Draft, DraftStep, Scope};
pub use levels::Levels;
pub use render::{Format, GraphDocument, InputDocument, StepDocument};
pub(crate) use resolve::foreign_handle;
pub use selection::Selection;
pub use spec::{DefRef, StepSpec};
pub use stats::Statistics;

use std::sync::Arc;

use crate::lists::Lists;
use crate::policy::Policy;
use crate::problem::{Problem, ProblemCode, Problems};
use crate::registry;
use crate::step::{Step, StepDef};

/// A checked graph of steps. Steps are addressed by their position in topological order, which is stable: the same
/// steps give the same order in every process.
#[derive(Debug)]
pub struct Dag {
    pub(crate) steps: Vec<StepSpec>,
    /// Where the parameters of each step start in `sources`; one more entry than steps.
    pub(crate) first_parameter: Vec<u32>,
    /// For each parameter of each step, the upstream steps that feed it (empty for params, resources, …).
    pub(crate) sources: Lists,
    /// For each step, the distinct steps it waits for because of data or `after`.
    pub(crate) upstream: Lists,
    /// For each step, the distinct steps that wait for it because of data or `after`.
    pub(crate) downstream: Lists,
    /// For each step, the distinct steps that have to succeed before it, because of `after`.
    pub(crate) follows: Lists,
    /// For each step that takes an output, the other readers of that output, which go first.
    pub(crate) readers_first: Lists,
    /// Finds steps by name; filled when the first name is looked up.
    pub(crate) names: names::NameIndex,
}

impl Dag {
    /// Returns the graph of a step and everything that it needs.
    ///
    /// # Errors
    /// Returns all problems of the graph at once.
    pub fn of<S: Step>() -> Result<Dag, Problems> {
        Dag::from_defs(&[S::def()])
    }

    /// Returns the graph of several steps and everything that they need.
    ///
    /// # Errors
    /// Returns all problems of the graph at once.
    pub fn from_defs(targets: &[&'static StepDef]) -> Result<Dag, Problems> {
        let mut draft = Draft::new(Scope::Registry);
        for def in targets {
            draft.add_registered(def);
        }
        draft.finish()
    }

    /// Returns the graph of every step registered in this program, except templates.
    ///
    /// # Errors
    /// Returns all problems of the graph at once; [`ProblemCode::NoSteps`] if no step is registered.
    pub fn registered() -> Result<Dag, Problems> {
        let steps = registry::registered();
        if steps.is_empty() {
            return Err(no_steps().into());
        }
        let mut draft = Draft::new(Scope::Registry);
        for def in steps.into_iter().filter(|def| !def.is_template()) {
            draft.add_registered(def);
        }
        draft.finish()
    }

    /// Returns the number of steps.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Reports whether there is no step.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns the number of distinct edges, data and `after` together.
    pub fn edge_count(&self) -> usize {
        self.upstream.total()
    }

    /// Returns the steps in topological order.
    pub fn steps(&self) -> &[StepSpec] {
        &self.steps
    }

    /// Returns a step.
    ///
    /// # Panics
    /// If `step` is not below [`Dag::len`].
    pub fn step(&self, step: usize) -> &StepSpec {
        &self.steps[step]
    }

    /// Returns the distinct steps that `step` waits for, ascending.
    pub fn upstream(&self, step: usize) -> &[u32] {
        self.upstream.get(step)
    }

    /// Returns the distinct steps that wait for `step`, ascending.
    pub fn downstream(&self, step: usize) -> &[u32] {
        self.downstream.get(step)
    }

    /// Returns the steps that feed one parameter of a step, in the order of the input.
    pub fn sources(&self, step: usize, parameter: usize) -> &[u32] {
        self.sources.get(self.first_parameter[step] as usize + parameter)
    }

    /// Returns the position of a registered step.
    pub fn position_of<S: Step>(&self) -> Option<usize> {
        self.position_of_def(S::def())
    }

    /// Returns the position of a registered step, by its definition. O(n).
    pub fn position_of_def(&self, def: &'static StepDef) -> Option<usize> {
        self.steps.iter().position(|spec| std::ptr::eq(spec.def(), def))
    }

    /// Returns a separate graph of some steps, with the edges among them. `steps` ascend.
    pub(crate) fn part(&self, steps: &[u32]) -> Dag {
        let mut place = vec![None; self.len()];
        for (new, &step) in steps.iter().enumerate() {
            place[step as usize] = Some(new as u32);
        }
        let steps = || steps.iter().map(|&step| step as usize);
        let first =
            |step: usize| self.first_parameter[step] as usize..self.first_parameter[step + 1] as usize;
        let mut first_parameter = vec![0];
        for step in steps() {
            let parameters = first(step).len() as u32;
            first_parameter.push(first_parameter.last().copied().unwrap_or(0) + parameters);
        }
        Dag {
            steps: steps().map(|step| self.steps[step].clone()).collect(),
            first_parameter,
            sources: self.sources.part(steps().flat_map(first), &place),
            upstream: self.upstream.part(steps(), &place),
            downstream: self.downstream.part(steps(), &place),
            follows: self.follows.part(steps(), &place),
            readers_first: self.readers_first.part(steps(), &place),
            names: names::NameIndex::default(),
        }
    }

    /// Returns the same graph with the policies that `change` makes of those of its steps. What belongs to a step's code (its
    /// condition and its fallback) stays as it is.
    ///
    /// # Errors
    /// [`ProblemCode::InvalidSetting`] for each policy with a value that cannot be used, all at once.
    pub fn with_policies(&self, change: impl Fn(&StepSpec, Policy) -> Policy) -> Result<Dag, Problems> {
        let all: Vec<u32> = (0..self.len() as u32).collect();
        let mut dag = self.part(&all);
        for step in &mut dag.steps {
            let policy = change(step, step.policy().clone());
            let Policy { when, has_fallback, .. } = *step.policy();
            step.policy = Some(Arc::new(Policy { when, has_fallback, ..policy }));
        }
        let problem = |step: &StepSpec| {
            let problem = step.policy().problem(step.name(), step.location())?;
            Some(problem.note("the policy was made at run time, for example by a classifier"))
        };
        Problems::check(dag.steps.iter().filter_map(problem).collect())?;
        Ok(dag)
    }

    /// Returns the positions of the steps that no other waits for.
    pub fn sinks(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(|&step| self.downstream(step).is_empty())
    }
}

pub(crate) fn no_steps() -> Problem {
    Problem::new(ProblemCode::NoSteps, "no step is registered in this program").hint(
        "annotate a function with `#[step]`; steps in a library that nothing names are dropped by the linker: \
         add `use that_crate as _;`",
    )
}
