//! The right to run steps: a slot, a deque, and the duty to look for work when they are returned.

use std::sync::Arc;

use crossbeam_deque::Worker;
use pipeline_core::Lane;
use pipeline_core::frame::Ready;

use super::Engine;
use super::done::Present;
use super::lane::Post;
use super::lanes::Slot;

/// Share of a run that a driver or a waiting step has. Dropping it gives everything back, wakes drivers that can use it,
/// and only then lets the run end.
#[derive(Debug)]
pub(super) struct SlotGuard {
    engine: Arc<Engine>,
    lane: Lane,
    /// `None` while the step does not run.
    slot: Option<Slot>,
    /// `None` without the right to look for steps.
    post: Option<Post>,
    /// Declared last and so dropped last, after `engine`: the thread that waits for the end has the engine to itself.
    present: Option<Present>,
}

impl SlotGuard {
    /// A guard that may look for steps of a lane; `None` if no slot is free.
    pub(super) fn for_driver(engine: &Arc<Engine>, lane: Lane) -> Option<SlotGuard> {
        let (post, slot) = engine.lanes.take_driver(lane)?;
        Some(SlotGuard {
            engine: Arc::clone(engine),
            lane,
            slot: Some(slot),
            post: Some(post),
            present: Some(engine.done.enter()),
        })
    }

    /// A guard without a slot, for a step that does not run now.
    pub(super) fn without_slot(engine: &Arc<Engine>, lane: Lane) -> SlotGuard {
        let present = Some(engine.done.enter());
        SlotGuard { engine: Arc::clone(engine), lane, slot: None, post: None, present }
    }

    /// The share of a detached driver, or of a step that waits: see [`SlotGuard::abandon`].
    pub(super) fn taking_over(engine: &Arc<Engine>, lane: Lane, was_driver: bool, slot: Slot) -> SlotGuard {
        let present = Some(engine.done.inherit());
        let post = was_driver.then(Post::inherited);
        SlotGuard { engine: Arc::clone(engine), lane, slot: Some(slot), post, present }
    }

    /// Gives only the deque back: the watchdog has taken over the rest of this share.
    pub(super) fn abandon(&mut self) {
        if let Some(post) = self.post.take() {
            self.engine.lanes.of(self.lane).return_deque(post);
        }
        self.slot = None;
        if let Some(present) = self.present.take() {
            present.abandon();
        }
    }

    /// Gives this guard's slot to a step that waits.
    pub(super) fn split_slot(&mut self) -> SlotGuard {
        debug_assert!(self.slot.is_some());
        SlotGuard {
            engine: Arc::clone(&self.engine),
            lane: self.lane,
            slot: self.slot.take(),
            post: None,
            present: Some(self.engine.done.enter()),
        }
    }

    /// Takes a slot anew, after [`SlotGuard::split_slot`].
    pub(super) fn retake_slot(&mut self) -> bool {
        self.slot = self.slot.or_else(|| self.engine.lanes.take_slot(self.lane));
        self.slot.is_some()
    }

    /// Takes the right to look for steps, for a guard that had only a slot.
    pub(super) fn take_post(&mut self) -> bool {
        if self.post.is_none() {
            self.post = self.engine.lanes.of(self.lane).take_post();
        }
        self.post.is_some()
    }

    pub(super) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    pub(super) fn lane(&self) -> Lane {
        self.lane
    }

    /// The slot that it has.
    pub(super) fn slot(&self) -> Slot {
        self.slot.unwrap_or(Slot::OfLane)
    }

    /// Whether more slots of the lane are taken than it has now.
    #[inline]
    pub(super) fn is_surplus(&self) -> bool {
        // A lent slot is none of the lane's.
        self.engine.lanes.is_over(self.lane) && self.slot != Some(Slot::Lent)
    }

    /// The guard's own deque, if it has one.
    pub(super) fn deque(&self) -> Option<&Worker<Ready>> {
        self.post.as_ref()?.deque()
    }
}

impl Drop for SlotGuard {
    fn drop(&mut self) {
        let engine = &self.engine;
        if let Some(post) = self.post.take() {
            engine.lanes.of(self.lane).return_post(post);
        }
        if let Some(slot) = self.slot {
            engine.lanes.return_slot(slot, self.lane);
        }
        // Whoever leaves a gate looks for work. If lanes share a limit, the place may be another lane's.
        for lane in Lane::ALL {
            if (lane == self.lane || engine.lanes.share_a_limit()) && engine.has_work(lane) {
                engine.wake(lane);
            }
        }
        engine.group.slot_came_free();
    }
}
