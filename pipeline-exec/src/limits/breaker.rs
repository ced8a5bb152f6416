//! The breaker of a limit, as a pure state machine.
//!
//! Closed → open after so many failures in a row → half-open after the cooldown → closed by enough successful probes, or
//! open again by one that fails. While probes are under way, everybody else is refused.

use super::{Breaker, BreakerState, Time};

/// The breaker of a limit.
#[derive(Debug)]
pub(super) struct Circuit {
    settings: Breaker,
    state: State,
    /// Counts the changes of state: what was admitted before one has no say afterwards.
    epoch: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Time },
    HalfOpen { succeeded: u32, under_way: u32 },
}

/// What was admitted, to tell the breaker how it ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket(u64);

/// How an admitted step ended, as far as the breakers of its limits are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Success,
    Failure,
    /// Nothing was said: it counts as neither.
    Unknown,
}

/// Why nothing is admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shut {
    /// The cooldown lasts until then.
    Until(Time),
    /// Until a probe that is under way has ended.
    Probing,
}

impl Circuit {
    /// A closed one, in the place of another: what that one admitted has no say here.
    pub(super) fn new(settings: Breaker, replaced: Option<&Circuit>) -> Self {
        let epoch = replaced.map_or(0, |replaced| replaced.epoch + 1);
        Circuit { settings, state: State::Closed { failures: 0 }, epoch }
    }

    /// Whether a step may be admitted now.
    pub(super) fn check(&self, now: Time) -> Result<(), Shut> {
        match self.state {
            State::Open { until } if now < until => Err(Shut::Until(until)),
            State::HalfOpen { succeeded, under_way } if succeeded + under_way >= self.probes() => {
                Err(Shut::Probing)
            }
            _ => Ok(()),
        }
    }

    /// Admits a step, which [`check`](Circuit::check) has allowed.
    pub(super) fn enter(&mut self, now: Time) -> Ticket {
        if matches!(self.state, State::Open { until } if now >= until) {
            self.change(State::HalfOpen { succeeded: 0, under_way: 0 });
        }
        if let State::HalfOpen { under_way, .. } = &mut self.state {
            *under_way += 1;
        }
        Ticket(self.epoch)
    }

    /// Takes note of how an admitted step ended.
    pub(super) fn leave(&mut self, ticket: Ticket, ending: Ending, now: Time) {
        if ticket.0 != self.epoch {
            return;
        }
        match (&mut self.state, ending) {
            (State::Closed { failures }, Ending::Success) => *failures = 0,
            (State::Closed { failures }, Ending::Failure) => {
                *failures += 1;
                if *failures >= self.settings.failures {
                    self.open(now);
                }
            }
            (State::HalfOpen { succeeded, under_way }, Ending::Success) => {
                (*succeeded, *under_way) = (*succeeded + 1, *under_way - 1);
                if *succeeded >= self.settings.probes {
                    self.change(State::Closed { failures: 0 });
                }
            }
            (State::HalfOpen { .. }, Ending::Failure) => self.open(now),
            (State::HalfOpen { under_way, .. }, Ending::Unknown) => *under_way -= 1,
            (State::Closed { .. }, Ending::Unknown) | (State::Open { .. }, _) => {}
        }
    }

    /// What it is, for a report made now.
    pub(super) fn state(&self, now: Time) -> BreakerState {
        match self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { until } if now < until => BreakerState::Open,
            State::Open { .. } | State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    fn probes(&self) -> u32 {
        self.settings.probes.max(1)
    }

    fn open(&mut self, now: Time) {
        self.change(State::Open { until: now.saturating_add(self.settings.cooldown) });
    }

    fn change(&mut self, state: State) {
        self.state = state;
        self.epoch += 1;
    }
}
