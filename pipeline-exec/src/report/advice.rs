//! What to do next. It follows from the report alone: the same report gives the same advice.

use std::collections::HashSet;
use std::time::Duration;

use pipeline_core::frame::Status;
use serde::{Deserialize, Serialize};

use super::{Figures, RunReport, RunStatus, StepReport, WaitedFor};
use crate::text::{BRIEF, counted, shortened, show};

/// One thing to do about a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Advice {
    /// What it is about.
    pub kind: AdviceKind,
    /// What was seen, and what to do, in one sentence or two, with long names shortened.
    pub text: String,
    /// The steps concerned, the most important first (for a path, in running order); at most 100.
    pub steps: Vec<String>,
}

/// Kind of an advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AdviceKind {
    /// Steps failed, or the run was stopped.
    Failure,
    /// One step ran at a time, and more could have.
    OneAtATime,
    /// The run took as long as its critical path.
    CriticalPath,
    /// Steps waited for slots.
    Slots,
    /// Steps waited for a named limit.
    Limit,
    /// Memory pressure took slots away.
    Memory,
    /// An async step kept its thread.
    SlowPoll,
    /// Time went into attempts that failed.
    Retries,
    /// A few steps took most of the time.
    SlowestSteps,
}

/// Share of the wall time from which the critical path limits a run.
const BOUND: f64 = 0.9;
/// A wait or a gain below this share is not worth a sentence.
const WORTH: f64 = 0.05;

/// A step of a path stands out if it takes this many times its part, or this share of the path.
const STANDS_OUT: f64 = 1.5;
const HALF: f64 = 0.5;

/// Maximum number of steps in [`Advice::steps`].
const MOST_STEPS: usize = 100;

/// Returns what to do next about a run: first what failed, then what limited it, then what is unusual, then the slowest steps. Empty if nothing
/// was timed and nothing is unusual.
///
/// It reads only the report, so that a report from a file gets the same advice.
pub fn advice(report: &RunReport) -> Vec<Advice> {
    let mut all = Vec::from_iter(failure(report));
    if report.status == RunStatus::Succeeded && report.wall >= BRIEF {
        all.extend(one_at_a_time(report).or_else(|| critical_path(report)));
        all.extend(waits(report));
    }
    all.extend(memory(report));
    all.extend(slow_polls(report));
    all.extend(retries(report));
    all.extend(slowest(report));
    all
}

/// What made the run fail, or stopped it.
fn failure(report: &RunReport) -> Option<Advice> {
    let counts = &report.counts;
    let left = counts.skipped + counts.cancelled;
    let (text, steps) = match report.status {
        RunStatus::Succeeded => return None,
        RunStatus::Cancelled => {
            let why = report.stopped_because.as_deref().map(|why| format!(" ({})", shortened(why)));
            let count = counted(counts.cancelled, "step");
            (
                format!(
                    "the run was stopped{}: run it again for the {count} that it left",
                    why.unwrap_or_default()
                ),
                Vec::new(),
            )
        }
        RunStatus::Failed => {
            let is_fatal = |step: &&StepReport| step.status.is_failure() && !step.optional;
            let failed: Vec<&StepReport> = report.steps.iter().filter(is_fatal).collect();
            let first = failed.first()?;
            let (name, what) = (
                shortened(&first.name),
                if first.status == Status::TimedOut { "timed out" } else { "failed" },
            );
            let why = first.error.as_ref().map(|error| format!(": {}", shortened(&error.message)));
            let others = match failed.len() - 1 {
                0 => String::new(),
                others => format!(" (and {} failed)", counted(others, "other step")),
            };
            let left = match left {
                0 => String::new(),
                left => format!(", then run it again with the {} that did not run", counted(left, "step")),
            };
            (format!("fix `{name}`, which {what}{others}{}{left}", why.unwrap_or_default()), names(&failed))
        }
    };
    Some(Advice { kind: AdviceKind::Failure, text, steps })
}

/// The greatest possible gain in speed with this number of slots: no schedule is shorter than its longest path, or than its
/// work divided by the slots.
fn gain(report: &RunReport, slots: usize) -> f64 {
    let figures = &report.figures;
    let by_slots = figures.total.as_secs_f64() / slots.max(1) as f64;
    let bound = figures.critical_path.as_secs_f64().max(by_slots);
    if bound > 0.0 { report.wall.as_secs_f64() / bound } else { 1.0 }
}

