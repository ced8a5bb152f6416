//! `plan`: what would run, in order, and how long it would take; runs nothing.

mod advice;
mod document;
#[cfg(test)]
mod tests;
mod text;

use clap::Args as ClapArgs;

use self::document::PlanDocument;
use super::args::RunArgs;
use super::exit::{Refusal, print, print_json};
use super::pipelines::Chosen;
use super::runs_dir;
use crate::pipeline::Purpose;

/// What would run, with which parameters and settings.
#[derive(Debug, ClapArgs)]
#[command(
    mut_arg("json", |arg| arg.help("Print the plan as JSON")),
    mut_arg("verbose", |arg| arg.help("Show every step, with its location and what it waits for")),
    mut_arg("report", |arg| arg.hide(true)),
    mut_arg("output", |arg| arg.hide(true)),
    mut_arg("no_report", |arg| arg.hide(true)),
    mut_arg("quiet", |arg| arg.hide(true)),
)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) run: RunArgs,
}

pub(super) fn execute(args: &PlanArgs, chosen: Chosen) -> Result<u8, Refusal> {
    let run = &args.run;
    let (pipeline, unprepared) = chosen.prepared_if_possible();
    let pipeline = run.configure(pipeline)?;
    let plan = pipeline.check_for(match unprepared {
        None => Purpose::Plan,
        Some(_) => Purpose::PlanWithoutResources,
    })?;
    // A step takes its recorded time; without one, its cost.
    let usual = runs_dir::usual(&pipeline)?;
    let history = Some(&usual).filter(|usual| !usual.is_empty());
    let mut document = PlanDocument::new(&plan, &pipeline, &run.selection, history);
    document.warnings.extend(unprepared);
    if run.json {
        return print_json(&document);
    }
    print(&text::text(&document, run.verbose > 0))
}
