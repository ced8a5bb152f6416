//! What is new in a run since it was last looked at.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use pipeline_core::frame::Status;

use super::Lines;
use crate::engine::Engine;
use crate::event::{EVENT_SCHEMA, EventKind};
use crate::report::{AttemptReport, AttemptTimes, ErrorReport};

/// So many steps that began and ended since the last look are told one by one; of a flood of short steps, only that they
/// succeeded.
const MOST_IN_DETAIL: usize = 1000;
/// So many steps are told in one line.
const MOST_IN_A_LINE: usize = 500;

/// What was told of a run so far.
#[derive(Debug)]
pub(super) struct Lookout {
    /// The steps that have not ended, in plan order.
    open: Vec<Open>,
    /// What was told of steps that failed before.
    troubles: BTreeMap<usize, Told>,
    slot_changes: usize,
}

#[derive(Debug)]
struct Open {
    step: u32,
    told_start: bool,
}

#[derive(Debug, Default)]
struct Told {
    /// The latest attempt that was told to have started, and to have failed; the first has no line of its own.
    started: u32,
    failed: u32,
    fallback: bool,
    slow_poll: bool,
}

/// What is told of a step, and when it happened.
type Happened = (Duration, EventKind);

impl Told {
    /// An attempt has failed; its start was not told where both came between two looks.
    fn failure(
        &mut self,
        failed: AttemptReport,
        name: impl Fn() -> String,
        now: Duration,
        happened: &mut Vec<Happened>,
    ) {
        let AttemptReport { attempt, error, retried_after, times } = failed;
        self.start(attempt, times, &name, happened);
        self.failed = attempt;
        let seconds = times.and_then(|times| times.duration);
        let end = times.zip(seconds).map(|(times, duration)| times.start + duration);
        let kind = EventKind::AttemptFailed {
            step: name(),
            attempt,
            error,
            retry_in_seconds: retried_after.as_secs_f64(),
            seconds: seconds.map(|seconds| seconds.as_secs_f64()),
        };
        happened.push((end.unwrap_or(now), kind));
    }

    /// An attempt has started, if it has.
    fn start(
        &mut self,
        attempt: u32,
        times: Option<AttemptTimes>,
        name: impl Fn() -> String,
        happened: &mut Vec<Happened>,
    ) {
        if let Some(times) = times.filter(|_| attempt > self.started.max(1)) {
            self.started = attempt;
            happened.push((times.start, EventKind::AttemptStarted { step: name(), attempt }));
        }
    }
}

impl Lookout {
    pub(super) fn new(engine: &Engine) -> Self {
        let steps = 0..engine.frame.plan().len() as u32;
        Lookout {
            open: steps.map(|step| Open { step, told_start: false }).collect(),
            troubles: BTreeMap::new(),
            slot_changes: 0,
        }
    }

    /// Adds a line to `text` for each thing that has happened since the last look.
    pub(super) fn look(&mut self, engine: &Engine, lines: &Lines, text: &mut String) {
        let now = engine.elapsed();
        let mut happened: Vec<Happened> = Vec::new();
        let mut flood: Vec<usize> = Vec::new();
        let mut in_detail = 0;
        self.open.retain_mut(|open| {
            let step = open.step as usize;
            let status = engine.frame.status(step);
            if status != Status::Pending {
                let is_plain = status == Status::Succeeded && !open.told_start;
                in_detail += usize::from(is_plain);
                if is_plain && in_detail > MOST_IN_DETAIL {
                    flood.push(step);
                } else {
                    tell_end(engine, step, status, open.told_start, now, &mut happened);
                }
                return false;
            }
            if !open.told_start
                && let Some(start) = engine.timings.as_ref().and_then(|it| it.started(step))
            {
                open.told_start = true;
                happened.push((Duration::from_nanos(start), started(engine, step)));
            }
            true
        });
        self.look_for_troubles(engine, now, &mut happened);
        self.look_at_slots(engine, &mut happened);
        happened.sort_by_key(|(at, _)| *at);
        for (at, kind) in happened {
            lines.put(text, at, kind);
        }
        for steps in flood.chunks(MOST_IN_A_LINE) {
            put_flood(engine, steps, now, lines, text);
        }
    }

