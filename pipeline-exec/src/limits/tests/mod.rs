#![allow(clippy::unwrap_used, reason = "a panic fails the test")]

mod breaker;
mod model;
mod order;
#[cfg(feature = "rate")]
mod rate;
mod settings;
#[cfg(feature = "rate")]
mod simulation;
mod threads;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{LimitSettings, Limits, Need, Permit, Request, Turn};

const ZERO: Duration = Duration::ZERO;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The turns of waiters, by their names, in order.
#[derive(Clone, Default)]
struct Turns(Arc<Mutex<Vec<(u64, Turn)>>>);

impl Turns {
    /// Asks under a name. A turn at once is recorded like a later one.
    fn ask(&self, need: &Need, owner: u64, now: Duration, name: u64) {
        let turns = self.clone();
        note(need.request(owner, now, move |turn| turns.put(name, turn)));
    }

    fn put(&self, name: u64, turn: Turn) {
        self.0.lock().unwrap().push((name, turn));
    }

    fn take(&self) -> Vec<(u64, Turn)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Takes the permits granted so far; panics if there is another turn.
    fn granted(&self) -> Vec<(u64, Permit)> {
        self.take().into_iter().map(|(name, turn)| (name, permit(turn))).collect()
    }

    /// Takes the first permit granted, and gives the rest back.
    fn granted_first(&self) -> Permit {
        self.granted().remove(0).1
    }
}

/// Calls a waiter that was handed back.
fn note(request: Request<impl FnOnce(Turn)>) {
    if let Request::Now(turn, waiter) = request {
        waiter(turn);
    }
}

fn permit(turn: Turn) -> Permit {
    match turn {
        Turn::Granted(permit) => permit,
        other => panic!("not granted: {other:?}"),
    }
}

fn names(granted: &[(u64, Permit)]) -> Vec<u64> {
    granted.iter().map(|(name, _)| *name).collect()
}

fn capacities<const N: usize>(capacities: [(&str, u64); N]) -> Limits {
    capacities
        .into_iter()
        .fold(Limits::new(), |limits, (name, capacity)| limits.limit(name, LimitSettings::new(capacity)))
}
