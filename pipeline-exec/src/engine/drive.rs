//! The loops around a driver: one for tasks, one for threads, and the task of a step that waits.
//!
//! The only file that spawns.

use std::pin::Pin;
use std::sync::Arc;

use crossbeam_utils::Backoff;
use pipeline_core::Lane;
use pipeline_core::frame::Suspended;

use super::Engine;
use super::driver::Driver;
use super::holder::Holder;
use crate::timing::Place;

/// After so many steps a task lets others of the runtime have their turn.
const STEPS_PER_TURN: u32 = 128;
/// So often a task without work lets others go first before it ends.
const IDLE_TURNS: u32 = 16;

/// Starts a driver where its lane runs.
pub(super) fn spawn(holder: Holder) {
    let runtime = holder.engine().runtime.clone();
    if holder.lane() == Lane::Io {
        drop(runtime.spawn(drive_task(holder)));
    } else {
        drop(runtime.spawn_blocking(move || drive_thread(Driver::new(holder, Place::blocking_thread()))));
    }
}

/// The driver that the thread runs which waits for the run: no thread has to be woken for the first step.
#[derive(Debug)]
pub(crate) struct CallersPart(Holder);

impl CallersPart {
    /// A driver of the lane that the first steps are in; CPU before IO, which can be driven from elsewhere cheaply.
    pub(super) fn of(engine: &Arc<Engine>) -> Option<Self> {
        let has_roots = |lane: &Lane| engine.frame.plan().root_count(*lane) > 0;
        let lane = [Lane::Cpu, Lane::Blocking, Lane::Io].into_iter().find(has_roots)?;
        Holder::for_driver(engine, lane).map(CallersPart)
    }

    /// Drives until there is nothing to do, which need not be the end of the run.
    ///
    /// # Panics
    /// Where the thread runs tasks of a tokio runtime.
    pub(crate) fn drive(self) {
        let CallersPart(holder) = self;
        if holder.lane() == Lane::Io {
            let runtime = holder.engine().runtime.clone();
            runtime.block_on(drive_async(Driver::new(holder, Place::caller())));
        } else {
            // Steps find the runtime's handle as they do on its own threads.
            let runtime = holder.engine().runtime.clone();
            let _entered = runtime.enter();
            drive_thread(Driver::new(holder, Place::caller()));
        }
    }
}

fn drive_task(holder: Holder) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(drive_async(Driver::new(holder, Place::task())))
}

/// Drives a lane from a thread of the blocking pool.
fn drive_thread(mut driver: Driver) {
    loop {
        while let Some(ready) = driver.next() {
            let waits = driver.run(ready);
            if waits.is_some_and(|suspended| !suspend(&mut driver, suspended)) {
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
async fn drive_async(mut driver: Driver) {
    let mut steps = 0;
    loop {
        while let Some(ready) = driver.next() {
            let waits = driver.run(ready);
            if waits.is_some_and(|suspended| !suspend(&mut driver, suspended)) {
                return;
            }
            steps += 1;
            if steps % STEPS_PER_TURN == 0 {
                tokio::task::yield_now().await;
                driver.moved();
            }
        }
        let mut idle = 0;
        while !driver.has_work() {
            if idle == IDLE_TURNS || !driver.may_linger() {
                return;
            }
            idle += 1;
            tokio::task::yield_now().await;
        }
        driver.moved();
    }
}

/// Gives a step that waits a task of its own. `false` where no slot is left for the driver.
fn suspend(driver: &mut Driver, suspended: Suspended) -> bool {
    let (holder, goes_on) = driver.hand_over_slot();
    let runtime = driver.engine().runtime.clone();
    drop(runtime.spawn(wait_for(Waiting { suspended, holder })));
    goes_on
}

/// A step that waits, and its share of the run. A runtime that shuts down drops it as it is: the step first, so that
/// the run does not end before its step is gone.
struct Waiting {
    suspended: Suspended,
    holder: Holder,
}

/// Waits for a step, finishes it, and goes on as a driver where one can be used.
fn wait_for(waiting: Waiting) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let Waiting { mut suspended, holder } = waiting;
        let stop = holder.engine().stop.clone();
        let finished = tokio::select! {
            biased;
            finished = &mut suspended => finished,
            () = stop.cancelled() => suspended.cancel(),
        };
        let mut driver = Driver::new(holder, Place::task());
        driver.finish(finished);
        if driver.take_post() {
            drive_async(driver).await;
        }
    })
}
