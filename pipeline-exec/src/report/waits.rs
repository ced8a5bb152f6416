//! What ready steps waited for. It follows from measured times; nothing is recorded for it during a run.
//!
//! A step that is ready and does not run waits for a slot while every slot of its lane (or of all lanes together) is busy. If
//! slots are free, and the step needs a named limit that another step of the run has taken before, it waits for that. The rest
//! is the scheduler's own time. A step that is tried again is ready again when its backoff is over.

use std::collections::HashMap;
use std::time::Duration;

use pipeline_core::Lane;
use serde::{Deserialize, Serialize};

use super::{StepReport, timings};
use crate::limits::{CORES, MEMORY};
use crate::record::RunRecord;

/// Time that ready steps waited for one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WaitReport {
    /// What they waited for.
    pub waited_for: WaitedFor,
    /// Number of steps that waited for it.
    pub steps: usize,
    /// The sum of their waits.
    pub total: Duration,
    /// The step that waited the longest.
    pub longest: String,
}

/// What ready steps wait for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WaitedFor {
    /// A slot, of this number of slots over all lanes (`workers`).
    Workers(usize),
    /// A slot of this lane, of this number of slots.
    Slots(String, usize),
    /// A share of the limit of this name. A step that needs several limits counts for each.
    Limit(String),
}

/// Shorter waits are the time that it takes to hand a step to a thread.
const SHORTEST: Duration = Duration::from_micros(100);

/// What the steps of a run waited for, the longest first; empty if nothing was timed.
pub(super) fn of(run: &RunRecord, steps: &[StepReport]) -> Vec<WaitReport> {
    if timings(run).is_none() {
        return Vec::new();
    }
    let settings = &run.settings;
    let mut waits = Waits::default();
    let first_use = first_use(run, steps);
    let over_all = settings.workers.map(|slots| busy(steps, None, slots));
    for lane in Lane::ALL {
        let slots = settings.slots(lane);
        let of_lane = busy(steps, Some(lane), slots);
        let of_this_lane = steps.iter().enumerate().filter(|(_, step)| step.lane == lane);
        let turns = of_this_lane.flat_map(|(index, step)| step.turns().map(move |turn| (index, step, turn)));
        for (index, step, (ready, start)) in turns {
            let wait = start.saturating_sub(ready);
            if wait < SHORTEST {
                continue;
            }
            let for_workers = over_all.as_ref().map_or(Duration::ZERO, |busy| busy.within(ready, start));
            let for_lane = of_lane.within(ready, start);
            if let Some(workers) = settings.workers.filter(|_| for_workers >= for_lane) {
                waits.add(WaitedFor::Workers(workers), (index, &step.name), for_workers);
            } else {
                waits.add(WaitedFor::Slots(lane.name().to_owned(), slots), (index, &step.name), for_lane);
            }
            let left = wait.saturating_sub(for_workers.max(for_lane));
            for limit in limits(run, index) {
                let since = first_use.get(limit).copied().unwrap_or(start).max(ready);
                let time = left.min(start.saturating_sub(since));
                waits.add(WaitedFor::Limit(limit.to_owned()), (index, &step.name), time);
            }
        }
    }
    waits.sorted()
}

/// The names of the limits that a step needs; none if it may also have waited to be alone.
fn limits(run: &RunRecord, step: usize) -> Vec<&str> {
    let policy = run.frame.plan().policy(step);
    if policy.exclusive || policy.parallel_if.is_some() {
        return Vec::new();
    }
    let memory = policy.memory.filter(|_| run.settings.memory_limit.is_some()).map(|_| MEMORY);
    let named = policy.limits.iter().map(|(name, _)| &**name);
    named.chain(memory).chain(policy.cores.map(|_| CORES)).collect()
}

/// When the first step that needs each limit started: before that, no step of the run waited for it.
fn first_use<'e>(run: &'e RunRecord, steps: &[StepReport]) -> HashMap<&'e str, Duration> {
    let mut first: HashMap<&str, Duration> = HashMap::new();
    for (index, step) in steps.iter().enumerate() {
        let Some(start) = step.start else { continue };
        for limit in limits(run, index) {
            let earliest = first.entry(limit).or_insert(start);
            *earliest = start.min(*earliest);
        }
    }
    first
}

#[derive(Default)]
struct Waits(Vec<Sum>);

/// Waits for one thing so far.
struct Sum {
    report: WaitReport,
    /// The longest wait of a step.
    most: Duration,
    /// The step that was added last, and how long it waited: a step that is tried again may wait again.
    last: (usize, Duration),
}

impl Waits {
    fn add(&mut self, waited_for: WaitedFor, (index, step): (usize, &str), time: Duration) {
        if time < SHORTEST {
            return;
        }
        let place = self.0.iter().position(|sum| sum.report.waited_for == waited_for).unwrap_or_else(|| {
            let (steps, total, longest) = (0, Duration::ZERO, String::new());
            let report = WaitReport { waited_for, steps, total, longest };
            self.0.push(Sum { report, most: Duration::ZERO, last: (usize::MAX, Duration::ZERO) });
            self.0.len() - 1
        });
        let Sum { report, most, last } = &mut self.0[place];
        if last.0 != index {
            *last = (index, Duration::ZERO);
            report.steps += 1;
        }
        last.1 += time;
        report.total += time;
        if last.1 > *most {
            *most = last.1;
            step.clone_into(&mut report.longest);
        }
    }

    fn sorted(self) -> Vec<WaitReport> {
        let mut waits: Vec<WaitReport> = self.0.into_iter().map(|sum| sum.report).collect();
        waits.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.waited_for.cmp(&b.waited_for)));
        waits
    }
}

/// When all slots were busy: spans in order of time, and the sum of the spans before each.
struct Busy {
    spans: Vec<(Duration, Duration)>,
    before: Vec<Duration>,
}

/// When at least `slots` steps of a lane (or of all) ran at once.
fn busy(steps: &[StepReport], lane: Option<Lane>, slots: usize) -> Busy {
    let of_lane = steps.iter().filter(|step| lane.is_none_or(|lane| step.lane == lane));
    let ran = of_lane.flat_map(StepReport::attempt_times);
    let spans = ran.filter_map(|times| Some((times.start, times.start + times.duration?)));
    let mut edges: Vec<(Duration, bool)> =
        spans.filter(|span| span.0 < span.1).flat_map(|(start, end)| [(start, true), (end, false)]).collect();
    // Ends sort before starts of the same instant.
    edges.sort_unstable();
    let (mut now, mut since) = (0_usize, Duration::ZERO);
    let mut spans = Vec::new();
    for (at, starts) in edges {
        if starts {
            now += 1;
            if now == slots {
                since = at;
            }
        } else {
            if now == slots && at > since {
                spans.push((since, at));
            }
            now -= 1;
        }
    }
    let sum = |all: &mut Duration, span: &(Duration, Duration)| {
        let before = *all;
        *all += span.1.saturating_sub(span.0);
        Some(before)
    };
    let before = spans.iter().scan(Duration::ZERO, sum).collect();
    Busy { spans, before }
}

impl Busy {
    /// Busy time between two moments.
    fn within(&self, from: Duration, to: Duration) -> Duration {
        self.until(to).saturating_sub(self.until(from))
    }

    fn until(&self, moment: Duration) -> Duration {
        let begun = self.spans.partition_point(|span| span.0 < moment);
        let Some(last) = begun.checked_sub(1) else { return Duration::ZERO };
        let (start, end) = self.spans[last];
        self.before[last] + end.min(moment).saturating_sub(start)
    }
}
