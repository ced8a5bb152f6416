//! `list`: every registered step, or those that are selected.

mod document;
mod text;

use clap::Args as ClapArgs;
use pipeline_core::{Dag, StepDef};

use self::document::ListDocument;
use super::args::SelectionArgs;
use super::exit::{Refusal, print, print_json};
use super::params;
use crate::pipeline::Pipeline;

/// What to list, and how.
#[derive(Debug, ClapArgs)]
pub(super) struct ListArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    /// Prints the list as JSON.
    #[arg(long)]
    json: bool,
    /// Shows all of each step: its whole documentation, package, and types in full.
    #[arg(long, short)]
    verbose: bool,
}

pub(super) fn execute(args: &ListArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    let steps = if args.selection.is_empty() {
        // Templates too, and without a look at the edges: a list helps to mend them.
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

/// The registered steps that a selection names, without what they need.
fn selected(selection: &SelectionArgs) -> Result<Vec<&'static StepDef>, Refusal> {
    let dag = Dag::registered()?;
    let named = dag.select(&selection.parsed()?)?;
    let ids: std::collections::BTreeSet<String> =
        named.iter().map(|&step| dag.step(step).def().id()).collect();
    Ok(pipeline_core::registered().into_iter().filter(|def| ids.contains(&def.id())).collect())
}
