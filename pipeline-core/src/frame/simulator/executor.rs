//! The virtual executor: performs one of the events that can happen next, by seed.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::sketch::{Act, Fallback};
use super::world::{At, World};
use crate::error::FailureKind;
use crate::frame::{Attempt, Finished, Frame, GivenUp, Progress, Suspended};

/// Maximum depth of steps on threads above each other.
const DEEPEST: usize = 3;

#[derive(Clone, Copy)]
enum Next {
    Start,
    Poll,
    End,
    Late,
    TimeOut,
    Meddle,
}

pub(super) fn why(kind: FailureKind) -> GivenUp {
    GivenUp { kind, note: "planted".to_owned() }
}

fn take<T>(list: &std::cell::RefCell<Vec<T>>, at: usize) -> T {
    list.borrow_mut().swap_remove(at)
}

impl World {
    /// Performs one event; returns `false` if only late attempts are left.
    pub(super) fn act(&self) -> bool {
        self.cancel_unused();
        let mut able = Vec::new();
        let counts = [
            (Next::Start, if self.stopped.get() { 0 } else { self.ready.borrow().len() }),
            (Next::Poll, self.suspended.borrow().len()),
            (Next::End, self.finished.borrow().len()),
            (Next::TimeOut, self.suspended.borrow().len()),
        ];
        able.extend(counts.into_iter().filter(|(_, count)| *count > 0));
        if able.is_empty() {
            return false;
        }
        able.push((Next::Meddle, self.steps.len()));
        let late = self.late.borrow().len();
        if late > 0 {
            able.push((Next::Late, late));
        }
        let (next, count) = able[self.below(able.len())];
        let at = self.below(count);
        match next {
            Next::Start => self.start(at),
            Next::Poll => self.poll(at),
            Next::End => self.end(at),
            Next::TimeOut => self.time_out(at),
            Next::Late => self.poll_late(at),
            Next::Meddle => self.meddle(at),
        }
        true
    }

    /// Performs events while a step is in its code on a thread. One that hangs is given up there.
    pub(super) fn meanwhile(&self, at: At, act: Act) {
        self.depth.set(self.depth.get() + 1);
        let some = || (0..self.below(4)).take_while(|_| self.depth.get() <= DEEPEST && self.act()).count();
        some();
        if act == Act::Hangs && !self.was_given_up(at) {
            self.give_up(at.step, FailureKind::TimedOut);
            some();
        }
        self.depth.set(self.depth.get() - 1);
    }

    pub(super) fn stop(&self) {
        self.stopped.set(true);
    }

    fn attempt(&self, step: usize, number: u32) -> Attempt {
        let sketch = self.sketch(step);
        let watched = sketch.watched || self.frame().plan().may_be_unused(step);
        Attempt::new(number, number as usize >= sketch.acts.len(), watched)
    }

    fn start(&self, at: usize) {
        let ready = take(&self.ready, at);
        let step = ready.step();
        let attempt = self.attempt(step, self.state(step, |state| state.attempt) + 1);
        match self.frame().start_attempt(ready, attempt) {
            Progress::Finished(finished) => self.ended(step, attempt.number(), finished),
            Progress::Suspended(suspended) => self.suspended.borrow_mut().push(suspended),
            Progress::Late => self.is_late(step, attempt.number()),
        }
    }

    /// Checks an attempt that has ended: it was not given up before.
    fn ended(&self, step: usize, attempt: u32, finished: Finished) {
        self.state(step, |state| {
            if state.given_up.contains(&attempt) {
                self.complain(format!("attempt {attempt} of {step} ended, and was given up: {finished:?}"));
            }
            state.runs = false;
        });
        self.finished.borrow_mut().push(finished);
    }

    /// Checks a late attempt, which has no effect any more.
    fn is_late(&self, step: usize, attempt: u32) {
        if !self.was_given_up(At { step, attempt }) {
            self.complain(format!("attempt {attempt} of {step} is lost: it was not given up"));
        }
    }

