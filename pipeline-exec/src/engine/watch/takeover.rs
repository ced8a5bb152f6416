//! Taking over what a thread that does not come back holds of its run.

use std::time::Duration;

use pipeline_core::frame::{Attempt, GivenUp};

use super::Watch;
use crate::engine::drive;
use crate::engine::driver::Driver;
use crate::engine::holder::Holder;
use crate::event::Event;
use crate::timing::Place;

impl Watch {
    /// Gives up an attempt where it is, and finishes its step in its stead. Nothing happens where it has ended.
    pub(super) fn take_over(&self, step: usize, attempt: Attempt, has_waited: bool, why: GivenUp) {
        let Some(engine) = self.engine.upgrade() else { return };
        // While the step is finished here, the run is not over.
        let present = engine.done.enter();
        let Some(finished) = engine.frame.give_up(step, attempt, why) else {
            drop(engine);
            drop(present);
            return;
        };
        let still_running = self.history.detach(step);
        if still_running > self.most_detached {
            let reason = format!(
                "{still_running} attempts that timed out still run on their threads, more than `max_detached` = {} allows",
                self.most_detached
            );
            engine.stop_because(&reason);
        }
        let user_code = engine.rule(step).is_some_and(|rule| rule.has_user_code());
        // What the step waits for in a run of its own is not needed any more, and its slot was given back before.
        engine.stop_children(Some(step));
        let has_slot = !engine.cancel_loan(step);
        let holder = Holder::taking_over(&engine, self.plan.lane(step), !has_waited, has_slot);
        drop(engine);
        if user_code {
            drive::spawn_end(holder, finished);
        } else {
            Driver::new(holder, Place::watchdog()).end(finished, true);
        }
        drop(present);
    }

    /// Names a step that keeps a thread which others need.
    pub(super) fn warn_slow(&self, step: usize, time: Duration) {
        self.history.note(step, |past| past.slow_poll = past.slow_poll.max(Some(time)));
        let Some(engine) = self.engine.upgrade() else { return };
        engine.send(|| Event::SlowPoll {
            run_id: engine.frame.scope().run_id(),
            step: engine.frame.plan().spec(step).name(),
            time,
        });
    }
}
