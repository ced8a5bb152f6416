//! Steps for which more holds than to be run and finished: attempts, deadlines, fallbacks, hooks.

use std::sync::Arc;
use std::time::Duration;

use pipeline_core::StepError;
use pipeline_core::contain;
use pipeline_core::frame::{Attempt, Finished, Progress, Ready, Status};

use super::admission::{self, Permits};
use super::driver::{Driver, Ran, Unfinished};
use super::slot::SlotGuard;
use super::{Engine, drive};
use crate::record::{AttemptReport, AttemptTimes, Failed};
use crate::rules::Rule;

/// What becomes of a step whose attempt has ended.
enum Verdict {
    /// It has ended.
    End(Finished),
    /// It is tried again after so long.
    Again(Finished, Duration),
}

impl Driver {
    /// Runs one attempt of a step to which a rule applies.
    #[inline(never)]
    pub(super) fn run_by_rule(&mut self, ready: Ready) -> Option<Unfinished> {
        let step = ready.step();
        let engine = self.engine();
        let Some(rule) = engine.rule(step).filter(|rule| !rule.simple) else {
            return if engine.events.enters() { self.run_entered(ready) } else { self.run_plain(ready) };
        };
        let mut permits = Permits::new();
        if !rule.needs.is_empty() && !engine.frame.will_skip(&ready) {
            let Some(admitted) = engine.admitted.take(step) else {
                let needs = Arc::clone(rule.needs(&engine.record.settings));
                if rule.parallel_if.is_some() && Arc::ptr_eq(&needs, &rule.needs_alone) {
                    engine.history.note(step, |past| past.ran_alone = true);
                }
                self.apply(ready, &needs);
                return None;
            };
            permits = admitted;
        }
        let number = engine.history.next_attempt(step);
        let attempt = Attempt::new(number, number > rule.retries, rule.watched);
        let (watched, frame) = (rule.watched, engine.frame.number());
        if rule.deadline.is_some() && number == 1 && engine.timings.is_none() {
            engine.history.note(step, |past| past.first_start = engine.record.elapsed());
        }
        let now = self.note_attempt(&ready, number);
        if watched {
            self.worker().set(frame, step, number, now);
        }
        let progress = {
            let _entered = self.engine().events.enter_ready(&ready, number);
            self.engine().frame.start_attempt(ready, attempt)
        };
        if watched {
            self.worker().clear();
        }
        match progress {
            Progress::Finished(finished) if permits.is_empty() && finished.status() == Status::Succeeded => {
                self.finish(finished, false);
                None
            }
            Progress::Finished(finished) => {
                let status = finished.status();
                self.end(finished, false);
                // After the end was told: whoever observes the run never sees more at once than limits allow.
                admission::release(permits, status);
                None
            }
            Progress::Suspended(suspended) => {
                self.waits();
                Some(Box::new(Ran::Waits(suspended, now, permits)))
            }
            Progress::Late => {
                admission::release(permits, self.engine().given_up_as(step));
                self.engine().history.reattach(step);
                Some(Box::new(Ran::Left))
            }
        }
    }

    /// Notes that an attempt starts, and when.
    fn note_attempt(&mut self, ready: &Ready, number: u32) -> Option<u64> {
        let engine = self.engine();
        let step = ready.step();
        // A first attempt that was refused has not started the step.
        let has_started = number > 1 && engine.timings.as_ref().is_some_and(|it| it.started(step).is_some());
        let now = self.note_start(ready, !has_started)?;
        if number > 1 {
            self.engine().note_attempt_start(ready, number, Duration::from_nanos(now));
        }
        Some(now)
    }

    /// Ends an attempt: finishes the step, or has it tried again.
    pub(super) fn end(&mut self, finished: Finished, waited: bool) {
        if finished.status().is_failure()
            && let Some(rule) = self.engine().rule(finished.step())
        {
            match self.engine().judge(rule, finished) {
                Verdict::End(finished) => self.finish(finished, waited),
                Verdict::Again(finished, wait) => {
                    let lane = self.engine().frame.plan().lane(finished.step());
                    drive::spawn_later(SlotGuard::without_slot(self.engine(), lane), finished, wait);
                }
            }
            return;
        }
        self.finish(finished, waited);
    }
}

