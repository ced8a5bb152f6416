//! How long a run will still take.
//!
//! Of each step that has not ended, the time it is expected to take is what it took in an earlier run; where that is not
//! known, its cost, at the rate of the steps that are known. A step that says how far it is knows better itself. What is left
//! of the run is then the longest remaining path, or all remaining work over the slots there are for it, whichever is longer.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use pipeline_core::{Lane, Plan};

use super::tracker::{Look, Running, Tracked};
use crate::settings::Settings;

/// No estimate before so much of the run is over, unless an earlier run is known: a guess from two short steps is worse than
/// A step that takes so much longer than expected, and does not say how far it is, leaves nothing to guess by.
const OVERDUE: Duration = Duration::from_secs(2);

/// none.
const EARLIEST: Duration = Duration::from_secs(2);

/// How long steps took before, by name: where the remaining time of a run is estimated from. Empty where nothing is known.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Expectation {
    durations: HashMap<String, Duration>,
}

impl FromIterator<(String, Duration)> for Expectation {
    fn from_iter<I: IntoIterator<Item = (String, Duration)>>(durations: I) -> Self {
        Expectation { durations: durations.into_iter().collect() }
    }
}

/// The remaining time of a run, estimated now and then and counted down meanwhile.
#[derive(Default)]
pub(super) struct Forecast {
    expectation: Expectation,
    /// When it was made, what it said, and how long that took.
    last: Option<(Instant, Option<Duration>, Duration)>,
}

impl Forecast {
    pub(super) fn new(expectation: Expectation) -> Self {
        Forecast { expectation, last: None }
    }

    /// How long a step took before.
    pub(super) fn usual(&self, step: &str) -> Option<Duration> {
        self.expectation.durations.get(step).copied()
    }

    /// How long the run will still take, where that can be told. O(steps and edges) once a second, less often where that
    /// takes long.
    pub(super) fn left(&mut self, run: &Tracked, look: &Look) -> Option<Duration> {
        let now = Instant::now();
        if let Some((made, left, cost)) = self.last
            && now - made < Duration::from_secs(1).max(cost * 50)
        {
            return Some(left?.saturating_sub(now - made));
        }
        let left = self.estimate(run, look);
        self.last = Some((now, left, now.elapsed()));
        left
    }

    fn estimate(&self, run: &Tracked, look: &Look) -> Option<Duration> {
        let plan = run.view.plan();
        let known = |step: usize| self.usual(run.name(step));
        let seen = |step: usize| run.took(step).or_else(|| known(step));
        let (time, cost) = (0..plan.len())
            .filter_map(|step| Some((seen(step)?, cost_of(plan, step))))
            .fold((0.0, 0.0), |(time, sum), (took, cost)| (time + took.as_secs_f64(), sum + cost));
        let is_early = self.expectation.durations.is_empty() && look.elapsed < EARLIEST;
        if is_early || cost == 0.0 {
            return None;
        }
        let mut left: Vec<f64> = (0..plan.len())
            .map(|step| match known(step) {
                _ if run.has_ended(step) => 0.0,
                Some(took) => took.as_secs_f64(),
                None => cost_of(plan, step) * time / cost,
            })
            .collect();
        let mut is_overdue = false;
        for running in &look.running {
            let expected = left[running.step];
            left[running.step] = left_of(run, running, expected);
            let elapsed = running.in_attempt.unwrap_or_default().as_secs_f64();
            is_overdue |= left[running.step] == 0.0 && elapsed > expected + OVERDUE.as_secs_f64();
        }
        let seconds = longest_path(plan, &left).max(by_slots(plan, run.view.settings(), &left));
        // Where all that is left is a step that takes longer than ever before, nobody knows.
        Duration::try_from_secs_f64(seconds).ok().filter(|left| !is_overdue || left.as_secs() > 0)
    }
}

fn cost_of(plan: &Plan, step: usize) -> f64 {
    f64::from(plan.spec(step).def().cost)
}

/// What is left of a step that runs: by its own word where it says how far it is.
fn left_of(run: &Tracked, running: &Running, expected: f64) -> f64 {
    let elapsed = running.in_attempt.unwrap_or_default().as_secs_f64();
    let progress = run.view.activity(run.name(running.step)).progress;
    match progress.and_then(|progress| Some((progress.done, progress.total?))) {
        Some((done, total)) if done > 0 => elapsed * total.saturating_sub(done) as f64 / done as f64,
        _ => (expected - elapsed).max(0.0) + running.retry_in.as_secs_f64(),
    }
}

/// The longest path of what is left. Steps are in plan order: each after those it waits for.
fn longest_path(plan: &Plan, left: &[f64]) -> f64 {
    let mut after = vec![0.0_f64; left.len()];
    let mut longest = 0.0_f64;
    for step in (0..left.len()).rev() {
        let path = after[step] + left[step];
        longest = longest.max(path);
        for earlier in plan.waits_for(step) {
            after[earlier] = after[earlier].max(path);
        }
    }
    longest
}

/// All that is left in each lane over its slots, and all that is left over the slots of the run.
fn by_slots(plan: &Plan, settings: &Settings, left: &[f64]) -> f64 {
    let in_lane = |lane: Lane| {
        let sum: f64 = (0..left.len()).filter(|&step| plan.lane(step) == lane).map(|step| left[step]).sum();
        sum / settings.width(lane).max(1) as f64
    };
    let in_all = settings.workers.map_or(0.0, |workers| left.iter().sum::<f64>() / workers.max(1) as f64);
    Lane::ALL.into_iter().map(in_lane).fold(in_all, f64::max)
}
