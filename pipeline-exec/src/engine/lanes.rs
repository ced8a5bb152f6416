//! All lanes of a run, and the limit over all of them.

use pipeline_core::Lane;

use super::gate::Gate;
use super::lane::{LaneState, Post};
use crate::settings::{Settings, cores};

/// All lanes of a run.
#[derive(Debug)]
pub(crate) struct Lanes {
    lanes: [LaneState; Lane::ALL.len()],
    /// The limit over all lanes, where there is one.
    total: Option<Gate>,
}

impl Lanes {
    pub(crate) fn new(settings: &Settings) -> Self {
        let slots = |lane| settings.slots(lane);
        let lane = |lane| match lane {
            Lane::Io => LaneState::new(slots(lane), cores(), Some(cores())),
            Lane::Cpu => LaneState::new(slots(lane), slots(lane).min(MOST_DEQUES), None),
            _ => LaneState::new(slots(lane), 0, None),
        };
        Lanes { lanes: Lane::ALL.map(lane), total: settings.workers.map(Gate::new) }
    }

    pub(crate) fn of(&self, lane: Lane) -> &LaneState {
        &self.lanes[lane.index()]
    }

    /// How many drivers are worth starting for a lot of work.
    pub(crate) fn most_drivers(&self, lane: Lane, settings: &Settings) -> usize {
        let most = self.of(lane).most_drivers(settings.slots(lane));
        settings.workers.map_or(most, |workers| most.min(workers))
    }

    /// Whether the lanes share a limit, so that one lane's idle driver keeps another lane's step waiting.
    pub(crate) fn share_a_limit(&self) -> bool {
        self.total.is_some()
    }

    /// Takes a slot of a lane (and of the total), if there is one.
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
            // Whoever looked at this lane's slots in between found one less; if a place in the total has come free
            // meanwhile, it is on us to use it.
            if !total.has_room() {
                return false;
            }
        }
    }

    /// Gives a slot back; the caller looks for work afterwards.
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
        self.of(lane).slots.has_room() && self.total.as_ref().is_none_or(Gate::has_room)
    }

    /// A cheap look at whether [`Lanes::take_driver`] could succeed.
    pub(crate) fn could_drive(&self, lane: Lane) -> bool {
        let of = self.of(lane);
        self.has_slot(lane) && of.has_post()
    }
}

/// Deques beyond this many are only longer to look through.
const MOST_DEQUES: usize = 256;
