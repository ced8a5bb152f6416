//! Attempts: which of them may still end its step.
//!
//! Most steps have one attempt, and whoever runs it ends the step. An attempt that somebody may give up on (because of
//! a deadline, or because nobody needs its step any more) is *watched*: the one who puts the output and the one who
//! gives up both claim the step first, and one of them gets it. What comes too late is dropped where it was made.
//!
//! An attempt that was given up may still run, on a thread that nothing can stop, and read its inputs. So nothing that
//! a given-up attempt reads is dropped or moved out before the frame itself is dropped, which that thread keeps alive:
//! see [`Frame::was_given_up`].

use std::sync::atomic::Ordering;

use super::{Attempt, Ended, Finished, Frame, Ready, Status};
use crate::error::{FailureKind, StepError};
use crate::value::status_of;

/// Why an attempt is given up.
#[derive(Clone, Debug)]
pub struct GivenUp {
    /// [`FailureKind::TimedOut`], [`FailureKind::Cancelled`] or [`FailureKind::Unused`].
    pub kind: FailureKind,
    /// What happened, for people.
    pub note: String,
}

impl Frame {
    /// Gives up a watched attempt, if it has not ended: the caller ends the step, and whatever the attempt still does is
    /// discarded. `None` where it has ended, or ends just now.
    pub fn give_up(&self, step: usize, attempt: Attempt, why: GivenUp) -> Option<Finished> {
        assert!(attempt.is_watched(), "only a watched attempt can be given up");
        if !self.cells.counters(step as u32).give_up(attempt.number()) {
            return None;
        }
        self.cells.record_given_up(step as u32, attempt);
        // What it reads cannot be taken, even if its step succeeds in the end: a taker has to look.
        self.count_unsuccessful();
        Some(self.cancelled(step as u32, attempt, why))
    }

    /// Ends a step that is ready and not to be tried, as an attempt that failed.
    pub fn refuse(&self, ready: Ready, attempt: u32, why: GivenUp) -> Finished {
        assert!(ready.frame() == self.id, "a token belongs to the frame that made it");
        self.cancelled(ready.index(), Attempt::new(attempt, false, false), why)
    }

    /// Takes a step that failed back to where it can be started again, with what went wrong. The step as it was, where
    /// it did not fail.
    ///
    /// # Errors
    /// A step that has not failed, or of which an output was put.
    pub fn retry(&self, finished: Finished) -> Result<(Ready, Box<StepError>), Finished> {
        assert!(finished.frame == self.id, "a token belongs to the frame that made it");
        match finished.result {
            Err(Ended::Failed(error)) => Ok((self.ready(finished.step), error)),
            result => Err(Finished { result, ..finished }),
        }
    }

    /// Goes on with the step's fallback, if it has one: then the step has succeeded, and the error it had is returned
    /// beside.
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
                (self.finished(step, Ok(Status::Succeeded)), error)
            }
            Ok(false) => (finished, None),
            Err(panic) => {
                let note = format!("{}; its fallback panicked: {panic}", error.message());
                let error = self.panic_error(step, FailureKind::Panic, note).of_attempt(error.attempt());
                (self.finished(step, Err(Ended::Failed(Box::new(error)))), None)
            }
        }
    }

    /// Whether an attempt of the step was given up: it may still run, and read the step's inputs.
    pub fn was_given_up(&self, step: usize) -> bool {
        self.cells.was_given_up(step as u32)
    }

    /// Whether an output has to stay although `step`, a reader of it, has ended: an attempt that was given up may still
    /// read it.
    #[cold]
    pub(super) fn has_to_stay(&self, source: u32, step: u32) -> bool {
        self.cells.was_given_up(step) || self.cells.still_reads(source, step).is_some()
    }

    /// Whether anything has gone wrong so far: while nothing has, nobody looks.
    #[inline]
    pub(super) fn has_trouble(&self) -> bool {
        self.unsuccessful.load(Ordering::Relaxed) != 0
    }

    /// Whether the one who runs an attempt has claimed the step: its output is in the slot.
    #[inline]
    pub(super) fn has_claimed(&self, step: u32, attempt: Attempt) -> bool {
        self.cells.counters(step).is_claimed(attempt.number())
    }

    /// Whether the one who runs an attempt may end the step: it has claimed it, or can do so now.
    pub(super) fn owns(&self, step: u32, attempt: Attempt) -> bool {
        let counters = self.cells.counters(step);
        !attempt.is_watched() || counters.is_claimed(attempt.number()) || counters.claim(attempt.number())
    }
}
