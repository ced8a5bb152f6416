//! Events as measurements: what is counted, apart from by whom.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use pipeline_core::Plan;
use pipeline_core::frame::Status;

use super::label::{Labels, StepLabels};
use crate::event::{Event, Observer, RunEnd, RunView};
use crate::report::RunStatus;

/// The bounds of histograms of durations, in seconds: from a step that only computes to one that runs for an hour.
pub(super) const SECONDS: [f64; 15] =
    [1e-5, 1e-4, 1e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0, 1800.0, 3600.0];

/// Of so many pipelines the steps' meters are kept from run to run.
const MOST_PLANS: usize = 8;

/// Counts and measures, in some library's way.
pub(super) trait Meters: Send + Sync + 'static {
    /// The meters of one step, found once.
    type Step: Send + Sync + 'static;

    /// The meters of a step with these labels.
    fn step(&self, labels: &StepLabels) -> Self::Step;
    /// A step starts.
    fn started(&self, step: &Self::Step);
    /// An attempt has failed, and another follows.
    fn retried(&self, step: &Self::Step);
    /// A step goes on with its fallback.
    fn fell_back(&self, step: &Self::Step);
    /// A step has ended, after so long where it had started.
    fn ended(&self, step: &Self::Step, status: Status, ran: Option<Duration>);
    /// How long a step waited from its last input to its start.
    fn waited(&self, step: &Self::Step, wait: Duration);
    /// A run starts.
    fn run_started(&self);
    /// A run has ended.
    fn run_ended(&self, status: RunStatus, duration: Duration);
}

/// Measures runs; makes a [`MeasuredRun`] of each.
pub(super) struct Measure<M: Meters> {
    pub(super) meters: Arc<M>,
    labels: Labels,
    /// The meters of the steps of the plans that were run last. A plan that is gone is not mistaken for another: its
    /// address is not used again while there is a weak reference.
    plans: Mutex<Vec<(Weak<Plan>, StepsOf<M>)>>,
}

/// The meters of a plan's steps, by position.
type StepsOf<M> = Arc<[<M as Meters>::Step]>;

impl<M: Meters> Measure<M> {
    pub(super) fn new(meters: M, labels: Labels) -> Self {
        Measure { meters: Arc::new(meters), labels, plans: Mutex::default() }
    }

    pub(super) fn for_run(&self, run: &RunView) -> Arc<dyn Observer> {
        let steps = self.steps(run.plan());
        let states = steps.iter().map(|_| State::default()).collect();
        Arc::new(MeasuredRun { meters: Arc::clone(&self.meters), steps, states })
    }

    fn steps(&self, plan: &Arc<Plan>) -> StepsOf<M> {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, steps)) = plans.iter().find(|(known, _)| known.as_ptr() == Arc::as_ptr(plan)) {
            return Arc::clone(steps);
        }
        let steps: StepsOf<M> =
            (0..plan.len()).map(|step| self.meters.step(&self.labels.of(plan, step))).collect();
        if plans.len() == MOST_PLANS {
            plans.remove(0);
        }
        plans.push((Arc::downgrade(plan), Arc::clone(&steps)));
        steps
    }
}

/// Measures one run.
struct MeasuredRun<M: Meters> {
    meters: Arc<M>,
    steps: StepsOf<M>,
    states: Box<[State]>,
}

/// What was told of a step so far.
#[derive(Default)]
struct State {
    started: AtomicBool,
    ended: AtomicBool,
}

impl<M: Meters> Observer for MeasuredRun<M> {
    fn on_event(&self, event: &Event<'_>) {
        match *event {
            Event::RunStarted { .. } => self.meters.run_started(),
            Event::StepStarted { position, .. } => {
                self.states[position].started.store(true, Ordering::Relaxed);
                self.meters.started(&self.steps[position]);
            }
            Event::AttemptFailed { position, .. } => self.meters.retried(&self.steps[position]),
            Event::FallbackUsed { position, .. } => self.meters.fell_back(&self.steps[position]),
            Event::StepFinished { position, status, duration, .. } => {
                let state = &self.states[position];
                state.ended.store(true, Ordering::Relaxed);
                let ran = state.started.load(Ordering::Relaxed).then_some(duration);
                self.meters.ended(&self.steps[position], status, ran);
            }
            Event::RunFinished { duration, end, .. } => self.run_finished(duration, end),
            Event::AttemptStarted { .. } | Event::SlowPoll { .. } | Event::SlotsChanged { .. } => {}
        }
    }
}

impl<M: Meters> MeasuredRun<M> {
    /// Counts what no event has told: how long steps waited, and those that ended without having been started.
    fn run_finished(&self, duration: Duration, end: &RunEnd<'_>) {
        let report = end.report();
        for ((step, state), told) in self.steps.iter().zip(&self.states).zip(&report.steps) {
            let started = state.started.load(Ordering::Relaxed);
            if let Some(wait) = told.wait.filter(|_| started) {
                self.meters.waited(step, wait);
            }
            if !state.ended.load(Ordering::Relaxed) {
                self.meters.ended(step, told.status, None);
            }
        }
        self.meters.run_ended(report.status, duration);
    }
}
