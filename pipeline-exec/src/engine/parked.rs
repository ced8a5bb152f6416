//! Drivers that wait for a thread of the runtime, and can be ended without one.
//!
//! A driver on its way to its lane is a task that holds a share of the run. If every thread of the runtime is blocked, it
//! never runs, and the run could not end. So the watchdog knows it, and takes that share back if there is nothing to do
//! for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::slot::SlotGuard;

/// A share of the run that a task will use, unless the watchdog takes it first.
#[derive(Debug)]
pub(super) struct Parked(Mutex<Option<SlotGuard>>);

impl Parked {
    pub(super) fn new(guard: SlotGuard) -> Arc<Self> {
        let watch = guard.engine().watch.clone();
        let parked = Arc::new(Parked(Mutex::new(Some(guard))));
        if let Some(watch) = watch {
            watch.park(&parked);
        }
        parked
    }

    fn lock(&self) -> MutexGuard<'_, Option<SlotGuard>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the share; `None` if the watchdog, or the task, has taken it.
    pub(super) fn take(&self) -> Option<SlotGuard> {
        self.lock().take()
    }

    /// Takes the share if its lane has no work.
    pub(super) fn take_idle(&self) -> Option<SlotGuard> {
        self.lock().take_if(|guard| !guard.engine().has_work(guard.lane()))
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        if let Some(guard) = self.0.get_mut().unwrap_or_else(PoisonError::into_inner) {
            guard.engine().lost_runtime();
        }
    }
}
