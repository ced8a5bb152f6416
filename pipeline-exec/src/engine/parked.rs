//! Shares of a run that wait for a thread of the runtime, and can be ended without one.
//!
//! A driver on its way to its lane, and a step that waits for its next attempt, are tasks that hold a share of the run.
//! If every thread of the runtime is blocked, they never run, and a run whose time is over could not end. So
//! the watchdog knows them, and takes that share back.

use std::sync::{Arc, Mutex, PoisonError};

use pipeline_core::frame::Finished;

use super::slot::SlotGuard;

/// A share of the run that a task will use, unless the watchdog takes it first.
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

    /// Takes the share; `None` if the watchdog, or the task, has taken it.
    pub(super) fn take(&self) -> Option<Share> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Parked {
    /// If the runtime shuts down before the task runs, the run is stopped: nothing would finish it.
    fn drop(&mut self) {
        if let Some((guard, _)) = self.0.get_mut().unwrap_or_else(PoisonError::into_inner) {
            guard.engine().stop();
        }
    }
}
