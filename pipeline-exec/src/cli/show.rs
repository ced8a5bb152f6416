//! What the commands print.

use std::collections::BTreeMap;
use std::fmt::Write;

use pipeline_core::frame::Status;
use pipeline_core::{Format, InputDef, InputKind, Plan, Source, StepDef};

use crate::event::Event;
use crate::report::{clean, show};
use crate::settings::Settings;

/// The plan: every step in order, then what its shape promises.
pub(super) fn plan(plan: &Plan, settings: &Settings) -> String {
    let dag = plan.sub_dag();
    let cost = |step: usize| u64::from(dag.step(step).def().cost);
    let path = dag.critical_path(cost);
    let names: Vec<String> = path.steps.iter().map(|&step| clean(dag.step(step).name())).collect();
    let slots = settings.workers.unwrap_or(settings.cpu);
    format!(
        "{}\ncritical path, by cost: {} (cost {})\n\
         theoretical speed-up with {slots} at once, by cost: {:.2}\n\
         slots: io {}, cpu {}, blocking {}{}\n\
         nothing was run\n",
        dag.render(Format::Text),
        names.join(" > "),
        path.cost,
        dag.theoretical_speed_up(cost, slots),
        settings.io,
        settings.cpu,
        settings.blocking,
        settings.workers.map_or(String::new(), |workers| format!(", {workers} in all")),
    )
}

/// Every registered step, and how many each package has.
pub(super) fn list(
    steps: &[&'static StepDef],
    packages: &BTreeMap<(&'static str, &'static str), usize>,
) -> String {
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

/// One line for an event, to standard error.
pub(super) fn line(event: &Event<'_>) {
    match event {
        Event::RunStarted { run_id, planned } => eprintln!("run {run_id}: {planned} steps"),
        Event::StepStarted { step, lane, .. } => eprintln!("  started   {} [{lane}]", clean(step)),
        Event::StepFinished { step, status: Status::Skipped, .. } => eprintln!("  skipped   {}", clean(step)),
        Event::StepFinished { step, status, duration, error, .. } => {
            let error = error.map_or(String::new(), |error| format!(": {}", clean(error.message())));
            eprintln!("  {status:<9} {} in {}{error}", clean(step), show(Some(*duration)));
        }
        Event::AttemptFailed { step, attempt, error, retry_in, .. } => {
            let (error, wait) = (clean(error.message()), show(Some(*retry_in)));
            eprintln!("  attempt {attempt} of {} failed, the next follows in {wait}: {error}", clean(step));
        }
        Event::FallbackUsed { step, error, .. } => {
            eprintln!("  fallback  {}: {}", clean(step), clean(error.message()));
        }
        Event::SlowPoll { step, time, .. } => eprintln!(
            "warning: async step `{}` has kept its thread for {} without waiting; make it a plain `fn`, which runs on a \
             thread of its own",
            clean(step),
            show(Some(*time)),
        ),
        Event::SlotsChanged { reason, .. } => eprintln!("  slots     {}", clean(reason)),
        Event::RunFinished { .. } => {}
    }
}