/// The smallest number of slots with which only the critical path limits the run.
fn enough_slots(report: &RunReport) -> usize {
    let path = report.figures.critical_path.as_secs_f64();
    let ratio = if path > 0.0 { report.figures.total.as_secs_f64() / path } else { 1.0 };
    // A schedule that is slightly longer than the path needs no further slot.
    (ratio - WORTH).ceil().max(1.0) as usize
}

fn one_at_a_time(report: &RunReport) -> Option<Advice> {
    let enough = enough_slots(report);
    let gain = gain(report, enough);
    (report.figures.slots == 1 && enough > 1 && gain > 1.0 + WORTH).then(|| Advice {
        kind: AdviceKind::OneAtATime,
        text: format!(
            "one step ran at a time, because the run had one slot: {enough} slots would make it up to {gain:.1} × faster"
        ),
        steps: Vec::new(),
    })
}

fn critical_path(report: &RunReport) -> Option<Advice> {
    let figures = &report.figures;
    let share = figures.critical_path.as_secs_f64() / report.wall.as_secs_f64();
    // The time of a run of one step says all.
    let timed = report.steps.iter().filter(|step| step.duration.is_some()).count();
    if share < BOUND || timed < 2 {
        return None;
    }
    let on_path: HashSet<&str> = figures.critical_steps.iter().map(String::as_str).collect();
    let on_path = |step: &&StepReport| on_path.contains(step.name.as_str());
    let what_to_do = about_longest(report.steps.iter().filter(on_path), figures)?;
    Some(Advice {
        kind: AdviceKind::CriticalPath,
        text: format!(
            "the run is bound by its critical path ({:.0} % of the time), so more slots would gain nothing; {what_to_do}",
            (100.0 * share).min(100.0),
        ),
        steps: figures.critical_steps.iter().take(MOST_STEPS).cloned().collect(),
    })
}

/// What to do about the step of the critical path that took the most of it, at work or between its attempts.
fn about_longest<'r>(
    steps: impl Iterator<Item = &'r StepReport> + Clone,
    figures: &Figures,
) -> Option<String> {
    let hardest = steps.clone().max_by_key(|step| step.work())?;
    let patient = steps.max_by_key(|step| step.between_attempts())?;
    let between = patient.between_attempts();
    if Some(between) > hardest.work() {
        let backoff = patient.backoff().min(between);
        let turn = between.saturating_sub(backoff);
        let what = if turn >= BRIEF && turn > backoff.mul_f64(WORTH) {
            format!("{} of backoff, {} for a slot or a limit", show(Some(backoff)), show(Some(turn)))
        } else {
            "its backoff".to_owned()
        };
        return Some(format!(
            "`{}` waited {} between its {} ({what}), and worked for {}: see why they fail, or let it wait for less",
            shortened(&patient.name),
            show(Some(between)),
            counted(patient.attempts as usize, "attempt"),
            show(patient.work()),
        ));
    }
    let name = shortened(&hardest.name);
    if hardest.failed_attempts.is_empty() {
        let part = hardest.work()?.as_secs_f64() / figures.critical_path.as_secs_f64().max(f64::MIN_POSITIVE);
        if part < (STANDS_OUT / figures.critical_steps.len().max(1) as f64).min(HALF) {
            return Some("no step of it stands out".to_owned());
        }
        let (time, part) = (show(hardest.work()), (100.0 * part).min(100.0));
        return Some(format!("make `{name}` ({time}, {part:.0} % of the path) faster, or split it"));
    }
    let attempts = counted(hardest.attempts as usize, "attempt");
    let work = show(hardest.work());
    Some(format!("`{name}` worked for {work} in {attempts}: see why they fail, or make it faster"))
}

/// What ready steps waited for, if it was more than a twentieth of the run.
fn waits(report: &RunReport) -> Vec<Advice> {
    let worth = |total: Duration| total >= BRIEF && total.as_secs_f64() >= WORTH * report.wall.as_secs_f64();
    let waits = report.waits.iter().filter(|wait| worth(wait.total));
    waits
        .filter_map(|wait| {
            let (total, steps) = (show(Some(wait.total)), counted(wait.steps, "step"));
            let (kind, text) = match &wait.waited_for {
                WaitedFor::Limit(name) => {
                    let name = shortened(name);
                    let text = format!(
                        "the limit `{name}` held {steps} for {total} in total while slots were free: raise it if the \
                         protected resource allows more, or hold it for a shorter time"
                    );
                    (AdviceKind::Limit, text)
                }
                WaitedFor::Workers(slots) => (AdviceKind::Slots, for_slots(report, "", *slots, &total)?),
                WaitedFor::Slots(lane, slots) => {
                    (AdviceKind::Slots, for_slots(report, &format!("{lane} "), *slots, &total)?)
                }
            };
            Some(Advice { kind, text, steps: vec![wait.longest.clone()] })
        })
        .collect()
}

