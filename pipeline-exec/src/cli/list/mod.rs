//! `list`: every step of a pipeline, or those that are selected.

mod check;
mod document;
mod text;

use std::sync::Arc;

use clap::Args as ClapArgs;
use pipeline_core::StepDocument;

use self::document::{ListDocument, ListedStep};
use super::args::{STEPS_TO_SHOW, SelectionArgs};
use super::exit::{Refusal, print, print_json};
use super::pipelines::Chosen;
use super::wording::wrapped;
use super::{caching, params};
use crate::pipeline::Pipeline;

/// What to list, and how.
#[derive(Debug, ClapArgs)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(mut_arg("terms", |arg| arg.help(STEPS_TO_SHOW)))]
pub(super) struct ListArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Print JSON.
    #[arg(long, help_heading = None::<&str>)]
    json: bool,
    /// Show one line for each step: name, lane, group, documentation.
    #[arg(long, help_heading = None::<&str>, short, conflicts_with_all = ["json", "verbose"])]
    short: bool,
    /// Show the whole documentation, the package and full types of each step.
    #[arg(long, help_heading = None::<&str>, short)]
    verbose: bool,
    /// Ask cargo whether a library of steps that the program depends on is missing: the linker drops those that no code names.
    #[arg(long, conflicts_with_all = ["json", "verbose", "terms"])]
    check: bool,
}

pub(super) fn execute(args: &ListArgs, chosen: Chosen) -> Result<u8, Refusal> {
    if args.check {
        return print(&(check::libraries()? + &unseen_files()));
    }
    let pipelines = chosen.names().to_vec();
    let pipeline = params::from_environment(chosen.unprepared())?;
    let steps = if args.selection.is_empty() && pipeline.is_everything() {
        // Includes templates and does not resolve edges: a list helps to fix them.
        let registered = pipeline_core::registered().into_iter();
        registered.map(|def| ListedStep::of(StepDocument::of(def), def, pipeline.params())).collect()
    } else {
        selected(&args.selection, &pipeline)?
    };
    let document = ListDocument::new(steps, pipelines);
    if args.json {
        return print_json(&document);
    }
    print(&if args.short { text::short(&document) } else { text::text(&document, args.verbose) })
}

/// Returns a warning for each run parameter of a cached step that is a path.
fn unseen_files() -> String {
    let cached = pipeline_core::registered().into_iter().filter(|def| def.policy.cache.is_some());
    let warnings = cached.flat_map(|def| caching::plain_paths(&def.name, def));
    warnings.map(|warning| wrapped("warning:", 9, &warning)).collect()
}

/// Returns the steps of a pipeline, or those of its graph that a selection names, without what they need.
fn selected(selection: &SelectionArgs, pipeline: &Pipeline) -> Result<Vec<ListedStep>, Refusal> {
    let (dag, steps) = if selection.is_empty() {
        let plan = pipeline.plan()?;
        let steps = (0..plan.len()).map(|step| plan.in_dag(step)).collect();
        (Arc::clone(plan.dag()), steps)
    } else {
        let dag = pipeline.dag()?;
        let steps = dag.select(&selection.parsed()?)?;
        (dag, steps)
    };
    let listed = |step| ListedStep::of(dag.step_document(step), dag.step(step).def(), pipeline.params());
    Ok(steps.into_iter().map(listed).collect())
}
