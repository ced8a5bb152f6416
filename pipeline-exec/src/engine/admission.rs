//! Steps that need a share of named limits: admitted before they start, or parked until there is enough.
//!
//! A step asks the run for what it needs (to be alone, or beside others) before it asks named limits, which other runs
//! may share. The order is always the same, so no two steps wait for each other. A parked step has no slot, but a presence
//! in the run, so that the run does not end meanwhile.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

use pipeline_core::FailureKind;
use pipeline_core::frame::{GivenUp, Ready};

use super::driver::Driver;
use super::permits::{Permits, now};
use super::slot::SlotGuard;
use super::{Engine, later};
use crate::limits::{Need, Place, Refusal, Request, Turn};
use crate::timing::Place as ThreadPlace;

/// A step on its way through the limits.
struct Applicant {
    ready: Ready,
    guard: SlotGuard,
    needs: Arc<[Need]>,
    held: Permits,
}

impl Driver {
    /// Asks for what a step needs. This driver or another starts the step once it has that.
    pub(super) fn apply(&self, ready: Ready, needs: &Arc<[Need]>) {
        let engine = self.engine();
        let lane = engine.frame.plan().lane(ready.step());
        let guard = SlotGuard::without_slot(engine, lane);
        Applicant { ready, guard, needs: Arc::clone(needs), held: Vec::new() }.ask();
    }
}

/// A step that comes too early for a rate.
struct Early(Option<Applicant>);

impl Early {
    fn ask_again(mut self, place: Place, stopped: bool) {
        let Some(applicant) = self.0.take().filter(|_| !stopped) else { return };
        if let Request::Now(turn, waiter) = place.again(now(), move |turn| applicant.turn(turn)) {
            waiter(turn);
        }
    }
}

impl Drop for Early {
    fn drop(&mut self) {
        if let Some(applicant) = &self.0 {
            applicant.engine().lost_runtime();
        }
    }
}

impl Applicant {
    /// Asks for the next thing it needs; with all of them, it is admitted.
    fn ask(self) {
        let Some(need) = self.needs.get(self.held.len()).cloned() else { return self.admit() };
        let engine = Arc::clone(self.engine());
        let owner = engine.owner();
        let request = need.request(owner, now(), move |turn| self.turn(turn));
        if let Request::Now(turn, waiter) = request {
            waiter(turn);
        } else if engine.frame.scope().is_stopped() {
            // It may have been parked after the stop had withdrawn the parked steps.
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
            Turn::Wait(place, at) => self.ask_at(place, at),
            Turn::Refused(refusal) => self.refuse(&refusal),
        }
    }

    /// Asks again at a moment that limits count by, unless the run is stopped before.
    fn ask_at(self, place: Place, at: Duration) {
        let engine = Arc::clone(self.engine());
        let early = Early(Some(self));
        later::after(&engine, at.saturating_sub(now()), move |stopped, _| early.ask_again(place, stopped));
    }

    fn engine(&self) -> &Arc<Engine> {
        self.guard.engine()
    }

    fn admit(self) {
        let engine = self.guard.engine();
        let step = self.ready.step();
        engine.admitted.insert(step, self.held);
        if engine.frame.scope().is_stopped() {
            // It may have been admitted after the stop had given back what such steps held.
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
