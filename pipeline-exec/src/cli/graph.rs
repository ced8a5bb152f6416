//! `graph`: draws the graph.

use clap::Args as ClapArgs;
use pipeline_core::{Dag, Format};

use super::args::SelectionArgs;
use super::{Refusal, print};
use crate::pipeline::Pipeline;
use crate::report::graph_page;

/// How to draw, and what.
#[derive(Debug, ClapArgs)]
pub(super) struct GraphArgs {
    /// text, dot, mermaid, svg, html or json.
    #[arg(long, short, default_value = "text", value_parser = drawing)]
    format: Drawing,
    #[command(flatten)]
    selection: SelectionArgs,
}

/// A form in which the graph is shown.
#[derive(Clone, Copy, Debug)]
enum Drawing {
    /// One that the graph itself has.
    Of(Format),
    /// The page that runs have too, without a run.
    Page,
}

pub(super) fn execute(args: GraphArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    let GraphArgs { format, selection } = args;
    let dag = if selection.is_empty() {
        Dag::registered()?
    } else {
        pipeline.select(selection.terms).exclude(selection.exclude).plan()?.sub_dag()
    };
    match format {
        Drawing::Of(format) => print(&dag.render(format)),
        Drawing::Page => print(&graph_page(&dag.document())),
    }
}

/// Reads the name of a graph format for clap.
fn drawing(name: &str) -> Result<Drawing, String> {
    if name == "html" {
        return Ok(Drawing::Page);
    }
    let known = || format!("one of {}, html", Format::ALL.map(Format::name).join(", "));
    name.parse().map(Drawing::Of).map_err(|_| known())
}
