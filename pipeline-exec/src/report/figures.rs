//! Sums, paths and ratios of a run, all from measured times.
//!
//! With `T` the wall time, `D` the sum of the steps' durations, `P` the longest path through the graph by measured
//! durations, and `W` the slots. `W` is the limit over all lanes where one is set; otherwise the slots of the lanes
//! that have steps, a lane's slots counted only as far as it has steps.

use std::time::Duration;

use pipeline_core::Lane;
use pipeline_core::frame::Status;
use serde::{Deserialize, Serialize};

use crate::engine::Engine;

/// Sums, paths and ratios of a run; zero where nothing was timed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Figures {
    /// `W`: how many steps could have been under way at once; 0 in a deterministic run, whose report does not depend on
    /// it.
    pub slots: usize,
    /// `D`: the sum of all durations.
    pub total: Duration,
    /// `P`: the longest path by measured durations.
    pub critical_path: Duration,
    /// The steps on that path, in running order.
    pub critical_steps: Vec<String>,
    /// How many steps were under way at once, at the most.
    pub peak_concurrency: usize,
    /// How many levels the graph has.
    pub levels: usize,
    /// How many steps the widest level has.
    pub widest_level: usize,
    /// `D / T`. Optimistic where steps slow each other down.
    pub speed_up: f64,
    /// `100 · (D / W) / T`, at most 100. Depends on the number of slots given.
    pub parallel_efficiency: f64,
    /// `T / P`: 1 means that more slots would gain nothing.
    pub critical_path_ratio: f64,
    /// `max(P, D / W) / T`: 1 means that no scheduler could do better with these slots.
    pub schedule_efficiency: f64,
    /// `D / (W · T)`: how busy the slots were.
    pub utilisation: f64,
}

impl Figures {
    pub(crate) fn of(engine: &Engine, wall: Duration) -> Self {
        let plan = engine.frame.plan();
        let counts = plan.lane_counts();
        let slots = engine.settings.workers.unwrap_or_else(|| {
            Lane::ALL.iter().map(|&lane| engine.settings.slots(lane).min(counts[lane.index()])).sum()
        });
        let levels = levels(engine);
        let mut figures = Figures {
            slots: if engine.settings.deterministic { 0 } else { slots },
            levels: levels.len(),
            widest_level: levels.into_iter().max().unwrap_or(0),
            ..Figures::default()
        };
        if super::timings(engine).is_some() {
            figures.measure(engine, wall);
        }
        figures
    }

    fn measure(&mut self, engine: &Engine, wall: Duration) {
        let spans = spans(engine);
        let total: u64 = spans.iter().map(|span| span.1 - span.0).sum();
        let (path, steps) = critical_path(engine, &spans);
        self.total = Duration::from_nanos(total);
        self.critical_path = Duration::from_nanos(path);
        self.critical_steps = steps
            .into_iter()
            .filter(|&step| spans[step].1 > 0)
            .map(|step| engine.frame.plan().spec(step).name().to_owned())
            .collect();
        self.peak_concurrency = peak(&spans);
        self.set_ratios(wall);
    }

    /// What follows from the times and the slots.
    fn set_ratios(&mut self, wall: Duration) {
        let [wall, total, path] = [wall, self.total, self.critical_path].map(|time| time.as_nanos() as f64);
        let slots = self.slots as f64;
        let ratio = |a: f64, b: f64| if b > 0.0 { a / b } else { 0.0 };
        self.speed_up = ratio(total, wall);
        self.parallel_efficiency = (100.0 * ratio(total / slots.max(1.0), wall)).min(100.0);
        self.critical_path_ratio = ratio(wall, path);
        self.schedule_efficiency = ratio(path.max(total / slots.max(1.0)), wall);
        self.utilisation = ratio(total, slots * wall);
    }
}

/// Start and end of every step; equal where it did not run.
fn spans(engine: &Engine) -> Vec<(u64, u64)> {
    let timings = super::timings(engine);
    let ran = |step: &usize| !matches!(engine.frame.status(*step), Status::Skipped | Status::Cached);
    let span = |step| {
        let span = Some(step).filter(ran).and_then(|step| timings.and_then(|timings| timings.span(step)));
        span.unwrap_or_default()
    };
    (0..engine.frame.plan().len()).map(span).collect()
}

