//! Samples a run, and decides when its slots have to change.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Change, Controller, Curve, Recorder, Sample, Sampler};
use crate::settings::in_reach;

/// Time between two samples of a run with a memory limit.
const EVERY: Duration = Duration::from_millis(250);

/// Samples one run.
pub(crate) struct Monitor {
    every: Duration,
    state: Mutex<State>,
}

struct State {
    sampler: Box<dyn Sampler>,
    controller: Option<Controller>,
    recorder: Recorder,
    next: Duration,
    changes: Vec<Change>,
    has_ended: bool,
}

impl Monitor {
    /// Makes a monitor that keeps the memory of a run with at most `slots` below `limit`.
    pub(crate) fn new(
        sampler: Box<dyn Sampler>,
        limit: Option<u64>,
        every: Option<Duration>,
        slots: usize,
    ) -> Self {
        let controller = limit.map(|limit| Controller::new(limit).slots(slots));
        let recorder = Recorder::new();
        let state = State {
            sampler,
            controller,
            recorder,
            next: Duration::ZERO,
            changes: Vec::new(),
            has_ended: false,
        };
        Monitor { every: in_reach(every.unwrap_or(EVERY)), state: Mutex::new(state) }
    }

    /// Takes a sample if one is due, and returns what has to change. A sample that fails is left out.
    pub(crate) fn look(&self, now: Duration) -> Option<Change> {
        let mut state = self.lock();
        if now < state.next || state.has_ended {
            return None;
        }
        state.next = now + self.every;
        let sample = state.sample(now)?;
        let change = state.controller.as_mut()?.observe(now, &sample)?;
        state.changes.push(change.clone());
        Some(change)
    }

    /// Returns the time of the next sample.
    pub(crate) fn next(&self) -> Duration {
        self.lock().next
    }

    /// Takes the last sample, at the end of the run, when no slots can change any more.
    pub(crate) fn end(&self, now: Duration) {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.has_ended, true) {
            let _ = state.sample(now);
        }
    }

    /// Returns the samples and changes so far.
    pub(crate) fn seen(&self) -> (Curve, Vec<Change>) {
        let state = self.lock();
        (state.recorder.curve(), state.changes.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a sample and records it.
    fn sample(&mut self, now: Duration) -> Option<Sample> {
        // A sampler may be user code: its panic is a sample that failed.
        let sampled = pipeline_core::contain::guard(|| self.sampler.sample());
        let sample: Sample = sampled.ok()?.ok()?;
        self.recorder.record(now, &sample);
        Some(sample)
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor").field("every", &self.every).finish_non_exhaustive()
    }
}
