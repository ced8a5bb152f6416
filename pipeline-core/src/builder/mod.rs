//! Graphs made at run time, by the same resolution and the same checks as registered ones.
//!
//! A builder holds instances of step functions (each with its own name, inputs and parameters), closures, and other
//! builders included as parts. Inputs that are not bound follow the definition: a path input of an instance reads
//! the step that it names; if the builder has no instance of that step, the registered one is added.

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

/// Builds a [`Dag`] step by step.
///
/// Mistakes (an unknown parameter, a wrong type, a circle) are reported by [`DagBuilder::build`], all at once.
#[derive(Debug)]
pub struct DagBuilder {
    draft: Draft,
    /// Distinguishes its handles from those of other builders.
    id: u32,
}

impl Default for DagBuilder {
    fn default() -> Self {
        DagBuilder::new()
    }
}

impl DagBuilder {
    /// Makes a builder without steps.
    ///
    /// ```
    /// # use pipeline_core::DagBuilder;
    /// let mut dag = DagBuilder::new();
    /// dag.cpu("answer", (), |()| 42_u64);
    /// assert_eq!(dag.build()?.len(), 1);
    /// # Ok::<(), pipeline_core::Problems>(())
    /// ```
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        DagBuilder { draft: Draft::new(Scope::Builder(id)), id }
    }

    /// Adds an instance of a step function. If there are several, name each with [`Instance::named`].
    ///
    /// ```
    #[doc = include_str!("example.in")]
    /// let mut dag = DagBuilder::new();
    /// let small = dag.add::<range>().named("small").param("n", 3).handle();
    /// dag.add::<total>().named("total_of_small").input("range", small);
    /// assert_eq!(dag.build()?.len(), 2);
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn add<S: Step>(&mut self) -> Instance<'_, S::Output> {
        self.add_def(S::def())
    }

    /// Adds an instance of a step that is known by its definition only, such as one from the registry. [`DagBuilder::build`]
    /// checks `T` where the handle is used.
    ///
    /// ```standalone_crate
    #[doc = include_str!("example.in")]
    /// let def = pipeline_core::registered().into_iter().find(|def| def.name == "range").unwrap();
    /// let mut dag = DagBuilder::new();
    /// dag.add_def::<Vec<u64>>(def).param("n", 3);
    /// assert_eq!(dag.build()?.len(), 1);
    /// # Ok(()) }
    /// ```
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

    /// Changes how a step runs: `policy` gets the policy so far. See [`Instance::policy`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use pipeline_core::{Backoff, DagBuilder};
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

    /// Returns the number of steps added so far.
    ///
    /// ```
    /// # use pipeline_core::DagBuilder;
    /// let mut dag = DagBuilder::new();
    /// dag.cpu("answer", (), |()| 42_u64);
    /// assert_eq!(dag.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.draft.steps.len()
    }

    /// Reports whether no step was added so far.
    ///
    /// ```
    /// # use pipeline_core::DagBuilder;
    /// assert!(DagBuilder::new().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.draft.steps.is_empty()
    }

    /// Resolves, checks and orders the graph.
    ///
    /// ```
    /// # use pipeline_core::{DagBuilder, ProblemCode};
    /// let mut dag = DagBuilder::new();
    /// dag.cpu("answer", (), |()| 42_u64);
    /// dag.cpu("answer", (), |()| 7_u64);
    /// assert!(dag.build().unwrap_err().has(ProblemCode::DuplicateStep));
    /// ```
    ///
    /// # Errors
    /// Returns all problems at once.
    ///
    /// # Complexity
    /// O(steps + edges), without recursion.
    pub fn build(mut self) -> Result<Dag, Problems> {
        self.check_policies();
        self.draft.finish()
    }

    /// Reports values of policies that attributes refuse at compile time.
    fn check_policies(&mut self) {
        for step in 0..self.draft.steps.len() {
            let of = &self.draft.steps[step];
            let Some(policy) = &of.policy else { continue };
            if let Some(problem) = policy.problem(&self.name_of(step as u32), of.location) {
                self.problem(problem);
            }
        }
    }

    /// Returns a step of this builder as the source of an input.
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

/// A step of a builder, typed by its output. Later steps read it.
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
