//! A driver: takes a step, runs it, finishes it, continues with what became ready.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use pipeline_core::Lane;
use pipeline_core::frame::{Finished, Progress, Ready, Roots, Suspended, Unread};

use super::Engine;
use super::lanes::Slot;
use super::permits::Permits;
use super::slot::SlotGuard;
use super::worker::WorkerStatus;
use crate::runtime;
use crate::timing::{Place, Ticker};

/// Maximum number of roots that are taken at once, and the share of the roots left that each driver may take: one in this
/// many.
const MOST_ROOTS: usize = 64;
const ROOT_SHARE: usize = 8;

/// Maximum number of slots with which a slot that is given to the wrong step is missed.
const FEW: usize = 64;

/// Duration of a step, in nanoseconds, after which the most urgent step is looked for.
const LONG: u64 = 10_000;

/// One driver; the loops around it are in `drive`.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "looked at for every step: a set of flags would cost a mask each"
)]
pub(super) struct Driver {
    guard: SlotGuard,
    /// The most urgent of the steps that the last one made ready.
    hand: Option<Ready>,
    roots: Option<Roots>,
    /// Whether the last step waited or took long. Then the most urgent step of the lane goes next; otherwise the step at
    /// hand: choosing would cost more than the step.
    unhurried: bool,
    /// When the last step ended, if the next one follows at once: both share a look at the clock.
    now: Option<u64>,
    ticker: Ticker,
    /// Whether it has looked for work and found none.
    searches: bool,
    place: Place,
    worker: Arc<WorkerStatus>,
    /// Whether steps of the run have rules, observers that go with them, or a store.
    by_rules: bool,
    /// Whether a step can become unused.
    may_have_unused: bool,
    /// Whether the most urgent step goes next after short steps too: if steps run one at a time, their order is the same in
    /// every run.
    orderly: bool,
    /// Whether ready steps are picked by chance: then none is kept in hand.
    shuffles: bool,
    /// Whether this driver may be detached in a step.
    may_be_detached: bool,
    /// Whether the watchdog looks at threads that run plain steps.
    is_watched: bool,
}

/// A step that its driver has not ended; rare enough to be boxed, so that "it has ended" fits a register.
pub(super) type Unfinished = Box<Ran>;

/// State of an unfinished step.
pub(super) enum Ran {
    /// It waits. When its attempt started, if that was timed, and what the attempt holds of limits.
    Waits(Suspended, Option<u64>, Permits),
    /// Its attempt was given up, and this driver detached.
    Detached,
}

impl Driver {
    pub(super) fn new(guard: SlotGuard, place: Place) -> Self {
        let engine = guard.engine();
        let (has_rules, watch) = (engine.rules.is_some(), engine.watch.is_some());
        let by_rules = has_rules
            || engine.events.enters()
            || engine.caching.as_ref().is_some_and(|caching| caching.is_involved());
        let orderly = engine.record.settings.workers == Some(1);
        let may_have_unused = engine.frame.may_have_unused();
        let shuffles = engine.record.settings.shuffle.is_some();
        let may_be_detached = engine.may_detach();
        let is_watched = watch && guard.lane().is_async();
        Driver {
            guard,
            hand: None,
            roots: None,
            unhurried: orderly,
            now: None,
            ticker: Ticker::default(),
            searches: true,
            place,
            worker: WorkerStatus::here(),
            by_rules,
            may_have_unused,
            orderly,
            shuffles,
            may_be_detached,
            is_watched,
        }
    }

    pub(super) fn engine(&self) -> &Arc<Engine> {
        self.guard.engine()
    }

