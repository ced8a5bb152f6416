//! `plan`: what would run, in order, and what that would take; runs nothing.

mod advice;
mod document;
mod forecast;
#[cfg(test)]
mod tests;
mod text;

use self::document::PlanDocument;
use super::args::RunArgs;
use super::{Refusal, configured, print, store};
use crate::pipeline::Pipeline;

pub(super) fn execute(run: &RunArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    let pipeline = configured(run, pipeline)?;
    let plan = pipeline.check()?;
    // Where the history knows how long a step took, its time is that; of the others it is their cost.
    let usual = store::usual(&pipeline)?;
    let history = Some(&usual).filter(|usual| !usual.is_empty());
    let document = PlanDocument::new(&plan, &pipeline, &run.selection, history);
    if run.json {
        let json = serde_json::to_string_pretty(&document)
            .map_err(|error| Refusal::Environment(error.to_string()))?;
        return print(&json);
    }
    print(&text::text(&document, run.verbose > 0))
}
