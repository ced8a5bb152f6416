//! Reports of runs: serialisable, versioned, in plan order.

mod advice;
mod attempts;
mod bounded;
mod figures;
mod inputs;
mod limited;
#[cfg(feature = "report")]
mod page;
mod provenance;
mod stages;
mod sums;
mod text;
mod waits;

use std::collections::BTreeMap;
#[cfg(feature = "report")]
use std::collections::HashSet;
#[cfg(feature = "report")]
use std::io::{self, Write};
use std::time::{Duration, UNIX_EPOCH};

use pipeline_core::frame::Status;
use pipeline_core::{DeadLetter, Lane, StepActivity};
use serde::{Deserialize, Serialize};

pub use self::advice::{Advice, AdviceKind, advice};
pub(crate) use self::bounded::LARGE;
pub(crate) use self::bounded::Rest;
use self::bounded::{Selection, renumber};
pub use self::figures::Figures;
pub use self::inputs::{InputOrigin, InputReport};
#[cfg(feature = "report")]
pub use self::page::graph_page;
pub use self::provenance::Provenance;
pub(crate) use self::provenance::scope_of;
pub use self::stages::StageReport;
use self::sums::Sums;
#[cfg(feature = "cli")]
pub(crate) use self::text::detached_attempts;
pub use self::waits::{WaitReport, WaitedFor};
use crate::limits::LimitReport;
use crate::pressure::{Change, Curve};
pub use crate::record::{AttemptReport, AttemptTimes, CommandLine, ErrorReport, NestedFailure, NestedReport};
use crate::record::{RunRecord, StepRecord};
use crate::stored::{CachedFrom, StoreReport};
use crate::timing::{Place, Timings, unix_ms};

/// Version of the report's schema; a new field does not change it, a changed meaning does.
pub(crate) const SCHEMA: u32 = 1;

/// Report of a run. Steps are in plan order, not in the order in which they ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunReport {
    /// The version of this schema.
    pub schema: u32,
    /// The id of the run.
    pub run_id: String,
    /// The program that ran it, by the name of its file. Runs of different programs are not compared.
    #[serde(default)]
    pub program: String,
    /// The name of its pipeline, in a program of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// How the run ended.
    pub status: RunStatus,
    /// What the run came from: seed, graph, configuration, versions.
    pub provenance: Provenance,
    /// The command line that started it; `None` if a program started it itself. In a deterministic run, without the options of
    /// the schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command_line: Option<CommandLine>,
    /// The settings in force that are not empty, without those in `provenance` and the directory of reports. In a deterministic
    /// run, without those of the schedule.
    pub settings: BTreeMap<String, serde_json::Value>,
    /// When it began, in milliseconds since 1970, by the wall clock. 0 in a deterministic run.
    pub started_unix_ms: u64,
    /// Time from the start of the run to the end of its last step. 0 in a deterministic run.
    pub wall: Duration,
    /// Number of steps in each state; `planned` is the sum of the others.
    pub counts: Counts,
    /// Sums, paths and ratios.
    pub figures: Figures,
    /// Why the run was stopped before its end, if not by the program: a signal, a deadline, too many detached attempts.
    pub stopped_because: Option<String>,
    /// What kept steps from running at the same time, in words.
    pub limited_by: Vec<String>,
    /// How the slots changed under memory pressure, in order.
    pub pressure: Vec<Change>,
    /// Memory and processor time over the run, if they were sampled.
    pub resources: Option<Curve>,
    /// The named limits that steps of the run needed, with the most that was in use.
    pub limits: Vec<LimitReport>,
    /// What ready steps waited for, the longest first.
    pub waits: Vec<WaitReport>,
    /// What to do next: see [`advice()`].
    pub advice: Vec<Advice>,
    /// The items that steps could not process, in plan order.
    pub dead_letters: Vec<DeadLetter>,
    /// The runs within its steps, by the plan order of the steps, at most 1,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nested: Vec<NestedReport>,
    /// Number of further runs within its steps.
    #[serde(default, skip_serializing_if = "is_default")]
    pub more_nested: usize,
    /// What is known of steps that are not in `steps`, if these are a selection.
    #[serde(skip)]
    pub(crate) rest: Option<Rest>,
    /// What the store did; `None` without a store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreReport>,
    /// The steps, in plan order.
    pub steps: Vec<StepReport>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RunStatus {
    /// Every step succeeded, or the run does without it: it is optional or unused, or its condition did not hold.
    Succeeded,
    /// At least one step failed.
    Failed,
    /// No step failed, but the run was stopped before its end.
    Cancelled,
}

