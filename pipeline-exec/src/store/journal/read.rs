//! A run as its journal tells it.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use pipeline_core::frame::Status;
use pipeline_core::{Lane, StepActivity};
use serde::Deserialize;

use crate::event::{EVENT_SCHEMA, EventKind, EventRecord};
use crate::report::{
    AttemptReport, AttemptTimes, CommandLine, Counts, ErrorReport, Figures, Provenance, RunReport, RunStatus,
    SCHEMA, StepReport,
};
use crate::store::{RunState, StoreError, files};

/// What is said of a run that has ended, and has no report all the same.
const NO_REPORT: &str =
    "the run came to its end, but its report was not written: this is what its journal says";

/// So many steps that were under way are named.
const MOST_NAMED: usize = 5;

/// When the run of a folder began, in milliseconds since 1970.
pub(in crate::store) fn started(dir: &Path) -> Option<u64> {
    let mut line = String::new();
    BufReader::new(File::open(dir.join(files::JOURNAL)).ok()?).read_line(&mut line).ok()?;
    match serde_json::from_str::<EventRecord>(&line).ok()?.kind {
        EventKind::RunStarted { started_unix_ms, .. } => Some(started_unix_ms),
        _ => None,
    }
}

/// The report of a run that has none: the steps that had begun, as the journal has them.
///
/// # Errors
/// Where the journal cannot be read, says nothing, or is of a later version.
pub(in crate::store) fn report(dir: &Path, state: RunState) -> Result<RunReport, StoreError> {
    let path = dir.join(files::JOURNAL);
    let file = File::open(&path).map_err(|error| StoreError::io("read", &path, error))?;
    let mut told = Told::default();
    // Bytes, since a torn line may end within a character.
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(|error| StoreError::io("read", &path, error))?;
        let Ok(record) = serde_json::from_slice::<EventRecord>(&line) else {
            // A line that was torn by the end of its process, or an event of a later version: what it says is not known.
            check_version(&line, &path)?;
            continue;
        };
        told.add(record);
    }
    if told.run_id.is_empty() {
        return Err(StoreError::Damaged { path, why: "it has no line that a run has started".to_owned() });
    }
    Ok(told.into_report(state))
}

/// Refuses a line of a later version.
fn check_version(line: &[u8], path: &Path) -> Result<(), StoreError> {
    #[derive(Deserialize)]
    struct Versioned {
        v: u32,
    }
    match serde_json::from_slice::<Versioned>(line) {
        Ok(Versioned { v: found }) if found > EVENT_SCHEMA => {
            Err(StoreError::Newer { path: path.to_owned(), found, known: EVENT_SCHEMA })
        }
        _ => Ok(()),
    }
}

/// Whether the journal of a folder says that the run came to its end.
pub(in crate::store) fn is_finished(report: &RunReport) -> bool {
    report.stopped_because.as_deref() == Some(NO_REPORT)
}

#[derive(Default)]
struct Told {
    run_id: String,
    planned: usize,
    started_unix_ms: u64,
    command_line: Option<CommandLine>,
    last: Duration,
    /// Whether the run has ended, and if so, whether it succeeded.
    succeeded: Option<bool>,
    steps: Vec<StepReport>,
    by_name: HashMap<String, usize>,
}

impl Told {
    fn add(&mut self, record: EventRecord) {
        let at = seconds(record.at);
        self.last = self.last.max(at);
        match record.kind {
            EventKind::RunStarted { planned, started_unix_ms, command_line } => {
                (self.run_id, self.planned, self.started_unix_ms) = (record.run_id, planned, started_unix_ms);
                self.command_line = command_line;
            }
            EventKind::StepStarted { step, lane } => {
                let step = self.step(step);
                (step.lane, step.start, step.attempts) = (lane, Some(at), 1);
            }
            EventKind::StepFinished { step, status, seconds: time, error, because } => {
                let step = self.step(step);
                step.duration = step.start.map(|_| seconds(time));
                (step.status, step.error, step.because) = (status, error, because);
                end_attempts(step);
            }
            EventKind::StepsSucceeded { steps } => {
                for step in steps {
                    let step = self.step(step);
                    (step.status, step.attempts) = (Status::Succeeded, step.attempts.max(1));
                }
            }
            EventKind::AttemptStarted { step, attempt } => {
                let step = self.step(step);
                (step.attempts, step.last_attempt) = (attempt, Some(AttemptTimes::begun(at)));
            }
            EventKind::AttemptFailed { step, attempt, error, retry_in_seconds, seconds: time } => {
                let (retried_after, duration) = (seconds(retry_in_seconds), time.map(seconds));
                let times = duration.map(|_| AttemptTimes {
                    start: at.saturating_sub(duration.unwrap_or_default()),
                    duration,
                });
                let step = self.step(step);
                // Journals from before attempts were timed do not tell that the next one starts.
                step.attempts = if times.is_some() { attempt } else { attempt + 1 };
                step.last_attempt = None;
                step.failed_attempts.push(AttemptReport { attempt, error, retried_after, times });
            }
            EventKind::FallbackUsed { step, error } => {
                let step = self.step(step);
                (step.fallback_used, step.fallback_for) = (true, Some(error));
            }
            EventKind::SlowPoll { step, seconds: time } => self.step(step).slow_poll = Some(seconds(time)),
            EventKind::RunFinished { succeeded, .. } => self.succeeded = Some(succeeded),
            _ => {}
        }
    }

