//! The steps of a program for people, in 80 columns.

use std::collections::BTreeMap;
use std::fmt::Write;

use pipeline_core::short_type;

use super::document::{ListDocument, ListedInput, ListedStep};
use crate::cli::wording::{counted, cut, fit, listed, one_line, wrapped};

/// The width of the words before what a step has.
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
    out
}

fn tally(labels: &BTreeMap<String, usize>, is_verbose: bool) -> String {
    let each: Vec<String> = labels.iter().map(|(name, count)| format!("{name} {count}")).collect();
    listed(&each, if is_verbose { usize::MAX } else { 16 })
}

fn describe(step: &ListedStep, is_verbose: bool, out: &mut String) {
    let line = |heading: &str, text: &str| wrapped(&format!("    {heading}"), HEADING, text);
    let _ = write!(out, "{}  [{}]", fit(&step.id, 60), step.lane);
    if let Some(group) = &step.group {
        let _ = write!(out, "  group:{}", fit(group, 20));
    }
    let _ = writeln!(
        out,
        "{}{}",
        if step.writes { "  writes" } else { "" },
        if step.is_template { "  template" } else { "" }
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
        let (heading, text) = described(input, is_verbose);
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
                    if value.is_empty() { (*name).to_owned() } else { format!("{name} {}", fit(value, 60)) }
                },
            )
            .collect();
        out.push_str(&line("options", &each.join(", ")));
    }
    if is_verbose {
        out.push_str(&line("returns", &ty(&step.output, is_verbose)));
        out.push_str(&line("package", &one_line(&step.package)));
    } else if step.output != "()" {
        out.push_str(&line("returns", &ty(&step.output, is_verbose)));
    }
    out.push_str(&line("at", &one_line(&step.location)));
}

fn ty(name: &str, is_verbose: bool) -> String {
    if is_verbose { one_line(name) } else { fit(&short_type(name), 60) }
}

/// What a parameter needs, and from where.
fn described(input: &ListedInput, is_verbose: bool) -> (&'static str, String) {
    match input {
        ListedInput::Upstream { parameter, from, mode, r#type } => {
            let as_name =
                if parameter == from { String::new() } else { format!(" as {}", fit(parameter, 30)) };
            let mode = if *mode == "borrow" { String::new() } else { format!(" ({mode})") };
            let ty = if is_verbose { format!(": {}", ty(r#type, true)) } else { String::new() };
            ("reads", format!("{}{as_name}{mode}{ty}", fit(from, 120)))
        }
        ListedInput::Param { given_as, r#type, is_required, default, is_secret, given_by, .. } => {
            let needed = match (given_by, default) {
                (Some(origin), _) => format!("given by {}", fit(origin, 80)),
                (None, _) if *is_required => "required".to_owned(),
                (None, Some(default)) => format!("by default {}", cut(default, 60)),
                (None, None) if short_type(r#type).starts_with("Option<") => "optional".to_owned(),
                (None, None) => "has a default".to_owned(),
            };
            let secret = if *is_secret { ", secret" } else { "" };
            ("param", format!("-p {}=<{}>  {needed}{secret}", fit(given_as, 40), ty(r#type, is_verbose)))
        }
        ListedInput::Resource { name, r#type, .. } => {
            let name = name.as_ref().map_or(String::new(), |name| format!("{:?} ", fit(name, 40)));
            ("resource", format!("{name}{}", ty(r#type, is_verbose)))
        }
    }
}