impl std::fmt::Display for RunStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            RunStatus::Succeeded => "succeeded",
            RunStatus::Failed => "failed",
            RunStatus::Cancelled => "cancelled",
        })
    }
}

/// Number of steps that ended in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Counts {
    /// All steps of the run, those whose outputs were given included.
    pub planned: usize,
    /// Ended with an output.
    pub succeeded: usize,
    /// Ended with an error or panic.
    pub failed: usize,
    /// Ended because they took too long.
    pub timed_out: usize,
    /// Not run because an input is missing, or because of a condition or switch.
    pub skipped: usize,
    /// Stopped, or not started because the run was stopped.
    pub cancelled: usize,
    /// Not run because the output was found in a store.
    pub cached: usize,
    /// Not run because the caller gave the output.
    pub given: usize,
    /// Needed more than one attempt; these are counted above as well.
    pub retried: usize,
}

/// Report of one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepReport {
    /// The name in the graph.
    pub name: String,
    /// The identity of the step's function, `module::name`.
    pub id: String,
    /// Whether the name was given to an instance, and so is the identity of the step; see [`StepReport::identity`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub named: bool,
    /// Where the step is written, `file:line`.
    pub location: String,
    /// Its stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The options that differ from their defaults, by their names in `#[step]`. A flag has an empty text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// Where it ran.
    pub lane: Lane,
    /// The kind of thread on which it started; `None` if it did not start, or nothing was timed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_kind: Option<ThreadKind>,
    /// The number of that thread, in order of first use in the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<u32>,
    /// How it ended.
    pub status: Status,
    /// Number of attempts that were started.
    pub attempts: u32,
    /// Maximum number of attempts: one, and its retries. 0 in a report that was made of a journal.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub most_attempts: u32,
    /// Time from run start to step start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Duration>,
    /// Time from when its last input was ready to its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Duration>,
    /// Time from its start to its end, with the time between its attempts; [`StepReport::work`] is without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// Its own error: why it failed, or was cancelled, or was skipped for a reason other than another step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
    /// The step because of which it was skipped, which failed, timed out, was skipped or was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Whether the run succeeds even if the step fails: it is optional, and was not asked for by name.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optional: bool,
    /// The attempts that failed and were followed by another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_attempts: Vec<AttemptReport>,
    /// When its last attempt ran, if the step had several, or was stopped while it waited for another. `None` also if the last
    /// attempt did not start, or nothing was timed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempt: Option<AttemptTimes>,
    /// Whether its output is its fallback.
    #[serde(default, skip_serializing_if = "is_default")]
    pub fallback_used: bool,
    /// The error instead of which its fallback was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_for: Option<ErrorReport>,
    /// Where its output comes from, if it was not run because that was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_from: Option<CachedFrom>,
    /// Number of its detached attempts that still ran when the report was made.
    #[serde(default, skip_serializing_if = "is_default")]
    pub still_running: u32,
    /// The longest time for which it kept a thread that runs async steps without waiting, if that was long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_poll: Option<Duration>,
    /// The most memory of the whole process in a sample that was taken while it ran, in bytes. `None` if none was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory: Option<u64>,
    /// Where its inputs came from, if it failed; empty for others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputReport>,
    /// The positions in [`RunReport::steps`] of the steps that it waited for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upstream: Vec<usize>,
    /// The counters and the progress that its last attempt reported.
    #[serde(default, skip_serializing_if = "is_default")]
    pub activity: StepActivity,
}

/// Kind of thread on which a step started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ThreadKind {
    /// A thread that runs tokio tasks.
    TokioTask,
    /// A thread of tokio's blocking pool.
    BlockingPool,
    /// The thread that waits for the run in `run_blocking`.
    Caller,
}

