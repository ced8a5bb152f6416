//! What ready steps waited for. It follows from measured times; nothing is recorded for it during a run.
//!
//! A step that is ready and does not run waits for a slot while every slot of its lane (or of all lanes together) is busy. If
//! slots are free, and the step needs a named limit that another step of the run has taken before, it waits for that. The rest
//! is the scheduler's own time. A step that is tried again is ready again when its backoff is over.

use std::collections::HashMap;
use std::time::Duration;

use pipeline_core::Lane;
use serde::{Deserialize, Serialize};

use super::sums::Sums;
use super::timings;
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
pub(super) const SHORTEST: Duration = Duration::from_micros(100);

/// What the steps of a run waited for, the longest first; empty if nothing was timed.
pub(super) fn of(run: &RunRecord, sums: &Sums<'_>) -> Vec<WaitReport> {
    if timings(run).is_none() || sums.turns.is_empty() {
        return Vec::new();
    }
    let (plan, settings) = (run.frame.plan(), &run.settings);
    let mut waits = Waits::default();
    let over_all = settings.workers.map(|slots| Busy::of(sums, None, slots));
    let by_lane = Lane::ALL.map(|lane| Busy::of(sums, Some(lane), settings.slots(lane)));
    for turn in &sums.turns {
        let (index, lane, ready, start) = (turn.step as usize, turn.lane, turn.ready(), turn.start());
        let step = (index, plan.spec(index).name());
        let for_workers = over_all.as_ref().map_or(Duration::ZERO, |busy| busy.within(ready, start));
        let for_lane = by_lane[lane.index()].within(ready, start);
        if let Some(workers) = settings.workers.filter(|_| for_workers >= for_lane) {
            waits.add(WaitedFor::Workers(workers), step, for_workers);
        } else {
            waits.add(WaitedFor::Slots(lane.name().to_owned(), settings.slots(lane)), step, for_lane);
        }
        let left = start.saturating_sub(ready).saturating_sub(for_workers.max(for_lane));
        for limit in limits(run, index) {
            let since = sums.first_use.get(limit).copied().unwrap_or(start).max(ready);
            let time = left.min(start.saturating_sub(since));
            waits.add(WaitedFor::Limit(limit.to_owned()), step, time);
        }
    }
    waits.sorted()
}

/// The names of the limits that a step needs; none if it may also have waited to be alone.
pub(super) fn limits(run: &RunRecord, step: usize) -> Vec<&str> {
    let policy = run.frame.plan().policy(step);
    if policy.exclusive || policy.parallel_if.is_some() {
        return Vec::new();
    }
    let memory = policy.memory.filter(|_| run.settings.memory_limit.is_some()).map(|_| MEMORY);
    let named = policy.limits.iter().map(|(name, _)| &**name);
    named.chain(memory).chain(policy.cores.map(|_| CORES)).collect()
}

#[derive(Default)]
struct Waits(HashMap<WaitedFor, Sum>);

/// Waits for one thing so far.
struct Sum {
    steps: usize,
    total: Duration,
    /// The step that waited the longest, and how long.
    longest: String,
    most: Duration,
    /// The step that was added last, and how long it waited: a step that is tried again may wait again.
    last: (usize, Duration),
}

impl Waits {
    fn add(&mut self, waited_for: WaitedFor, (index, step): (usize, &str), time: Duration) {
        if time < SHORTEST {
            return;
        }
        let sum = self.0.entry(waited_for).or_insert_with(|| Sum {
            steps: 0,
            total: Duration::ZERO,
            longest: String::new(),
            most: Duration::ZERO,
            last: (usize::MAX, Duration::ZERO),
        });
        if sum.last.0 != index {
            sum.last = (index, Duration::ZERO);
            sum.steps += 1;
        }
        sum.last.1 += time;
        sum.total += time;
        if sum.last.1 > sum.most {
            sum.most = sum.last.1;
            step.clone_into(&mut sum.longest);
        }
    }

    fn sorted(self) -> Vec<WaitReport> {
        let report = |(waited_for, Sum { steps, total, longest, .. })| WaitReport {
            waited_for,
            steps,
            total,
            longest,
        };
        let mut waits: Vec<WaitReport> = self.0.into_iter().map(report).collect();
        waits.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.waited_for.cmp(&b.waited_for)));
        waits
    }
}

/// When all slots were busy: spans in order of time, and the sum of the spans before each.
struct Busy {
    spans: Vec<(Duration, Duration)>,
    before: Vec<Duration>,
}

impl Busy {
    /// When at least `slots` steps of a lane (or of all) ran at once.
    fn of(sums: &Sums<'_>, lane: Option<Lane>, slots: usize) -> Self {
        let (mut now, mut since) = (0_usize, 0);
        let mut spans = Vec::new();
        for (at, starts) in sums.edges(lane) {
            if starts {
                now += 1;
                if now == slots {
                    since = at;
                }
            } else {
                if now == slots && at > since {
                    spans.push((Duration::from_nanos(since), Duration::from_nanos(at)));
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
