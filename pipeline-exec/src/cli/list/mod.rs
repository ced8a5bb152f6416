//! `list`: every registered step, or those that are selected.

mod document;
mod text;

use clap::Args as ClapArgs;
use pipeline_core::{Dag, StepDef};

use self::document::ListDocument;
use super::args::{STEPS_TO_SHOW, SelectionArgs};
use super::exit::{Refusal, print, print_json};
use super::params;
use crate::pipeline::Pipeline;

/// What to list, and how.
#[derive(Debug, ClapArgs)]
#[command(mut_arg("terms", |arg| arg.help(STEPS_TO_SHOW)))]
pub(super) struct ListArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Show the whole documentation, the package and full types of each step.
    #[arg(long, short)]
    verbose: bool,
}

pub(super) fn execute(args: &ListArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    let steps = if args.selection.is_empty() {
        // Includes templates and does not resolve edges: a list helps to fix them.
        pipeline_core::registered()
    } else {
        selected(&args.selection)?
    };
    let (pipeline, _) = params::from_environment(pipeline)?;
    let document = ListDocument::new(&steps, pipeline.params());
    if args.json {
        return print_json(&document);
    }
    print(&text::text(&document, args.verbose))
}

/// Returns the registered steps that a selection names, without what they need.
fn selected(selection: &SelectionArgs) -> Result<Vec<&'static StepDef>, Refusal> {
    let dag = Dag::registered()?;
    let named = dag.select(&selection.parsed()?)?;
    let ids: std::collections::BTreeSet<String> =
        named.iter().map(|&step| dag.step(step).def().id()).collect();
    Ok(pipeline_core::registered().into_iter().filter(|def| ids.contains(&def.id())).collect())
}
