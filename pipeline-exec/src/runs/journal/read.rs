//! Reads a run from its journal.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::time::Duration;

use pipeline_core::frame::Status;
use pipeline_core::{FailureKind, Lane};
use serde::Deserialize;

use crate::event::{EVENT_SCHEMA, EventKind, EventRecord};
use crate::record::{AttemptReport, AttemptTimes, CommandLine, StepRecord, is_called};
use crate::report::{Counts, Figures, Provenance, RunReport, RunStatus, SCHEMA, StepReport};
use crate::runs::{RunState, StoreError, files};

/// Why the report of a run that has ended is made of its journal.
const NO_REPORT: &str = "the run ended, but its report was not written: this one is made of its journal";

/// Maximum number of steps under way that are named.
const MOST_NAMED: usize = 5;

/// Maximum length of a line that is read. Longer ones are passed over.
const MOST_IN_A_LINE: usize = 16 << 20;

/// When the run of a folder began, in milliseconds since 1970.
pub(in crate::runs) fn started(dir: &Path) -> Option<u64> {
    match serde_json::from_slice::<EventRecord>(&first_line(dir)?).ok()?.kind {
        EventKind::RunStarted { started_unix_ms, .. } => Some(started_unix_ms),
        _ => None,
    }
}

/// Reports whether the journal of a folder has a line that was written to its end.
pub(in crate::runs) fn has_begun(dir: &Path) -> bool {
    first_line(dir).is_some()
}

/// Returns the first line of a journal, if it was written to its end.
fn first_line(dir: &Path) -> Option<Vec<u8>> {
    let mut journal =
        BufReader::new(files::read(&dir.join(files::JOURNAL)).ok()?.take(MOST_IN_A_LINE as u64));
    let mut line = Vec::new();
    journal.read_until(b'\n', &mut line).ok()?;
    (line.last() == Some(&b'\n') || line.len() == MOST_IN_A_LINE).then_some(line)
}