/// `None` if more slots would gain nothing.
fn for_slots(report: &RunReport, lane: &str, slots: usize, total: &str) -> Option<String> {
    let wanted = enough_slots(report).min(2 * slots);
    let gain = gain(report, wanted);
    let cores = if lane == "cpu " { ", if that many cores are available" } else { "" };
    (report.figures.slots > 1 && wanted > slots && gain > 1.0 + WORTH).then(|| {
        format!(
            "ready steps waited {total} in total for one of the {slots} {lane}slots: {wanted} slots would make the run up to \
             {gain:.1} × faster{cores}"
        )
    })
}

fn memory(report: &RunReport) -> Option<Advice> {
    let lowest = report.pressure.iter().min_by_key(|change| (change.share.fraction() * 1e9) as u64)?;
    Some(Advice {
        kind: AdviceKind::Memory,
        text: format!(
            "memory pressure took slots away ({}): raise `memory_limit` if the machine has more, or give fewer large \
             outputs at once",
            shortened(&lowest.reason)
        ),
        steps: Vec::new(),
    })
}

fn slow_polls(report: &RunReport) -> Option<Advice> {
    let mut slow: Vec<&StepReport> = report.steps.iter().filter(|step| step.slow_poll.is_some()).collect();
    slow.sort_by_key(|step| std::cmp::Reverse(step.slow_poll));
    let worst = slow.first()?;
    Some(Advice {
        kind: AdviceKind::SlowPoll,
        text: format!(
            "async step `{}` blocked its thread for {}{}: make it a plain `fn`, which runs on a separate thread",
            shortened(&worst.name),
            show(worst.slow_poll),
            others(slow.len() - 1),
        ),
        steps: names(&slow),
    })
}

fn retries(report: &RunReport) -> Option<Advice> {
    let tried = |step: &&StepReport| !step.failed_attempts.is_empty();
    let mut again: Vec<&StepReport> = report.steps.iter().filter(tried).collect();
    again.sort_by_key(|step| std::cmp::Reverse(step.attempts));
    let worst = again.first()?;
    let error = worst.failed_attempts.last()?;
    // A step that was stopped while it waited was not tried again.
    let was = if worst.attempts as usize > worst.failed_attempts.len() { "was" } else { "was to be" };
    Some(Advice {
        kind: AdviceKind::Retries,
        text: format!(
            "`{}` took {}{}; the last failed attempt that {was} retried: {}",
            shortened(&worst.name),
            counted(worst.attempts as usize, "attempt"),
            others(again.len() - 1),
            shortened(&error.error.message),
        ),
        steps: names(&again),
    })
}

/// The steps that were at work the longest, if they stand out among several.
fn slowest(report: &RunReport) -> Option<Advice> {
    let total = report.figures.total.as_secs_f64();
    let mut timed: Vec<&StepReport> = report.steps.iter().filter(|step| step.work().is_some()).collect();
    if timed.len() < 4 || report.figures.total < BRIEF {
        return None;
    }
    timed.sort_by_key(|step| std::cmp::Reverse(step.work()));
    timed.truncate(3);
    let share = |step: &StepReport| 100.0 * step.work().unwrap_or_default().as_secs_f64() / total;
    timed.retain(|step| share(step) >= 100.0 * WORTH);
    if timed.is_empty() {
        return None;
    }
    let slowest: Vec<String> = timed
        .iter()
        .map(|step| format!("`{}` {} ({:.0} %)", shortened(&step.name), show(step.work()), share(step)))
        .collect();
    Some(Advice {
        kind: AdviceKind::SlowestSteps,
        text: format!("the slowest steps: {}", slowest.join(", ")),
        steps: names(&timed),
    })
}

fn names(steps: &[&StepReport]) -> Vec<String> {
    steps.iter().take(MOST_STEPS).map(|step| step.name.clone()).collect()
}

fn others(count: usize) -> String {
    if count == 0 { String::new() } else { format!(", and {} did so too", counted(count, "other step")) }
}