    /// The step to run next.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Ready> {
        let engine = self.guard.engine();
        let next = match engine.holds_still() || self.guard.is_surplus() {
            true => None,
            false if self.unhurried => self.most_urgent(),
            false => self.at_hand(),
        };
        if self.searches != next.is_none() {
            self.found(next.is_some());
        }
        next
    }

    /// Records that the driver has found work after having none, or has none any more. A driver that finds some starts another
    /// if there is more: whoever brought the work has started only one.
    #[cold]
    fn found(&mut self, work: bool) {
        self.searches = !work;
        if !work {
            self.worker.clear();
        }
        let (engine, lane) = (self.guard.engine(), self.guard.lane());
        if work && engine.has_work(lane) {
            engine.wake(lane);
        }
    }

    /// Takes the step in hand, or else from the own deque, then roots, then what other drivers left or have.
    #[inline]
    fn at_hand(&mut self) -> Option<Ready> {
        self.hand.take().or_else(|| self.take_queued())
    }

    fn take_queued(&mut self) -> Option<Ready> {
        let engine = self.guard.engine();
        if let Some(ready) = self.guard.deque().and_then(crossbeam_deque::Worker::pop) {
            return Some(ready);
        }
        if let Some(ready) = self.roots.as_mut().and_then(|roots| engine.frame.next_root(roots)) {
            return Some(ready);
        }
        self.now = None;
        let lane = engine.lanes.of(self.guard.lane());
        if let Some(ready) = lane.backlog.pop(0) {
            return Some(ready);
        }
        let share = ROOT_SHARE * engine.lanes.most_drivers(self.guard.lane(), &engine.record.settings);
        self.take_roots(MOST_ROOTS, share).or_else(|| self.guard.engine().lanes.of(self.guard.lane()).steal())
    }

    /// Takes the most urgent of the lane's backlog (which gets the step in hand) and roots; then as [`Driver::at_hand`].
    fn most_urgent(&mut self) -> Option<Ready> {
        self.put_back();
        self.now = None;
        let engine = self.guard.engine();
        let root = engine.frame.next_root_urgency(self.guard.lane());
        let backlog = &engine.lanes.of(self.guard.lane()).backlog;
        let ready = match backlog.pop(root.unwrap_or(0)) {
            Some(ready) => Some(ready),
            None => self.take_roots(1, 1),
        };
        let engine = self.guard.engine();
        if !engine.lanes.of(self.guard.lane()).backlog.is_empty() {
            // What was in hand may be there now, and no driver was woken for it.
            fence(Ordering::SeqCst);
            engine.wake(self.guard.lane());
        }
        ready.or_else(|| self.at_hand())
    }

    fn take_roots(&mut self, most: usize, share: usize) -> Option<Ready> {
        let engine = self.guard.engine();
        // A driver that may be detached keeps nothing that others could not find.
        let deque = self.guard.deque().filter(|_| self.may_be_detached);
        let most = if self.may_be_detached && deque.is_none() { 1 } else { most };
        let mut roots = engine.frame.take_roots(self.guard.lane(), most, share);
        let first = engine.frame.next_root(&mut roots);
        if let Some(deque) = deque {
            // Short steps go last in, first out in any case; long ones are taken one by one.
            std::iter::from_fn(|| engine.frame.next_root(&mut roots)).for_each(|ready| deque.push(ready));
        }
        self.roots = Some(roots);
        first
    }

    /// Puts the step in hand, and roots taken, into the backlog.
    fn put_back(&mut self) {
        let engine = self.guard.engine();
        let backlog = &engine.lanes.of(self.guard.lane()).backlog;
        let urgency = |ready: &Ready| engine.urgency(ready.step());
        if let Some(ready) = self.hand.take() {
            backlog.push(urgency(&ready), ready);
        }
        while let Some(ready) = self.roots.as_mut().and_then(|roots| engine.frame.next_root(roots)) {
            backlog.push(urgency(&ready), ready);
        }
    }

    /// Runs a step until it ends or waits, and finishes it if it ends.
    #[inline]
    pub(super) fn run(&mut self, ready: Ready) -> Option<Unfinished> {
        if self.by_rules { self.run_by_rule(ready) } else { self.run_plain(ready) }
    }

    /// Runs a step without a rule.
    #[allow(clippy::inline_always, reason = "measured: a tenth of the cost of a no-op step")]
    #[inline(always)]
    pub(super) fn run_plain(&mut self, ready: Ready) -> Option<Unfinished> {
        self.run_started(
            ready,
            #[inline(always)]
            |engine, ready| engine.frame.start(ready),
            #[allow(
                clippy::redundant_closure_for_method_calls,
                reason = "a closure can be inlined at any cost"
            )]
            #[inline(always)]
            |driver, finished, waited| driver.finish_plain(finished, waited),
        )
    }

    /// The same in a run whose observers go with the steps, or with a store.
    pub(super) fn run_entered(&mut self, ready: Ready) -> Option<Unfinished> {
        let start = |engine: &Engine, ready| {
            let _entered = engine.events.enter_ready(&ready, 1);
            engine.frame.start(ready)
        };
        self.run_started(ready, start, Driver::finish)
    }

    #[allow(clippy::inline_always, reason = "measured: a tenth of the cost of a no-op step")]
    #[inline(always)]
    fn run_started(
        &mut self,
        ready: Ready,
        start: impl FnOnce(&Engine, Ready) -> Progress,
        finish: impl FnOnce(&mut Self, Finished, bool),
    ) -> Option<Unfinished> {
        let step = ready.step();
        let now = self.note_start(&ready, true);
        let engine = self.guard.engine();
        // Only threads that run tasks are watched for slow polls.
        if self.is_watched {
            self.worker.set_plain(engine.frame.number(), step);
        }
        match start(engine, ready) {
            Progress::Finished(finished) => {
                finish(self, finished, false);
                None
            }
            Progress::Suspended(suspended) => {
                self.waits();
                Some(Box::new(Ran::Waits(suspended, now, Permits::new())))
            }
            Progress::Late => Some(Box::new(Ran::Detached)),
        }
    }

    /// Records the start of a step. Returns when it was, if that is timed.
    #[allow(clippy::inline_always, reason = "measured: a tenth of the cost of a no-op step")]
    #[inline(always)]
    pub(super) fn note_start(&mut self, ready: &Ready, is_first: bool) -> Option<u64> {
        let engine = self.guard.engine();
        let timings = engine.timings.as_ref()?;
        let now = self.now.unwrap_or_else(|| self.ticker.now(timings));
        if is_first {
            timings.start(ready.step(), now, self.place);
            if engine.events.any() && !engine.frame.will_skip(ready) {
                engine.events.step_started(ready.step());
            }
        }
        Some(now)
    }

    /// Records when a step is looked up in the store.
    pub(super) fn note_look(&mut self, step: usize) {
        if let Some(timings) = &self.guard.engine().timings {
            let now = self.now.unwrap_or_else(|| self.ticker.now(timings));
            timings.start(step, now, self.place);
        }
    }

    /// Records that a step waits: the driver continues with the most urgent step.
    pub(super) fn waits(&mut self) {
        self.now = None;
        self.unhurried = true;
    }

    /// The slot on which its steps run.
    pub(super) fn slot(&self) -> Slot {
        self.guard.slot()
    }

    /// The status of this thread, which the watchdog reads.
    pub(super) fn worker(&self) -> &WorkerStatus {
        &self.worker
    }

    /// Leaves the run: the step that this thread ran was given up, and its share of the run taken over.
    pub(super) fn detach(&mut self) {
        debug_assert!(self.hand.is_none() && self.roots.as_ref().is_none_or(Roots::is_empty));
        self.guard.abandon();
    }

    /// Finishes a step and takes what it made ready. `waited` if the step was a separate task.
    pub(super) fn finish(&mut self, finished: Finished, waited: bool) {
        self.guard.engine().store(&finished);
        self.finish_plain(finished, waited);
    }

    /// The same in a run without a store.
    #[allow(clippy::inline_always, reason = "measured: a tenth of the cost of a no-op step")]
    #[inline(always)]
    fn finish_plain(&mut self, finished: Finished, waited: bool) {
        let engine = self.guard.engine();
        self.unhurried = waited || self.orderly;
        if let Some(timings) = &engine.timings {
            let now = self.ticker.now(timings);
            self.unhurried |= timings.end(finished.step(), now) >= LONG;
            self.now = Some(now);
            if engine.events.any() {
                engine.events.step_finished(&finished);
            }
        }
        if !finished.has_succeeded() {
            engine.has_not_succeeded(&finished);
        }
        let (guard, hand, shuffles) = (&self.guard, &mut self.hand, self.shuffles);
        let (own, by_urgency) = (guard.lane(), self.unhurried || shuffles);
        let mut left_for = 0_u8;
        let make_ready = |ready: Ready| {
            // Only the usual case is inlined: one successor, of the own lane.
            if hand.is_none() && !shuffles && engine.frame.plan().lane(ready.step()) == own {
                *hand = Some(ready);
            } else {
                left_for |= leave(guard, ready, if shuffles { None } else { Some(hand) }, by_urgency);
            }
        };
        let drop_panicked =
            engine.frame.finish_leaving(finished, make_ready, |unread| drop_on_thread(engine, unread));
        if drop_panicked && engine.record.settings.fail_fast {
            engine.stop();
        }
        if self.may_have_unused {
            engine.frame.take_unused().into_iter().for_each(|step| engine.cancel_unused(step));
        }
        if left_for != 0 {
            fence(Ordering::SeqCst);
            let left = |lane: &Lane| left_for & bit(*lane) != 0;
            Lane::ALL.into_iter().filter(left).for_each(|lane| engine.wake(lane));
        }
    }

    /// Gives the slot to a step that waits, and takes another. Returns false if none is free: the driver has to end.
    pub(super) fn hand_over_slot(&mut self) -> (SlotGuard, bool) {
        let guard = self.guard.split_slot();
        (guard, self.guard.retake_slot())
    }

    /// Whether the last step waited or took long.
    pub(super) fn is_unhurried(&self) -> bool {
        self.unhurried
    }

    /// Whether slots are few and all taken, so that it matters which step gets the next one.
    pub(super) fn has_rivals(&self) -> bool {
        let (engine, lane) = (self.guard.engine(), self.guard.lane());
        engine.record.settings.width(lane) <= FEW && !engine.lanes.has_slot(lane)
    }

    /// Takes the right to continue as a driver, after a step that has waited.
    pub(super) fn take_post(&mut self) -> bool {
        self.guard.take_post()
    }

    /// Records that the driver's task is about to yield to others on this thread.
    pub(super) fn rests(&self) {
        self.worker.clear();
    }

    /// Records that the driver's task has yielded, and may be on another thread now.
    pub(super) fn moved(&mut self) {
        self.place = self.place.here();
        self.worker = WorkerStatus::here();
        self.now = None;
    }

    /// Whether it pays to wait a moment for work: not if another lane or run could use the slot, or if the run has to end on
    /// time. A task that yields may never have its turn again, if others block every thread of the runtime.
    pub(super) fn may_linger(&self) -> bool {
        let engine = self.guard.engine();
        !self.may_be_detached
            && !engine.lanes.share_a_limit()
            && !engine.holds_still()
            && !self.guard.is_surplus()
    }

    /// Whether this driver, or another of the run, may be detached in a step.
    pub(super) fn may_be_detached(&self) -> bool {
        self.may_be_detached
    }

    /// Whether there is something to do.
    pub(super) fn has_work(&self) -> bool {
        !self.guard.is_surplus() && self.guard.engine().has_work(self.guard.lane())
    }
}

