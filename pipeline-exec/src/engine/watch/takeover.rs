//! Taking over what a detached thread holds of its run.

use std::time::Duration;

use pipeline_core::FailureKind;
use pipeline_core::frame::{Attempt, GivenUp};

use super::{Waiter, Watch};
use crate::engine::driver::Driver;
use crate::engine::lanes::Slot;
use crate::engine::slot::SlotGuard;
use crate::engine::spawn;
use crate::engine::worker::Running;
use crate::rules::Rule;
use crate::runtime;
use crate::timing::Place;

/// Who runs an attempt that is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TakenFrom {
    /// The driver of a lane, on its thread.
    Driver,
    /// A thread that polls the task of a step that has waited.
    Poller,
    /// The task of a step that waits, which no thread polls now.
    Task,
    /// The task of a step that waits, by itself.
    OwnTask,
}

impl TakenFrom {
    /// Whether the attempt keeps a thread.
    fn keeps_thread(self) -> bool {
        matches!(self, TakenFrom::Driver | TakenFrom::Poller)
    }
}

impl Watch {
    /// Takes over what a thread runs or polls.
    pub(super) fn take_over_running(&self, running: Running, why: GivenUp) {
        let attempt = Attempt::new(running.attempt, false, true);
        let from = if running.has_waited { TakenFrom::Poller } else { TakenFrom::Driver };
        self.take_over(running.step, attempt, from, running.slot, why);
    }

    /// Takes over a step that waits, and that no thread polls.
    pub(super) fn take_over_waiting(&self, waiter: &Waiter, why: GivenUp) {
        self.take_over(waiter.step(), waiter.attempt(), TakenFrom::Task, waiter.slot(), why);
    }

    /// Gives up an attempt, and finishes its step on behalf of the thread that runs it. Does nothing if it has ended.
    pub(super) fn take_over(&self, step: usize, attempt: Attempt, from: TakenFrom, slot: Slot, why: GivenUp) {
        let Some(engine) = self.engine.upgrade() else { return };
        // While the step is finished here, the run is not over.
        let present = engine.done.enter();
        // Only an overdue attempt that keeps a thread counts against `max_detached`.
        let counts = from.keeps_thread() && why.kind == FailureKind::TimedOut;
        // Recorded before: an attempt that was given up may end, and record that, at once.
        let still_running = self.history.detach(step, counts);
        let Some(finished) = engine.frame.give_up(step, attempt, why) else {
            self.history.reattach(step);
            drop(engine);
            drop(present);
            return;
        };
        if from.keeps_thread() && self.plan.lane(step).is_async() {
            self.starvation.left_behind(step);
        }
        if still_running > self.most_detached {
            let reason = format!(
                "{still_running} attempts that timed out still run on their threads, more than `max_detached` = {} allows",
                self.most_detached
            );
            engine.stop_because(&reason);
        }
        let user_code = engine.events.any()
            || engine.caching.is_some()
            || engine.rule(step).is_some_and(Rule::has_user_code);
        // The runs that the step waits for are unused now.
        engine.stop_children(Some(step));
        let was_driver = from == TakenFrom::Driver;
        let guard = SlotGuard::taking_over(&engine, self.plan.lane(step), was_driver, slot);
        drop(engine);
        if from == TakenFrom::OwnTask {
            Driver::new(guard, Place::task()).end(finished, true);
        } else if user_code {
            // The user's code could keep the watchdog from its other runs.
            spawn::thread(&runtime::own(), move || {
                Driver::new(guard, Place::blocking_thread()).end(finished, true);
            });
        } else {
            Driver::new(guard, Place::watchdog()).end(finished, true);
        }
        drop(present);
    }

    /// Records and reports that a step keeps a thread which others need.
    pub(super) fn warn_slow(&self, step: usize, time: Duration) {
        self.history.note(step, |past| past.slow_poll = past.slow_poll.max(Some(time)));
        if let Some(engine) = self.engine.upgrade() {
            engine.events.slow_poll(step, time);
        }
    }
}
