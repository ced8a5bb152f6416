//! The loops around a driver: one for tasks, one for threads, and the task of a step that waits.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_utils::Backoff;
use pipeline_core::Lane;
use pipeline_core::frame::Suspended;

use super::Engine;
use super::driver::{Driver, Ran};
use super::parked::Parked;
use super::permits::{self, Permits};
use super::slot::SlotGuard;
use super::spawn::{self, Task};
use super::waiting::Waiting;
use crate::timing::Place;

/// Time after which a task yields to other tasks of the runtime: yielding costs some microseconds.
const TURN: Duration = Duration::from_micros(200);
/// Number of steps after which a task looks at the clock; a step that took long counts as several.
const STEPS_PER_LOOK: u32 = 128;
const LONG_STEP: u32 = 16;
/// Number of times that a task without work yields before it ends.
const IDLE_TURNS: u32 = 16;

thread_local! {
    /// Whether this thread drives a lane: it may then be in a step, and may block.
    static DRIVES: Cell<bool> = const { Cell::new(false) };
}

/// Whether this is a thread of the blocking pool that drives a lane.
pub(crate) fn on_a_driving_thread() -> bool {
    DRIVES.get()
}

/// Starts a driver where its lane runs.
pub(super) fn spawn(guard: SlotGuard) {
    let runtime = guard.engine().runtime.clone();
    let may_detach = guard.engine().may_detach();
    if may_detach && guard.lane().is_async() {
        spawn::task(&runtime, drive_later(Parked::new(guard)));
        return;
    }
    let unstarted = Unstarted(Some(guard));
    if unstarted.is_async() {
        spawn::task(&runtime, drive_task(unstarted));
        return;
    }
    // A detached thread must not take a thread of the caller's runtime for good, and must not keep that runtime from
    // shutting down.
    let threads = if may_detach { crate::runtime::own() } else { runtime.clone() };
    spawn::thread(&threads, move || {
        // Steps find the runtime's handle as they do on its own threads.
        let _entered = may_detach.then(|| runtime.enter());
        let Some(guard) = unstarted.start() else { return };
        DRIVES.set(true);
        drive_thread(Driver::new(guard, Place::blocking_thread()));
        DRIVES.set(false);
    });
}

/// A driver on its way to where it runs. A runtime that shuts down drops it there. Then the run is stopped: giving back
/// the slot would otherwise start another driver, without end.
struct Unstarted(Option<SlotGuard>);

impl Unstarted {
    fn is_async(&self) -> bool {
        self.0.as_ref().is_some_and(|guard| guard.lane().is_async())
    }

    fn start(mut self) -> Option<SlotGuard> {
        self.0.take()
    }
}

impl Drop for Unstarted {
    fn drop(&mut self) {
        if let Some(guard) = &self.0 {
            guard.engine().lost_runtime();
        }
    }
}

/// The driver of the thread that waits for the run: no thread has to be woken for the first step.
#[derive(Debug)]
pub(crate) struct CallersPart(SlotGuard);

impl CallersPart {
    /// A driver of the lane that the first steps are in. CPU goes before IO, which can be driven from elsewhere cheaply.
    pub(super) fn of(engine: &Arc<Engine>) -> Option<Self> {
        let has_roots = |lane: &Lane| engine.frame.plan().root_count(*lane) > 0;
        let lane = Lane::threads_first().into_iter().find(has_roots)?;
        SlotGuard::for_driver(engine, lane).map(CallersPart)
    }

    /// Drives until there is nothing to do, which need not be the end of the run.
    ///
    /// # Panics
    /// If the thread runs tasks of a tokio runtime.
    pub(crate) fn drive(self) {
        let CallersPart(guard) = self;
        let runtime = guard.engine().runtime.clone();
        if guard.lane().is_async() {
            runtime.block_on(drive_async(Driver::new(guard, Place::caller())));
        } else {
            // Steps find the runtime's handle as they do on its own threads.
            let _entered = runtime.enter();
            drive_thread(Driver::new(guard, Place::caller()));
        }
    }
}

fn drive_task(unstarted: Unstarted) -> Task {
    Box::pin(async move {
        if let Some(guard) = unstarted.start() {
            drive_async(Driver::new(guard, Place::task())).await;
        }
    })
}

/// The same for a run that has to be able to end although no thread of the runtime is free.
fn drive_later(parked: Arc<Parked>) -> Task {
    Box::pin(async move {
        if let Some(guard) = parked.take() {
            drive_async(Driver::new(guard, Place::task())).await;
        }
    })
}

/// Deals with a step that has not ended. Returns false if its driver has to end.
fn goes_on(driver: &mut Driver, ran: Ran) -> bool {
    match ran {
        Ran::Waits(suspended, since, permits) => suspend(driver, suspended, since, permits),
        Ran::Detached => {
            driver.detach();
            false
        }
    }
}

/// Drives a lane from a thread of the blocking pool.
fn drive_thread(mut driver: Driver) {
    loop {
        while let Some(ready) = driver.next() {
            if let Some(unfinished) = driver.run(ready)
                && !goes_on(&mut driver, *unfinished)
            {
                return;
            }
        }
        // To wait a moment is cheaper than to end and be started again.
        let backoff = Backoff::new();
        while !driver.has_work() {
            if backoff.is_completed() || !driver.may_linger() {
                return;
            }
            backoff.snooze();
        }
    }
}

/// Drives the IO lane from a task.
async fn drive_async(mut driver: Driver) {
    let (mut steps, mut turn) = (0, Instant::now());
    loop {
        while let Some(ready) = driver.next() {
            if let Some(unfinished) = driver.run(ready)
                && !goes_on(&mut driver, *unfinished)
            {
                return;
            }
            steps += if driver.is_unhurried() { LONG_STEP } else { 1 };
            if steps >= STEPS_PER_LOOK {
                steps = 0;
                if turn.elapsed() >= TURN {
                    driver.rests();
                    tokio::task::yield_now().await;
                    driver.moved();
                    turn = Instant::now();
                }
            }
        }
        let mut idle = 0;
        while !driver.has_work() {
            // A task that yields waits behind the others: if one of them blocks its thread for good, the run could not
            // end.
            if idle == IDLE_TURNS || !driver.may_linger() || driver.may_be_detached() {
                return;
            }
            idle += 1;
            tokio::task::yield_now().await;
        }
        driver.moved();
    }
}

/// Gives a step that waits a separate task. Returns false if no slot is left for the driver.
fn suspend(driver: &mut Driver, suspended: Suspended, since: Option<u64>, permits: Permits) -> bool {
    let (guard, goes_on) = driver.hand_over_slot();
    let runtime = driver.engine().runtime.clone();
    spawn::task(&runtime, wait_for(Waiting::new(suspended, guard, since, permits)));
    goes_on
}

/// Waits for a step, finishes it, and continues as a driver if one can be used.
fn wait_for(waiting: Waiting) -> Task {
    Box::pin(async move {
        let Some((finished, guard, permits)) = waiting.end().await else { return };
        let mut driver = Driver::new(guard, Place::task());
        let status = finished.status();
        driver.end(finished, true);
        // After the end was sent, as for a step that does not wait.
        permits::release(permits, status);
        if driver.has_rivals() {
            // Slots are scarce: what ends at the same moment may make something ready that is more urgent than what
            // this slot would take now.
            tokio::task::yield_now().await;
            driver.moved();
        }
        if driver.take_post() {
            drive_async(driver).await;
        }
    })
}
