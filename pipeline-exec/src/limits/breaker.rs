//! The breaker of a limit, as a pure state machine.
//!
//! Closed → open after a number of failures in a row → half-open after the cooldown → closed by enough successful probes, or
//! open again by a failed one. While probes are running, all other steps are refused.

use super::{Breaker, BreakerState, Time};

/// The breaker of a limit.
#[derive(Debug)]
pub(super) struct Circuit {
    settings: Breaker,
    state: State,
    /// Counts the changes of state: the results of steps admitted before the last one are ignored.
    epoch: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Time },
    HalfOpen { succeeded: u32, running: u32 },
}

/// An admitted step, whose result is reported to the breaker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket(u64);

/// The result of an admitted step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Success,
    Failure,
    /// Not reported: counts as neither.
    Unknown,
}

/// Why a breaker admits no step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shut {
    /// It is cooling down until then.
    Until(Time),
    /// A probe is running.
    Probing,
}

impl Circuit {
    /// Makes a closed breaker that replaces another. Results of steps that the other admitted are ignored.
    pub(super) fn new(settings: Breaker, replaced: Option<&Circuit>) -> Self {
        let epoch = replaced.map_or(0, |replaced| replaced.epoch + 1);
        Circuit { settings, state: State::Closed { failures: 0 }, epoch }
    }

    /// Checks whether a step may be admitted now.
    pub(super) fn check(&self, now: Time) -> Result<(), Shut> {
        match self.state {
            State::Open { until } if now < until => Err(Shut::Until(until)),
            State::HalfOpen { succeeded, running } if succeeded + running >= self.probes() => {
                Err(Shut::Probing)
            }
            _ => Ok(()),
        }
    }

    /// Admits a step that [`check`](Circuit::check) has allowed.
    pub(super) fn enter(&mut self, now: Time) -> Ticket {
        if matches!(self.state, State::Open { until } if now >= until) {
            self.change(State::HalfOpen { succeeded: 0, running: 0 });
        }
        if let State::HalfOpen { running, .. } = &mut self.state {
            *running += 1;
        }
        Ticket(self.epoch)
    }

    /// Records the result of an admitted step.
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
            (State::HalfOpen { succeeded, running }, Ending::Success) => {
                (*succeeded, *running) = (*succeeded + 1, *running - 1);
                if *succeeded >= self.settings.probes {
                    self.change(State::Closed { failures: 0 });
                }
            }
            (State::HalfOpen { .. }, Ending::Failure) => self.open(now),
            (State::HalfOpen { running, .. }, Ending::Unknown) => *running -= 1,
            (State::Closed { .. }, Ending::Unknown) | (State::Open { .. }, _) => {}
        }
    }

    /// Returns the state for a report.
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