impl ThreadKind {
    fn of(place: Place) -> Self {
        match (place.is_caller(), place.is_blocking()) {
            (true, _) => ThreadKind::Caller,
            (false, true) => ThreadKind::BlockingPool,
            (false, false) => ThreadKind::TokioTask,
        }
    }
}

impl RunReport {
    /// Makes the report, with every step.
    pub(crate) fn of(run: &RunRecord, wall: Duration) -> Self {
        RunReport::with_steps(run, wall, usize::MAX)
    }

    /// Makes the report; of a [large](LARGE) run, with a selection of its steps.
    pub(crate) fn digest(run: &RunRecord, wall: Duration) -> Self {
        RunReport::with_steps(run, wall, LARGE)
    }

    /// Makes the report, with every step if there are at most `most`.
    fn with_steps(run: &RunRecord, wall: Duration, most: usize) -> Self {
        // The report of a deterministic run must not depend on when and how fast it ran.
        let untimed = run.settings.deterministic;
        let (wall, began) = if untimed { (Duration::ZERO, UNIX_EPOCH) } else { (wall, run.began.wall) };
        let plan = run.frame.plan();
        let (resources, pressure) = run.resources().unzip();
        let pressure = pressure.unwrap_or_default();
        let of_step = |step| StepReport::of(run, step).with_memory(resources.as_ref());
        let mut sums = Sums::new(run);
        let has_all = plan.len() <= most;
        let mut steps = Vec::with_capacity(if has_all { plan.len() } else { 0 });
        let mut selection = Selection::default();
        for step in 0..plan.len() {
            if has_all {
                let report = of_step(step);
                sums.add(run, &report);
                steps.push(report);
            } else {
                let report = StepReport::without_texts(run, step);
                sums.add(run, &report);
                selection.offer(step, &report);
            }
        }
        let (figures, path) = Figures::of(run, &sums, wall);
        if !has_all {
            let inputs = |step| plan.waits_for(step);
            let selected = selection.end(path, |step| sums.nanos(step), inputs);
            steps.extend(selected.iter().map(|&step| of_step(step)));
            renumber(&mut steps, &selected);
        }
        let waits = waits::of(run, &sums);
        let Sums { counts, has_failed, counters, .. } = sums;
        assert!(
            counts.ended() == counts.planned,
            "{} of {} steps are in no terminal count: this is a defect of `pipeline`",
            counts.planned - counts.ended(),
            counts.planned
        );
        // An optional step that failed does not make a stopped run a failed one.
        let status = if run.succeeded() {
            RunStatus::Succeeded
        } else if has_failed || !run.frame.scope().is_stopped() {
            RunStatus::Failed
        } else {
            RunStatus::Cancelled
        };
        let nested = run.nested_runs();
        let mut report = RunReport {
            schema: SCHEMA,
            run_id: run.frame.scope().run_id().to_owned(),
            program: run.owner.program.clone(),
            pipeline: run.owner.pipeline.clone(),
            status,
            provenance: Provenance::of(run),
            command_line: provenance::command_line_of(run),
            settings: provenance::settings_of(&run.settings),
            started_unix_ms: unix_ms(began),
            wall,
            counts,
            figures,
            stopped_because: run.history.why_stopped(),
            limited_by: limited::limited_by(run),
            pressure,
            resources,
            limits: run.limits_in_use(),
            waits,
            advice: Vec::new(),
            dead_letters: dead_letters(run),
            more_nested: nested.more,
            nested: nested.in_order(untimed),
            rest: (!has_all).then_some(Rest { counters }),
            store: run.caching.as_ref().map(|caching| caching.report(run.frame.plan())),
            steps,
        };
        report.advice = advice(&report);
        report
    }

    /// Returns the report with a selection of its steps, if it has all those of a large run.
    #[cfg(feature = "report")]
    fn bounded(&self) -> Option<RunReport> {
        if self.rest.is_some() || self.steps.len() <= LARGE {
            return None;
        }
        let mut selection = Selection::default();
        self.steps.iter().enumerate().for_each(|(position, step)| selection.offer(position, step));
        let on_path: HashSet<&str> = self.figures.critical_steps.iter().map(String::as_str).collect();
        let path = (0..self.steps.len()).filter(|&step| on_path.contains(self.steps[step].name.as_str()));
        let duration = |step: usize| self.steps[step].duration.unwrap_or_default().as_nanos() as u64;
        let selected = selection.end(path.collect(), duration, |step| self.steps[step].upstream.clone());
        let mut steps: Vec<StepReport> = selected.iter().map(|&step| self.steps[step].clone()).collect();
        renumber(&mut steps, &selected);
        let counters = self.counters().into_iter().map(|(name, sum)| (name.to_owned(), sum)).collect();
        Some(RunReport { rest: Some(Rest { counters }), steps, ..self.clone() })
    }

