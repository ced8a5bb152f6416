//! `list`: every registered step.

use std::collections::BTreeMap;
use std::fmt::Write;

use pipeline_core::{InputDef, InputKind, Source, StepDef};

use super::{Refusal, print};
use crate::report::clean;

pub(super) fn execute() -> Result<u8, Refusal> {
    print(&text(&pipeline_core::registered(), &pipeline_core::packages()))
}

/// Every registered step, and how many each package has.
fn text(steps: &[&'static StepDef], packages: &BTreeMap<(&'static str, &'static str), usize>) -> String {
    let mut text = String::new();
    for def in steps {
        let groups = def.group.iter().map(|group| format!("  group:{group}"));
        let labels: String = groups.chain(def.tags.iter().map(|tag| format!("  tag:{tag}"))).collect();
        let template = if def.is_template() { "  template" } else { "" };
        let _ = writeln!(text, "{}  [{}]{labels}{template}", def.id(), def.lane);
        if let Some(line) = def.doc.lines().find(|line| !line.trim().is_empty()) {
            let _ = writeln!(text, "    {}", clean(line.trim()));
        }
        for input in def.inputs.iter() {
            let _ = writeln!(text, "    {}", described(input));
        }
        let _ = writeln!(text, "    {}", def.location);
    }
    for ((name, version), count) in packages {
        let plural = if *count == 1 { "" } else { "s" };
        let _ = writeln!(text, "{count} step{plural} in {name} {version}");
    }
    if steps.is_empty() {
        text.push_str("no step is registered; name a library that holds steps with `use that_crate as _;`\n");
    }
    text
}

/// One line for a parameter: what it needs, and from where.
fn described(input: &InputDef) -> String {
    match &input.kind {
        InputKind::Upstream { source, .. } => format!("reads {}", described_source(source)),
        InputKind::Param(param) => {
            let needed = if param.has_default { "optional" } else { "required" };
            format!("-p {}=<{}>  {needed}", param.name, param.ty)
        }
        InputKind::Resource { name, ty } => {
            let name = name.as_ref().map_or(String::new(), |name| format!(" {name:?}"));
            format!("resource{name} {ty}")
        }
        _ => "context".to_owned(),
    }
}

fn described_source(source: &Source) -> String {
    match source {
        Source::Path(def) => def().name.to_string(),
        Source::Paths(defs) => defs.iter().map(|def| def().name.to_string()).collect::<Vec<_>>().join(", "),
        Source::Name(name) => name.to_string(),
        Source::Glob(glob) => format!("every step like {glob}"),
        Source::Tag(tag) => format!("every step with tag:{tag}"),
        _ => "what an instance binds".to_owned(),
    }
}
