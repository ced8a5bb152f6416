//! `graph`: draws the graph.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use pipeline_core::Format;

use super::args::{STEPS_TO_SHOW, SelectionArgs};
use super::exit::{OK, Refusal, print, unwritable};
use crate::pipeline::Pipeline;
use crate::report::graph_page;
use crate::store::write_whole;

/// How to draw, and what.
#[derive(Debug, ClapArgs)]
#[command(mut_arg("terms", |arg| arg.help(STEPS_TO_SHOW)))]
pub(super) struct GraphArgs {
    /// text, dot, mermaid, svg, html or json [default: by the name of the output file, or text].
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
}

pub(super) fn execute(args: GraphArgs, pipeline: Pipeline) -> Result<u8, Refusal> {
    let GraphArgs { format, output, selection } = args;
    let dag = selection.apply(pipeline).plan()?.sub_dag();
    let format = match (format, output.as_deref()) {
        (Some(format), _) => format,
        (None, Some(path)) => of_name(path)?,
        (None, None) => Drawing::Of(Format::default()),
    };
    let drawing = match format {
        Drawing::Of(format) => dag.render(format),
        Drawing::Page => graph_page(&dag.document()),
    };
    let Some(path) = output else { return print(&drawing) };
    write_whole(&path, |out| out.write_all(drawing.as_bytes())).map_err(unwritable("the graph", &path))?;
    Ok(OK)
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
    if name == "html" {
        return Ok(Drawing::Page);
    }
    let known = || format!("one of {}, html", Format::ALL.map(Format::name).join(", "));
    name.parse().map(Drawing::Of).map_err(|_| known())
}