    /// Attempts that failed, fallbacks, async steps that do not wait.
    fn look_for_troubles(&mut self, engine: &Engine, now: Duration, happened: &mut Vec<Happened>) {
        engine.history.each(|step, past| {
            let told = self.troubles.entry(step).or_default();
            let name = || engine.frame.plan().spec(step).name().to_owned();
            for failed in past.failed.iter().skip(told.failed as usize) {
                let failed = AttemptReport::of(&failed.error, failed.wait, failed.times);
                told.failure(failed, name, now, happened);
            }
            if let Some(awaiting) = past.awaiting.as_ref().filter(|it| it.attempt > told.failed) {
                told.failure(awaiting.clone(), name, now, happened);
            }
            told.start(past.failed.len() as u32 + 1, past.latest, name, happened);
            if let Some(error) = past.fallback_for.as_deref().filter(|_| !told.fallback) {
                told.fallback = true;
                happened.push((now, EventKind::FallbackUsed { step: name(), error: ErrorReport::of(error) }));
            }
            if let Some(time) = past.slow_poll.filter(|_| !told.slow_poll) {
                told.slow_poll = true;
                happened.push((now, EventKind::SlowPoll { step: name(), seconds: time.as_secs_f64() }));
            }
        });
    }

    fn look_at_slots(&mut self, engine: &Engine, happened: &mut Vec<Happened>) {
        let changes = engine.resources().map(|(_, changes)| changes).unwrap_or_default();
        for change in changes.iter().skip(self.slot_changes) {
            let kind = EventKind::SlotsChanged { share: change.share, reason: change.reason.clone() };
            happened.push((change.at, kind));
        }
        self.slot_changes = self.slot_changes.max(changes.len());
    }
}

fn started(engine: &Engine, step: usize) -> EventKind {
    let plan = engine.frame.plan();
    EventKind::StepStarted { step: plan.spec(step).name().to_owned(), lane: plan.lane(step) }
}

fn tell_end(
    engine: &Engine,
    step: usize,
    status: Status,
    told_start: bool,
    now: Duration,
    happened: &mut Vec<Happened>,
) {
    let span = engine.timings.as_ref().and_then(|timings| timings.span(step));
    let (start, end) =
        span.map_or((now, now), |(start, end)| (Duration::from_nanos(start), Duration::from_nanos(end)));
    let ran = span.is_some() && !matches!(status, Status::Skipped | Status::Cached | Status::Given);
    if ran && !told_start {
        happened.push((start, started(engine, step)));
    }
    let because = engine.frame.skipped_because(step);
    // Of a step that was skipped because of another, the frame has that one's error.
    let error = engine.frame.error(step).filter(|_| because.is_none() && !status.has_output());
    happened.push((
        end,
        EventKind::StepFinished {
            step: engine.frame.plan().spec(step).name().to_owned(),
            status,
            seconds: if ran { end.saturating_sub(start).as_secs_f64() } else { 0.0 },
            error: error.map(ErrorReport::of),
            because: because.map(|cause| engine.frame.plan().spec(cause).name().to_owned()),
        },
    ));
}

/// One line for many steps, without a copy of their names.
fn put_flood(engine: &Engine, steps: &[usize], now: Duration, lines: &Lines, text: &mut String) {
    let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
    let (at, run_id) = (now.as_secs_f64(), quoted(&lines.run_id));
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "{{\"v\":{EVENT_SCHEMA},\"at\":{at},\"run_id\":{run_id},\"event\":\"steps_succeeded\",\"steps\":["
    );
    for (index, &step) in steps.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        put_quoted(text, engine.frame.plan().spec(step).name());
    }
    text.push_str("]}\n");
}

/// Most names need no escape.
fn put_quoted(text: &mut String, name: &str) {
    if name.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        text.push('"');
        text.push_str(name);
        text.push('"');
    } else {
        text.push_str(&serde_json::to_string(name).unwrap_or_default());
    }
}
