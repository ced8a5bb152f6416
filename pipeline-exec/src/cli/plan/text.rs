//! A plan as text, in 80 columns.

use std::fmt::Write;

use super::document::{Kind, PlanDocument, PlannedStep};
use crate::cli::wording::{WIDTH, counted, fit, listed, one_line, pad, times_faster, width, wrapped};
use crate::text::{path, show};

/// Maximum number of steps shown; a longer plan is shortened to its first and last ones.
const MOST_STEPS: usize = 60;
const FIRST: usize = 40;
const LAST: usize = 10;
/// Width of mark, level, lane and the gaps between all columns.
const FIXED: usize = 25;
/// Width of the headings below the steps.
const HEADING: usize = 15;

/// Returns the plan as text: its steps in order, then its figures.
pub(super) fn text(plan: &PlanDocument, is_verbose: bool) -> String {
    let mut out = String::new();
    let (planned, all) = (plan.steps.len(), counted(plan.in_graph, "step"));
    let of = if plan.in_graph == planned { all } else { format!("{planned} of {all}") };
    let _ = writeln!(out, "{of}, in starting order");
    out.push('\n');
    steps(plan, is_verbose, &mut out);
    out.push('\n');
    shape(plan, &mut out);
    figures(plan, &mut out);
    not_run(plan, is_verbose, &mut out);
    for warning in &plan.warnings {
        out.push_str(&wrapped("warning:", HEADING, &one_line(warning)));
    }
    for recommendation in &plan.recommendations {
        out.push_str(&wrapped("advice", HEADING, &one_line(recommendation)));
    }
    out.push_str("nothing was run\n");
    out
}

/// Writes one line for each step; `*` marks the critical path.
fn steps(plan: &PlanDocument, is_verbose: bool, out: &mut String) {
    let count_of = plan.steps.len();
    let is_cut = count_of > MOST_STEPS && !is_verbose;
    let shown = |index: &usize| !is_cut || *index < FIRST || *index >= count_of - LAST;
    let number = count_of.to_string().len().max(1);
    let visible = || (0..count_of).filter(shown).map(|index| &plan.steps[index]);
    let longest = |text: fn(&PlannedStep) -> usize, title: &str| {
        visible().map(text).max().unwrap_or(0).max(title.len())
    };
    let group = longest(|step| step.written.group.as_deref().map_or(1, width), "group").min(14);
    let notes = longest(|step| self::notes(step).len(), "notes");
    // The width that the other columns leave.
    let left = WIDTH.saturating_sub(number + group + notes + FIXED).max(8);
    let name = longest(|step| width(&step.written.name), "step").min(left);
    let _ = writeln!(
        out,
        "{:>number$}    {:<name$}  {:>5}  {:<8}  {:<group$}  notes",
        "#", "step", "level", "lane", "group"
    );
    for (index, step) in plan.steps.iter().enumerate() {
        if !shown(&index) {
            if index == FIRST {
                let _ = writeln!(out, "{:>number$}    {} more; -v shows all", "…", count_of - FIRST - LAST);
            }
            continue;
        }
        let mark = if step.is_critical { '*' } else { ' ' };
        let line = format!(
            "{:>number$}  {mark} {}  {:>5}  {:<8}  {}  {}",
            index + 1,
            pad(&fit(&step.written.name, name), name),
            step.level,
            step.written.lane,
            pad(&fit(step.written.group.as_deref().unwrap_or("-"), group), group),
            self::notes(step),
        );
        out.push_str(line.trim_end());
        out.push('\n');
        if is_verbose {
            details(step, number + 4, out);
        }
    }
    if plan.steps.iter().any(|step| step.is_critical) {
        out.push_str("* on the critical path\n");
    }
}

/// Returns what is special about a step, one word each.
fn notes(step: &PlannedStep) -> String {
    let mut notes = Vec::new();
    if step.is_given {
        notes.push("given");
    }
    if step.is_disabled {
        notes.push("disabled");
    } else if step.skipped.is_some() {
        notes.push("skipped");
    }
    if step.is_cached {
        notes.push("cached");
    }
    if step.written.writes {
        notes.push("writes");
    }
    if step.kind != Kind::Unrestricted {
        notes.push(step.kind.name());
    }
    notes.join(", ")
}

