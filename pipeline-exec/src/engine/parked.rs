//! What waits for a worker of the runtime, and can be ended without one.
//!
//! A driver on its way to its lane, and a step that waits for its next attempt, are tasks that hold a share of the run.
//! Where every worker is blocked they never have their turn, and a run whose time is over could not end. So the watchdog
//! knows them, and takes that share back then.

use std::sync::{Arc, Mutex, PoisonError};

use pipeline_core::frame::Finished;

use super::driver::Driver;
use super::slot::SlotGuard;
use crate::timing::Place;

/// A share of the run that a task will go on with, unless the watchdog takes it first.
#[derive(Debug)]
pub(super) struct Parked(Mutex<Option<Share>>);

/// The right to run steps, and the failed attempt that is to be followed by another.
type Share = (SlotGuard, Option<Finished>);

impl Parked {
    pub(super) fn new(guard: SlotGuard, failed: Option<Finished>) -> Arc<Self> {
        let watch = guard.engine().watch.clone();
        let parked = Arc::new(Parked(Mutex::new(Some((guard, failed)))));
        if let Some(watch) = watch {
            watch.park(&parked);
        }
        parked
    }

    /// The task has its turn. `None` where the watchdog has taken the share.
    pub(super) fn take(&self) -> Option<Share> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Gives the share back in the task's stead: a step that waits for another attempt ends with the error that it has.
    pub(super) fn end(&self) {
        match self.take() {
            Some((guard, Some(failed))) => Driver::new(guard, Place::watchdog()).finish(failed, true),
            Some((guard, None)) => drop(guard),
            None => {}
        }
    }
}

impl Drop for Parked {
    /// A runtime that shuts down drops it: nobody will go on, and the run is stopped.
    fn drop(&mut self) {
        if let Some((guard, _)) = self.0.get_mut().unwrap_or_else(PoisonError::into_inner) {
            guard.engine().stop();
        }
    }
}