impl Engine {
    fn judge(&self, rule: &Rule, finished: Finished) -> Verdict {
        if let Some(wait) = self.retry_after(rule, &finished) {
            self.note_attempt_end(&finished, wait);
            return Verdict::Again(finished, wait);
        }
        let number = finished.error().map_or(0, StepError::attempt);
        let entered = self.events.enter(finished.step(), number);
        if let (Some(hook), Some(error)) = (rule.on_failure, finished.error()) {
            // The hook has printed its panic; it changes nothing about the step.
            let _ = contain::guard(|| hook(error));
        }
        let step = finished.step();
        if !self.record.settings.fallback {
            return Verdict::End(finished);
        }
        // Without a fallback, the step stays as it is.
        let (finished, error) = self.frame.fall_back(finished);
        drop(entered);
        if let Some(error) = error {
            self.events.fallback_used(step, &error);
            self.history.note(step, |past| past.fallback_for = Some(error));
        }
        Verdict::End(finished)
    }

    /// How long to wait before another attempt; `None` where there will be none.
    fn retry_after(&self, rule: &Rule, finished: &Finished) -> Option<Duration> {
        let (step, error) = (finished.step(), finished.error()?);
        let number = error.attempt();
        let may = number <= rule.retries && error.may_retry() && !self.frame.scope().is_stopped();
        // No attempt beside one that may still run, unless the step says that it does no harm.
        let alone = rule.idempotent || !self.frame.was_given_up(step);
        if !may || !alone {
            return None;
        }
        let wait = rule.backoff.wait(number, self.chance(step, number));
        let now = self.record.elapsed();
        let first = self.first_start(step, now);
        if rule.deadline.is_some_and(|deadline| now.saturating_add(wait) >= first + deadline) {
            return None;
        }
        self.history.take_retry(self.record.settings.retry_budget).then_some(wait)
    }

    /// How an attempt ended that was given up where it was.
    pub(super) fn given_up_as(&self, step: usize) -> Status {
        match self.frame.status(step) {
            Status::Cancelled => Status::Cancelled,
            // Its step may be on its next attempt, or have a fallback: this one took too long.
            _ => Status::TimedOut,
        }
    }

    /// When the first attempt of a step started, since the run began.
    fn first_start(&self, step: usize, now: Duration) -> Duration {
        let noted = self.history.look(step, |past| past.first_start).filter(|first| !first.is_zero());
        let timed =
            || self.timings.as_ref().and_then(|timings| timings.started(step)).map(Duration::from_nanos);
        noted.or_else(timed).unwrap_or(now)
    }

    /// A number from 0 to 1 for the jitter of a wait: the same in every run of the same seed.
    fn chance(&self, step: usize, attempt: u32) -> f64 {
        let name = self.frame.plan().spec(step).name();
        self.frame.scope().chance(name, attempt)
    }

    /// Takes a failed attempt down, and readies the step for the next.
    pub(super) fn try_again(&self, finished: Finished, wait: Duration) -> Option<Ready> {
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

    /// Notes that an attempt after the first starts.
    fn note_attempt_start(&self, ready: &Ready, attempt: u32, now: Duration) {
        if self.frame.will_skip(ready) {
            return;
        }
        let step = ready.step();
        self.history.note(step, |past| past.latest = Some(AttemptTimes::begun(now)));
        self.events.attempt_started(step, attempt);
    }

    /// Notes that an attempt has ended that is to be followed by another.
    fn note_attempt_end(&self, finished: &Finished, wait: Duration) {
        let (Some(timings), Some(error)) = (&self.timings, finished.error()) else { return };
        let (step, now) = (finished.step(), Duration::from_nanos(timings.now()));
        // Whoever keeps a journal tells of it now: the process may end before the next attempt.
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
