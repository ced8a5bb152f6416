//! Failed attempts that are followed by another.

use std::time::Duration;

use pipeline_core::frame::{Finished, Ready};

use super::driver::Driver;
use super::slot::SlotGuard;
use super::watch::virtual_time;
use super::{Engine, later};
use crate::record::{AttemptReport, AttemptTimes, Failed};
use crate::rules::Rule;
use crate::timing::Place;

/// A failed attempt that is to be followed by another; without a slot until then.
struct Retry(Option<(SlotGuard, Finished)>);

impl Driver {
    /// Has a step tried again after a while, without a slot until then.
    pub(super) fn retry_later(&self, finished: Finished, wait: Duration) {
        let engine = self.engine();
        if let Some(error) = finished.error() {
            engine.events.attempt_failed(finished.step(), error, wait);
        }
        let guard = SlotGuard::without_slot(engine, engine.frame.plan().lane(finished.step()));
        let retry = Retry(Some((guard, finished)));
        later::after(engine, wait, move |stopped, place| retry.go(stopped, place, wait));
    }
}

impl Retry {
    /// Makes the step ready, or ends it with the error it has if the run was stopped.
    fn go(mut self, stopped: bool, place: Place, wait: Duration) {
        let Some((guard, finished)) = self.0.take() else { return };
        if stopped {
            // It was the last attempt after all: `end` sees that the run is stopped, and tries no other.
            Driver::new(guard, place).end(finished, true);
            return;
        }
        let engine = guard.engine();
        if let Some(ready) = engine.retry(finished, wait) {
            let (lane, urgency) = (engine.frame.plan().lane(ready.step()), engine.urgency(ready.step()));
            // The guard, dropped next, looks for work and finds it.
            engine.lanes.of(lane).backlog.push(urgency, ready);
        }
    }
}

impl Drop for Retry {
    fn drop(&mut self) {
        if let Some((guard, _)) = &self.0 {
            guard.engine().lost_runtime();
        }
    }
}

impl Engine {
    /// How long to wait before another attempt; `None` if there will be none.
    pub(super) fn retry_after(&self, rule: &Rule, finished: &Finished) -> Option<Duration> {
        let (step, error) = (finished.step(), finished.error()?);
        let number = error.attempt();
        let may = number <= rule.retries && error.may_retry() && !self.frame.scope().is_stopped();
        // No attempt beside one that may still run, unless the step is marked as `idempotent`.
        let alone = rule.idempotent || !self.frame.was_given_up(step);
        if !may || !alone {
            return None;
        }
        let step_id = self.frame.plan().spec(step).identity();
        // The same in every run with the same seed.
        let wait = rule.backoff.wait(number, self.frame.scope().chance(&step_id, number));
        if let Some(deadline) = rule.deadline {
            let in_real_time = || {
                let now = self.record.elapsed();
                (now, self.first_start(step, now))
            };
            let (now, first) = virtual_time::first_start(&self.history, step).unwrap_or_else(in_real_time);
            if now.saturating_add(wait) >= first + deadline {
                return None;
            }
        }
        self.history.take_retry(self.record.settings.retry_budget).then_some(wait)
    }

    /// When the first attempt of a step started, since the run began.
    fn first_start(&self, step: usize, now: Duration) -> Duration {
        let noted = self.history.look(step, |past| past.first_start).filter(|first| !first.is_zero());
        let timed =
            || self.timings.as_ref().and_then(|timings| timings.started(step)).map(Duration::from_nanos);
        noted.or_else(timed).unwrap_or(now)
    }

    /// Records a failed attempt, and makes the step ready for the next.
    fn retry(&self, finished: Finished, wait: Duration) -> Option<Ready> {
        let now = self.record.elapsed();
        let first = self.first_start(finished.step(), now);
        let (ready, error) = self.frame.retry(finished).ok()?;
        self.history.note(ready.step(), |past| {
            past.first_start = first;
            past.awaiting = None;
            let times = past.latest.take();
            past.failed.push(Failed { error, wait, times });
        });
        Some(ready)
    }

    /// Records the start of an attempt after the first.
    pub(super) fn note_attempt_start(&self, ready: &Ready, attempt: u32, now: Duration) {
        if !self.frame.will_skip(ready) {
            let step = ready.step();
            self.history.note(step, |past| past.latest = Some(AttemptTimes::begun(now)));
            self.events.attempt_started(step, attempt);
        }
    }

    /// Records the end of an attempt that is to be followed by another.
    pub(super) fn note_attempt_end(&self, finished: &Finished, wait: Duration) {
        let (Some(timings), Some(error)) = (&self.timings, finished.error()) else { return };
        let (step, now) = (finished.step(), Duration::from_nanos(timings.now()));
        // A journal has it now: the process may end before the next attempt.
        let mut awaiting = self.record.is_journaled.then(|| AttemptReport::of(error, wait, None));
        self.history.note(step, |past| {
            if error.attempt() == 1 {
                past.latest = timings.started(step).map(Duration::from_nanos).map(AttemptTimes::begun);
            }
            if let Some(latest) = &mut past.latest {
                latest.end(now);
            }
            if let Some(awaiting) = &mut awaiting {
                awaiting.times = past.latest;
            }
            past.awaiting = awaiting;
        });
    }
}