/// Writes the location of a step, what it waits for, and other details.
fn details(step: &PlannedStep, indent: usize, out: &mut String) {
    let margin = " ".repeat(indent);
    let mut line =
        |heading: &str, text: &str| out.push_str(&wrapped(&format!("{margin}{heading}"), indent + 9, text));
    line("at", &one_line(&step.written.location()));
    if !step.upstream.is_empty() {
        line("after", &listed(&step.upstream, 12));
    }
    if !step.written.tags.is_empty() {
        line("tags", &listed(&step.written.tags, 12));
    }
    if !step.needs.is_empty() {
        let needs: Vec<String> =
            step.needs.iter().map(|(name, amount)| format!("{amount} of {name}")).collect();
        line("needs", &listed(&needs, 12));
    }
    if let Some(why) = &step.skipped {
        line("skipped", &one_line(why));
    }
    if let Some(why) = &step.not_cached {
        line("not cached", &one_line(why));
    }
    if let Some(time) = step.recorded {
        line("took", &show(Some(time)));
    }
}

fn shape(plan: &PlanDocument, out: &mut String) {
    let statistics = &plan.statistics;
    let mut line = |heading: &str, text: &str| out.push_str(&wrapped(heading, HEADING, text));
    line(
        "graph",
        &format!(
            "{}, {}, {:.2} edges per step, {}, {}",
            counted(statistics.steps, "step"),
            counted(statistics.edges, "edge"),
            statistics.average_degree,
            counted(statistics.sources, "source"),
            counted(statistics.sinks, "sink"),
        ),
    );
    let widest = format!("level {} with {}", statistics.widest_level, counted(statistics.widest, "step"));
    line("levels", &format!("{}; widest: {widest}", statistics.depth));
    let tally = |counts: &std::collections::BTreeMap<String, usize>| {
        let each: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
        listed(&each, 8)
    };
    line("lanes", &tally(&statistics.by_lane));
    for (heading, counts) in [("groups", &statistics.by_group), ("tags", &statistics.by_tag)] {
        if !counts.is_empty() {
            line(heading, &tally(counts));
        }
    }
    let kinds: Vec<String> =
        plan.kinds.iter().map(|(kind, count)| format!("{} {count}", kind.name())).collect();
    line("kinds", &kinds.join(", "));
}

fn figures(plan: &PlanDocument, out: &mut String) {
    let mut line = |heading: &str, text: &str| out.push_str(&wrapped(heading, HEADING, text));
    let critical = &plan.critical_path;
    line("critical path", &format!("{} (cost {})", path(&critical.steps), critical.cost));
    let slots = &plan.slots;
    let workers = slots.workers.map_or(String::new(), |workers| format!(", {workers} in total"));
    let lanes: Vec<String> = slots.lanes.iter().map(|(lane, slots)| format!("{lane} {slots}")).collect();
    line("slots", &format!("{}{workers}", lanes.join(", ")));
    let forecast = &plan.forecast;
    let basis = if forecast.recorded_steps == 0 { "from costs" } else { "from recorded times" };
    line(
        "speed-up",
        &format!(
            "{} than sequential; at best {:.2} ×, with {} at once ({basis})",
            times_faster(forecast.speed_up),
            plan.speed_up_bound,
            plan.at_once
        ),
    );
    if forecast.recorded_steps == 0 {
        line("time", "unknown: no earlier run is recorded");
    } else {
        line(
            "time",
            &format!(
                "about {}; {} sequentially, {} on the critical path (recorded times for {} of {})",
                show(Some(forecast.forecast.wall)),
                show(Some(forecast.forecast.total)),
                show(Some(forecast.forecast.critical_path)),
                forecast.recorded_steps,
                counted(plan.steps.len(), "step"),
            ),
        );
    }
}

/// Writes the steps that would be skipped, and those outside of the plan, with the reason.
fn not_run(plan: &PlanDocument, is_verbose: bool, out: &mut String) {
    let most = if is_verbose { usize::MAX } else { 8 };
    let skipped = plan.steps.iter().filter_map(|step| Some((&step.written.name, step.skipped.as_ref()?)));
    let skipped: Vec<_> = skipped.collect();
    for (name, why) in skipped.iter().take(most) {
        let text = format!("{}: {}", fit(name, 40), one_line(why));
        out.push_str(&wrapped("skipped", HEADING, &text));
    }
    if skipped.len() > most {
        out.push_str(&wrapped("", HEADING, &format!("and {} more", counted(skipped.len() - most, "step"))));
    }
    for reason in ["excluded", "not selected and not needed"] {
        let left_out = plan.left_out.iter().filter(|step| step.reason == reason);
        let names: Vec<&str> = left_out.map(|step| step.name.as_str()).collect();
        if !names.is_empty() {
            let text = format!("{} ({reason}): {}", counted(names.len(), "step"), listed(&names, most));
            out.push_str(&wrapped("left out", HEADING, &text));
        }
    }
}
