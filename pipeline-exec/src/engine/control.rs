//! Stopping, pausing and resizing a run under way.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::{Ordering, fence};

use pipeline_core::frame::GivenUp;
use pipeline_core::{FailureKind, Lane};

use super::Engine;
use super::done::Present;
use crate::pressure::Change;
use crate::stopper::Stop;

/// Why a run is stopped by the end of its runtime.
pub(super) const LOST_RUNTIME: &str = "the tokio runtime of the run was shut down before its steps had ended: keep the runtime until the run has ended";

impl Engine {
    /// Starts no further step, and drops the async steps that wait. Steps on threads run to their end, or for as long
    /// as the settings' grace allows.
    pub(crate) fn stop(&self) {
        if !self.frame.scope().stop() {
            return;
        }
        self.still.store(true, Ordering::SeqCst);
        if let Some(watch) = &self.watch {
            if let Some(who) = watch.who_blocks(self) {
                self.history.stopped_while(&who);
            }
            watch.stopped();
        }
        self.stop.cancel();
        self.stop_children(None);
        if let Some(rules) = &self.rules {
            self.record.limits.withdraw(self.owner());
            rules.withdraw(self.owner());
            self.admitted.clear();
        }
        self.stand_down();
        // A run that was paused has to end.
        self.resume_quietly();
    }

    /// As [`Engine::stop`], with a reason for the report.
    pub(super) fn stop_because(&self, reason: &str) {
        if !self.frame.scope().is_stopped() {
            self.history.stopped_because(reason);
        }
        self.stop();
    }

    /// Stops the run, because the runtime of its tasks was shut down: what it dropped there cannot end any more.
    pub(super) fn lost_runtime(&self) {
        self.stop_because(LOST_RUNTIME);
    }

    /// As [`Engine::stop`], because the run took too long.
    pub(super) fn stop_timed_out(&self) {
        self.timed_out.store(true, Ordering::Release);
        self.stop();
    }

    /// Why a step is cancelled by the run's stop.
    pub(super) fn stopped(&self) -> GivenUp {
        let timed_out = self.timed_out.load(Ordering::Acquire);
        let kind = if timed_out { FailureKind::TimedOut } else { FailureKind::Cancelled };
        GivenUp { kind, note: self.history.why_stopped().unwrap_or_else(|| "the run was stopped".to_owned()) }
    }

    /// Cancels an unused step, if it is under way.
    pub(super) fn cancel_unused(&self, step: usize) {
        if let Some(watch) = &self.watch {
            watch.cancel_unused(step);
        }
    }

    /// Starts no further step until [`Engine::resume`]. Steps under way continue.
    pub(crate) fn pause(&self) {
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if pause.is_none() && !self.frame.scope().is_stopped() && !self.done.is_over() {
            *pause = Some(self.done.enter());
            self.still.store(true, Ordering::SeqCst);
        }
    }

    /// Continues after a pause.
    pub(crate) fn resume(self: &Arc<Self>) {
        let present = self.resume_quietly();
        fence(Ordering::SeqCst);
        self.wake_all();
        drop(present);
    }

    fn resume_quietly(&self) -> Option<Present> {
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        self.still.store(self.frame.scope().is_stopped(), Ordering::SeqCst);
        pause.take()
    }

    /// Whether drivers are to end before their next step.
    #[inline]
    pub(super) fn holds_still(&self) -> bool {
        self.still.load(Ordering::Relaxed)
    }

    /// Changes the slots of a lane while the run is under way. Fewer slots take effect as steps end.
    pub(crate) fn resize(self: &Arc<Self>, lane: Lane, slots: usize) {
        self.lanes.resize(lane, slots);
        self.wake_up_to(lane, self.lanes.of(lane).most_drivers(slots));
    }

    /// Gives the run a part of its slots, because of what was sampled.
    pub(super) fn apply(self: &Arc<Self>, change: &Change) {
        self.events.slots_changed(change);
        self.lanes.apply(change.share);
        fence(Ordering::SeqCst);
        self.wake_all();
    }
}

impl Stop for Engine {
    fn stop(&self, reason: Option<&str>) {
        match reason {
            Some(reason) => self.stop_because(reason),
            None => Engine::stop(self),
        }
    }
}
