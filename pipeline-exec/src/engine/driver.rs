//! A driver: takes a step, runs it, finishes it, goes on with what became ready.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use pipeline_core::Lane;
use pipeline_core::frame::{Finished, Progress, Ready, Roots, Status, Suspended};

use super::Engine;
use super::holder::Holder;
use crate::event::Event;
use crate::timing::Place;

/// At most so many roots are taken at once, and at most one in so many of those left for each driver.
const MOST_ROOTS: usize = 64;
const ROOT_SHARE: usize = 8;

/// One driver; `drive` has the loops around it.
#[derive(Debug)]
pub(super) struct Driver {
    holder: Holder,
    /// The most urgent of the steps that the last one made ready.
    hand: Option<Ready>,
    roots: Option<Roots>,
    /// When the last step ended, if the next one follows at once: one look at the clock serves both.
    now: Option<u64>,
    place: Place,
}

impl Driver {
    pub(super) fn new(holder: Holder, place: Place) -> Self {
        Driver { holder, hand: None, roots: None, now: None, place }
    }

    pub(super) fn engine(&self) -> &Arc<Engine> {
        self.holder.engine()
    }

    /// The step to run next: what is in hand, then the own deque, then roots, then what others have.
    pub(super) fn next(&mut self) -> Option<Ready> {
        let engine = self.holder.engine();
        if engine.frame.scope().is_stopped() || self.is_surplus() {
            return None;
        }
        if let Some(ready) = self.hand.take() {
            return Some(ready);
        }
        if let Some(ready) = self.holder.deque().and_then(crossbeam_deque::Worker::pop) {
            return Some(ready);
        }
        if let Some(ready) = self.roots.as_mut().and_then(|roots| engine.frame.next_root(roots)) {
            return Some(ready);
        }
        self.now = None;
        let lane = self.holder.lane();
        let share = ROOT_SHARE * engine.settings.slots(lane);
        let mut roots = engine.frame.take_roots(lane, MOST_ROOTS, share);
        if let Some(ready) = engine.frame.next_root(&mut roots) {
            self.roots = Some(roots);
            return Some(ready);
        }
        engine.lanes.of(lane).steal(self.holder.deque())
    }

    /// Runs a step as far as it goes, and finishes it where it ends. A step that waits is returned.
    pub(super) fn run(&mut self, ready: Ready) -> Option<Suspended> {
        let engine = self.holder.engine();
        let step = ready.step();
        if let Some(timings) = &engine.timings {
            let now = self.now.unwrap_or_else(|| timings.now());
            timings.start(step, now, self.place);
            if engine.observers.any() && !engine.frame.will_skip(&ready) {
                engine.observers.send(&Event::step_started(&engine.frame, step));
            }
        }
        match engine.frame.start(ready) {
            Progress::Finished(finished) => {
                self.finish(finished);
                None
            }
            Progress::Suspended(suspended) => {
                self.now = None;
                Some(suspended)
            }
        }
    }

    /// Ends a step and takes what it made ready.
    pub(super) fn finish(&mut self, finished: Finished) {
        let engine = self.holder.engine();
        if let Some(timings) = &engine.timings {
            let now = timings.now();
            timings.end(finished.step(), now);
            self.now = Some(now);
            if engine.observers.any() {
                engine.observers.send(&Event::step_finished(&engine.frame, &finished, timings));
            }
        }
        if engine.settings.fail_fast && finished.status() == Status::Failed {
            engine.stop();
        }
        let (own, hand, deque) = (self.holder.lane(), &mut self.hand, self.holder.deque());
        let mut left_for = [false; Lane::ALL.len()];
        engine.frame.finish(finished, |ready| {
            let lane = engine.frame.plan().lane(ready.step());
            let surplus = if lane == own { hand.replace(ready) } else { Some(ready) };
            let Some(ready) = surplus else { return };
            left_for[lane.index()] = true;
            match deque {
                Some(deque) if lane == own => deque.push(ready),
                _ => engine.lanes.of(lane).inject(ready),
            }
        });
        if left_for != [false; Lane::ALL.len()] {
            fence(Ordering::SeqCst);
            Lane::ALL.into_iter().filter(|lane| left_for[lane.index()]).for_each(|lane| engine.wake(lane));
        }
    }

    /// Gives the slot to a step that waits, and takes another. `false` where there is none: the driver has to end.
    pub(super) fn hand_over_slot(&mut self) -> (Holder, bool) {
        let holder = self.holder.split_slot();
        (holder, self.holder.retake_slot())
    }

    /// Takes the right to go on as a driver, for a step that has waited.
    pub(super) fn take_post(&mut self) -> bool {
        self.holder.take_post()
    }

    /// Notes that the driver's task let others have their turn, and may be on another thread now.
    pub(super) fn moved(&mut self) {
        self.place = self.place.here();
        self.now = None;
    }

    /// Whether it pays to wait a moment for work: not where the slot would be missing elsewhere.
    pub(super) fn may_linger(&self) -> bool {
        let engine = self.holder.engine();
        !engine.lanes.share_a_limit() && !engine.frame.scope().is_stopped() && !self.is_surplus()
    }

    /// Whether the lane was given fewer slots than are taken.
    fn is_surplus(&self) -> bool {
        self.holder.engine().lanes.of(self.holder.lane()).slots.is_over()
    }

    /// Whether there is something to do.
    pub(super) fn has_work(&self) -> bool {
        !self.is_surplus() && self.holder.engine().has_work(self.holder.lane())
    }
}

impl Drop for Driver {
    /// Leaves what the driver still has where others find it; the holder, dropped next, wakes them.
    fn drop(&mut self) {
        let engine = self.holder.engine();
        let lane = engine.lanes.of(self.holder.lane());
        if let Some(ready) = self.hand.take() {
            lane.inject(ready);
        }
        while let Some(ready) = self.roots.as_mut().and_then(|roots| engine.frame.next_root(roots)) {
            lane.inject(ready);
        }
    }
}
