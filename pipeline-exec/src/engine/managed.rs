//! Steps with rules: attempts, deadlines, needs, fallbacks, hooks.

use std::sync::Arc;
use std::time::Duration;

use pipeline_core::StepError;
use pipeline_core::contain;
use pipeline_core::frame::{Attempt, Finished, Progress, Ready, Status};

use super::Engine;
use super::driver::{Driver, Ran, Unfinished};
use super::permits::{self, Permits};
use crate::rules::Rule;
use crate::store::Caching;

/// What happens to a step whose attempt has ended.
enum Verdict {
    /// It ends.
    End(Finished),
    /// It is tried again after this time.
    Again(Finished, Duration),
}

impl Driver {
    /// Runs one attempt of a step to which a rule applies.
    #[inline(never)]
    pub(super) fn run_by_rule(&mut self, ready: Ready) -> Option<Unfinished> {
        let step = ready.step();
        let ready = match self.engine().involved_store() {
            None => ready,
            Some(_) => match self.take_stored(ready) {
                Ok(()) => return None,
                Err(ready) => ready,
            },
        };
        let engine = self.engine();
        let Some(rule) = engine.rule(step).filter(|rule| !rule.simple) else {
            let is_plain = !engine.events.enters() && engine.involved_store().is_none();
            return if is_plain { self.run_plain(ready) } else { self.run_entered(ready) };
        };
        let mut permits = Permits::new();
        if !rule.needs.is_empty() && !engine.frame.will_skip(&ready) {
            let Some(admitted) = engine.admitted.take(step) else {
                let name = engine.frame.plan().spec(step).name();
                let needs = Arc::clone(rule.needs(&engine.record.settings, name));
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
            self.worker().set(frame, step, number, self.slot(), now);
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
                // After the end was sent: an observer never sees more steps at once than limits allow.
                permits::release(permits, status);
                None
            }
            Progress::Suspended(suspended) => {
                self.waits();
                Some(Box::new(Ran::Waits(suspended, now, permits)))
            }
            Progress::Late => {
                permits::release(permits, self.engine().given_up_as(step));
                self.engine().history.reattach(step);
                Some(Box::new(Ran::Detached))
            }
        }
    }

    /// Ends a step with what is stored.
    ///
    /// # Errors
    /// Returns the step if it has to be run.
    fn take_stored(&mut self, ready: Ready) -> Result<(), Ready> {
        let engine = Arc::clone(self.engine());
        let Some(caching) = engine.involved_store() else { return Err(ready) };
        self.note_look(ready.step());
        let finished = caching.begin(&engine.frame, ready)?;
        self.finish(finished, false);
        Ok(())
    }

    /// Records the start of an attempt. Returns when it was, if that is timed.
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
                Verdict::Again(finished, wait) => self.retry_later(finished, wait),
            }
            return;
        }
        self.finish(finished, waited);
    }
}

impl Engine {
    /// The store, if steps are looked up or stored while the run succeeds.
    fn involved_store(&self) -> Option<&Caching> {
        self.caching.as_deref().filter(|caching| caching.is_involved())
    }

    /// Stores what is to be stored of a step that has succeeded, before its successors can start.
    pub(super) fn store(&self, finished: &Finished) {
        if let Some(caching) = self.involved_store().filter(|_| finished.has_succeeded()) {
            let used_fallback = self.history.look(finished.step(), |past| past.fallback_for.is_some());
            caching.succeeded(&self.frame, finished, used_fallback.unwrap_or(false));
        }
    }

    /// Deals with a step that ends without having run to success, before it is finished.
    #[cold]
    pub(super) fn has_not_succeeded(&self, finished: &Finished) {
        if let Some(caching) = self.caching.as_ref().filter(|_| !finished.status().has_output()) {
            caching.keep_inputs(&self.frame, finished);
        }
        if finished.status().is_failure() && self.stops_at(finished.step()) {
            self.stop();
        }
    }

    fn judge(&self, rule: &Rule, mut finished: Finished) -> Verdict {
        if let Some(wait) = self.retry_after(rule, &finished) {
            self.note_attempt_end(&finished, wait);
            return Verdict::Again(finished, wait);
        }
        let number = finished.error().map_or(0, StepError::attempt);
        let entered = self.events.enter(finished.step(), number);
        if let (Some(hook), Some(error)) = (rule.on_failure, finished.error()) {
            // It changes nothing about the step but the text of its error.
            if let Err(panic) = contain::guard(|| hook(error)) {
                finished.add_note(&format!("its `on_failure` hook panicked: {panic}"));
            }
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

    /// How an attempt ended that was given up while it ran.
    pub(super) fn given_up_as(&self, step: usize) -> Status {
        match self.frame.status(step) {
            Status::Cancelled => Status::Cancelled,
            // Its step may be at its next attempt, or have a fallback: this attempt took too long.
            _ => Status::TimedOut,
        }
    }
}
