//! What is different in a run since its journal was last written.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

use pipeline_core::frame::Status;
use pipeline_core::{Lane, StepSpec};

use super::Lines;
use crate::event::{EVENT_SCHEMA, EventKind};
use crate::record::{AttemptTimes, RunRecord, StepRecord};

/// Maximum number of steps that get separate lines although they started and succeeded since the last look. For further
/// steps, the journal only has that they succeeded.
const MOST_IN_DETAIL: usize = 1000;
/// Maximum number of steps in one line.
const MOST_IN_A_LINE: usize = 500;

/// What the journal of a run has so far.
#[derive(Debug)]
pub(super) struct Recorded {
    /// The steps whose end is not recorded, in plan order.
    open: Vec<u32>,
    /// The last snapshots of those steps to which something has happened.
    steps: HashMap<u32, StepRecord>,
    slot_changes: usize,
}

/// An event and when it happened.
type Happened = (Duration, EventKind);

impl Recorded {
    pub(super) fn new(run: &RunRecord) -> Self {
        let open = (0..run.frame.plan().len() as u32).collect();
        Recorded { open, steps: HashMap::new(), slot_changes: 0 }
    }

    /// Adds a line to `text` for each thing that has happened since the last call.
    pub(super) fn update(&mut self, run: &RunRecord, lines: &Lines, text: &mut String) {
        let now = run.elapsed();
        let plan = run.frame.plan();
        let noted = run.history.steps();
        let mut happened: Vec<Happened> = Vec::new();
        let (mut flood, mut plain) = (Vec::new(), 0);
        self.open.retain(|&step| {
            let index = step as usize;
            let has_begun = run.frame.status(index) != Status::Pending
                || run.timings.as_ref().is_some_and(|timings| timings.started(index).is_some())
                || noted.binary_search(&index).is_ok();
            if !has_begun {
                return true;
            }
            let (before, after) = (self.steps.remove(&step), run.step(index));
            let is_plain = before.is_none() && is_plain(&after);
            plain += usize::from(is_plain);
            if is_plain && plain > MOST_IN_DETAIL {
                flood.push(index);
                return false;
            }
            let (spec, lane) = (plan.spec(index), plan.lane(index));
            difference(&StepNames::of(spec), lane, &before.unwrap_or_default(), &after, now, &mut happened);
            let is_open = after.status == Status::Pending;
            if is_open {
                self.steps.insert(step, after);
            }
            is_open
        });
        self.slots(run, &mut happened);
        happened.sort_by_key(|(at, _)| *at);
        for (at, kind) in happened {
            lines.put(text, at, kind);
        }
        for steps in flood.chunks(MOST_IN_A_LINE) {
            put_flood(run, steps, now, lines, text);
        }
    }

    fn slots(&mut self, run: &RunRecord, happened: &mut Vec<Happened>) {
        let changes = run.resources().map(|(_, changes)| changes).unwrap_or_default();
        for change in changes.iter().skip(self.slot_changes) {
            let kind = EventKind::SlotsChanged { share: change.share, reason: change.reason.clone() };
            happened.push((change.at, kind));
        }
        self.slot_changes = self.slot_changes.max(changes.len());
    }
}

/// Whether all there is to say is that the step succeeded.
fn is_plain(step: &StepRecord) -> bool {
    step.status == Status::Succeeded
        && step.failed.is_empty()
        && step.fallback_for.is_none()
        && step.slow_poll.is_none()
}

/// The names by which a journal knows a step.
pub(super) struct StepNames<'a> {
    pub(super) name: &'a str,
    /// `None` if it is the name.
    pub(super) identity: Option<Cow<'a, str>>,
}

impl<'a> StepNames<'a> {
    fn of(step: &'a StepSpec) -> Self {
        let identity = step.identity();
        StepNames { name: step.name(), identity: Some(identity).filter(|identity| identity != step.name()) }
    }
}

/// What has happened to a step between two snapshots, in order.
pub(super) fn difference(
    names: &StepNames<'_>,
    lane: Lane,
    before: &StepRecord,
    after: &StepRecord,
    now: Duration,
    happened: &mut Vec<Happened>,
) {
    let step = || names.name.to_owned();
    let identity = || names.identity.as_deref().map(str::to_owned);
    if let (None, Some(start)) = (before.start, after.start) {
        happened.push((start, EventKind::StepStarted { step: step(), identity: identity(), lane }));
    }
    // The start of the first attempt is that of the step.
    let started = |attempt: u32, times: Option<AttemptTimes>| {
        let times = times.filter(|_| attempt > before.attempts.max(1))?;
        Some((times.start, EventKind::AttemptStarted { step: step(), attempt }))
    };
    for failed in after.failed.iter().skip(before.failed.len()) {
        happened.extend(started(failed.attempt, failed.times));
        let kind = EventKind::AttemptFailed {
            step: step(),
            attempt: failed.attempt,
            error: failed.error.clone(),
            retry_in_seconds: failed.retried_after.as_secs_f64(),
            seconds: failed.times.and_then(|times| times.duration).map(|time| time.as_secs_f64()),
        };
        happened.push((failed.times.and_then(|times| times.ended()).unwrap_or(now), kind));
    }
    happened.extend(started(after.failed.len() as u32 + 1, after.latest));
    let end = after.start.zip(after.duration).map_or(now, |(start, duration)| start + duration);
    if let Some(error) = after.fallback_for.clone().filter(|_| before.fallback_for.is_none()) {
        happened.push((end, EventKind::FallbackUsed { step: step(), error }));
    }
    if let Some(time) = after.slow_poll.filter(|_| before.slow_poll.is_none()) {
        happened.push((end, EventKind::SlowPoll { step: step(), seconds: time.as_secs_f64() }));
    }
    if after.status != Status::Pending {
        let kind = EventKind::StepFinished {
            step: step(),
            identity: identity(),
            status: after.status,
            seconds: after.duration.unwrap_or_default().as_secs_f64(),
            error: after.error.clone(),
            because: after.because.clone(),
            cached_from: after.cached_from.clone(),
        };
        happened.push((end, kind));
    }
}

/// One line for many steps, without a copy of their names.
fn put_flood(run: &RunRecord, steps: &[usize], now: Duration, lines: &Lines, text: &mut String) {
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
        put_quoted(text, run.frame.plan().spec(step).name());
    }
    text.push(']');
    let spec = |step: &usize| run.frame.plan().spec(*step);
    if steps.iter().any(|step| spec(step).identity() != spec(step).name()) {
        let identities: Vec<_> = steps.iter().map(|step| spec(step).identity()).collect();
        // A list of texts always has a JSON form.
        let _ = write!(text, ",\"identities\":{}", serde_json::to_string(&identities).unwrap_or_default());
    }
    text.push_str("}\n");
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