    /// Number of steps that are not in [`RunReport::steps`], because these are a selection of the steps of a large run.
    #[cfg(feature = "report")]
    pub(crate) fn left_out(&self) -> usize {
        if self.rest.is_some() { self.counts.planned - self.steps.len() } else { 0 }
    }

    /// Returns the report of a step, by name.
    pub fn step(&self, name: &str) -> Option<&StepReport> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// Writes the report of a run as JSON, with every step: indented, or one step in a line if this is a digest.
    #[cfg(feature = "report")]
    pub(crate) fn write_whole(&self, run: &RunRecord, out: &mut impl Write) -> io::Result<()> {
        if self.rest.is_none() {
            return Ok(serde_json::to_writer_pretty(out, self)?);
        }
        let all = serde_json::to_string(&RunReport { steps: Vec::new(), ..self.clone() })?;
        // The steps are the last field.
        let head = all.strip_suffix("]}").ok_or(io::ErrorKind::InvalidData)?;
        out.write_all(head.as_bytes())?;
        for step in 0..run.frame.plan().len() {
            out.write_all(if step == 0 { b"\n" } else { b",\n" })?;
            let step = StepReport::of(run, step).with_memory(self.resources.as_ref());
            serde_json::to_writer(&mut *out, &step)?;
        }
        out.write_all(b"\n]}")
    }

    /// Returns the report as indented JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self)
            .unwrap_or_else(|error| format!("{{\"error\":{:?}}}", error.to_string()))
    }
}

/// The times that the report has: none in a deterministic run, although its steps may have been timed for observers.
fn timings(run: &RunRecord) -> Option<&Timings> {
    run.timings.as_ref().filter(|_| !run.settings.deterministic)
}

/// The dead letters of a run, in plan order; those of one step in the order in which it gave them.
fn dead_letters(run: &RunRecord) -> Vec<DeadLetter> {
    let mut letters = run.frame.scope().dead_letters();
    if !letters.is_empty() {
        let plan = run.frame.plan();
        let place: std::collections::HashMap<&str, usize> =
            (0..plan.len()).map(|step| (plan.spec(step).name(), step)).collect();
        letters.sort_by_key(|letter| place.get(letter.step.as_str()).copied());
    }
    letters
}

fn one() -> u32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_one(count: &u32) -> bool {
    *count == 1
}

/// Reports whether a field can be left out of the JSON.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Counts {
    #[cfg(feature = "report")]
    pub(crate) fn of(steps: &[StepReport]) -> Self {
        let mut counts = Counts::default();
        steps.iter().for_each(|step| counts.add(step));
        counts
    }

    fn add(&mut self, step: &StepReport) {
        self.planned += 1;
        self.retried += usize::from(!step.failed_attempts.is_empty());
        if let Some(count) = self.count(step.status) {
            *count += 1;
        }
    }

    /// The number of steps that ended so; `None` for a step that has not ended.
    fn count(&mut self, status: Status) -> Option<&mut usize> {
        Some(match status {
            Status::Succeeded => &mut self.succeeded,
            Status::Failed => &mut self.failed,
            Status::TimedOut => &mut self.timed_out,
            Status::Skipped => &mut self.skipped,
            Status::Cancelled => &mut self.cancelled,
            Status::Cached => &mut self.cached,
            Status::Given => &mut self.given,
            _ => return None,
        })
    }

    /// The number of steps by how they ended.
    #[cfg(feature = "cli")]
    pub(crate) fn by_status(mut self) -> [(Status, usize); 7] {
        use Status::{Cached, Cancelled, Failed, Given, Skipped, Succeeded, TimedOut};
        [Succeeded, Failed, TimedOut, Skipped, Cancelled, Cached, Given]
            .map(|status| (status, self.count(status).map_or(0, |count| *count)))
    }

    /// The steps that have ended: each is in one of these counts.
    fn ended(&self) -> usize {
        self.succeeded
            + self.failed
            + self.timed_out
            + self.skipped
            + self.cancelled
            + self.cached
            + self.given
    }
}

