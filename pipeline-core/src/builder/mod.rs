//! Graphs made at run time, over the same resolution and the same checks as registered ones.
//!
//! A builder holds instances of step functions (each with its own name, inputs and parameters), closures, and other
//! builders included as parts. What is not bound by hand follows the definition: a path input of an instance reads
//! the step it names, added as it is registered where the builder has no instance of it.

mod closure;
mod include;
mod instance;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub use closure::{Inputs, Refs};
pub use include::Included;
pub use instance::Instance;

use crate::dag::{BoundSource, Dag, DefRef, Draft, DraftStep, Scope};
use crate::location::Location;
use crate::policy::Policy;
use crate::problem::{Problem, ProblemCode, Problems};
use crate::step::{Step, StepDef};

/// Makes a [`Dag`] step by step.
///
/// Mistakes (an unknown parameter, a wrong type, a circle) are reported by [`DagBuilder::build`], all at once.
#[derive(Debug)]
pub struct DagBuilder {
    draft: Draft,
    /// Tells its handles from those of other builders.
    id: u32,
}

impl Default for DagBuilder {
    fn default() -> Self {
        DagBuilder::new()
    }
}

impl DagBuilder {
    /// A builder without steps.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        DagBuilder { draft: Draft::new(Scope::Builder(id)), id }
    }

    /// Adds an instance of a step function; name it with [`Instance::named`] where there are several.
    #[track_caller]
    pub fn add<S: Step>(&mut self) -> Instance<'_, S::Output> {
        self.add_def(S::def())
    }

    /// Adds an instance of a step known by its definition only (from the registry); `T` is checked by
    /// [`DagBuilder::build`] where the handle is used.
    #[track_caller]
    pub fn add_def<T>(&mut self, def: &'static StepDef) -> Instance<'_, T> {
        let step = self.draft.add(DraftStep {
            def: DefRef::Static(def),
            name: None,
            location: Location::caller(),
            bound: Vec::new(),
            after: Vec::new(),
            after_closed: false,
            params: Vec::new(),
            policy: None,
        });
        Instance::new(self, step)
    }

    /// Changes how a step is to be run: `policy` is given what was said of it so far. See
    /// [`Instance::policy`].
    ///
    /// ```
    /// # use pipeline_core::{Backoff, DagBuilder};
    /// # use std::time::Duration;
    /// let mut dag = DagBuilder::new();
    /// let rates = dag.try_cpu("rates", (), |()| "1.1".parse::<f64>());
    /// dag.policy(rates, |policy| policy.retries(3).backoff(Backoff::fixed(Duration::from_millis(100))));
    /// ```
    #[track_caller]
    pub fn policy<T>(&mut self, step: Handle<T>, policy: impl FnOnce(Policy) -> Policy) {
        if step.builder == self.id {
            self.change_policy(step.step, policy);
            return;
        }
        let message = "a policy was to be changed through a handle that another builder has made";
        let problem = Problem::new(ProblemCode::InvalidBinding, message);
        self.problem(problem.hint("use handles of the same builder").step("policy", Location::caller()));
    }

    pub(super) fn change_policy(&mut self, step: u32, policy: impl FnOnce(Policy) -> Policy) {
        let step = &mut self.draft.steps[step as usize];
        let said = step.policy.take().map_or_else(|| step.def.policy.clone(), Arc::unwrap_or_clone);
        step.policy = Some(Arc::new(policy(said)));
    }

    /// How many steps were added so far.
    pub fn len(&self) -> usize {
        self.draft.steps.len()
    }

    /// Whether no step was added so far.
    pub fn is_empty(&self) -> bool {
        self.draft.steps.is_empty()
    }

    /// Resolves, checks and orders the graph.
    ///
    /// # Errors
    /// All problems at once.
    ///
    /// # Complexity
    /// O(steps + edges), without recursion.
    pub fn build(self) -> Result<Dag, Problems> {
        self.draft.finish()
    }

    /// A step of this builder as the source of an input.
    fn source(&self, step: u32) -> BoundSource {
        BoundSource::Step { step, builder: self.id }
    }

    fn problem(&mut self, problem: Problem) {
        self.draft.problems.push(problem);
    }

    fn name_of(&self, step: u32) -> Cow<'static, str> {
        let step = &self.draft.steps[step as usize];
        step.name.clone().unwrap_or_else(|| step.def.name.clone())
    }
}

/// A step of a builder, by the type of its output; for binding inputs of later steps.
pub struct Handle<T> {
    step: u32,
    builder: u32,
    output: PhantomData<fn() -> T>,
}

impl<T> Handle<T> {
    fn new(builder: u32, step: u32) -> Self {
        Handle { step, builder, output: PhantomData }
    }

    fn source(self) -> BoundSource {
        BoundSource::Step { step: self.step, builder: self.builder }
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.step).finish()
    }
}
