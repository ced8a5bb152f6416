//! `plan`: what would run, in order, and what that would take; runs nothing.

mod advice;
mod document;
mod forecast;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;
use std::time::Duration;

use self::document::PlanDocument;
use super::args::RunArgs;
use super::{Refusal, configured, print};
use crate::pipeline::Pipeline;

/// How long steps took before, by name.
type History = BTreeMap<String, Duration>;

pub(super) fn execute(run: &RunArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    plan(run, pipeline, None)
}

/// Shows the plan. Where `history` knows how long a step took, its time is that; of the others it is their cost.
fn plan(run: &RunArgs, pipeline: Pipeline, history: Option<&History>) -> Result<u8, Refusal> {
    let pipeline = configured(run, pipeline)?;
    let plan = pipeline.check()?;
    let document = PlanDocument::new(&plan, &pipeline, &run.selection, history);
    if run.json {
        let json = serde_json::to_string_pretty(&document)
            .map_err(|error| Refusal::Environment(error.to_string()))?;
        return print(&json);
    }
    print(&text::text(&document, run.verbose))
}