impl StepReport {
    /// Returns the identity of the step: `module::name` of its function, or the name of an instance or a closure. Runs are
    /// compared by it, because the name changes if another step with the same short name joins the graph.
    pub fn identity(&self) -> &str {
        if self.named { &self.name } else { &self.id }
    }

    /// Returns a counter per second of its work, over all its attempts; `None` if it has no such counter, or took no time.
    pub fn per_second(&self, counter: &str) -> Option<f64> {
        let seconds = self.work()?.as_secs_f64();
        let count = *self.activity.counters.get(counter)?;
        (seconds > 0.0).then(|| count as f64 / seconds)
    }

    /// What figures are made of: numbers, without an allocation for a plain step.
    fn without_texts(run: &RunRecord, step: usize) -> Self {
        let (plan, timings) = (run.frame.plan(), timings(run));
        let mut record = StepRecord::of(run, step, timings);
        record.slow_poll = record.slow_poll.filter(|_| !run.settings.deterministic);
        let report = StepReport::of_record("", plan.lane(step), record);
        let ready = timings.map(|timings| {
            let inputs = plan.waits_for(step).filter_map(|earlier| timings.span(earlier));
            Duration::from_nanos(inputs.map(|span| span.1).max().unwrap_or(0))
        });
        StepReport {
            wait: report.start.zip(ready).map(|(start, ready)| start.saturating_sub(ready)),
            optional: run.is_optional(step),
            activity: run.frame.scope().activity(plan.spec(step).name()),
            ..report
        }
    }

    fn of(run: &RunRecord, step: usize) -> Self {
        let plan = run.frame.plan();
        let (spec, timings) = (plan.spec(step), timings(run));
        let def = spec.def();
        let report = StepReport::without_texts(run, step);
        let place = timings.filter(|_| report.start.is_some()).map(|timings| timings.place(step));
        StepReport {
            name: spec.name().to_owned(),
            id: def.id(),
            named: matches!(spec.identity(), std::borrow::Cow::Borrowed(_)),
            location: spec.location().to_string(),
            group: def.group.as_deref().map(str::to_owned),
            tags: def.tags.iter().map(|tag| (*tag).to_owned()).collect(),
            options: spec.options(),
            thread_kind: place.map(ThreadKind::of),
            thread: place.map(Place::number),
            most_attempts: run.most_attempts(step),
            inputs: if report.status.is_failure() { inputs::of(run, step) } else { Vec::new() },
            upstream: plan.waits_for(step).collect(),
            ..report
        }
    }

    /// Adds the memory that was sampled while it ran.
    fn with_memory(mut self, curve: Option<&Curve>) -> Self {
        let ran = self.start.zip(self.duration);
        self.peak_memory =
            curve.zip(ran).and_then(|(curve, (start, length))| curve.peak_memory_in(start, start + length));
        self
    }

    /// The report of a step of which only the record is known.
    pub(crate) fn of_record(name: &str, lane: Lane, record: StepRecord) -> Self {
        StepReport {
            name: name.to_owned(),
            id: name.to_owned(),
            named: false,
            location: String::new(),
            group: None,
            tags: Vec::new(),
            options: BTreeMap::new(),
            lane,
            thread_kind: None,
            thread: None,
            status: record.status,
            attempts: record.attempts,
            most_attempts: 0,
            start: record.start,
            wait: None,
            duration: record.duration,
            error: record.error,
            because: record.because,
            optional: false,
            failed_attempts: record.failed,
            last_attempt: record.latest,
            fallback_used: record.fallback_for.is_some(),
            fallback_for: record.fallback_for,
            cached_from: record.cached_from,
            still_running: record.still_running,
            slow_poll: record.slow_poll,
            peak_memory: None,
            inputs: Vec::new(),
            upstream: Vec::new(),
            activity: StepActivity::default(),
        }
    }
}
