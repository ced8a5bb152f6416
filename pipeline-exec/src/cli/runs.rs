//! `runs`: the recorded runs, and the durations of steps over them.

use std::fmt::Write;

use clap::Args as ClapArgs;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::columns::{columns, headed, name};
use super::exit::{Refusal, print, print_json};
use super::runs_dir::{asked_for, looked_up};
use super::settings::StoreArgs;
use crate::pipeline::Pipeline;
use crate::runs::{RunEntry, RunState, RunStore, StepTime, StepTrend, StoreError, meant, median, whose};
use crate::text::{clean, ratio, short_id, show};

/// Maximum number of earlier runs that a run is compared with.
const MOST_COMPARED: usize = 20;

/// Which runs, and what to show of them.
#[derive(Debug, ClapArgs)]
pub(super) struct RunsArgs {
    /// Show the duration of this step in each of its latest runs.
    #[arg(value_name = "STEP", conflicts_with_all = ["steps", "status"])]
    step: Option<String>,
    /// Show the durations of each step, and which were slower or faster than usual.
    #[arg(long, conflicts_with = "status")]
    steps: bool,
    /// Maximum number of runs.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20, value_parser = at_least_one)]
    limit: usize,
    /// Show only runs with this status: running, interrupted, succeeded, failed or cancelled.
    #[arg(long, value_name = "STATUS", value_parser = state)]
    status: Option<RunState>,
    /// Show the runs of every program that records in the directory, not only of this one.
    #[arg(long, conflicts_with_all = ["step", "steps"])]
    all: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

fn at_least_one(number: &str) -> Result<usize, String> {
    number.parse().ok().filter(|number| *number > 0).ok_or_else(|| "a whole number, at least 1".to_owned())
}

/// A run, and the ratio of its duration to that of earlier runs.
type Compared<'a> = (&'a RunEntry, Option<f64>);

pub(super) fn execute(args: &RunsArgs, pipeline: &Pipeline) -> Result<u8, Refusal> {
    if args.step.is_some() || args.steps {
        return trends(args, pipeline);
    }
    let store = args.store.existing(pipeline)?;
    let store = store.map(|store| if args.all { store.every_program() } else { store });
    let all = store.map_or(Ok(Vec::new()), |store| looked_up(&store, RunStore::runs))?;
    let compared = (0..all.len()).map(|index| (&all[index], beside_earlier(&all, index)));
    let fits = |(run, _): &Compared<'_>| args.status.is_none_or(|status| run.state == status);
    let fitting: Vec<Compared<'_>> = compared.filter(fits).collect();
    let shown = &fitting[..fitting.len().min(args.limit)];
    if args.json {
        let described = |(run, beside): &Compared<'_>| {
            let mut described = json!(run);
            described["beside_earlier"] = json!(beside);
            described
        };
        return print_json(&shown.iter().map(described).collect::<Vec<_>>());
    }
    if shown.is_empty() {
        return print(&match args.status {
            Some(status) if !all.is_empty() => format!("none of the {} recorded runs is {status}", all.len()),
            _ => format!(
                "no run of {} is recorded; `run` records each run, except with `--no-report`",
                whose(asked_for(pipeline))
            ),
        });
    }
    let mut text = table(shown, args.all);
    if shown.len() < fitting.len() {
        let _ = writeln!(text, "the latest {} of {} runs; --limit shows more", shown.len(), fitting.len());
    }
    print(&text)
}

fn table(runs: &[Compared<'_>], with_programs: bool) -> String {
    let with_pipelines = runs.iter().any(|(run, _)| run.pipeline.is_some());
    let with_cached = runs.iter().any(|(run, _)| run.counts.cached > 0);
    let optional = |shown: bool, text: String| if shown { text } else { String::new() };
    let row = |(run, beside): &Compared<'_>| {
        let counts = &run.counts;
        let failed = counts.failed + counts.timed_out;
        [
            clean(run.short_id()),
            optional(with_programs, name(&run.program)),
            optional(with_pipelines, run.pipeline.as_deref().map_or_else(|| "-".to_owned(), name)),
            when(run.started_unix_ms),
            run.state.to_string(),
            time(run),
            counts.planned.to_string(),
            if failed == 0 { "-".to_owned() } else { failed.to_string() },
            optional(
                with_cached,
                if counts.cached == 0 { "-".to_owned() } else { counts.cached.to_string() },
            ),
            beside.map_or_else(|| "-".to_owned(), |beside| format!("{beside:.2} ×")),
        ]
    };
    let (program, pipeline) =
        (if with_programs { "program" } else { "" }, if with_pipelines { "pipeline" } else { "" });
    let cached = if with_cached { "cached" } else { "" };
    let heading = [
        "run",
        program,
        pipeline,
        "started",
        "status",
        "time",
        "steps",
        "failed",
        cached,
        "compared with usual",
    ];
    let rows = headed(heading, runs.iter().map(row));
    columns(&rows, [false, false, false, false, false, true, true, true, true, true])
}

