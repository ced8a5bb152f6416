//! Taking over what a thread that does not come back holds of its run.

use std::time::Duration;

use pipeline_core::FailureKind;
use pipeline_core::frame::{Attempt, GivenUp};

use super::{Running, Watch};
use crate::engine::drive;
use crate::engine::driver::Driver;
use crate::engine::slot::SlotGuard;
use crate::rules::Rule;
use crate::timing::Place;

/// Who runs an attempt that is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TakenFrom {
    /// The driver of a lane, on its thread.
    Driver,
    /// A thread that polls the task of a step that has waited.
    Poller,
    /// The task of a step that waits, which no thread polls just now.
    Task,
}

impl TakenFrom {
    /// Who runs what was seen at a status.
    pub(super) fn of(running: Running) -> Self {
        if running.has_waited { TakenFrom::Poller } else { TakenFrom::Driver }
    }
}

impl Watch {
    /// Gives up an attempt where it is, and finishes its step in its stead. Nothing happens where it has ended.
    pub(super) fn take_over(&self, step: usize, attempt: Attempt, from: TakenFrom, why: GivenUp) {
        let Some(engine) = self.engine.upgrade() else { return };
        // While the step is finished here, the run is not over.
        let present = engine.done.enter();
        // Only what is overdue counts against `max_detached`, and only where it keeps a thread.
        let counts = from != TakenFrom::Task && why.kind == FailureKind::TimedOut;
        // Noted before: an attempt that was given up may end, and say so, at once.
        let still_running = self.history.detach(step, counts);
        let Some(finished) = engine.frame.give_up(step, attempt, why) else {
            self.history.reattach(step);
            drop(engine);
            drop(present);
            return;
        };
        if still_running > self.most_detached {
            let reason = format!(
                "{still_running} attempts that timed out still run on their threads, more than `max_detached` = {} allows",
                self.most_detached
            );
            engine.stop_because(&reason);
        }
        // Code of the user's could keep the watchdog from its other runs.
        let user_code = engine.events.any() || engine.rule(step).is_some_and(Rule::has_user_code);
        // What the step waits for in a run of its own is not needed any more, and its slot was given back before.
        engine.stop_children(Some(step));
        let has_slot = !engine.cancel_loan(step);
        let guard =
            SlotGuard::taking_over(&engine, self.plan.lane(step), from == TakenFrom::Driver, has_slot);
        drop(engine);
        if user_code {
            drive::spawn_end(guard, finished);
        } else {
            Driver::new(guard, Place::watchdog()).end(finished, true);
        }
        drop(present);
    }

    /// Names a step that keeps a thread which others need.
    pub(super) fn warn_slow(&self, step: usize, time: Duration) {
        self.history.note(step, |past| past.slow_poll = past.slow_poll.max(Some(time)));
        let Some(engine) = self.engine.upgrade() else { return };
        engine.events.slow_poll(step, time);
    }
}
