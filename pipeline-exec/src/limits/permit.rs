//! The turn of a step: a permit, a time to ask again, or a refusal.

use std::fmt;
use std::time::Duration;

use super::Limits;
use super::breaker::Ending;
use super::queue::{Decided, Held, Outcome, Position, Refusal};
use super::state::LimitState;

/// The answer to a request.
#[derive(Debug)]
pub(crate) enum Request<W> {
    /// The turn has come at once; the waiter is handed back unused.
    Now(Turn, W),
    /// The waiter is called when its turn has come, or dropped when its run is withdrawn.
    Parked,
}

/// The turn of a step.
#[derive(Debug)]
pub(crate) enum Turn {
    /// The step may start. It holds the permit until it has ended.
    Granted(Permit),
    /// The rates allow the step at that time. It calls [`Place::again`] then.
    Wait(Place, Duration),
    /// A breaker is open: the step may not start.
    Refused(Refusal),
}

impl Turn {
    fn new(outcome: Outcome, limits: &Limits) -> Self {
        let limits = limits.clone();
        match outcome {
            Outcome::Granted(held) => Turn::Granted(Permit { limits, held: Some(held) }),
            Outcome::Wait(position, from) => Turn::Wait(Place { limits, position: Some(position) }, from),
            Outcome::Refused(refusal) => Turn::Refused(refusal),
        }
    }
}

impl Limits {
    /// Returns the answer of `ask`, or parks the waiter. If `ask` returns `None`, the waiter is dropped.
    pub(super) fn request<W>(
        &self,
        waiter: W,
        ask: impl FnOnce(&mut LimitState, &mut Decided) -> Option<Result<Outcome, Position>>,
    ) -> Request<W>
    where
        W: FnOnce(Turn) + Send + 'static,
    {
        let (outcome, waiter) = self.change(|state, decided| match ask(state, decided) {
            Some(Ok(outcome)) => (Some(outcome), Some(waiter)),
            Some(Err(position)) => {
                let limits = self.clone();
                state.park(position, Box::new(move |outcome| waiter(Turn::new(outcome, &limits))));
                (None, None)
            }
            None => (None, Some(waiter)),
        });
        match (outcome, waiter) {
            (Some(outcome), Some(waiter)) => Request::Now(Turn::new(outcome, self), waiter),
            _ => Request::Parked,
        }
    }
}

/// The limits that a running step holds. Dropping it gives them back and calls the waiters that can start, on this thread.
#[must_use = "a permit that is dropped gives everything back"]
pub(crate) struct Permit {
    limits: Limits,
    held: Option<Held>,
}

impl Permit {
    /// Gives everything back, and reports a success to the breakers.
    pub(crate) fn succeeded(mut self, now: Duration) {
        self.give_back(Ending::Success, now);
    }

    /// Gives everything back, and reports a failure to the breakers.
    pub(crate) fn failed(mut self, now: Duration) {
        self.give_back(Ending::Failure, now);
    }

    fn give_back(&mut self, ending: Ending, now: Duration) {
        if let Some(held) = self.held.take() {
            self.limits.change(|state, decided| state.give_back(&held, ending, now, decided));
        }
    }
}

impl Drop for Permit {
    /// The time is the last one that a caller passed in: no waiter is admitted too early.
    fn drop(&mut self) {
        self.give_back(Ending::Unknown, Duration::ZERO);
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("held", &self.held).finish_non_exhaustive()
    }
}

/// The place in the queue of a step that is to ask again. Dropping it leaves the queue.
#[must_use = "a place that is dropped is lost"]
pub(crate) struct Place {
    limits: Limits,
    position: Option<Position>,
}

impl Place {
    /// Asks again from the same place. If the run was withdrawn meanwhile, the waiter is dropped.
    pub(crate) fn again<W>(mut self, now: Duration, waiter: W) -> Request<W>
    where
        W: FnOnce(Turn) + Send + 'static,
    {
        let Some(position) = self.position.take() else { return Request::Parked };
        self.limits.request(waiter, |state, decided| state.ask_again(position, now, decided))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(position) = self.position.take() {
            self.limits.change(|state, decided| state.leave(position, decided));
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("position", &self.position).finish_non_exhaustive()
    }
}
