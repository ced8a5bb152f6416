//! The run parameters of one step, as bound.

use super::Plan;
use crate::fingerprint::Fingerprint;
use crate::params::{BoundParams, ParamDef};
use crate::step::InputKind;

/// A run parameter of a step, in a run.
#[derive(Clone, Copy, Debug)]
pub struct StepParam<'a> {
    /// Its position among the inputs of the step.
    pub input: usize,
    /// As the step declares it.
    pub def: &'a ParamDef,
    /// The fingerprint of what was given; `None` if it has its default.
    pub given: Option<Fingerprint>,
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
            Some(StepParam { input, def: &entry.def, given })
        })
    }
}
