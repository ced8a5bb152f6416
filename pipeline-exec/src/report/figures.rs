//! Sums, paths and ratios of a run, all from measured times.
//!
//! `T` is the wall time, `D` the time at work of all steps, `S` the sum of their durations, `P` the longest path through the
//! graph by durations, and `W` the number of slots.
//!
//! The time between the attempts of a step is part of its duration, and so of `S` and `P`: its dependents wait for it, and a
//! run of one step at a time would wait for it too. It holds no slot, so it is no part of `D`, which is compared with the
//! slots. `W` is the limit over all lanes if one is set. Otherwise it is the sum over the lanes of their slots, or of their
//! steps if they have fewer.

use std::time::Duration;

use pipeline_core::Lane;
use serde::{Deserialize, Serialize};

use super::sums::Sums;
use crate::record::RunRecord;

/// Sums, paths and ratios of a run; zero if nothing was timed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Figures {
    /// `W`: maximum number of steps at once; 0 in a deterministic run, whose report does not depend on it.
    pub slots: usize,
    /// `D`: time at work of all steps, without the time between their attempts.
    pub total: Duration,
    /// `S`: time that the steps would have taken one at a time: the sum of their durations.
    pub one_at_a_time: Duration,
    /// `P`: the longest path by measured durations.
    pub critical_path: Duration,
    /// The steps on that path, in running order.
    pub critical_steps: Vec<String>,
    /// Maximum number of steps that were at work at once.
    pub peak_concurrency: usize,
    /// Number of levels of the graph.
    pub levels: usize,
    /// Number of steps of the widest level.
    pub widest_level: usize,
    /// `S / T`: speed-up over one step at a time. Optimistic if steps slow each other down.
    pub speed_up: f64,
    /// `100 · (D / W) / T`, at most 100. Depends on the number of slots.
    pub parallel_efficiency: f64,
    /// `T / P`: 1 means that more slots would gain nothing.
    pub critical_path_ratio: f64,
    /// `max(P, D / W) / T`: 1 means that no scheduler could do better with these slots.
    pub schedule_efficiency: f64,
    /// `D / (W · T)`: the part of the slots' time that was used.
    pub utilisation: f64,
}

impl Figures {
    /// Returns `S / max(P, D / W)`, the greatest possible [speed-up](Figures::speed_up) with these slots; 1 if nothing was
    /// timed.
    pub fn speed_up_bound(&self) -> f64 {
        let by_slots = self.total.as_secs_f64() / self.slots.max(1) as f64;
        let bound = self.critical_path.as_secs_f64().max(by_slots);
        if bound > 0.0 { self.one_at_a_time.as_secs_f64() / bound } else { 1.0 }
    }

    /// The figures, and the positions of the steps on the critical path.
    pub(super) fn of(run: &RunRecord, sums: &Sums<'_>, wall: Duration) -> (Self, Vec<usize>) {
        let plan = run.frame.plan();
        let counts = plan.lane_counts();
        let slots = run.settings.workers.unwrap_or_else(|| {
            Lane::ALL.iter().map(|&lane| run.settings.slots(lane).min(counts[lane.index()])).sum()
        });
        let levels = plan.levels();
        let mut figures = Figures {
            slots: if run.settings.deterministic { 0 } else { slots },
            levels: levels.depth(),
            widest_level: levels.widest().1,
            ..Figures::default()
        };
        if super::timings(run).is_none() {
            return (figures, Vec::new());
        }
        let mut path = plan.critical_path(|step| sums.nanos(step));
        path.steps.retain(|&step| sums.ran(step));
        figures.total = sums.total;
        figures.one_at_a_time = sums.one_at_a_time;
        figures.critical_path = Duration::from_nanos(path.cost);
        figures.critical_steps = path.steps.iter().map(|&step| plan.spec(step).name().to_owned()).collect();
        figures.peak_concurrency = peak(sums);
        figures.set_ratios(wall);
        (figures, path.steps)
    }

    /// Sets the ratios, which follow from the times and the slots.
    fn set_ratios(&mut self, wall: Duration) {
        let times = [wall, self.total, self.one_at_a_time, self.critical_path];
        let [wall, total, one_at_a_time, path] = times.map(|time| time.as_nanos() as f64);
        let slots = self.slots as f64;
        let ratio = |a: f64, b: f64| if b > 0.0 { a / b } else { 0.0 };
        self.speed_up = ratio(one_at_a_time, wall);
        self.parallel_efficiency = (100.0 * ratio(total / slots.max(1.0), wall)).min(100.0);
        self.critical_path_ratio = ratio(wall, path);
        self.schedule_efficiency = ratio(path.max(total / slots.max(1.0)), wall);
        self.utilisation = ratio(total, slots * wall);
    }
}

/// Maximum number of steps at work at once. A step that ends when another starts does not overlap it.
fn peak(sums: &Sums<'_>) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    for (_, starts) in sums.edges(None) {
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
        let mut figures =
            Figures { slots, total, one_at_a_time: total, critical_path: path, ..Figures::default() };
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
        same(four.speed_up_bound(), 2.6667);
        let sixteen = figures(14.4, 5.4, 16, 5.4);
        same(sixteen.parallel_efficiency, 16.667);
        same(sixteen.schedule_efficiency, 1.0);
        // As measured there: 5.44 s.
        let theirs = figures(14.4, 5.4, 4, 5.44);
        same(theirs.parallel_efficiency, 66.176);
        same(theirs.schedule_efficiency, 0.99265);
    }

    /// I05: the time between attempts counts for one step at a time too, and holds no slot: two steps that each work for 1 s
    /// and wait for 3 s, at the same time in one slot.
    #[test]
    fn waits_between_attempts_are_part_of_the_speed_up_and_not_of_the_slots_in_use() {
        let [wall, one_at_a_time] = [5.0, 8.0].map(Duration::from_secs_f64);
        let mut figures = figures(2.0, 4.0, 1, 5.0);
        figures.one_at_a_time = one_at_a_time;
        figures.set_ratios(wall);
        same(figures.speed_up, 1.6);
        same(figures.speed_up_bound(), 2.0);
        same(figures.critical_path_ratio, 1.25);
        same(figures.schedule_efficiency, 0.8);
        same(figures.utilisation, 0.4);
        same(figures.parallel_efficiency, 40.0);
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
