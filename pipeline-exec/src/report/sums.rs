//! What the figures of a run are computed from: a few numbers for each step, without a report of each.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU64;
use std::time::Duration;

use pipeline_core::Lane;

use super::{Counts, StepReport, waits};
use crate::record::RunRecord;

/// The sums over all steps of a run, and when they were at work.
pub(super) struct Sums<'r> {
    pub(super) counts: Counts,
    /// Whether a step failed without which the run does not succeed.
    pub(super) has_failed: bool,
    /// Time at work of all steps.
    pub(super) total: Duration,
    /// The sum of their durations.
    pub(super) one_at_a_time: Duration,
    /// The duration of each step in nanoseconds, plus one, by position; `None` if it did not run.
    durations: Vec<Option<NonZeroU64>>,
    /// When they were at work.
    pub(super) attempts: Vec<Span>,
    /// When they waited for longer than it takes to hand a step to a thread.
    pub(super) turns: Vec<Turn>,
    /// When the first step that needs each limit started: before that, no step of the run waited for it.
    pub(super) first_use: HashMap<&'r str, Duration>,
    /// The sums of the counters of steps, by name.
    pub(super) counters: BTreeMap<String, u64>,
}

/// A time at work, in nanoseconds since the start of the run.
pub(super) struct Span {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) lane: Lane,
}

/// A wait of a step that was ready for an attempt.
pub(super) struct Turn {
    pub(super) step: u32,
    pub(super) lane: Lane,
    ready: u64,
    start: u64,
}

impl Turn {
    pub(super) fn ready(&self) -> Duration {
        Duration::from_nanos(self.ready)
    }

    pub(super) fn start(&self) -> Duration {
        Duration::from_nanos(self.start)
    }
}

impl<'r> Sums<'r> {
    pub(super) fn new(run: &RunRecord) -> Self {
        let steps = run.frame.plan().len();
        Sums {
            counts: Counts::default(),
            has_failed: false,
            total: Duration::ZERO,
            one_at_a_time: Duration::ZERO,
            durations: Vec::with_capacity(steps),
            attempts: Vec::with_capacity(steps),
            turns: Vec::new(),
            first_use: HashMap::new(),
            counters: BTreeMap::new(),
        }
    }

    /// Adds a step, the one after the last that was added.
    pub(super) fn add(&mut self, run: &'r RunRecord, report: &StepReport) {
        let (step, lane) = (self.durations.len(), report.lane);
        self.counts.add(report);
        self.has_failed |= report.status.is_failure() && !report.optional;
        self.total += report.work().unwrap_or_default();
        self.one_at_a_time += report.duration.unwrap_or_default();
        self.durations.push(report.duration.and_then(|time| NonZeroU64::new(nanos(time) + 1)));
        for (name, count) in &report.activity.counters {
            let sum = self.counters.entry(name.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
        let ran = report.attempt_times();
        let spans = ran.filter_map(|times| Some((nanos(times.start), nanos(times.start + times.duration?))));
        let spans = spans.filter(|(start, end)| start < end);
        self.attempts.extend(spans.map(|(start, end)| Span { start, end, lane }));
        let turns = report.turns().filter(|(ready, start)| start.saturating_sub(*ready) >= waits::SHORTEST);
        let turn =
            |(ready, start)| Turn { step: step as u32, lane, ready: nanos(ready), start: nanos(start) };
        self.turns.extend(turns.map(turn));
        if let Some(start) = report.start.filter(|_| run.rules.is_some()) {
            for limit in waits::limits(run, step) {
                let earliest = self.first_use.entry(limit).or_insert(start);
                *earliest = start.min(*earliest);
            }
        }
    }

    /// The duration of a step in nanoseconds; 0 if it did not run.
    pub(super) fn nanos(&self, step: usize) -> u64 {
        self.durations[step].map_or(0, |time| time.get() - 1)
    }

    pub(super) fn ran(&self, step: usize) -> bool {
        self.durations[step].is_some()
    }

    /// The steps at work in a lane, or in all: when their number changes, in order of time. Ends come before starts of
    /// the same moment.
    pub(super) fn edges(&self, lane: Option<Lane>) -> Vec<(u64, bool)> {
        let of_lane = self.attempts.iter().filter(|span| lane.is_none_or(|lane| span.lane == lane));
        let mut edges: Vec<(u64, bool)> =
            of_lane.flat_map(|span| [(span.start, true), (span.end, false)]).collect();
        edges.sort_unstable();
        edges
    }
}

fn nanos(time: Duration) -> u64 {
    time.as_nanos() as u64
}
