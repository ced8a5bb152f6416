//! `graph`: draws the graph.

mod lines;

use std::io::Write;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use comfy_table::Table;
use pipeline_core::Format;

use super::args::{STEPS_TO_SHOW, SelectionArgs};
use super::exit::{OK, Refusal, print, unwritable};
use crate::pipeline::Pipeline;
use crate::report::graph_page;
use crate::runs::write_whole;

/// How to draw, and what.
#[derive(Debug, ClapArgs)]
#[command(mut_arg("terms", |arg| arg.help(STEPS_TO_SHOW)))]
pub(super) struct GraphArgs {
    /// lines, text, dot, mermaid, svg, html or json [default: by the name of the output file, lines on a terminal, or
    /// text].
    #[arg(long, short, value_parser = drawing)]
    format: Option<Drawing>,
    /// Write the drawing to a file; its extension sets the format: .dot, .mmd, .svg, .html, .json, …
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    selection: SelectionArgs,
}

/// A format of the graph.
#[derive(Clone, Copy, Debug)]
enum Drawing {
    /// A format of the core.
    Of(Format),
    /// The page of a run, without a run.
    Page,
    /// Lines between steps, for a terminal.
    Lines,
}

pub(super) fn execute(args: GraphArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    let GraphArgs { format, output, selection } = args;
    let dag = selection.apply(pipeline).plan()?.sub_dag();
    let format = match (format, output.as_deref()) {
        (Some(format), _) => format,
        (None, Some(path)) => of_name(path)?,
        (None, None) if io::stdout().is_terminal() => Drawing::Lines,
        (None, None) => Drawing::Of(Format::default()),
    };
    let drawing = match format {
        Drawing::Of(format) => dag.render(format),
        Drawing::Page => graph_page(&dag.document()),
        // Wider drawings are hard to follow, and terminals wrap them.
        Drawing::Lines => lines::lines(&dag, columns()).unwrap_or_else(|| dag.render(Format::Text)),
    };
    let Some(path) = output else { return print(&drawing) };
    write_whole(&path, |out| out.write_all(drawing.as_bytes())).map_err(unwritable("the graph", &path))?;
    Ok(OK)
}

/// Returns the width of the terminal; without one, the greatest that can be followed.
fn columns() -> usize {
    Table::new().width().filter(|_| io::stdout().is_terminal()).map_or(400, usize::from)
}

/// Returns the format of a file's extension; text if it has none.
fn of_name(path: &Path) -> Result<Drawing, Refusal> {
    let Some(ending) = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()) else {
        return Ok(Drawing::Of(Format::default()));
    };
    let name = match ending.as_str() {
        "mmd" => "mermaid",
        "gv" => "dot",
        "txt" => "text",
        "htm" => "html",
        other => other,
    };
    drawing(name).map_err(|_| {
        Refusal::Usage(format!(
            "no format is named `.{ending}`, the extension of {}\n    hint: use .dot, .mmd, .svg, .html, .json or .txt, or \
             set --format",
            path.display()
        ))
    })
}

/// Parses the name of a format for clap.
fn drawing(name: &str) -> Result<Drawing, String> {
    match name {
        "html" => return Ok(Drawing::Page),
        "lines" => return Ok(Drawing::Lines),
        _ => {}
    }
    let known = || format!("one of lines, {}, html", Format::ALL.map(Format::name).join(", "));
    name.parse().map(Drawing::Of).map_err(|_| known())
}
