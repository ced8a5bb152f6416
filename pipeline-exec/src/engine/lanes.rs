//! All lanes of a run, and the limit over all of them.

use std::sync::{Arc, Mutex, PoisonError};

use pipeline_core::Lane;

use super::gate::Gate;
use super::lane::{LaneState, Post};
use crate::pressure::Share;
use crate::settings::{MOST_SLOTS, Settings, cores};

/// The place at which a step counts while it is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// A slot of the step's lane, and of the limit over all lanes.
    OfLane,
    /// The slot of the step that waits for the run: see [`LentSlot`].
    Lent,
}

/// The slot of a step, while the step waits for runs within it. Only these runs can use it, for a step of any lane: whatever
/// the steps beside that step wait for, the runs that it waits for can continue.
///
/// The step itself keeps its slot all the time, so the slot is never given to a step that the waiting one does not wait for.
#[derive(Debug)]
pub(crate) struct LentSlot {
    gate: Gate,
    /// The lane of the step that lends it.
    lane: Lane,
}

impl LentSlot {
    /// The slot of a step that does not wait yet.
    pub(crate) fn new(lane: Lane) -> Self {
        LentSlot { gate: Gate::new(0), lane }
    }

    /// Lets the runs within the step use the slot; the caller looks for work afterwards.
    pub(crate) fn lend(&self) {
        self.gate.set_limit(1);
    }

    /// Lets no further step use the slot.
    pub(crate) fn take_back(&self) {
        self.gate.set_limit(0);
    }
}

/// All lanes of a run.
#[derive(Debug)]
pub(crate) struct Lanes {
    each: [LaneState; Lane::ALL.len()],
    /// The limit over all lanes, if there is one.
    total: Option<Arc<Gate>>,
    /// The slot that the step above lends while it waits for this run. `None` if the run is within no step.
    lent: Option<Arc<LentSlot>>,
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
    /// The lanes of a run, with its own slots, or those of its parent and the slot that the step above lends.
    pub(crate) fn new(settings: &Settings, parent: Option<(&Lanes, Arc<LentSlot>)>) -> Self {
        let (parent, lent) = parent.unzip();
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
        Lanes { each: Lane::ALL.map(lane), total, lent, asked: Mutex::new(asked) }
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
        self.total.is_some() || self.lent.is_some()
    }

    /// Takes a slot for a step of a lane, if one is free. The lent one comes last for the steps of other lanes, so that lanes
    /// run more steps than they have slots only if nothing else is free.
    pub(crate) fn take_slot(&self, lane: Lane) -> Option<Slot> {
        let lent = self.lent.as_deref();
        if lent.is_some_and(|lent| lent.lane == lane && lent.gate.enter()) {
            return Some(Slot::Lent);
        }
        if self.take_slot_of(lane) {
            return Some(Slot::OfLane);
        }
        lent.filter(|lent| lent.gate.enter()).map(|_| Slot::Lent)
    }

    /// Takes a slot of a lane (and of the total), if one is free.
    fn take_slot_of(&self, lane: Lane) -> bool {
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

    /// Returns the slot of a step of a lane; the caller looks for work afterwards.
    pub(crate) fn return_slot(&self, slot: Slot, lane: Lane) {
        if let (Slot::Lent, Some(lent)) = (slot, &self.lent) {
            return lent.gate.leave();
        }
        self.of(lane).slots.leave();
        if let Some(total) = &self.total {
            total.leave();
        }
    }

    /// Takes the right to look for steps of a lane, with a slot.
    pub(crate) fn take_driver(&self, lane: Lane) -> Option<(Post, Slot)> {
        loop {
            let post = self.of(lane).take_post()?;
            if let Some(slot) = self.take_slot(lane) {
                return Some((post, slot));
            }
            self.of(lane).return_post(post);
            if !self.could_drive(lane) {
                return None;
            }
        }
    }

    /// Whether a slot for a step of a lane seems to be free.
    pub(crate) fn has_slot(&self, lane: Lane) -> bool {
        let has_lent = self.lent.as_ref().is_some_and(|lent| lent.gate.has_room());
        has_lent || self.has_slot_of(lane)
    }

    fn has_slot_of(&self, lane: Lane) -> bool {
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