/// Returns the duration of a run. For a running or interrupted run, only the time of its last event is known.
pub(super) fn time(run: &RunEntry) -> String {
    let time = show(Some(run.wall));
    match run.state {
        RunState::Running | RunState::Interrupted => format!("> {time}"),
        _ => time,
    }
}

/// Returns the ratio of a run's duration to the median of the earlier runs of its pipeline that succeeded with the same
/// graph and the same run parameters.
fn beside_earlier(runs: &[RunEntry], index: usize) -> Option<f64> {
    let run = &runs[index];
    let made_of =
        |run: &RunEntry| (run.owner(), run.graph_fingerprint.clone(), run.params_fingerprint.clone());
    let own = made_of(run);
    let comparable = |it: &&RunEntry| it.state == RunState::Succeeded && made_of(it) == own;
    if !comparable(&run) {
        return None;
    }
    let before = runs[index + 1..].iter().filter(comparable).take(MOST_COMPARED).map(|it| it.wall).collect();
    ratio(median(before)?, run.wall)
}

/// Prints the durations of steps over the latest runs.
fn trends(args: &RunsArgs, pipeline: &Pipeline) -> Result<u8, Refusal> {
    let store = args.store.needed(pipeline)?.of(pipeline.owner());
    let mut trends = looked_up(&store, |store| store.trends(args.limit))?;
    if let Some(step) = &args.step {
        let identity = match meant(step, trends.iter().map(|trend| trend.identity.as_str())) {
            Ok(identity) => identity.to_owned(),
            Err(several) if several.is_empty() => {
                return Err(Refusal::Usage(format!(
                    "no step named `{}` has succeeded in a recorded run of {}\nhint: `runs --steps` shows those that have",
                    name(step),
                    whose(pipeline.name().map(|named| &*named.name))
                )));
            }
            Err(several) => return Err(StoreError::ambiguous_step(step, &several).into()),
        };
        trends.retain(|trend| trend.identity == identity);
    }
    if args.json {
        return print_json(&trends);
    }
    let mut text = trend_table(&trends);
    for trend in trends.iter().filter(|_| args.step.is_some()) {
        let row = |time: &StepTime| {
            [clean(short_id(&time.run_id)), when(time.started_unix_ms), show(Some(time.duration))]
        };
        let rows = headed(["run", "started", "time"], trend.times.iter().map(row));
        text.push('\n');
        text.push_str(&columns(&rows, [false, false, true]));
    }
    print(&text)
}

fn trend_table(trends: &[StepTrend]) -> String {
    let row = |trend: &StepTrend| {
        [
            name(&trend.step),
            trend.runs.to_string(),
            show(Some(trend.median)),
            show(Some(trend.deviation)),
            show(Some(trend.last)),
            trend.pace.name().to_owned(),
        ]
    };
    let rows = headed(["step", "runs", "median", "deviation", "last", ""], trends.iter().map(row));
    columns(&rows, [false, true, true, true, true, false])
}

/// Returns a time in the time zone of the machine.
pub(super) fn when(unix_ms: u64) -> String {
    let moment = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    moment.map_or_else(
        || "-".to_owned(),
        |moment| moment.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// Parses the name of a status for clap.
fn state(name: &str) -> Result<RunState, String> {
    let named = RunState::ALL.into_iter().find(|state| state.name() == name);
    named.ok_or_else(|| format!("one of {}", RunState::ALL.map(RunState::name).join(", ")))
}
