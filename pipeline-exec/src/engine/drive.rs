//! The loops around a driver: one for tasks, one for threads, and the task of a step that waits.
//!
//! The only file that spawns.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_utils::Backoff;
use pipeline_core::Lane;
use pipeline_core::frame::{Finished, Suspended};

use super::Engine;
use super::admission::{Applicant, Permits};
use super::driver::{Driver, Ran};
use super::parked::Parked;
use super::slot::SlotGuard;
use super::waiting::{Later, Waiting, ask_at, try_later, wait_for};
use crate::limits;
use crate::timing::Place;

/// So long a task goes on before it lets others of the runtime have their turn: to let them costs some microseconds.
const TURN: Duration = Duration::from_micros(200);
/// After so many steps a task looks at the clock; a step that took long counts for more.
const STEPS_PER_LOOK: u32 = 128;
const LONG_STEP: u32 = 16;
/// So often a task without work lets others go first before it ends.
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
    if may_detach && guard.lane() == Lane::Io {
        drop(runtime.spawn(drive_later(Parked::new(guard, None))));
        return;
    }
    let unstarted = Unstarted(Some(guard));
    if unstarted.is_async() {
        drop(runtime.spawn(drive_task(unstarted)));
    } else {
        // A thread that is left behind must neither take a thread of the caller's runtime for good, nor keep that
        // runtime from shutting down.
        let threads = if may_detach { crate::runtime::own() } else { runtime.clone() };
        drop(threads.spawn_blocking(move || {
            // Steps find the runtime's handle as they do on its own threads.
            let _entered = may_detach.then(|| runtime.enter());
            let Some(guard) = unstarted.start() else { return };
            DRIVES.set(true);
            drive_thread(Driver::new(guard, Place::blocking_thread()));
            DRIVES.set(false);
        }));
    }
}

/// A driver on its way to where it runs. A runtime that shuts down drops it there: then nobody will run anything, and
/// the run is stopped, or giving back the slot would start another driver, without end.
struct Unstarted(Option<SlotGuard>);

impl Unstarted {
    fn is_async(&self) -> bool {
        self.0.as_ref().is_some_and(|guard| guard.lane() == Lane::Io)
    }

    fn start(mut self) -> Option<SlotGuard> {
        self.0.take()
    }
}

impl Drop for Unstarted {
    fn drop(&mut self) {
        if let Some(guard) = &self.0 {
            guard.engine().stop();
        }
    }
}

/// The driver that the thread runs which waits for the run: no thread has to be woken for the first step.
#[derive(Debug)]
pub(crate) struct CallersPart(SlotGuard);

impl CallersPart {
    /// A driver of the lane that the first steps are in; CPU before IO, which can be driven from elsewhere cheaply.
    pub(super) fn of(engine: &Arc<Engine>) -> Option<Self> {
        let has_roots = |lane: &Lane| engine.frame.plan().root_count(*lane) > 0;
        let lane = [Lane::Cpu, Lane::Blocking, Lane::Io].into_iter().find(has_roots)?;
        SlotGuard::for_driver(engine, lane).map(CallersPart)
    }

    /// Drives until there is nothing to do, which need not be the end of the run.
    ///
    /// # Panics
    /// Where the thread runs tasks of a tokio runtime.
    pub(crate) fn drive(self) {
        let CallersPart(guard) = self;
        if guard.lane() == Lane::Io {
            let runtime = guard.engine().runtime.clone();
            runtime.block_on(drive_async(Driver::new(guard, Place::caller())));
        } else {
            // Steps find the runtime's handle as they do on its own threads.
            let runtime = guard.engine().runtime.clone();
            let _entered = runtime.enter();
            drive_thread(Driver::new(guard, Place::caller()));
        }
    }
}

fn drive_task(unstarted: Unstarted) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        if let Some(guard) = unstarted.start() {
            drive_async(Driver::new(guard, Place::task())).await;
        }
    })
}

/// The same for a run that has to be able to end without a worker.
fn drive_later(parked: Arc<Parked>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        if let Some((guard, _)) = parked.take() {
            drive_async(Driver::new(guard, Place::task())).await;
        }
    })
}

/// Deals with a step that has not ended. `false` where its driver has to end.
fn goes_on(driver: &mut Driver, ran: Ran) -> bool {
    match ran {
        Ran::Waits(suspended, since, permits) => suspend(driver, suspended, since, permits),
        Ran::Left => {
            driver.leave_behind();
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
        // A moment's wait is cheaper than to end and be started again.
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
pub(super) async fn drive_async(mut driver: Driver) {
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
            // A task that lets others go first waits behind them: where one of them may block its thread for good, the
            // run could not end.
            if idle == IDLE_TURNS || !driver.may_linger() || driver.may_be_detached() {
                return;
            }
            idle += 1;
            tokio::task::yield_now().await;
        }
        driver.moved();
    }
}

/// Gives a step that waits a task of its own. `false` where no slot is left for the driver.
fn suspend(driver: &mut Driver, suspended: Suspended, since: Option<u64>, permits: Permits) -> bool {
    let (guard, goes_on) = driver.hand_over_slot();
    let runtime = driver.engine().runtime.clone();
    drop(runtime.spawn(wait_for(Waiting::new(suspended, guard, since, permits))));
    goes_on
}

/// Has a step tried again after a while.
pub(super) fn spawn_later(guard: SlotGuard, finished: Finished, wait: Duration) {
    let runtime = guard.engine().runtime.clone();
    drop(runtime.spawn(try_later(Later::new(guard, finished, wait))));
}

/// Has a step ask again for what it needs, at a time that limits count by.
pub(super) fn spawn_at_turn(applicant: Applicant, place: limits::Place, at: Duration) {
    let runtime = applicant.engine().runtime.clone();
    drop(runtime.spawn(ask_at(applicant, place, at)));
}

/// Ends a step on a thread where code of the user's may run.
pub(super) fn spawn_end(guard: SlotGuard, finished: Finished) {
    drop(crate::runtime::own().spawn_blocking(move || {
        Driver::new(guard, Place::blocking_thread()).end(finished, true);
    }));
}