/// Makes the report of a run that has none: the steps that had begun, as the journal has them.
///
/// # Errors
/// If the journal cannot be read, does not begin as one, or is of a later version.
pub(in crate::runs) fn report(dir: &Path, state: RunState) -> Result<RunReport, StoreError> {
    let path = dir.join(files::JOURNAL);
    let mut file = files::read_bounded(&path)?;
    let mut journaled = Journaled::default();
    // Bytes: a torn line may end within a character.
    let mut line = Vec::new();
    loop {
        let more = files::read_line(&mut file, &mut line, MOST_IN_A_LINE);
        if !more.map_err(|error| StoreError::io("read", &path, error))? {
            break;
        }
        match serde_json::from_slice::<EventRecord>(&line) {
            Ok(record) => journaled.add(record),
            // A line that was torn by the end of its process, or an event of a later version.
            Err(_) => check_version(&line, &path)?,
        }
        if journaled.run_id.is_empty() {
            break;
        }
    }
    if journaled.run_id.is_empty() {
        return Err(StoreError::Damaged {
            path,
            why: "it does not begin with the start of a run".to_owned(),
        });
    }
    Ok(journaled.into_report(state))
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

/// Whether a report was made of the journal of a run that had ended.
pub(in crate::runs) fn is_finished(report: &RunReport) -> bool {
    report.stopped_because.as_deref() == Some(NO_REPORT)
}

/// A run, as its journal has it.
#[derive(Default)]
struct Journaled {
    run_id: String,
    program: String,
    pipeline: Option<String>,
    planned: usize,
    started_unix_ms: u64,
    command_line: Option<CommandLine>,
    last: Duration,
    /// Whether the run has ended, and if so, whether it succeeded.
    succeeded: Option<bool>,
    /// The steps that had begun, in the order in which they did.
    steps: Vec<JournaledStep>,
    by_name: HashMap<String, usize>,
}

struct JournaledStep {
    name: String,
    /// `None` if it is the name.
    identity: Option<String>,
    lane: Lane,
    record: StepRecord,
}

impl Journaled {
    fn add(&mut self, record: EventRecord) {
        let at = seconds(record.at);
        self.last = self.last.max(at);
        match record.kind {
            EventKind::RunStarted { program, pipeline, planned, started_unix_ms, command_line, .. } => {
                (self.program, self.pipeline) = (program, pipeline);
                (self.run_id, self.planned, self.started_unix_ms) = (record.run_id, planned, started_unix_ms);
                self.command_line = command_line;
            }
            EventKind::StepsSucceeded { steps, identities } => {
                let mut identities = identities.into_iter();
                for step in steps {
                    let step = self.step(&step);
                    step.identity = identities.next();
                    let record = &mut step.record;
                    record.status = Status::Succeeded;
                    record.count_attempts(true);
                }
            }
            EventKind::RunFinished { succeeded, .. } => self.succeeded = Some(succeeded),
            kind => {
                let Some(step) = kind.step().map(|name| self.step(name)) else { return };
                match &kind {
                    EventKind::StepStarted { lane, identity, .. } => {
                        (step.lane, step.identity) = (*lane, identity.clone());
                    }
                    EventKind::StepFinished { identity, .. } => step.identity.clone_from(identity),
                    _ => {}
                }
                fold(&mut step.record, at, kind);
            }
        }
    }

    /// A step; one that is named for the first time has begun.
    fn step(&mut self, name: &str) -> &mut JournaledStep {
        let steps = &mut self.steps;
        let index = *self.by_name.entry(name.to_owned()).or_insert_with_key(|name| {
            let record = StepRecord::default();
            steps.push(JournaledStep { name: name.clone(), identity: None, lane: Lane::Cpu, record });
            steps.len() - 1
        });
        &mut self.steps[index]
    }

    fn into_report(self, state: RunState) -> RunReport {
        let under_way = self.steps.iter().filter(|step| step.record.status == Status::Pending);
        let under_way: Vec<&str> = under_way.map(|step| step.name.as_str()).collect();
        let why = match self.succeeded {
            Some(_) => NO_REPORT.to_owned(),
            None => why(state, self.steps.len() - under_way.len(), &under_way, self.planned),
        };
        let report = |JournaledStep { name, identity, lane, mut record }: JournaledStep| {
            if record.status == Status::Pending {
                record.status = Status::Cancelled;
            }
            let id = identity.unwrap_or_else(|| name.clone());
            StepReport { id, ..StepReport::of_record(&name, lane, record) }
        };
        let steps: Vec<StepReport> = self.steps.into_iter().map(report).collect();
        let mut counts = Counts::of(&steps);
        counts.planned = self.planned.max(steps.len());
        // Steps that had not begun have no line.
        counts.cancelled += counts.planned - steps.len();
        let status = match self.succeeded {
            Some(true) => RunStatus::Succeeded,
            Some(false) if counts.failed + counts.timed_out > 0 => RunStatus::Failed,
            _ => RunStatus::Cancelled,
        };
        let total = steps.iter().filter_map(StepReport::work).sum();
        let one_at_a_time = steps.iter().filter_map(|step| step.duration).sum();
        RunReport {
            schema: SCHEMA,
            run_id: self.run_id,
            program: self.program,
            pipeline: self.pipeline,
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
            rest: None,
            nested: Vec::new(),
            more_nested: 0,
            store: None,
            steps,
        }
    }
}

/// State of the run, in words.
fn why(state: RunState, ended: usize, under_way: &[&str], planned: usize) -> String {
    let what = if state == RunState::Running {
        "the run is under way"
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

/// Adds an event to the snapshot of the step that it is about.
fn fold(record: &mut StepRecord, at: Duration, kind: EventKind) {
    let mut ran = true;
    match kind {
        EventKind::StepStarted { .. } => record.start = Some(at),
        EventKind::AttemptStarted { .. } => record.latest = Some(AttemptTimes::begun(at)),
        EventKind::AttemptFailed { attempt, error, retry_in_seconds, seconds: time, .. } => {
            let duration = time.map(seconds);
            let start = at.saturating_sub(duration.unwrap_or_default());
            let times = duration.map(|_| AttemptTimes { start, duration });
            record.latest = None;
            let retried_after = seconds(retry_in_seconds);
            record.failed.push(AttemptReport { attempt, error, retried_after, times });
        }
        EventKind::FallbackUsed { error, .. } => record.fallback_for = Some(error),
        EventKind::SlowPoll { seconds: time, .. } => record.slow_poll = Some(seconds(time)),
        EventKind::StepFinished { status, seconds: time, error, because, cached_from, .. } => {
            let refused = error.as_ref().is_some_and(|error| error.kind == FailureKind::CircuitOpen);
            ran = is_called(status) && !refused;
            (record.status, record.error, record.because) = (status, error, because);
            record.cached_from = cached_from;
            end(record, seconds(time), ran);
        }
        _ => {}
    }
    record.count_attempts(ran);
}

/// Ends the attempts of a step that has ended after `time`; `ran` is false if the last of them was not made.
fn end(record: &mut StepRecord, time: Duration, ran: bool) {
    // If the run was stopped before another attempt, the journal has the last one as any that fails.
    let ended_with = record.error.as_ref().or(record.fallback_for.as_ref());
    let is_last = |failed: &mut AttemptReport| failed.times.is_some() && Some(&failed.error) == ended_with;
    if record.latest.is_none()
        && let Some(last) = record.failed.pop_if(is_last)
    {
        record.latest = last.times;
    }
    record.start = record.start.filter(|_| ran || !record.failed.is_empty());
    record.duration = record.start.map(|_| time);
    record.latest = record.latest.filter(|_| ran);
    if let (Some(latest), Some(start)) = (&mut record.latest, record.start) {
        latest.end(start + time);
    }
}

/// A time from a file; zero if it is no time.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ErrorReport;
    use crate::runs::journal::write::{StepNames, difference};
    use crate::stored::CachedFrom;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn error(message: &str) -> ErrorReport {
        ErrorReport { kind: FailureKind::Error, message: message.to_owned(), causes: Vec::new() }
    }

    fn failed(attempt: u32, start: u64) -> AttemptReport {
        let times = Some(AttemptTimes { start: ms(start), duration: Some(ms(5)) });
        AttemptReport { attempt, error: error(&format!("e{attempt}")), retried_after: ms(20), times }
    }

    fn step(status: Status, attempts: u32) -> StepRecord {
        StepRecord { status, attempts, ..StepRecord::default() }
    }

    /// Writes the differences between these snapshots, and reads them.
    fn read_back<'a>(snapshots: impl IntoIterator<Item = &'a StepRecord>) -> StepRecord {
        let (mut before, mut read) = (StepRecord::default(), StepRecord::default());
        for (index, after) in snapshots.into_iter().enumerate() {
            let mut happened = Vec::new();
            let names = StepNames { name: "step", identity: None };
            difference(&names, Lane::Io, &before, after, ms(1000 + index as u64), &mut happened);
            happened.into_iter().for_each(|(at, kind)| fold(&mut read, at, kind));
            before = after.clone();
        }
        read
    }

    /// Whichever of these snapshots the journal is written at, reading it gives the last.
    #[track_caller]
    fn check(snapshots: &[StepRecord]) {
        let (last, others) = snapshots.split_last().expect("a snapshot");
        for seen in 0..1_u32 << others.len() {
            let others = others.iter().enumerate().filter(|(index, _)| seen & 1 << index != 0);
            let read = read_back(others.map(|(_, snapshot)| snapshot).chain([last]));
            assert_eq!(&read, last, "snapshots {seen:b}");
        }
    }

    #[test]
    fn a_step_with_one_attempt_is_read_as_it_was_written() {
        let running = StepRecord { start: Some(ms(10)), ..step(Status::Pending, 1) };
        let ended = |status| StepRecord { status, duration: Some(ms(30)), ..running.clone() };
        check(&[running.clone(), ended(Status::Succeeded)]);
        check(&[running.clone(), StepRecord { error: Some(error("e1")), ..ended(Status::Failed) }]);
        let fallback_for = Some(error("e1"));
        check(&[running.clone(), StepRecord { fallback_for, ..ended(Status::Succeeded) }]);
        let slow = StepRecord { slow_poll: Some(ms(7)), ..running.clone() };
        check(&[running.clone(), slow, StepRecord { slow_poll: Some(ms(7)), ..ended(Status::Cancelled) }]);
        let from = CachedFrom { run: "r-1".to_owned(), made_unix_ms: 1, took_ms: 30 };
        check(&[StepRecord { cached_from: Some(from), ..step(Status::Cached, 0) }]);
        check(&[StepRecord { because: Some("other".to_owned()), ..step(Status::Skipped, 0) }]);
    }

    #[test]
    fn a_step_with_several_attempts_is_read_as_it_was_written() {
        let first = StepRecord { start: Some(ms(10)), ..step(Status::Pending, 1) };
        let waits = StepRecord { failed: vec![failed(1, 10)], ..first.clone() };
        let second = StepRecord { latest: Some(AttemptTimes::begun(ms(40))), attempts: 2, ..waits.clone() };
        let ended = |status: Status, last: &StepRecord| {
            let mut ended = StepRecord { status, duration: Some(ms(45)), ..last.clone() };
            ended.latest.iter_mut().for_each(|times| times.end(ms(55)));
            ended
        };
        check(&[first.clone(), waits.clone(), second.clone(), ended(Status::Succeeded, &second)]);
        let failing = StepRecord { error: Some(error("e1")), ..ended(Status::Failed, &second) };
        check(&[first.clone(), waits.clone(), second.clone(), failing]);
        // Stopped while it waited for its second attempt: the first was the last.
        let latest = failed(1, 10).times;
        let stopped = StepRecord {
            duration: Some(ms(20)),
            error: Some(error("e1")),
            latest,
            ..step(Status::Failed, 1)
        };
        let stopped = StepRecord { start: Some(ms(10)), ..stopped };
        assert_eq!(read_back([&first, &waits, &stopped]), stopped);
        // Cancelled, or refused, when its second attempt was to start.
        let cancelled = StepRecord { duration: Some(ms(5)), ..waits.clone() };
        check(&[first.clone(), waits.clone(), StepRecord { status: Status::Cancelled, ..cancelled.clone() }]);
        let refused = ErrorReport { kind: FailureKind::CircuitOpen, ..error("open") };
        let refused = StepRecord { status: Status::Failed, error: Some(refused), ..cancelled };
        check(&[first, waits, refused]);
    }
}
