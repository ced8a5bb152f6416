//! The loops around a driver: one for tasks, one for threads, and the task of a step that waits.
//!
//! The only file that spawns.

use std::pin::Pin;

use crossbeam_utils::Backoff;
use pipeline_core::Lane;
use pipeline_core::frame::Suspended;

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
    driver.moved_to(Place::task());
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
                driver.moved_to(Place::task());
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
        driver.moved_to(Place::task());
    }
}

/// Gives a step that waits a task of its own. `false` where no slot is left for the driver.
fn suspend(driver: &mut Driver, suspended: Suspended) -> bool {
    let (holder, goes_on) = driver.hand_over_slot();
    let runtime = driver.engine().runtime.clone();
    drop(runtime.spawn(wait_for(suspended, holder)));
    goes_on
}

/// Waits for a step, finishes it, and goes on as a driver where one can be used.
fn wait_for(mut suspended: Suspended, holder: Holder) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
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
