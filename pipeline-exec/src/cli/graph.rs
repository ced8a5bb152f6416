//! `graph`: draws the graph.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use pipeline_core::{Dag, Format};

use super::args::SelectionArgs;
use super::{OK, Refusal, print};
use crate::pipeline::Pipeline;

/// How to draw, and what.
#[derive(Debug, ClapArgs)]
pub(super) struct GraphArgs {
    /// How to draw; by default as the name of the output says, or as text.
    #[arg(long, short, value_parser = format)]
    format: Option<Format>,
    /// Writes the drawing to a file; its ending says how to draw: .dot, .mmd, .json, …
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    selection: SelectionArgs,
}

pub(super) fn execute(args: GraphArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    let GraphArgs { format, output, selection } = args;
    let dag =
        if selection.is_empty() { Dag::registered()? } else { selection.apply(pipeline).plan()?.sub_dag() };
    let format = format.or_else(|| of_name(output.as_deref()?)).unwrap_or_default();
    let drawing = dag.render(format);
    let Some(path) = output else { return print(&drawing) };
    std::fs::write(&path, drawing).map_err(|error| {
        Refusal::Environment(format!("cannot write the graph to {}: {error}", path.display()))
    })?;
    Ok(OK)
}

/// The format that the ending of a file's name stands for.
fn of_name(path: &Path) -> Option<Format> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    let name = match ending.as_str() {
        "mmd" => "mermaid",
        "gv" => "dot",
        "txt" => "text",
        "htm" => "html",
        other => other,
    };
    name.parse().ok()
}

/// Reads the name of a graph format for clap.
fn format(name: &str) -> Result<Format, String> {
    name.parse().map_err(|_| format!("one of {}", Format::ALL.map(Format::name).join(", ")))
}
