//! Steps that need a share of named limits: admitted before they start, or parked until there is enough.
//!
//! A step asks for what it needs of the run (to be alone, or beside others) before what it needs of named limits, which
//! other runs may share: always in this order, so nobody waits in a circle. A step that is parked has no slot. Its
//! waiter holds the run's presence, so the run does not end meanwhile.

use std::collections::HashMap;
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pipeline_core::FailureKind;
use pipeline_core::frame::{GivenUp, Ready, Status};

use super::driver::Driver;
use super::slot::SlotGuard;
use super::{Engine, drive};
use crate::limits::{Need, Permit, Place, Refusal, Request, Turn};
use crate::timing::Place as ThreadPlace;

/// What steps of a run that were admitted hold until they are started.
#[derive(Debug, Default)]
pub(super) struct Admitted(Mutex<HashMap<usize, Permits>>);

/// What one attempt holds of limits.
pub(super) type Permits = Vec<Permit>;

impl Admitted {
    fn insert(&self, step: usize, permits: Permits) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(step, permits);
    }

    pub(super) fn take(&self, step: usize) -> Option<Permits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&step)
    }

    /// Gives back what steps hold that will not start.
    pub(super) fn clear(&self) {
        let held = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        drop(held);
    }
}

/// A step on its way through the limits.
pub(super) struct Applicant {
    ready: Ready,
    guard: SlotGuard,
    needs: Arc<[Need]>,
    held: Permits,
}

/// The time by which limits count: of the runtime where there is one, so that paused time counts too.
pub(super) fn now() -> Duration {
    static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let origin = *ORIGIN;
    tokio::time::Instant::now().into_std().saturating_duration_since(origin)
}

impl Driver {
    /// Asks for what a step needs. It is started once it has that, by this driver or another.
    pub(super) fn apply(&self, ready: Ready, needs: &Arc<[Need]>) {
        let engine = self.engine();
        let lane = engine.frame.plan().lane(ready.step());
        let guard = SlotGuard::without_slot(engine, lane);
        Applicant { ready, guard, needs: Arc::clone(needs), held: Vec::new() }.ask();
    }
}

impl Applicant {
    /// Asks for the next thing it needs, or is admitted.
    fn ask(self) {
        let Some(need) = self.needs.get(self.held.len()).cloned() else { return self.admit() };
        let engine = Arc::clone(self.guard.engine());
        let owner = engine.owner();
        let request = need.request(owner, now(), move |turn| self.turn(turn));
        if let Request::Now(turn, waiter) = request {
            waiter(turn);
        } else if engine.frame.scope().is_stopped() {
            // It may have been parked after the run had withdrawn what was.
            need.withdraw(owner);
        }
    }

    /// Its turn has come.
    fn turn(mut self, turn: Turn) {
        match turn {
            Turn::Granted(permit) => {
                self.held.push(permit);
                self.ask();
            }
            Turn::Wait(place, at) => drive::spawn_at_turn(self, place, at),
            Turn::Refused(refusal) => self.refuse(&refusal),
        }
    }

    /// Asks again from its place.
    pub(super) fn ask_again(self, place: Place) {
        if let Request::Now(turn, waiter) = place.again(now(), move |turn| self.turn(turn)) {
            waiter(turn);
        }
    }

    pub(super) fn engine(&self) -> &Arc<Engine> {
        self.guard.engine()
    }

    fn admit(self) {
        let engine = self.guard.engine();
        let step = self.ready.step();
        engine.admitted.insert(step, self.held);
        if engine.frame.scope().is_stopped() {
            // It may have been granted after the run had given back what steps held that will not start.
            engine.admitted.clear();
        }
        engine.lanes.of(engine.frame.plan().lane(step)).backlog.push(engine.urgency(step), self.ready);
        fence(Ordering::SeqCst);
        // The guard, dropped now, looks for work and finds it.
    }

    fn refuse(self, refusal: &Refusal) {
        let Applicant { ready, guard, held, .. } = self;
        drop(held);
        let number = guard.engine().history.next_attempt(ready.step());
        let why = GivenUp { kind: FailureKind::CircuitOpen, note: refusal.to_string() };
        let finished = guard.engine().frame.refuse(ready, number, why);
        Driver::new(guard, ThreadPlace::task()).end(finished, true);
    }
}

/// Gives back what an attempt held, and says how it ended. One that was skipped or cancelled says nothing about what it
/// needed: a breaker neither opens nor closes by it.
pub(super) fn release(permits: Permits, status: Status) {
    for permit in permits {
        match status {
            Status::Succeeded => permit.succeeded(now()),
            status if status.is_failure() => permit.failed(now()),
            _ => drop(permit),
        }
    }
}
