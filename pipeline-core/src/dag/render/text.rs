//! The listing: one line per step, in running order.

use std::fmt::Write;

use super::super::Dag;
use super::labels::printable;
use crate::step::{InputDef, InputKind, Mode};

/// Maximum width to which a column is padded.
const WIDEST: usize = 40;
/// Maximum number of upstream steps listed for one parameter.
const MOST: usize = 8;

type Cell = fn(&Dag, usize, &mut String);

/// The columns that are padded; the inputs follow unpadded.
const COLUMNS: [(&str, Cell); 5] =
    [("#", number), ("step", name), ("lane", lane), ("labels", labels), ("at", place)];

pub(super) fn render(dag: &Dag) -> String {
    let levels = dag.levels();
    let mut out =
        format!("{}, depth {}, widest level {}\n", super::size(dag), levels.depth(), levels.widest().1);
    if dag.is_empty() {
        return out;
    }
    out.push('\n');
    let mut cell = String::new();
    let widths = COLUMNS.map(|(title, write)| {
        let mut width = title.len();
        for step in 0..dag.len() {
            cell.clear();
            write(dag, step, &mut cell);
            width = width.max(cell.chars().count().min(WIDEST));
        }
        width
    });
    for ((title, _), width) in COLUMNS.iter().zip(widths) {
        let _ = write!(out, "{title:width$}  ");
    }
    out.push_str("inputs\n");
    for step in 0..dag.len() {
        for ((_, write), width) in COLUMNS.iter().zip(widths) {
            cell.clear();
            write(dag, step, &mut cell);
            let _ = write!(out, "{cell:width$}  ");
        }
        inputs(dag, step, &mut out);
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
    }
    out
}

fn number(_: &Dag, step: usize, out: &mut String) {
    let _ = write!(out, "{}", step + 1);
}

fn name(dag: &Dag, step: usize, out: &mut String) {
    out.push_str(&printable(dag.step(step).name()));
}

fn lane(dag: &Dag, step: usize, out: &mut String) {
    out.push_str(dag.step(step).def().lane.name());
}

/// Returns the group, then the tags, each with a `#`.
fn labels(dag: &Dag, step: usize, out: &mut String) {
    let def = dag.step(step).def();
    out.push_str(&printable(def.group.as_deref().unwrap_or_default()));
    for tag in def.tags.iter() {
        let space = if out.is_empty() { "" } else { " " };
        let _ = write!(out, "{space}#{}", printable(tag));
    }
}

fn place(dag: &Dag, step: usize, out: &mut String) {
    let location = dag.step(step).location();
    let _ = write!(out, "{}:{}", printable(location.file), location.line);
}

fn inputs(dag: &Dag, step: usize, out: &mut String) {
    let mut separator = "";
    for (parameter, input) in dag.step(step).def().inputs.iter().enumerate() {
        out.push_str(separator);
        separator = ", ";
        match &input.kind {
            InputKind::Upstream { mode, source, .. } => {
                upstream(dag, input, dag.sources(step, parameter), source.is_many(), out);
                out.push_str(mode_mark(*mode));
            }
            InputKind::Param(param) => named("param", input, Some(&param.name), out),
            InputKind::Resource { name, .. } => named("resource", input, name.as_deref(), out),
            InputKind::Context => named("context", input, None, out),
        }
    }
    let after = dag.after(step);
    if !after.is_empty() {
        let _ = write!(out, "{separator}after ");
        list(dag, after.into_iter(), out);
    }
}

/// `orders`, or `rows <- orders` if the names differ, or `xs <- [a, b]`.
fn upstream(dag: &Dag, input: &InputDef, sources: &[u32], is_many: bool, out: &mut String) {
    let sources = sources.iter().map(|&source| source as usize);
    if is_many {
        let _ = write!(out, "{} <- [", printable(&input.name));
        list(dag, sources, out);
        out.push(']');
        return;
    }
    for source in sources {
        let spec = dag.step(source);
        if spec.name() != input.name {
            let _ = write!(out, "{} <- ", printable(&input.name));
        }
        out.push_str(&printable(spec.name()));
    }
}

fn list(dag: &Dag, steps: impl ExactSizeIterator<Item = usize>, out: &mut String) {
    let more = steps.len().saturating_sub(MOST);
    for (index, step) in steps.take(MOST).enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(out, "{comma}{}", printable(dag.step(step).name()));
    }
    if more > 0 {
        let _ = write!(out, ", and {more} more");
    }
}

/// `param path`, or `param dir as path` if its name differs from the parameter's.
fn named(what: &str, input: &InputDef, given_as: Option<&str>, out: &mut String) {
    let _ = match given_as {
        Some(other) if other != input.name => {
            write!(out, "{what} {} as {}", printable(other), printable(&input.name))
        }
        _ => write!(out, "{what} {}", printable(&input.name)),
    };
}

const fn mode_mark(mode: Mode) -> &'static str {
    match mode {
        Mode::Borrow => "",
        Mode::Take => " (taken)",
        Mode::Option => " (optional)",
        Mode::Result => " (outcome)",
        Mode::Branch => " (branch)",
    }
}
