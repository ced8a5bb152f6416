//! `graph`: draws the graph.

use clap::Args as ClapArgs;
use pipeline_core::{Dag, Format};

use super::args::SelectionArgs;
use super::{Refusal, print};
use crate::pipeline::Pipeline;

/// How to draw, and what.
#[derive(Debug, ClapArgs)]
pub(super) struct GraphArgs {
    /// text, dot, mermaid or json.
    #[arg(long, short, default_value = "text", value_parser = format)]
    format: Format,
    #[command(flatten)]
    selection: SelectionArgs,
}

pub(super) fn execute(args: GraphArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    let GraphArgs { format, selection } = args;
    let dag = if selection.is_empty() {
        Dag::registered()?
    } else {
        selection.apply(pipeline).plan()?.sub_dag()
    };
    print(&dag.render(format))
}

/// Reads the name of a graph format for clap.
fn format(name: &str) -> Result<Format, String> {
    name.parse().map_err(|_| format!("one of {}", Format::ALL.map(Format::name).join(", ")))
}
