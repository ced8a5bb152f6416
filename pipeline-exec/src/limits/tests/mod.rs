#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

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

/// What waiters were told, by their names, in order.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<(u64, Turn)>>>);

impl Told {
    /// Asks under a name; an answer at once is noted like a later one.
    fn ask(&self, need: &Need, owner: u64, now: Duration, name: u64) {
        let told = self.clone();
        note(need.request(owner, now, move |turn| told.put(name, turn)));
    }

    fn put(&self, name: u64, turn: Turn) {
        self.0.lock().unwrap().push((name, turn));
    }

    fn take(&self) -> Vec<(u64, Turn)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// The permits granted since the last look; panics where somebody was told something else.
    fn granted(&self) -> Vec<(u64, Permit)> {
        self.take().into_iter().map(|(name, turn)| (name, permit(turn))).collect()
    }

    /// The only permit, or the first of those granted; the rest is given back.
    fn granted_first(&self) -> Permit {
        self.granted().remove(0).1
    }
}

/// Calls the waiter that came back with an answer.
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
