//! A drawing for Mermaid.
//!
//! Mermaid has limits (by default 50 000 characters, 500 edges). Only the program that shows the drawing can raise them.

use std::fmt::Write;

use super::super::Dag;
use super::labels::{groups, label, lines};
use crate::lane::Shape;

pub(super) fn render(dag: &Dag) -> String {
    let mut out = String::from("flowchart LR\n");
    let (groups, others) = groups(dag);
    for (number, (group, steps)) in groups.iter().enumerate() {
        let _ = writeln!(out, "  subgraph g{number}[\"{}\"]", escaped(group));
        for &step in steps {
            out.push_str("  ");
            node(dag, step, &mut out);
        }
        out.push_str("  end\n");
    }
    for step in others {
        node(dag, step, &mut out);
    }
    for line in lines(dag) {
        let arrow = if line.is_after { "-.->" } else { "-->" };
        let _ = write!(out, "  s{} {arrow}", line.from);
        if let Some(parameter) = line.label {
            let _ = write!(out, "|\"{}\"|", escaped(parameter));
        }
        let _ = writeln!(out, " s{}", line.to);
    }
    out
}

fn node(dag: &Dag, step: usize, out: &mut String) {
    let spec = dag.step(step);
    let (open, close) = match spec.def().lane.spec().shape {
        Shape::Pill => ("([", "])"),
        Shape::Box => ("[", "]"),
        Shape::Hexagon => ("{{", "}}"),
    };
    let _ = writeln!(out, "  s{step}{open}\"{}\"{close}", escaped(spec.name()));
}

/// Escapes a text for the quotes of a label. Mermaid reads HTML, Markdown and its own entities there, so all special
/// characters are written as entities.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in label(text).chars() {
        if character.is_alphanumeric() || matches!(character, '_' | ' ' | ':' | ',' | '(' | ')' | '…') {
            out.push(character);
        } else {
            let _ = write!(out, "#{};", u32::from(character));
        }
    }
    out
}
