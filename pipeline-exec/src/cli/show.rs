//! What the commands print.

use std::collections::BTreeMap;
use std::fmt::Write;

use pipeline_core::{InputKind, Plan, StepDef};

use crate::event::Event;
use crate::report::{clean, show};
use crate::settings::Settings;

/// The plan: every step in order, then what its shape promises.
pub(super) fn plan(plan: &Plan, settings: &Settings) -> String {
    let mut text = plan.sub_dag().render(pipeline_core::Format::Text);
    let dag = plan.sub_dag();
    let statistics = dag.statistics();
    let cost = |step: usize| u64::from(dag.step(step).def().cost);
    let path = dag.critical_path(cost);
    let names: Vec<String> = path.steps.iter().map(|&step| clean(dag.step(step).name())).collect();
    let (level, width) = dag.levels().widest();
    let slots = settings.workers.unwrap_or(settings.cpu);
    let _ = writeln!(
        text,
        "\n{} steps, {} edges, {} levels, the widest is level {level} with {width} steps\n\
         critical path: {} (cost {})\n\
         theoretical speed-up with {slots} slots, by cost: {:.2}\n\
         slots: io {}, cpu {}, blocking {}{}; nothing was run",
        statistics.steps,
        statistics.edges,
        statistics.depth,
        names.join(" > "),
        path.cost,
        dag.theoretical_speed_up(cost, slots),
        settings.io,
        settings.cpu,
        settings.blocking,
        settings.workers.map_or(String::new(), |workers| format!(", {workers} in all")),
    );
    text
}

/// Every registered step, and how many each package has.
pub(super) fn list(
    steps: &[&'static StepDef],
    packages: &BTreeMap<(&'static str, &'static str), usize>,
) -> String {
    let mut text = String::new();
    for def in steps {
        let labels: Vec<String> = def
            .group
            .iter()
            .map(|group| format!("group:{group}"))
            .chain(def.tags.iter().map(|tag| format!("tag:{tag}")))
            .collect();
        let template = if def.is_template() { "  template" } else { "" };
        let _ = writeln!(text, "{}  [{}]  {}{template}", def.id(), def.lane, labels.join(" "));
        if let Some(line) = def.doc.lines().find(|line| !line.trim().is_empty()) {
            let _ = writeln!(text, "    {}", clean(line.trim()));
        }
        for input in def.inputs.iter() {
            if let InputKind::Param(param) = &input.kind {
                let needed = if param.has_default { "optional" } else { "required" };
                let _ = writeln!(text, "    -p {}=<{}>  {needed}", param.name, param.ty);
            }
        }
        let _ = writeln!(text, "    {}", def.location);
    }
    for ((name, version), count) in packages {
        let _ = writeln!(text, "{count} steps in {name} {version}");
    }
    if steps.is_empty() {
        text.push_str("no step is registered; name a library that holds steps with `use that_crate as _;`\n");
    }
    text
}

/// One line for an event, to standard error.
pub(super) fn line(event: &Event<'_>) {
    match event {
        Event::RunStarted { run_id, planned } => eprintln!("run {run_id}: {planned} steps"),
        Event::StepStarted { step, lane, .. } => eprintln!("  started   {} [{lane}]", clean(step)),
        Event::StepFinished { step, status, duration, .. } => {
            eprintln!("  {:<9} {} in {}", status.name(), clean(step), show(Some(*duration)));
        }
        Event::RunFinished { .. } => {}
    }
}
