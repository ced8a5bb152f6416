//! The figures of a run, a line each: the main ones, or all.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::cli::wording::{counted, listed, number, paragraph, times_faster};
use crate::report::{AdviceKind, RunReport, StageReport, WaitedFor};
use crate::stored::StoreReport;
use crate::text::{BRIEF, path, show};

/// Width of the labels.
const LABEL: usize = 16;
/// Maximum number of items of a kind.
const MOST: usize = 8;
/// Maximum number of reasons why steps did not run beside each other, without `-v`.
const FEW: usize = 3;

/// Returns the figures, every line at most `columns` wide: the main ones, or all. Then the advice.
pub(super) fn figures(report: &RunReport, columns: usize, all: bool) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            text.push_str(&paragraph(label, &value, LABEL, columns));
        }
    };
    // A report from a journal does not have the graph, so it has none of these.
    if report.figures.total > Duration::ZERO && report.figures.levels > 0 {
        line("critical path", Some(critical_path(report, all)));
        // Of shorter times, these would be figures of the scheduler.
        let is_long = report.figures.one_at_a_time >= BRIEF;
        line("speed-up", is_long.then(|| speed_up(report)));
        line("efficiency", (all && is_long).then(|| efficiency(report)));
        line("at once", Some(concurrency(report, all)));
        // Figures of a selection of the steps would mislead.
        let all = all && report.left_out() == 0;
        line("groups", all.then(|| stages(&report.groups())));
        let levels = if all { report.levels() } else { Vec::new() };
        line("levels", (all && levels.len() > 1).then(|| stages(&levels)));
    }
    line("waited", all.then(|| waits(report)));
    line("retries", retries(report));
    // Without this line, the note of each such step shows it.
    line("fallbacks", fallbacks(report).filter(|_| all));
    line("limited", Some(limited(report, if all { MOST } else { FEW })));
    line("pressure", pressure(report).filter(|_| all));
    line("memory, cpu", resources(report).filter(|_| all));
    line("store", report.store.as_ref().and_then(StoreReport::figures));
    line("nested runs", nested(report));
    line("counted", Some(counters(report)));
    // The failures have blocks of their own.
    let advice = report.advice.iter().filter(|advice| advice.kind != AdviceKind::Failure);
    for advice in advice.filter(|advice| all || is_lever(advice.kind)) {
        line("advice", Some(advice.text.clone()));
    }
    text
}

/// Reports whether the user can change something about it.
fn is_lever(kind: AdviceKind) -> bool {
    !matches!(kind, AdviceKind::Retries | AdviceKind::SlowestSteps)
}

fn critical_path(report: &RunReport, all: bool) -> String {
    let figures = &report.figures;
    let (long, steps) = (show(Some(figures.critical_path)), path(&figures.critical_steps));
    if !all {
        return format!("{long}: {steps}");
    }
    let (total, ratio) = (show(Some(figures.one_at_a_time)), figures.critical_path_ratio);
    format!("{long} of {total} in total; the run took {ratio:.2} × as long: {steps}")
}

/// Compares the run with one step at a time, and with the best possible schedule for these slots.
fn speed_up(report: &RunReport) -> String {
    let (reached, most) = (report.figures.speed_up, report.figures.speed_up_bound());
    format!("{} than sequential (at best {most:.2} ×)", times_faster(reached))
}

fn efficiency(report: &RunReport) -> String {
    let figures = &report.figures;
    format!(
        "{:.1} % of the best possible schedule, {:.1} % parallel, slots {:.1} % busy",
        100.0 * figures.schedule_efficiency,
        figures.parallel_efficiency,
        100.0 * figures.utilisation
    )
}

fn concurrency(report: &RunReport, all: bool) -> String {
    let figures = &report.figures;
    // In reports without times of attempts, a step between two attempts counts, but has no slot.
    let why = if figures.slots > 0 && figures.peak_concurrency > figures.slots {
        " (steps between attempts hold no slot)"
    } else {
        ""
    };
    let (peak, slots) = (number(figures.peak_concurrency as u64), counted(figures.slots, "slot"));
    if !all {
        return format!("at most {peak}, with {slots}{why}");
    }
    let (levels, widest) = (counted(figures.levels, "level"), counted(figures.widest_level, "step"));
    format!("at most {peak}, with {slots}{why}; {levels}, the widest with {widest}")
}

