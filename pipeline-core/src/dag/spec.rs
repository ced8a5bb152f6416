//! One step of one graph: a definition, with the name and parameters that it has in the graph.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use crate::location::Location;
use crate::params::ParamValue;
use crate::policy::Policy;
use crate::step::StepDef;

/// A step of a graph: a registered step, an instance of one, or a closure.
#[derive(Clone, Debug)]
pub struct StepSpec {
    pub(crate) def: DefRef,
    pub(crate) name: Cow<'static, str>,
    /// Whether the name was given to an instance or a closure, and so is its identity.
    pub(crate) is_named: bool,
    pub(crate) location: Location,
    pub(crate) params: Vec<(String, Result<ParamValue, String>)>,
    pub(crate) policy: Option<Arc<Policy>>,
}

impl StepSpec {
    /// Returns the name, which is unique in this graph: the name of the instance, or the short name of a registered step,
    /// or its full identity if the short name is not unique.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the identity: `module::name` of the step's function, or the name of an instance or a closure.
    ///
    /// Unlike the name, it does not change if another step with the same short name joins the graph. So everything that is
    /// kept or derived for a step is kept or derived by it: histories, saved outputs, random numbers, fingerprints.
    pub fn identity(&self) -> Cow<'_, str> {
        match self.function() {
            None => Cow::Borrowed(&self.name),
            Some(_) => Cow::Owned(self.def.id()),
        }
    }

    /// Returns module and name of the function that the identity is made of; `None` if the identity is the name.
    pub(crate) fn function(&self) -> Option<(&Cow<'static, str>, &Cow<'static, str>)> {
        let is_function = !self.is_named && !self.def.module.is_empty();
        is_function.then(|| (&self.def.module, &self.def.name))
    }

    /// Returns the definition of the step.
    pub fn def(&self) -> &StepDef {
        &self.def
    }

    /// Returns how the step is run: as set on the instance, or as written on the function.
    pub fn policy(&self) -> &Policy {
        self.policy.as_deref().unwrap_or(&self.def.policy)
    }

    /// Returns the location where the step is written; for an instance or a closure, where it was added.
    pub fn location(&self) -> Location {
        self.location
    }
}

/// A definition, static for annotated functions and shared for closures.
#[derive(Clone, Debug)]
pub enum DefRef {
    /// Of an annotated function.
    Static(&'static StepDef),
    /// Of a closure.
    Shared(Arc<StepDef>),
}

impl Deref for DefRef {
    type Target = StepDef;
    fn deref(&self) -> &StepDef {
        match self {
            DefRef::Static(def) => def,
            DefRef::Shared(def) => def,
        }
    }
}