/// How many steps each level of the plan has.
fn levels(engine: &Engine) -> Vec<usize> {
    let plan = engine.frame.plan();
    let mut level = vec![0_usize; plan.len()];
    let mut width = Vec::new();
    for step in 0..plan.len() {
        level[step] = plan.waits_for(step).map(|earlier| level[earlier] + 1).max().unwrap_or(0);
        if level[step] == width.len() {
            width.push(0);
        }
        width[level[step]] += 1;
    }
    width
}

/// The longest path by duration, and its steps.
fn critical_path(engine: &Engine, spans: &[(u64, u64)]) -> (u64, Vec<usize>) {
    let plan = engine.frame.plan();
    let mut ends = vec![0_u64; plan.len()];
    let mut came_from = vec![None; plan.len()];
    for step in 0..plan.len() {
        let longest = plan.waits_for(step).max_by_key(|&earlier| ends[earlier]);
        came_from[step] = longest;
        ends[step] = longest.map_or(0, |earlier| ends[earlier]) + (spans[step].1 - spans[step].0);
    }
    let last = (0..plan.len()).max_by_key(|&step| ends[step]);
    let mut path: Vec<usize> = std::iter::successors(last, |&step| came_from[step]).collect();
    path.reverse();
    (last.map_or(0, |step| ends[step]), path)
}

/// How many spans overlap, at the most; one that ends when another starts does not overlap it.
fn peak(spans: &[(u64, u64)]) -> usize {
    let mut edges: Vec<(u64, bool)> = spans
        .iter()
        .filter(|span| span.0 < span.1)
        .flat_map(|span| [(span.0, true), (span.1, false)])
        .collect();
    // Ends sort before starts of the same instant.
    edges.sort_unstable();
    let (mut now, mut most) = (0_usize, 0);
    for (_, starts) in edges {
        if starts {
            now += 1;
            most = most.max(now);
        } else {
            now -= 1;
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(total: f64, path: f64, slots: usize, wall: f64) -> Figures {
        let [total, path, wall] = [total, path, wall].map(Duration::from_secs_f64);
        let mut figures = Figures { slots, total, critical_path: path, ..Figures::default() };
        figures.set_ratios(wall);
        figures
    }

    #[track_caller]
    fn same(a: f64, b: f64) {
        assert!((a - b).abs() < 5e-4 * b.abs().max(1.0), "{a} is not {b}");
    }

    /// I01, I05, I06: the arithmetic of the example (S1), with four workers and with sixteen.
    #[test]
    fn the_even_medallion_has_the_efficiencies_of_its_definition() {
        let four = figures(14.4, 5.4, 4, 5.4);
        same(four.parallel_efficiency, 66.667);
        same(four.speed_up, 2.6667);
        same(four.critical_path_ratio, 1.0);
        same(four.schedule_efficiency, 1.0);
        same(four.utilisation, 0.66667);
        let sixteen = figures(14.4, 5.4, 16, 5.4);
        same(sixteen.parallel_efficiency, 16.667);
        same(sixteen.schedule_efficiency, 1.0);
        // As measured there: 5.44 s.
        let theirs = figures(14.4, 5.4, 4, 5.44);
        same(theirs.parallel_efficiency, 66.176);
        same(theirs.schedule_efficiency, 0.99265);
    }

    /// One slot that is always busy is used to the full; no time at all gives no ratio.
    #[test]
    fn the_ends_of_the_scales_are_what_they_are_called() {
        let sequential = figures(9.0, 4.3, 1, 9.0);
        same(sequential.parallel_efficiency, 100.0);
        same(sequential.utilisation, 1.0);
        same(sequential.schedule_efficiency, 1.0);
        let nothing = figures(0.0, 0.0, 4, 0.0);
        assert_eq!((nothing.speed_up, nothing.utilisation, nothing.schedule_efficiency), (0.0, 0.0, 0.0));
        // Steps that overlap their slots (an async one that waits has none) do not give more than 100.
        same(figures(100.0, 1.0, 2, 1.0).parallel_efficiency, 100.0);
    }
}