fn stages(stages: &[StageReport]) -> String {
    let shown = stages.iter().filter(|stage| stage.start.is_some());
    let mut shown: Vec<String> = shown
        .map(|stage| {
            let (wall, total) = (show(Some(stage.wall)), show(Some(stage.total)));
            if stage.steps == 1 {
                format!("{}: {wall}", stage.name)
            } else {
                format!("{}: {wall} ({}, {total} in total)", stage.name, counted(stage.steps, "step"))
            }
        })
        .collect();
    let more = shown.len().saturating_sub(MOST);
    shown.truncate(MOST);
    let rest = if more > 0 { format!(", … and {more} more") } else { String::new() };
    shown.join(", ") + &rest
}

fn waits(report: &RunReport) -> String {
    let shown = report.waits.iter().take(MOST).map(|wait| {
        let what = match &wait.waited_for {
            WaitedFor::Workers(slots) => format!("one of {}", counted(*slots, "slot")),
            WaitedFor::Slots(lane, slots) => format!("one of {}", counted(*slots, &format!("{lane} slot"))),
            WaitedFor::Limit(name) => format!("the limit `{name}`"),
        };
        format!("{} for {what} ({})", show(Some(wait.total)), counted(wait.steps, "step"))
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn retries(report: &RunReport) -> Option<String> {
    let (mut steps, mut failed, mut waited) = (Vec::new(), 0, Duration::ZERO);
    for step in report.steps.iter().filter(|step| !step.failed_attempts.is_empty()) {
        steps.push(&step.name);
        failed += step.failed_attempts.len();
        waited += step.between_attempts();
    }
    (!steps.is_empty()).then(|| {
        // If the process ended during the first wait, there was no other attempt.
        let and = if waited.is_zero() {
            String::new()
        } else {
            format!(", retried after {} in total", show(Some(waited)))
        };
        format!("{} failed{and}: {}", counted(failed, "attempt"), listed(steps, MOST))
    })
}

fn fallbacks(report: &RunReport) -> Option<String> {
    let used = report.steps.iter().filter(|step| step.fallback_used);
    let names: Vec<&str> = used.map(|step| step.name.as_str()).collect();
    (!names.is_empty()).then(|| {
        let count = counted(names.len(), "step");
        format!("{count} used a fallback: {}", listed(names, MOST))
    })
}

fn limited(report: &RunReport, most: usize) -> String {
    let more = report.limited_by.len().saturating_sub(most);
    let shown: Vec<&str> = report.limited_by.iter().take(most).map(String::as_str).collect();
    let rest = if more > 0 { format!("; … and {more} more") } else { String::new() };
    shown.join("; ") + &rest
}

fn pressure(report: &RunReport) -> Option<String> {
    let last = report.pressure.last()?;
    Some(format!("{}, the last: {}", counted(report.pressure.len(), "slot change"), last.reason))
}

fn resources(report: &RunReport) -> Option<String> {
    let curve = report.resources.as_ref()?;
    Some(format!(
        "peak {}, {:.1} cores on average, at most {:.1}",
        bytesize::ByteSize(curve.peak_memory),
        curve.mean_cpu,
        curve.peak_cpu
    ))
}

/// Returns the counters of steps, with the rate over the wall time.
fn counters(report: &RunReport) -> String {
    let seconds = report.wall.as_secs_f64();
    let counters = report.counters();
    let more = counters.len().saturating_sub(MOST);
    let shown = counters.iter().take(MOST).map(|(name, count)| {
        if seconds > 0.0 {
            let rate = *count as f64 / seconds;
            // Slow rates get a decimal: `3 (0/s)` would be wrong.
            let rate = if rate < 10.0 { format!("{rate:.1}") } else { number(rate as u64) };
            format!("{name} {} ({rate}/s)", number(*count))
        } else {
            format!("{name} {}", number(*count))
        }
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown}, … and {more} more") } else { shown }
}

/// Returns how many runs there were within steps, and how they ended; the notes have those that failed.
fn nested(report: &RunReport) -> Option<String> {
    let runs = &report.nested;
    let steps: BTreeSet<&str> = runs.iter().map(|nested| nested.step.as_str()).collect();
    let well = runs.iter().filter(|nested| nested.succeeded).count();
    let planned = runs.iter().map(|nested| nested.planned).sum();
    let names = listed(&steps.iter().collect::<Vec<_>>(), MOST);
    let more = match report.more_nested {
        0 => String::new(),
        more => format!("; {} in addition, which the report does not have", counted(more, "run")),
    };
    (!runs.is_empty()).then(|| {
        let (all, planned) = (counted(runs.len(), "run"), counted(planned, "step"));
        format!("{well} of {all} succeeded, of {planned} in all, in {names}{more}")
    })
}
