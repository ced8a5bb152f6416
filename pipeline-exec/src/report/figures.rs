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
        let (wall, total, path, slots) =
            (wall.as_nanos() as f64, total as f64, path as f64, self.slots as f64);
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
