//! A graph under construction: steps in the order in which they were added, edges not yet resolved.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::{Dag, DefRef};
use crate::location::Location;
use crate::params::ParamValue;
use crate::policy::Policy;
use crate::problem::{Problem, Problems};
use crate::step::StepDef;

/// Where names, patterns and tags are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Among all registered steps.
    Registry,
    /// Among the steps of the builder of this number; path edges may still add registered ones.
    Builder(u32),
}

/// A step that was added.
#[derive(Clone, Debug)]
pub(crate) struct DraftStep {
    pub(crate) def: DefRef,
    /// `None` for a registered step under its own name.
    pub(crate) name: Option<Cow<'static, str>>,
    pub(crate) location: Location,
    /// Inputs bound by hand; the others follow the definition.
    pub(crate) bound: Vec<Bound>,
    pub(crate) after: Vec<u32>,
    /// Whether `after` already contains the steps of the definition.
    pub(crate) after_closed: bool,
    pub(crate) params: Vec<(String, Result<ParamValue, String>)>,
    /// How the step is run, if it differs from the definition.
    pub(crate) policy: Option<Arc<Policy>>,
}

/// An input bound by hand: the parameter's position, and the steps that feed it.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub struct Bound {
    pub(crate) parameter: u32,
    pub(crate) sources: Vec<BoundSource>,
}

/// A step that feeds an input bound by hand.
#[derive(Clone, Debug)]
pub(crate) enum BoundSource {
    /// By position in the draft of a builder.
    Step { step: u32, builder: u32 },
    /// By name, looked up when the graph is built.
    Name(String),
}

/// A graph under construction.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) scope: Scope,
    pub(crate) steps: Vec<DraftStep>,
    /// The steps made from each static definition, by its address.
    pub(crate) by_def: HashMap<usize, Vec<u32>>,
    pub(crate) problems: Vec<Problem>,
}

/// Returns the identity of a static definition.
pub(crate) fn address(def: &'static StepDef) -> usize {
    std::ptr::from_ref(def).addr()
}

impl Draft {
    pub(crate) fn new(scope: Scope) -> Self {
        Draft { scope, steps: Vec::new(), by_def: HashMap::new(), problems: Vec::new() }
    }

    /// Adds a registered step under its own name, once.
    pub(crate) fn add_registered(&mut self, def: &'static StepDef) -> u32 {
        let plain = self
            .by_def
            .get(&address(def))
            .and_then(|known| known.iter().copied().find(|&step| self.steps[step as usize].name.is_none()));
        plain.unwrap_or_else(|| {
            self.add(DraftStep {
                def: DefRef::Static(def),
                name: None,
                location: def.location,
                bound: Vec::new(),
                after: Vec::new(),
                after_closed: false,
                params: Vec::new(),
                policy: None,
            })
        })
    }

    /// Adds a step.
    pub(crate) fn add(&mut self, step: DraftStep) -> u32 {
        let position = self.steps.len() as u32;
        if let DefRef::Static(def) = step.def {
            self.by_def.entry(address(def)).or_default().push(position);
        }
        self.steps.push(step);
        position
    }

    /// Resolves every edge, checks the graph and orders it.
    ///
    /// # Errors
    /// Returns all problems at once.
    pub(crate) fn finish(mut self) -> Result<Dag, Problems> {
        let edges = self.resolve();
        let names = self.unique_names();
        self.check_types(&edges, &names);
        let order = self.order(&edges, &names);
        let mut problems = std::mem::take(&mut self.problems);
        match order {
            Ok(order) => {
                Problems::check(problems)?;
                Ok(self.into_dag(edges, names, &order))
            }
            Err(cycles) => {
                problems.extend(cycles);
                Err(Problems::check(problems).expect_err("invariant: a cycle was reported"))
            }
        }
    }
}
