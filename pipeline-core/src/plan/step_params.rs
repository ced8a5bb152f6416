//! The run parameters of one step, as bound.

use std::any::Any;

use super::Plan;
use crate::fingerprint::Fingerprint;
use crate::params::{BoundParams, ParamDef};
use crate::step::InputKind;

/// A run parameter of a step, with its value in a run.
#[derive(Clone, Copy)]
pub struct StepParam<'a> {
    /// As the step declares it.
    pub def: &'a ParamDef,
    /// The fingerprint of what was given; `None` if it has its default.
    pub given: Option<Fingerprint>,
    /// The value, of the type that the step declares.
    pub value: &'a (dyn Any + Send + Sync),
}

impl std::fmt::Debug for StepParam<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the value, which may be a secret.
        f.debug_tuple("StepParam").field(&self.def.name).finish()
    }
}

impl Plan {
    /// Returns the run parameters of a step that is not given, in the order of its parameters. `params` are those of this
    /// plan.
    pub fn params_of<'p>(
        &'p self,
        params: &'p BoundParams,
        step: usize,
    ) -> impl Iterator<Item = StepParam<'p>> {
        let inputs = self.spec(step).def().inputs.iter().enumerate();
        let bound = inputs.filter(|(_, input)| matches!(input.kind, InputKind::Param(_)));
        bound.filter_map(move |(input, _)| {
            let entry = params.entries.get(self.source(step as u32, input) as usize)?;
            let given = entry.given.as_ref().map(Fingerprint::of_param);
            Some(StepParam { def: &entry.def, given, value: &*entry.value })
        })
    }
}