    /// The report of a step; one that is named for the first time has begun.
    fn step(&mut self, name: String) -> &mut StepReport {
        let steps = &mut self.steps;
        let index = *self.by_name.entry(name).or_insert_with_key(|name| {
            steps.push(begun(name));
            steps.len() - 1
        });
        &mut self.steps[index]
    }

    fn into_report(mut self, state: RunState) -> RunReport {
        let under_way: Vec<&str> =
            self.steps.iter().filter(is_under_way).map(|it| it.name.as_str()).collect();
        let why = match self.succeeded {
            Some(_) => NO_REPORT.to_owned(),
            None => why(state, self.steps.len() - under_way.len(), &under_way, self.planned),
        };
        for step in self.steps.iter_mut().filter(|step| step.status == Status::Pending) {
            step.status = Status::Cancelled;
        }
        let mut counts = Counts::of(&self.steps);
        counts.planned = self.planned.max(self.steps.len());
        // What had not begun has no line.
        counts.cancelled += counts.planned - self.steps.len();
        let status = match self.succeeded {
            Some(true) => RunStatus::Succeeded,
            Some(false) if counts.failed + counts.timed_out > 0 => RunStatus::Failed,
            _ => RunStatus::Cancelled,
        };
        let total = self.steps.iter().filter_map(StepReport::work).sum();
        let one_at_a_time = self.steps.iter().filter_map(|step| step.duration).sum();
        RunReport {
            schema: SCHEMA,
            run_id: self.run_id,
            status,
            provenance: Provenance::default(),
            command_line: self.command_line,
            settings: BTreeMap::new(),
            started_unix_ms: self.started_unix_ms,
            wall: self.last,
            counts,
            figures: Figures { total, one_at_a_time, ..Figures::default() },
            stopped_because: Some(why),
            limited_by: Vec::new(),
            pressure: Vec::new(),
            resources: None,
            limits: Vec::new(),
            waits: Vec::new(),
            advice: Vec::new(),
            dead_letters: Vec::new(),
            steps: self.steps,
        }
    }
}

fn is_under_way(step: &&StepReport) -> bool {
    step.status == Status::Pending
}

/// What became of the run, in words.
fn why(state: RunState, ended: usize, under_way: &[&str], planned: usize) -> String {
    let what = if state == RunState::Running {
        "the run goes on"
    } else {
        "the run was interrupted: its process ended before it did"
    };
    let mut why = format!("{what}; by its journal, {ended} of {planned} steps had ended");
    if !under_way.is_empty() {
        let named: Vec<String> = under_way.iter().take(MOST_NAMED).map(|name| format!("`{name}`")).collect();
        let (count, were) = (under_way.len(), if under_way.len() == 1 { "was" } else { "were" });
        let _ = write!(why, ", {count} {were} under way: {}", named.join(", "));
        if count > named.len() {
            let _ = write!(why, " and {} more", count - named.len());
        }
    }
    why
}

/// A step that has begun, with all that a journal does not say left empty.
fn begun(name: &str) -> StepReport {
    StepReport {
        name: name.to_owned(),
        id: name.to_owned(),
        location: String::new(),
        group: None,
        tags: Vec::new(),
        lane: Lane::Cpu,
        thread_kind: None,
        thread: None,
        status: Status::Pending,
        attempts: 0,
        most_attempts: 0,
        start: None,
        wait: None,
        duration: None,
        error: None::<ErrorReport>,
        because: None,
        optional: false,
        failed_attempts: Vec::new(),
        last_attempt: None,
        fallback_used: false,
        fallback_for: None,
        still_running: 0,
        slow_poll: None,
        inputs: Vec::new(),
        upstream: Vec::new(),
        activity: StepActivity::default(),
    }
}

/// Puts the attempts of a step that has ended as the report of its run would have them.
fn end_attempts(step: &mut StepReport) {
    let Some(start) = step.start.filter(|_| step.attempts_are_timed()) else { return };
    if matches!(step.status, Status::Skipped | Status::Cancelled) && step.duration == Some(Duration::ZERO) {
        // Its next attempt did not run: it took as long as those before.
        step.last_attempt = None;
        step.attempts = step.failed_attempts.len() as u32;
        let ends = step.failed_attempts.iter().filter_map(|it| Some(it.times?.start + it.times?.duration?));
        step.duration = ends.max().map(|end| end.saturating_sub(start));
        return;
    }
    // An attempt that no other followed, because the run was stopped, was told as any that fails.
    let was_last = |failed: &AttemptReport| {
        let is_its_error = step.error.as_ref().is_none_or(|error| *error == failed.error);
        failed.times.is_some() && failed.attempt == step.attempts && is_its_error
    };
    if step.failed_attempts.last().is_some_and(was_last) {
        step.last_attempt = step.failed_attempts.pop().and_then(|failed| failed.times);
    }
    if let (Some(last), Some(time)) = (&mut step.last_attempt, step.duration) {
        last.end(start + time);
    }
}

/// A time from a file: what is no time is none.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
