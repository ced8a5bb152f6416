//! A drawing for Graphviz.

use std::fmt::Write;

use super::super::Dag;
use super::labels::{groups, label, lines};
use crate::lane::Shape;

pub(super) fn render(dag: &Dag) -> String {
    let mut out = String::from("digraph pipeline {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n");
    out.push_str("  edge [fontname=\"sans-serif\", fontsize=10];\n");
    let (groups, others) = groups(dag);
    for (number, (group, steps)) in groups.iter().enumerate() {
        let _ = writeln!(out, "  subgraph cluster_{number} {{\n    label=\"{}\";", escaped(group));
        for &step in steps {
            out.push_str("  ");
            node(dag, step, &mut out);
        }
        out.push_str("  }\n");
    }
    for step in others {
        node(dag, step, &mut out);
    }
    for line in lines(dag) {
        let _ = write!(out, "  s{} -> s{}", line.from, line.to);
        if line.is_after {
            out.push_str(" [style=dashed]");
        }
        if let Some(parameter) = line.label {
            let _ = write!(out, " [label=\"{}\"]", escaped(parameter));
        }
        out.push_str(";\n");
    }
    out.push_str("}\n");
    out
}

fn node(dag: &Dag, step: usize, out: &mut String) {
    let spec = dag.step(step);
    let shape = match spec.def().lane.spec().shape {
        Shape::Pill => "ellipse",
        Shape::Box => "box",
        Shape::Hexagon => "hexagon",
    };
    let _ = writeln!(
        out,
        "  s{step} [label=\"{}\", shape={shape}, tooltip=\"{}\"];",
        escaped(spec.name()),
        escaped(&spec.def().id()),
    );
}

/// Escapes a text for the quotes of a label, in which Graphviz reads backslashes and HTML entities.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in label(text).chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            _ => out.push(character),
        }
    }
    out
}