    fn poll(&self, at: usize) {
        let mut suspended = take(&self.suspended, at);
        let (step, attempt) = (suspended.step(), suspended.attempt().number());
        if self.stopped.get() {
            return self.cancel(suspended, FailureKind::Cancelled);
        }
        match Pin::new(&mut suspended).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(finished)) => self.ended(step, attempt, finished),
            Poll::Ready(None) => self.is_late(step, attempt),
            Poll::Pending => self.suspended.borrow_mut().push(suspended),
        }
    }

    pub(super) fn poll_late(&self, at: usize) {
        let mut suspended = take(&self.late, at);
        let step = suspended.step();
        match Pin::new(&mut suspended).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(finished)) => {
                self.complain(format!("a late attempt of {step} ended its step: {finished:?}"));
            }
            Poll::Ready(None) => {}
            Poll::Pending => self.late.borrow_mut().push(suspended),
        }
    }

    /// Gives up a waiting attempt that hangs: drops or detaches it.
    fn time_out(&self, at: usize) {
        let (step, attempt) = {
            let suspended = self.suspended.borrow();
            (suspended[at].step(), suspended[at].attempt().number())
        };
        if self.act_of(At { step, attempt }) != Act::Hangs {
            return;
        }
        if self.sketch(step).detaches {
            self.give_up(step, FailureKind::TimedOut);
        } else {
            let suspended = take(&self.suspended, at);
            self.cancel(suspended, FailureKind::TimedOut);
        }
    }

    fn cancel(&self, suspended: Suspended, kind: FailureKind) {
        let (step, attempt) = (suspended.step(), suspended.attempt().number());
        match suspended.cancel(why(kind)) {
            Some(finished) => self.ended(step, attempt, finished),
            None => self.complain(format!("step {step} was cancelled, and had ended")),
        }
    }

    /// Gives up the running attempt of a step; that succeeds exactly if one runs.
    fn give_up(&self, step: usize, kind: FailureKind) {
        let (number, runs) = self.state(step, |state| (state.attempt, state.runs));
        let attempt = self.attempt(step, number);
        let finished = self.frame().give_up(step, attempt, why(kind));
        if finished.is_some() != runs {
            self.complain(format!("giving up attempt {number} of {step}: {finished:?}, and runs: {runs}"));
        }
        let Some(finished) = finished else { return };
        self.state(step, |state| {
            state.runs = false;
            state.given_up.insert(number);
        });
        let is_it = |one: &Suspended| one.step() == step && one.attempt().number() == number;
        let waiting = self.suspended.borrow().iter().position(is_it);
        if let Some(at) = waiting {
            let suspended = take(&self.suspended, at);
            self.late.borrow_mut().push(suspended);
        }
        self.finished.borrow_mut().push(finished);
    }

    /// Checks that giving up too late, or another attempt, changes nothing.
    fn meddle(&self, step: usize) {
        let (number, runs) = self.state(step, |state| (state.attempt, state.runs));
        let other = if runs { number - 1 } else { number };
        let attempt = self.attempt(step, other);
        let watched = self.attempt(step, number).is_watched();
        if watched && other > 0 && self.frame().give_up(step, attempt, why(FailureKind::TimedOut)).is_some() {
            self.complain(format!("attempt {other} of {step} was given up, and did not run"));
        }
    }

    /// Cancels unused steps: those under way are dropped or detached.
    fn cancel_unused(&self) {
        if self.below(3) == 0 {
            return;
        }
        for step in self.frame().take_unused() {
            if !self.state(step, |state| state.runs) {
                continue;
            }
            let waiting = self.suspended.borrow().iter().position(|one| one.step() == step);
            match waiting {
                Some(at) if !self.sketch(step).detaches => {
                    let suspended = take(&self.suspended, at);
                    self.cancel(suspended, FailureKind::Unused);
                }
                _ => self.give_up(step, FailureKind::Unused),
            }
        }
    }

    /// Handles an attempt that has ended: the step is tried again, takes its fallback, or ends.
    fn end(&self, at: usize) {
        let finished = take(&self.finished, at);
        let (step, frame) = (finished.step(), self.frame());
        let number = self.state(step, |state| state.attempt);
        let tries_left = (number as usize) < self.sketch(step).acts.len();
        let alone = self.sketch(step).idempotent || !frame.was_given_up(step);
        if finished.status().is_failure() && tries_left && alone && !self.stopped.get() && number > 0 {
            match frame.retry(finished) {
                Ok((ready, _)) => self.ready.borrow_mut().push(ready),
                Err(finished) => self.complain(format!("a failed step cannot be retried: {finished:?}")),
            }
            return;
        }
        let failed = finished.status().is_failure();
        let (finished, error) = frame.fall_back(finished);
        if error.is_some() != (failed && self.sketch(step).fallback == Fallback::Value) {
            self.complain(format!("the fallback of {step} is not what it says: {error:?}"));
        }
        self.finish(&frame, finished, if error.is_some() { 0 } else { number });
    }

    fn finish(&self, frame: &Arc<Frame>, finished: Finished, won: u32) {
        let (step, status) = (finished.step(), finished.status());
        self.state(step, |state| {
            if let Some(ended) = state.ended.replace(status) {
                self.complain(format!("step {step} ended twice: {ended}, {status}"));
            }
            state.won = status.has_output().then_some(won);
        });
        let mut next = Vec::new();
        if frame.finish(finished, |ready| next.push(ready)) {
            self.complain(format!("a drop panicked when {step} ended"));
        }
        if frame.status(step) != status {
            self.complain(format!("step {step} ended {status}, the frame says {}", frame.status(step)));
        }
        self.ready.borrow_mut().extend(next);
    }
}
