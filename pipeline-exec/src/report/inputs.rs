//! Where the inputs of a step came from, without their values.

use pipeline_core::InputKind;
use serde::{Deserialize, Serialize};

use crate::record::RunRecord;

/// One input of a step, and where its value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InputReport {
    /// The name of the parameter.
    pub name: String,
    /// Where its value came from.
    pub origin: InputOrigin,
}

/// Where the value of an input came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum InputOrigin {
    /// Steps: their positions in [`RunReport::steps`](crate::RunReport::steps), in the order of the input.
    Steps(Vec<usize>),
    /// A run parameter, and its source in words: "its default", "-p", "the program's code".
    Param(String),
    /// A resource that was given to the run, by its type.
    Resource(String),
}

/// The inputs of a step that ran, in the order of its parameters, without its context.
pub(super) fn of(run: &RunRecord, step: usize) -> Vec<InputReport> {
    let (plan, params) = (run.frame.plan(), run.frame.params());
    let inputs = plan.spec(step).def().inputs.iter().enumerate();
    let origin = |(index, kind): (usize, &InputKind)| match kind {
        InputKind::Upstream { .. } => Some(InputOrigin::Steps(plan.input_steps(step, index))),
        InputKind::Param(_) => {
            plan.param_origin(params, step, index).map(|origin| InputOrigin::Param(origin.to_owned()))
        }
        kind => kind.resource_type().map(|ty| InputOrigin::Resource(ty.to_owned())),
    };
    inputs
        .filter_map(|(index, input)| {
            Some(InputReport { name: input.name.to_string(), origin: origin((index, &input.kind))? })
        })
        .collect()
}
