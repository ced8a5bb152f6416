//! The steps of a program as text, in 80 columns.

use std::collections::BTreeMap;
use std::fmt::Write;

use pipeline_core::{InputDocument, short_type};

use super::document::{ListDocument, ListedStep};
use crate::cli::columns::columns;
use crate::cli::wording::{WIDTH, counted, cut, fit, listed, one_line, wrapped};

/// Width of the headings.
const HEADING: usize = 14;

pub(super) fn text(list: &ListDocument, is_verbose: bool) -> String {
    let mut out = String::new();
    for step in &list.steps {
        describe(step, is_verbose, &mut out);
    }
    if list.steps.is_empty() {
        out.push_str("no step is registered; name a library that holds steps with `use that_crate as _;`\n");
    } else {
        out.push('\n');
    }
    for (name, steps) in &list.packages {
        let _ = writeln!(out, "{} in {}", counted(*steps, "step"), one_line(name));
    }
    for (heading, labels) in [("groups", &list.groups), ("tags", &list.tags)] {
        if !labels.is_empty() {
            out.push_str(&wrapped(heading, 8, &tally(labels, is_verbose)));
        }
    }
    if let Some(default) = list.pipelines.first() {
        let others = list.pipelines.iter().skip(1).cloned();
        let names: Vec<String> = std::iter::once(format!("{default} (default)")).chain(others).collect();
        let names = listed(&names, if is_verbose { usize::MAX } else { 16 });
        out.push_str(&wrapped("pipelines", 11, &format!("{names}; `--pipeline NAME` selects one")));
    }
    out
}

/// Returns one line for each step, in 80 columns.
pub(super) fn short(list: &ListDocument) -> String {
    let row = |step: &ListedStep| {
        let ListedStep { written: step, .. } = step;
        let group = step.group.as_deref().unwrap_or_default();
        [
            fit(&step.name, 30),
            step.lane.to_string(),
            fit(group, 14),
            step.doc.lines().next().unwrap_or_default().to_owned(),
        ]
    };
    let rows: Vec<[String; 4]> = list.steps.iter().map(row).collect();
    columns(&rows, [false; 4]).lines().map(|line| cut(line, WIDTH) + "\n").collect()
}

fn tally(labels: &BTreeMap<String, usize>, is_verbose: bool) -> String {
    let each: Vec<String> = labels.iter().map(|(name, count)| format!("{name} {count}")).collect();
    listed(&each, if is_verbose { usize::MAX } else { 16 })
}

fn describe(step: &ListedStep, is_verbose: bool, out: &mut String) {
    let ListedStep { written: step, is_template, given_by } = step;
    let line = |heading: &str, text: &str| wrapped(&format!("    {heading}"), HEADING, text);
    let _ = write!(out, "{}  [{}]", fit(&step.id, 60), step.lane);
    if let Some(group) = &step.group {
        let _ = write!(out, "  group:{}", fit(group, 20));
    }
    let _ = writeln!(
        out,
        "{}{}",
        if step.writes { "  writes" } else { "" },
        if *is_template { "  template" } else { "" }
    );
    let most = if is_verbose { usize::MAX } else { 1 };
    for text in step.doc.lines().map(str::trim).filter(|line| !line.is_empty()).take(most) {
        let text = one_line(text);
        out.push_str(&wrapped("", 4, &if is_verbose { text } else { fit(&text, 160) }));
    }
    if !step.tags.is_empty() {
        let tags: Vec<String> = step.tags.iter().map(|tag| format!("tag:{tag}")).collect();
        out.push_str(&line("tags", &listed(&tags, 16)));
    }
    for input in &step.inputs {
        let (heading, text) = described(input, given_by, is_verbose);
        out.push_str(&line(heading, &text));
    }
    if !step.after.is_empty() {
        out.push_str(&line("after", &listed(&step.after, 16)));
    }
    if !step.options.is_empty() {
        let each: Vec<String> = step
            .options
            .iter()
            .map(
                |(name, value)| {
                    if value.is_empty() { name.clone() } else { format!("{name} {}", fit(value, 60)) }
                },
            )
            .collect();
        out.push_str(&line("options", &each.join(", ")));
    }
    if is_verbose {
        out.push_str(&line("returns", &ty(&step.output, is_verbose)));
        out.push_str(&line("package", &one_line(&format!("{} {}", step.package, step.version))));
    } else if step.output != "()" {
        out.push_str(&line("returns", &ty(&step.output, is_verbose)));
    }
    out.push_str(&line("at", &one_line(&step.location())));
}

fn ty(name: &str, is_verbose: bool) -> String {
    if is_verbose { one_line(name) } else { fit(&short_type(name), 60) }
}

/// Describes a parameter: what it needs, and from where.
fn described(
    input: &InputDocument,
    given_by: &BTreeMap<String, String>,
    is_verbose: bool,
) -> (&'static str, String) {
    let full_type = input.ty.as_deref().unwrap_or_default();
    let given_as = input.given_as.as_deref();
    match input.kind.as_str() {
        "upstream" => {
            let (from, parameter) = (input.from.join(", "), &input.parameter);
            let as_name =
                if *parameter == from { String::new() } else { format!(" as {}", fit(parameter, 30)) };
            let mode = input.mode.as_ref().filter(|mode| *mode != "borrow");
            let mode = mode.map_or(String::new(), |mode| format!(" ({mode})"));
            let ty = if is_verbose { format!(": {}", ty(full_type, true)) } else { String::new() };
            ("reads", format!("{}{as_name}{mode}{ty}", fit(&from, 120)))
        }
        "param" => {
            let name = given_as.unwrap_or(&input.parameter);
            let needed = match (given_by.get(name), &input.default) {
                (Some(origin), _) => format!("given by {}", fit(origin, 80)),
                (None, _) if input.required => "required".to_owned(),
                (None, Some(default)) => format!("default {}", cut(default, 60)),
                (None, None) if short_type(full_type).starts_with("Option<") => "optional".to_owned(),
                (None, None) => "has a default".to_owned(),
            };
            let secret = if input.secret { ", secret" } else { "" };
            ("param", format!("-p {}=<{}>  {needed}{secret}", fit(name, 40), ty(full_type, is_verbose)))
        }
        _ => {
            let name = given_as.map_or(String::new(), |name| format!("{:?} ", fit(name, 40)));
            ("resource", format!("{name}{}", ty(full_type, is_verbose)))
        }
    }
}
