//! `diff`: the differences between two recorded runs.

use std::fmt::Write;

use clap::Args as ClapArgs;

use super::columns::{columns, headed, name};
use super::exit::{Refusal, print, print_json};
use super::runs::{time, when};
use super::runs_dir::found;
use super::settings::StoreArgs;
use crate::pipeline::Pipeline;
use crate::runs::{RunDiff, RunEntry, StepDiff};
use crate::text::{clean, ratio, show};

/// The runs.
#[derive(Debug, ClapArgs)]
pub(super) struct DiffArgs {
    /// Earlier run: `-2`, `latest`, or the start or end of its id.
    #[arg(value_name = "A", default_value = "-2", allow_negative_numbers = true)]
    earlier: String,
    /// Later run.
    #[arg(value_name = "B", default_value = "latest", allow_negative_numbers = true)]
    later: String,
    /// Maximum number of steps whose durations are shown, the largest differences first.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Print JSON, with every step.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) fn execute(args: &DiffArgs, pipeline: &Pipeline) -> Result<u8, Refusal> {
    let store = args.store.needed(pipeline)?;
    let later = found(&store, &args.later)?;
    // Runs are counted back among those of the same pipeline.
    let earlier = found(&store.clone().of(later.owner()), &args.earlier)?;
    let diff = store.report_of(&later)?.diff(&store.report_of(&earlier)?);
    if args.json {
        return print_json(&diff);
    }
    let mut text = format!("A  {}\nB  {}\n", described(&earlier), described(&later));
    differences(&diff, &mut text);
    durations(&diff, args.limit, &mut text);
    print(&text)
}

fn described(run: &RunEntry) -> String {
    format!("{}  {}  {}  {}", clean(run.short_id()), when(run.started_unix_ms), run.state, time(run))
}

/// Writes everything except the durations.
fn differences(diff: &RunDiff, text: &mut String) {
    // Seeds that were not chosen always differ.
    let warned = |what: &String| {
        let what = clean(what);
        if what.starts_with("seed ") { what } else { format!("warning: {what}") }
    };
    section(text, "run with different", diff.drift.iter().map(warned));
    section(text, "started with different", diff.started.iter().map(|what| clean(what)));
    let changed = diff.steps.iter().filter(|step| step.statuses[0] != step.statuses[1]);
    let status = |step: &StepDiff| {
        let [before, now] = step.statuses;
        format!("{}: {before} → {now}", name(&step.step))
    };
    section(text, "different status", changed.map(status));
    section(text, "only in A", diff.removed.iter().map(|step| name(step)));
    section(text, "only in B", diff.added.iter().map(|step| name(step)));
    let counts = diff.counters.iter().map(|counter| {
        let [before, now] =
            counter.counts.map(|count| count.map_or_else(|| "-".to_owned(), |count| count.to_string()));
        format!("{}: {} {before} → {now}", name(&counter.step), name(&counter.counter))
    });
    section(text, "different counters", counts);
}

/// Writes a heading with lines below, if there are lines.
fn section(text: &mut String, heading: &str, lines: impl Iterator<Item = String>) {
    for (index, line) in lines.enumerate() {
        if index == 0 {
            let _ = writeln!(text, "\n{heading}");
        }
        let _ = writeln!(text, "  {line}");
    }
}

fn durations(diff: &RunDiff, limit: usize, text: &mut String) {
    let timed: Vec<&StepDiff> = diff.steps.iter().filter(|step| step.durations != [None, None]).collect();
    if timed.is_empty() {
        return;
    }
    let row = |step: &&StepDiff| {
        let [before, now] = step.durations.map(show);
        let [earlier, later] = step.durations;
        let ratio = earlier.zip(later).and_then(|(earlier, later)| ratio(earlier, later));
        let ratio = ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2} ×"));
        [name(&step.step), before, now, ratio]
    };
    let rows = headed(["step", "A", "B", "B / A"], timed.iter().take(limit).map(row));
    let _ = write!(text, "\n{}", columns(&rows, [false, true, true, true]));
    if timed.len() > limit {
        let _ = writeln!(text, "{} more; --limit shows more, --json all", timed.len() - limit);
    }
}
