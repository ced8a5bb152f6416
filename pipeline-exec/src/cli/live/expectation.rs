//! The remaining time of a run.
//!
//! A step that has not ended is expected to take what it took in earlier runs; if that is not known, its cost, at the rate of
//! the steps that are known. A step that reports its progress is expected to continue at its pace. The remaining time is then
//! that of the simulated schedule.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::tracker::{Running, Snapshot, Tracked};
use crate::cli::forecast::{Forecast, Stage, cost_of, time_per_cost};

/// Without earlier runs, there is no estimate before this time: a guess from two short steps is worse than none.
const EARLIEST: Duration = Duration::from_secs(2);
/// A step without progress that takes this much longer than expected leaves nothing to estimate from.
const OVERDUE: Duration = Duration::from_secs(2);
/// No step is expected to take longer: many such durations can be summed.
const LONGEST: Duration = Duration::from_secs(1_000_000_000);

/// The durations of steps in earlier runs, by identity.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Expectation {
    durations: HashMap<String, Duration>,
}

impl FromIterator<(String, Duration)> for Expectation {
    fn from_iter<I: IntoIterator<Item = (String, Duration)>>(durations: I) -> Self {
        Expectation { durations: durations.into_iter().collect() }
    }
}

/// The remaining time of a run: estimated now and then, counted down in between.
#[derive(Default)]
pub(super) struct TimeLeft {
    expectation: Expectation,
    /// The last estimate: when it was made, its result, and how long it took.
    last: Option<(Instant, Option<Duration>, Duration)>,
}

impl TimeLeft {
    pub(super) fn new(expectation: Expectation) -> Self {
        TimeLeft { expectation, last: None }
    }

    /// The usual duration of a step, by its identity.
    pub(super) fn usual(&self, step: &str) -> Option<Duration> {
        self.expectation.durations.get(step).copied()
    }

    /// The remaining time, if it can be estimated. A simulation of the rest of the run, once a second, or less often if that
    /// takes long.
    pub(super) fn of(&mut self, run: &Tracked, snapshot: &Snapshot) -> Option<Duration> {
        let now = Instant::now();
        if let Some((made, left, cost)) = self.last
            && now - made < Duration::from_secs(1).max(cost * 50)
        {
            return Some(left?.saturating_sub(now - made));
        }
        let left = self.estimate(run, snapshot);
        self.last = Some((now, left, now.elapsed()));
        left
    }

    fn estimate(&self, run: &Tracked, snapshot: &Snapshot) -> Option<Duration> {
        let plan = run.view.plan();
        let known = |step: usize| self.usual(&run.identity(step));
        if self.expectation.durations.is_empty() && snapshot.elapsed < EARLIEST {
            return None;
        }
        let unit = time_per_cost(plan, |step| run.took(step).or_else(|| known(step)))?;
        let mut stages: Vec<Stage> = (0..plan.len())
            .map(|step| if run.has_ended(step) { Stage::Ended } else { Stage::Pending })
            .collect();
        let expected = |step: usize| match known(step) {
            _ if stages[step] == Stage::Ended => Duration::ZERO,
            Some(took) => took,
            None => unit.mul_f64(cost_of(plan, step)),
        };
        let mut left: Vec<Duration> = (0..plan.len()).map(expected).collect();
        let mut is_overdue = false;
        for running in &snapshot.running {
            let expected = left[running.step];
            left[running.step] = left_of(run, running, expected);
            stages[running.step] = Stage::Running;
            let elapsed = running.in_attempt.unwrap_or_default();
            is_overdue |= left[running.step].is_zero() && elapsed > expected + OVERDUE;
        }
        let forecast = Forecast::new(plan, run.view.settings(), &left, |step| stages[step]);
        // If only a step is left that takes longer than ever before, there is no estimate.
        Some(forecast.wall).filter(|left| !is_overdue || left.as_secs() > 0)
    }
}

/// What is left of a running step: by its own progress if it reports that.
fn left_of(run: &Tracked, running: &Running, expected: Duration) -> Duration {
    let elapsed = running.in_attempt.unwrap_or_default();
    let progress = run.view.activity(run.name(running.step)).progress;
    match progress.and_then(|progress| Some((progress.done, progress.total?))) {
        Some((done, total)) if done > 0 => {
            let ratio = total.saturating_sub(done) as f64 / done as f64;
            Duration::try_from_secs_f64(elapsed.as_secs_f64() * ratio)
                .map_or(LONGEST, |left| left.min(LONGEST))
        }
        _ => expected.saturating_sub(elapsed) + running.retry_in,
    }
}
