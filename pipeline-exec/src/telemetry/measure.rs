//! Events as measurements, independent of the metrics library.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use pipeline_core::Plan;
use pipeline_core::frame::Status;

use super::label::{Labels, StepLabels};
use crate::event::{Event, Observer, RunEnd, RunView};
use crate::report::RunStatus;

/// The bounds of histograms of durations, in seconds: from a short computation to an hour.
pub(super) const SECONDS: [f64; 15] =
    [1e-5, 1e-4, 1e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0, 1800.0, 3600.0];

/// Number of pipelines whose meters are kept from run to run.
const MOST_PLANS: usize = 8;

/// Counts and measures with some library.
pub(super) trait Meters: Send + Sync + 'static {
    /// The meters of one step.
    type Step: Send + Sync + 'static;

    /// Makes the meters of a step with these labels.
    fn step(&self, labels: &StepLabels) -> Self::Step;
    /// Records that a step starts.
    fn started(&self, step: &Self::Step);
    /// Records that an attempt has failed and another follows.
    fn retried(&self, step: &Self::Step);
    /// Records that a step uses its fallback.
    fn fell_back(&self, step: &Self::Step);
    /// Records that a step has ended; `ran` is its duration if it had started.
    fn ended(&self, step: &Self::Step, status: Status, ran: Option<Duration>);
    /// Records the time from a step's last input to its start.
    fn waited(&self, step: &Self::Step, wait: Duration);
    /// Records that a run starts.
    fn run_started(&self);
    /// Records that a run has ended.
    fn run_ended(&self, status: RunStatus, duration: Duration);
}

/// Measures runs; makes a [`MeasuredRun`] of each.
pub(super) struct Measure<M: Meters> {
    pub(super) meters: Arc<M>,
    labels: Labels,
    /// The meters of the plans that ran last. The address of a dropped plan is not reused while a weak reference to it
    /// exists, so no plan is mistaken for another.
    plans: Mutex<Vec<(Weak<Plan>, StepsOf<M>)>>,
}

/// The meters of the steps of a plan, by position.
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

/// The events of a step so far.
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
            Event::AttemptStarted { .. }
            | Event::SlowPoll { .. }
            | Event::NestedRunFinished { .. }
            | Event::SlotsChanged { .. } => {}
        }
    }
}

impl<M: Meters> MeasuredRun<M> {
    /// Records what no event has shown: how long steps waited, and the steps that ended without a start.
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
