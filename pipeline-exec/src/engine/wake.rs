//! Starting drivers for the work that there is.

use std::sync::Arc;

use pipeline_core::Lane;

use super::slot::SlotGuard;
use super::{Engine, drive};

impl Engine {
    /// Starts as many drivers as can be used.
    pub(super) fn wake_all(self: &Arc<Self>) {
        for lane in Lane::ALL {
            self.wake_up_to(lane, self.lanes.most_drivers(lane, &self.record.settings));
        }
    }

    /// Starts at most `most` drivers for a lane, while there is work for another.
    pub(super) fn wake_up_to(self: &Arc<Self>, lane: Lane, most: usize) {
        for _ in 0..most {
            if self.has_work(lane) {
                self.wake(lane);
            }
        }
    }

    /// Starts a driver for a lane if one can be had. Called after work was made visible and fenced.
    pub(super) fn wake(self: &Arc<Self>, lane: Lane) {
        if !self.try_wake(lane) && self.parent.is_some() {
            self.stand_by(lane);
        }
    }

    pub(super) fn try_wake(self: &Arc<Self>, lane: Lane) -> bool {
        if !self.lanes.could_drive(lane) {
            return false;
        }
        let Some(guard) = SlotGuard::for_driver(self, lane) else { return false };
        drive::spawn(guard);
        true
    }

    /// Whether a step of this lane is ready and waits to be started.
    pub(super) fn has_work(&self, lane: Lane) -> bool {
        !self.holds_still() && (self.frame.has_roots(lane) || self.lanes.of(lane).has_queued())
    }
}
