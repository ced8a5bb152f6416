//! What a step is told when its turn has come: a permit, a time to come back, or a refusal.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Limits;
use super::book::{Held, Seat};
use super::breaker::Ending;
use super::need::Request;

/// What a step is told when its turn has come.
#[derive(Debug)]
pub(crate) enum Turn {
    /// It may start, and holds this until it has ended.
    Granted(Permit),
    /// It may start at that time, as far as rates are concerned: it asks [`Place::again`] then.
    Wait(Place, Duration),
    /// It may not start, because a breaker is open.
    Refused(Refusal),
}

/// What a step needs, held while it runs. Dropping it gives everything back and calls whoever can go on, on this thread.
#[must_use = "a permit that is dropped gives everything back"]
pub(crate) struct Permit {
    limits: Limits,
    held: Option<Held>,
}

impl Permit {
    pub(super) fn new(limits: &Limits, held: Held) -> Self {
        Permit { limits: limits.clone(), held: Some(held) }
    }

    /// Gives everything back, and tells the breakers that the step succeeded.
    pub(crate) fn succeeded(self, now: Duration) {
        self.end(Ending::Success, now);
    }

    /// Gives everything back, and tells the breakers that the step failed.
    pub(crate) fn failed(self, now: Duration) {
        self.end(Ending::Failure, now);
    }

    fn end(mut self, ending: Ending, now: Duration) {
        self.give_back(ending, now);
    }

    fn give_back(&mut self, ending: Ending, now: Duration) {
        if let Some(held) = self.held.take() {
            self.limits.change(|book, calls| book.give_back(&held, ending, now, calls));
        }
    }
}

impl Drop for Permit {
    /// The time is the last one that anybody said: nothing is admitted too early.
    fn drop(&mut self) {
        self.give_back(Ending::Unknown, Duration::ZERO);
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("held", &self.held).finish_non_exhaustive()
    }
}

/// The place in the queue of a step that was told when to come back. What it needs is kept for it; dropping the place
/// leaves the queue.
#[must_use = "a place that is dropped is lost"]
pub(crate) struct Place {
    limits: Limits,
    seat: Option<Seat>,
}

impl Place {
    pub(super) fn new(limits: &Limits, seat: Seat) -> Self {
        Place { limits: limits.clone(), seat: Some(seat) }
    }

    /// Asks again, from the same place. Where the run was withdrawn meanwhile, the waiter is dropped.
    pub(crate) fn again<W>(mut self, now: Duration, waiter: W) -> Request<W>
    where
        W: FnOnce(Turn) + Send + 'static,
    {
        let Some(seat) = self.seat.take() else { return Request::Parked };
        match self.limits.change(|book, calls| book.ask_again(seat, now, waiter, calls)) {
            Ok(answer) => Request::new(&self.limits, answer),
            Err(_withdrawn) => Request::Parked,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(seat) = self.seat.take() {
            self.limits.change(|book, calls| book.leave(seat, calls));
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("seat", &self.seat).finish_non_exhaustive()
    }
}

/// A breaker is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The limit's name.
    pub(crate) name: Arc<str>,
    /// When it lets a probe through; `None` while one is under way, and it depends on that.
    pub(crate) until: Option<Duration>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal { name, until } = self;
        let why = if until.is_some() {
            "steps that need it failed several times in a row; one will be let through as a probe after the cooldown"
        } else {
            "a probe is under way, and what it needs is not known to work again before that has ended"
        };
        write!(f, "the breaker of limit `{name}` is open: {why}")
    }
}

impl std::error::Error for Refusal {}
