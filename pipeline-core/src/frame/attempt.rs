//! Attempts: which thread may end the step.
//!
//! Most steps have one attempt, and the thread that runs it ends the step. An attempt that may be given up (because of a
//! deadline, or because its step became unused) is *watched*: the thread that puts the output and the thread that gives
//! the attempt up both claim the step first, and one of them gets it. An output that comes too late is dropped at once.
//!
//! An attempt that was given up may still run, on a thread that cannot be stopped, and read its inputs. So the inputs of
//! such an attempt are not dropped or moved out before the frame itself is dropped, and that thread keeps the frame
//! alive: see [`Frame::was_given_up`].

use std::sync::atomic::Ordering;

use super::{Attempt, Ended, Finished, Frame, Ready};
use crate::error::{FailureKind, StepError};
use crate::value::status_of;

/// Reason why an attempt is given up.
#[derive(Clone, Debug)]
pub struct GivenUp {
    /// [`FailureKind::TimedOut`], [`FailureKind::Cancelled`] or [`FailureKind::Unused`].
    pub kind: FailureKind,
    /// What happened, for people.
    pub note: String,
}

impl Frame {
    /// Gives up a watched attempt, if it has not ended: the caller ends the step, and the result of the attempt is
    /// discarded. `None` if it has ended, or ends just now.
    pub fn give_up(&self, step: usize, attempt: Attempt, why: GivenUp) -> Option<Finished> {
        assert!(attempt.is_watched(), "only a watched attempt can be given up");
        if !self.cells.counters(step as u32).give_up(attempt.number()) {
            return None;
        }
        // Its inputs cannot be taken, even if its step succeeds in the end: a taker has to check.
        self.count_unsuccessful();
        self.cells.record_given_up(step as u32, attempt);
        Some(self.cancelled(step as u32, attempt, why))
    }

    /// Ends a step that is ready and not to be tried, as an attempt that failed.
    pub fn refuse(&self, ready: Ready, attempt: u32, why: GivenUp) -> Finished {
        assert!(ready.frame() == self.id, "a token belongs to the frame that made it");
        self.cancelled(ready.index(), Attempt::new(attempt, false, false), why)
    }

    /// Makes a failed step ready again, and returns its error.
    ///
    /// # Errors
    /// Returns the step as it was if it did not fail.
    pub fn retry(&self, finished: Finished) -> Result<(Ready, Box<StepError>), Finished> {
        assert!(finished.frame == self.id, "a token belongs to the frame that made it");
        match finished.result {
            Err(Ended::Failed(error)) => Ok((self.ready(finished.step), error)),
            result => Err(Finished { result, ..finished }),
        }
    }

    /// Ends a failed step with its fallback, if it has one: the step has succeeded, and its error is returned as well.
    pub fn fall_back(&self, finished: Finished) -> (Finished, Option<Box<StepError>>) {
        let step = finished.step;
        let has_fallback = self.plan.policy(step as usize).has_fallback;
        let Err(Ended::Failed(error)) = &finished.result else { return (finished, None) };
        if !has_fallback || !status_of(error.kind()).is_failure() {
            return (finished, None);
        }
        let call = crate::call::Call::new(&self.cells, step, Attempt::ONLY);
        let code = self.plan.hot[step as usize].code.callable();
        match crate::contain::guard(|| code.fall_back(call, error)) {
            Ok(true) => {
                let Finished { result, .. } = finished;
                let error = match result {
                    Err(Ended::Failed(error)) => Some(error),
                    _ => None,
                };
                (self.finished(step, Ok(())), error)
            }
            Ok(false) => (finished, None),
            Err(panic) => {
                let note = format!("{}; its fallback panicked: {panic}", error.message());
                let error = self.panic_error(step, FailureKind::Panic, note).of_attempt(error.attempt());
                (self.finished(step, Err(Ended::Failed(Box::new(error)))), None)
            }
        }
    }

    /// Reports whether an attempt of the step was given up: it may still run, and read the step's inputs.
    pub fn was_given_up(&self, step: usize) -> bool {
        self.cells.was_given_up(step as u32)
    }

    /// Reports whether an output has to stay although `step`, a reader of it, has ended: an attempt that was given up may
    /// still read it.
    #[cold]
    pub(super) fn has_to_stay(&self, source: u32, step: u32) -> bool {
        self.cells.was_given_up(step) || self.cells.still_reads(source, step).is_some()
    }

    /// Reports whether ready steps have to be checked before they start, because some step did not succeed.
    #[inline]
    pub fn has_unsuccessful(&self) -> bool {
        self.unsuccessful.load(Ordering::Relaxed) != 0
    }

    /// Reports whether the thread that runs an attempt has claimed the step: its output is in the slot.
    #[inline]
    pub(super) fn has_claimed(&self, step: u32, attempt: Attempt) -> bool {
        self.cells.counters(step).is_claimed(attempt.number())
    }

    /// Reports whether the thread that runs an attempt may end the step: it has claimed it, or can do so now.
    pub(super) fn owns(&self, step: u32, attempt: Attempt) -> bool {
        let counters = self.cells.counters(step);
        !attempt.is_watched() || counters.is_claimed(attempt.number()) || counters.claim(attempt.number())
    }
}