/// Takes a step that a finished one made ready, if the hand is not simply free. Of the own lane's steps, the last one, which
/// is the most urgent, stays in hand; the others go to where their lane finds them. Returns the lane that got one, as a
/// bit.
#[inline(never)]
fn leave(guard: &SlotGuard, ready: Ready, hand: Option<&mut Option<Ready>>, by_urgency: bool) -> u8 {
    let engine = guard.engine();
    let lane = engine.frame.plan().lane(ready.step());
    let surplus = match hand {
        Some(hand) if lane == guard.lane() => hand.replace(ready),
        _ => Some(ready),
    };
    let Some(ready) = surplus else { return 0 };
    match guard.deque() {
        Some(deque) if lane == guard.lane() && !by_urgency => deque.push(ready),
        _ => engine.lanes.of(lane).backlog.push(engine.urgency(ready.step()), ready),
    }
    bit(lane)
}

/// Drops an output of a step on a thread, where a drop may block. Returns `true` if that panicked.
#[cold]
fn drop_on_thread(engine: &Engine, unread: Unread) -> bool {
    runtime::where_code_may_block(|| engine.frame.drop_unread(unread)).unwrap_or(false)
}

fn bit(lane: Lane) -> u8 {
    1 << lane.index()
}

impl Drop for Driver {
    /// Puts what the driver still has where others find it; the guard, dropped next, wakes them.
    fn drop(&mut self) {
        self.worker.clear();
        self.put_back();
    }
}
