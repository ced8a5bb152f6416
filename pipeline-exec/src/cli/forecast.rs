//! What a run takes: the schedule that the plan, the slots and the limits lead to, simulated with a duration for each step.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Duration;

use pipeline_core::{Lane, Plan};
use serde::Serialize;

use super::needs::{capacities, declared};
use crate::settings::Settings;

/// When a step ends, at most this many steps that wait for a limit are considered.
const MOST_CONSIDERED: usize = 1_000;

/// What a run takes, or the rest of one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Forecast {
    /// All steps, one after the other.
    pub(super) total: Duration,
    /// The longest path.
    pub(super) critical_path: Duration,
    /// The schedule.
    pub(super) wall: Duration,
}

/// How far a step is when the simulation begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Pending,
    Running,
    /// It has ended, or does not run.
    Ended,
}

impl Forecast {
    /// Simulates a run. `times` is what each step of the plan still takes.
    pub(super) fn new(
        plan: &Plan,
        settings: &Settings,
        times: &[Duration],
        stage: impl Fn(usize) -> Stage,
    ) -> Self {
        Forecast {
            total: times.iter().sum(),
            critical_path: Duration::from_nanos(
                plan.critical_path(|step| times[step].as_nanos() as u64).cost,
            ),
            wall: Machine::new(plan, settings).run(times, stage),
        }
    }

    /// How many times faster than one step after the other.
    pub(super) fn speed_up(&self) -> f64 {
        if self.wall.is_zero() { 1.0 } else { self.total.as_secs_f64() / self.wall.as_secs_f64() }
    }
}

/// The time that one unit of cost takes, on average over the steps whose time is known; `None` if none is.
pub(super) fn time_per_cost(plan: &Plan, known: impl Fn(usize) -> Option<Duration>) -> Option<Duration> {
    let known = (0..plan.len()).filter_map(|step| Some((known(step)?, cost_of(plan, step))));
    let (time, cost) = known.fold((Duration::ZERO, 0.0), |(time, cost), (t, c)| (time + t, cost + c));
    (cost > 0.0).then(|| time.div_f64(cost))
}

pub(super) fn cost_of(plan: &Plan, step: usize) -> f64 {
    f64::from(plan.spec(step).def().cost)
}

/// What is free at one moment of the simulation. A step may hold a slot or a share that was not free when it took it.
struct Machine<'a> {
    plan: &'a Plan,
    /// By step, what it needs: the position of the limit, and the amount.
    needs: Vec<Vec<(usize, i64)>>,
    /// What is free of each limit.
    limits: Vec<i64>,
    free: [i64; Lane::ALL.len()],
    workers: i64,
    successors: Vec<Vec<u32>>,
    missing: Vec<u32>,
    /// Steps that could start, by lane, the most urgent first.
    ready: [BTreeSet<(Reverse<u64>, usize)>; Lane::ALL.len()],
    /// Exclusive steps that could start.
    exclusive: BTreeSet<(Reverse<u64>, usize)>,
    running: BinaryHeap<Reverse<(Duration, usize)>>,
    /// Whether an exclusive step runs.
    is_alone: bool,
}

impl<'a> Machine<'a> {
    fn new(plan: &'a Plan, settings: &Settings) -> Self {
        let signed = |amount: u64| i64::try_from(amount).unwrap_or(i64::MAX);
        let capacities = capacities(plan, settings);
        let needs = |step: usize| {
            let known = |(name, amount): (String, u64)| {
                let limit = capacities.keys().position(|known| *known == name)?;
                Some((limit, signed(amount.min(capacities[&name]))))
            };
            declared(plan, step).filter_map(known).collect()
        };
        Machine {
            plan,
            needs: (0..plan.len()).map(needs).collect(),
            limits: capacities.values().map(|&capacity| signed(capacity)).collect(),
            free: Lane::ALL.map(|lane| signed(settings.slots(lane) as u64)),
            workers: settings.workers.map_or(i64::MAX, |workers| signed(workers as u64)),
            successors: vec![Vec::new(); plan.len()],
            missing: vec![0; plan.len()],
            ready: Default::default(),
            exclusive: BTreeSet::new(),
            running: BinaryHeap::new(),
            is_alone: false,
        }
    }

    /// Returns when the last step ends.
    fn run(mut self, times: &[Duration], stage: impl Fn(usize) -> Stage) -> Duration {
        let mut now = Duration::ZERO;
        let stages: Vec<Stage> = (0..self.plan.len()).map(stage).collect();
        for (step, stage) in stages.iter().enumerate() {
            match stage {
                Stage::Ended => {}
                Stage::Running => self.start(step, now, times),
                Stage::Pending => {
                    for earlier in self.plan.waits_for(step).filter(|&e| stages[e] != Stage::Ended) {
                        self.successors[earlier].push(step as u32);
                        self.missing[step] += 1;
                    }
                    if self.missing[step] == 0 {
                        self.add(step);
                    }
                }
            }
        }
        loop {
            self.start_all(now, times);
            let Some(Reverse((end, step))) = self.running.pop() else { return now };
            now = end;
            self.end(step);
            while self.running.peek().is_some_and(|Reverse((end, _))| *end == now) {
                if let Some(Reverse((_, step))) = self.running.pop() {
                    self.end(step);
                }
            }
        }
    }

    fn add(&mut self, step: usize) {
        let entry = (Reverse(self.plan.urgency(step)), step);
        if self.plan.policy(step).exclusive {
            self.exclusive.insert(entry);
        } else {
            self.ready[self.plan.lane(step).index()].insert(entry);
        }
    }

    fn start_all(&mut self, now: Duration, times: &[Duration]) {
        if self.is_alone {
            return;
        }
        if let Some(&(urgency, step)) = self.exclusive.first() {
            // No other step starts before it has run.
            if self.running.is_empty() {
                self.exclusive.remove(&(urgency, step));
                self.start(step, now, times);
            }
            return;
        }
        for lane in Lane::ALL {
            let index = lane.index();
            // Without limits, the first ones can start.
            let further = if self.limits.is_empty() { 0 } else { MOST_CONSIDERED };
            let most = usize::try_from(self.free[index]).unwrap_or(0) + further;
            let waiting: Vec<_> = self.ready[index].iter().take(most).copied().collect();
            for entry in waiting {
                if self.free[index] <= 0 || self.workers <= 0 {
                    break;
                }
                if self.needs[entry.1].iter().all(|&(limit, amount)| self.limits[limit] >= amount) {
                    self.ready[index].remove(&entry);
                    self.start(entry.1, now, times);
                }
            }
        }
    }

    fn start(&mut self, step: usize, now: Duration, times: &[Duration]) {
        self.hold(step, 1);
        self.running.push(Reverse((now + times[step], step)));
    }

    fn end(&mut self, step: usize) {
        self.hold(step, -1);
        for next in std::mem::take(&mut self.successors[step]) {
            self.missing[next as usize] -= 1;
            if self.missing[next as usize] == 0 {
                self.add(next as usize);
            }
        }
    }

    /// Takes what a step needs while it runs, by a sign of 1, or gives it back.
    fn hold(&mut self, step: usize, sign: i64) {
        if self.plan.policy(step).exclusive {
            self.is_alone = sign > 0;
            return;
        }
        self.free[self.plan.lane(step).index()] -= sign;
        if self.workers != i64::MAX {
            self.workers -= sign;
        }
        for &(limit, amount) in &self.needs[step] {
            self.limits[limit] -= sign * amount;
        }
    }
}
