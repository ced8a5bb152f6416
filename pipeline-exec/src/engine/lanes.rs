//! All lanes of a run, and the limit over all of them.

use std::sync::{Arc, Mutex, PoisonError};

use pipeline_core::Lane;

use super::gate::Gate;
use super::lane::{LaneState, Post};
use crate::pressure::Share;
use crate::settings::{MOST_SLOTS, Settings, cores};

/// All lanes of a run.
#[derive(Debug)]
pub(crate) struct Lanes {
    each: [LaneState; Lane::ALL.len()],
    /// The limit over all lanes, if there is one.
    total: Option<Arc<Gate>>,
    /// Whether the slots are those of another run.
    shared: bool,
    /// The slots of each lane, and the share of them that may be used now.
    asked: Mutex<Asked>,
}

#[derive(Debug)]
struct Asked {
    slots: [usize; Lane::ALL.len()],
    total: usize,
    share: Share,
}

impl Lanes {
    /// The lanes of a run, with its own slots, or those of its parent.
    pub(crate) fn new(settings: &Settings, parent: Option<&Lanes>) -> Self {
        let slots = |lane| settings.slots(lane);
        let gate = |lane| match parent {
            Some(parent) => Arc::clone(&parent.of(lane).slots),
            None => Arc::new(Gate::new(slots(lane))),
        };
        let lane = |lane: Lane| match lane.spec() {
            spec if spec.is_async => LaneState::new(gate(lane), cores(), Some(cores())),
            spec if spec.per_core => LaneState::new(gate(lane), slots(lane).min(MOST_DEQUES), None),
            _ => LaneState::new(gate(lane), 0, None),
        };
        // Under memory pressure, a run may be limited to one step over all lanes.
        let total = settings.workers.or_else(|| settings.memory_limit.map(|_| MOST_AT_ONCE));
        let asked =
            Asked { slots: Lane::ALL.map(slots), total: total.unwrap_or(MOST_AT_ONCE), share: Share::ALL };
        let total = match parent {
            Some(parent) => parent.total.clone(),
            None => total.map(|total| Arc::new(Gate::new(total))),
        };
        Lanes { each: Lane::ALL.map(lane), total, shared: parent.is_some(), asked: Mutex::new(asked) }
    }

    /// Changes the slots of a lane.
    pub(crate) fn resize(&self, lane: Lane, slots: usize) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.slots[lane.index()] = slots;
        self.of(lane).slots.set_limit(asked.share.of(slots));
    }

    /// Changes the share of the slots that may be used.
    pub(crate) fn apply(&self, share: Share) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.share = share;
        for lane in Lane::ALL {
            self.of(lane).slots.set_limit(share.of(asked.slots[lane.index()]));
        }
        if let Some(total) = &self.total {
            total.set_limit(share.of(asked.total));
        }
    }

    /// Whether more steps of a lane are under way than it has slots, because slots were taken away.
    pub(crate) fn is_over(&self, lane: Lane) -> bool {
        self.of(lane).slots.is_over() || self.total.as_ref().is_some_and(|total| total.is_over())
    }

    pub(crate) fn of(&self, lane: Lane) -> &LaneState {
        &self.each[lane.index()]
    }

    /// Number of drivers that are worth starting for a lot of work.
    pub(crate) fn most_drivers(&self, lane: Lane, settings: &Settings) -> usize {
        let most = self.of(lane).most_drivers(settings.slots(lane));
        settings.workers.map_or(most, |workers| most.min(workers))
    }

    /// Whether the lanes share a limit, so that an idle driver of one lane keeps a step of another waiting.
    pub(crate) fn share_a_limit(&self) -> bool {
        self.total.is_some() || self.shared
    }

    /// Takes a slot of a lane (and of the total), if one is free.
    pub(crate) fn take_slot(&self, lane: Lane) -> bool {
        loop {
            if !self.of(lane).slots.enter() {
                return false;
            }
            let Some(total) = &self.total else { return true };
            if total.enter() {
                return true;
            }
            self.of(lane).slots.leave();
            // Another thread that looked at this lane's slots in between found one less. If a place in the total was freed
            // meanwhile, this thread has to use it.
            if !total.has_room() {
                return false;
            }
        }
    }

    /// Takes a slot of a lane (and of the total), even if none is free.
    pub(crate) fn force_slot(&self, lane: Lane) {
        self.of(lane).slots.force();
        if let Some(total) = &self.total {
            total.force();
        }
    }

    /// Returns a slot; the caller looks for work afterwards.
    pub(crate) fn return_slot(&self, lane: Lane) {
        self.of(lane).slots.leave();
        if let Some(total) = &self.total {
            total.leave();
        }
    }

    /// Takes the right to look for steps of a lane, with a slot.
    pub(crate) fn take_driver(&self, lane: Lane) -> Option<Post> {
        loop {
            let post = self.of(lane).take_post()?;
            if self.take_slot(lane) {
                return Some(post);
            }
            self.of(lane).return_post(post);
            if !self.could_drive(lane) {
                return None;
            }
        }
    }

    /// Whether a slot of a lane seems to be free.
    pub(crate) fn has_slot(&self, lane: Lane) -> bool {
        self.of(lane).slots.has_room() && self.total.as_ref().is_none_or(|total| total.has_room())
    }

    /// Whether [`Lanes::take_driver`] could succeed, as a cheap check.
    pub(crate) fn could_drive(&self, lane: Lane) -> bool {
        let of = self.of(lane);
        self.has_slot(lane) && of.has_post()
    }
}

/// Maximum number of steps under way.
const MOST_AT_ONCE: usize = 3 * MOST_SLOTS;

/// Maximum number of deques: more would only take longer to look through.
const MOST_DEQUES: usize = 256;
