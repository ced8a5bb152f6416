//! Attempts: which of them may still end its step.
//!
//! Most steps have one attempt, and whoever runs it ends the step. An attempt that somebody may give up on (because of
//! a deadline, or because nobody needs its step any more) is *watched*: the one who puts the output and the one who
//! gives up both claim the step first, and one of them gets it. What comes too late is dropped where it was made.
//!
//! An attempt that was given up may still run, on a thread that nothing can stop, and read its inputs. So nothing that
//! a given-up attempt reads is dropped or moved out before the frame itself is dropped, which that thread keeps alive:
//! see [`Frame::was_given_up`].

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::{Ended, Finished, Frame, Ready, Status};
use crate::error::{FailureKind, StepError};

const WATCHED: u32 = 1 << 31;
const LAST: u32 = 1 << 30;
/// No step can have more attempts.
pub const MOST_ATTEMPTS: u32 = (1 << 24) - 1;

/// One attempt of a step, as its executor describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt(u32);

impl Attempt {
    /// The only attempt of a step that nobody gives up on.
    pub const ONLY: Attempt = Attempt(1 | LAST);

    /// The attempt of a number, from 1. `last` says that no other will follow, `watched` that somebody may give it up.
    pub const fn new(number: u32, last: bool, watched: bool) -> Self {
        let number = if number > MOST_ATTEMPTS { MOST_ATTEMPTS } else { number };
        Attempt(number | if last { LAST } else { 0 } | if watched { WATCHED } else { 0 })
    }

    /// Which attempt it is, from 1.
    pub const fn number(self) -> u32 {
        self.0 & !(WATCHED | LAST)
    }

    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u32) -> Self {
        Attempt(bits)
    }

    #[inline]
    pub(crate) const fn is_watched(self) -> bool {
        self.0 & WATCHED != 0
    }

    pub(crate) const fn is_last(self) -> bool {
        self.0 & LAST != 0
    }
}

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
        if !self.cells[step].counters.give_up(attempt.number()) {
            return None;
        }
        let mut given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        given_up.insert(step as u32);
        self.any_given_up.store(true, Ordering::Relaxed);
        drop(given_up);
        // What it reads cannot be taken, also where its step succeeds in the end: whoever would take it has to look.
        self.count_unsuccessful();
        let cancels = self.cancels.lock().unwrap_or_else(PoisonError::into_inner);
        let cancelled = cancels.get(&(step as u32, attempt.number())).map(Arc::clone);
        // What is woken may ask for a context itself.
        drop(cancels);
        if let Some(cancelled) = cancelled {
            cancelled.raise();
        }
        Some(
            self.finished(step as u32, Err(Ended::Failed(Box::new(self.given_up_error(step, attempt, why))))),
        )
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
        if !has_fallback || !super::value::status_of(error.kind()).is_failure() {
            return (finished, None);
        }
        let call = crate::call::Call::new(self, step, Attempt::ONLY);
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
        self.any_given_up() && self.given_up().contains(&(step as u32))
    }

    /// Whether any attempt was given up. Whoever comes after one that was, sees it.
    #[inline]
    pub(super) fn any_given_up(&self) -> bool {
        self.any_given_up.load(Ordering::Relaxed)
    }

    /// Whether an output has to stay although `step`, a reader of it, has ended: an attempt that was given up may still
    /// read it.
    #[cold]
    pub(super) fn has_to_stay(&self, source: u32, step: u32) -> bool {
        self.given_up().contains(&step) || self.is_still_read(source, step).is_some()
    }

    pub(super) fn given_up(&self) -> std::sync::MutexGuard<'_, BTreeSet<u32>> {
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything has gone wrong so far: while nothing has, nobody looks.
    #[inline]
    pub(super) fn has_trouble(&self) -> bool {
        self.unsuccessful.load(Ordering::Relaxed) != 0
    }

    /// Whether no other attempt of a step can be running.
    pub(crate) fn has_sole_attempt(&self, step: u32) -> bool {
        !self.was_given_up(step as usize)
    }

    /// Whether somebody other than `step` may read the output of `source`, though everybody who reads it has ended.
    pub(super) fn is_still_read(&self, source: u32, step: u32) -> Option<u32> {
        let given_up = self.given_up();
        given_up.iter().copied().find(|&reader| reader != step && self.plan.reads(reader as usize, source))
    }

    /// Claims the right to put the output of a watched attempt.
    #[inline]
    pub(crate) fn claim(&self, step: u32, attempt: Attempt) -> bool {
        self.cells[step as usize].counters.claim(attempt.number())
    }

    /// Whether the one who runs an attempt has claimed the step: its output is in the slot.
    #[inline]
    pub(super) fn has_claimed(&self, step: u32, attempt: Attempt) -> bool {
        self.cells[step as usize].counters.is_claimed(attempt.number())
    }

    /// Whether the one who runs an attempt may end the step: it has claimed it, or can do so now.
    pub(super) fn owns(&self, step: u32, attempt: Attempt) -> bool {
        let counters = &self.cells[step as usize].counters;
        !attempt.is_watched() || counters.is_claimed(attempt.number()) || counters.claim(attempt.number())
    }

    fn given_up_error(&self, step: usize, attempt: Attempt, why: GivenUp) -> StepError {
        let spec = self.plan.spec(step);
        StepError::given_up(spec.name.clone(), spec.location, why.kind, attempt.number(), why.note)
    }
}
