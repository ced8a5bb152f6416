//! What a run would take: the schedule that the plan, the slots and the limits lead to, played through with a duration for
//! each step.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use pipeline_core::{Lane, Plan};
use serde::Serialize;

use crate::cli::needs::{capacities, declared, is_given};
use crate::settings::Settings;

/// So many steps that wait for a limit are looked at again whenever one ends.
const LOOKED_AT: usize = 1_000;

/// What a run would take.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Forecast {
    /// All steps, one after the other.
    pub(super) total: Duration,
    /// The longest path.
    pub(super) critical_path: Duration,
    /// The schedule.
    pub(super) wall: Duration,
}

impl Forecast {
    /// How many times faster than one step after the other.
    pub(super) fn speed_up(&self) -> f64 {
        if self.wall.is_zero() { 1.0 } else { self.total.as_secs_f64() / self.wall.as_secs_f64() }
    }
}

/// Plays a run through. `times` are by step of the plan; a step that does not run takes none.
pub(super) fn forecast(plan: &Plan, settings: &Settings, times: &[Duration]) -> Forecast {
    let mut critical = vec![Duration::ZERO; plan.len()];
    for step in 0..plan.len() {
        let before = plan.waits_for(step).map(|earlier| critical[earlier]).max().unwrap_or_default();
        critical[step] = before + times[step];
    }
    Forecast {
        total: times.iter().sum(),
        critical_path: critical.into_iter().max().unwrap_or_default(),
        wall: Machine::new(plan, settings).play(times),
    }
}

/// What is free at one moment of the schedule.
struct Machine<'a> {
    plan: &'a Plan,
    successors: Vec<Vec<u32>>,
    missing: Vec<u32>,
    /// Steps that could start, by lane, the most urgent first.
    ready: [BTreeSet<(Reverse<u64>, usize)>; Lane::ALL.len()],
    /// Steps that wait to be alone.
    alone: BTreeSet<(Reverse<u64>, usize)>,
    free: [usize; Lane::ALL.len()],
    workers: usize,
    limits: BTreeMap<String, u64>,
    capacity: BTreeMap<String, u64>,
    running: BinaryHeap<Reverse<(Duration, usize)>>,
    is_alone: bool,
}

impl<'a> Machine<'a> {
    fn new(plan: &'a Plan, settings: &Settings) -> Self {
        let mut successors = vec![Vec::new(); plan.len()];
        let mut missing = Vec::with_capacity(plan.len());
        for step in 0..plan.len() {
            let mut count = 0;
            for earlier in plan.waits_for(step).filter(|_| !is_given(plan, step)) {
                successors[earlier].push(step as u32);
                count += 1;
            }
            missing.push(count);
        }
        let capacity = capacities(plan, settings);
        Machine {
            plan,
            successors,
            missing,
            ready: Default::default(),
            alone: BTreeSet::new(),
            free: Lane::ALL.map(|lane| settings.slots(lane)),
            workers: settings.workers.unwrap_or(usize::MAX),
            limits: capacity.clone(),
            capacity,
            running: BinaryHeap::new(),
            is_alone: false,
        }
    }

    fn play(mut self, times: &[Duration]) -> Duration {
        let mut now = Duration::ZERO;
        for step in (0..self.plan.len()).filter(|&step| self.missing[step] == 0).collect::<Vec<_>>() {
            self.add(step);
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
            self.alone.insert(entry);
        } else {
            self.ready[self.plan.lane(step).index()].insert(entry);
        }
    }

    fn start_all(&mut self, now: Duration, times: &[Duration]) {
        if self.is_alone {
            return;
        }
        if let Some(&(urgency, step)) = self.alone.first() {
            // Nobody else starts before it has had its turn.
            if self.running.is_empty() {
                self.alone.remove(&(urgency, step));
                self.start(step, now, times);
            }
            return;
        }
        for lane in Lane::ALL {
            let index = lane.index();
            // Where nothing is limited, the first ones can start.
            let further = if self.capacity.is_empty() { 0 } else { LOOKED_AT };
            let waiting: Vec<_> =
                self.ready[index].iter().take(self.free[index] + further).copied().collect();
            for entry in waiting {
                if self.free[index] == 0 || self.workers == 0 {
                    break;
                }
                if self.needs(entry.1).iter().all(|(name, amount)| self.limits[name] >= *amount) {
                    self.ready[index].remove(&entry);
                    self.start(entry.1, now, times);
                }
            }
        }
    }

    fn start(&mut self, step: usize, now: Duration, times: &[Duration]) {
        self.shift(step, false);
        self.running.push(Reverse((now + times[step], step)));
    }

    fn end(&mut self, step: usize) {
        self.shift(step, true);
        for next in std::mem::take(&mut self.successors[step]) {
            self.missing[next as usize] -= 1;
            if self.missing[next as usize] == 0 {
                self.add(next as usize);
            }
        }
    }

    /// Takes or gives back what a step needs while it runs.
    fn shift(&mut self, step: usize, is_over: bool) {
        let by = |free: &mut usize| *free = if is_over { *free + 1 } else { *free - 1 };
        if self.plan.policy(step).exclusive {
            self.is_alone = !is_over;
            return;
        }
        by(&mut self.free[self.plan.lane(step).index()]);
        if self.workers != usize::MAX {
            by(&mut self.workers);
        }
        for (name, amount) in self.needs(step) {
            let free = self.limits.get_mut(&name).expect("invariant: every name that a step needs is there");
            *free = if is_over { *free + amount } else { *free - amount };
        }
    }

    fn needs(&self, step: usize) -> Vec<(String, u64)> {
        let known = |(name, amount): (String, u64)| {
            let capacity = *self.capacity.get(&name)?;
            Some((name, amount.min(capacity)))
        };
        declared(self.plan, step).into_iter().filter_map(known).collect()
    }
}
