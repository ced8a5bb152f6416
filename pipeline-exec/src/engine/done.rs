//! Knows when a run is over: when no guard is left, so that nothing runs, nothing is queued, and nothing can come.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tokio::sync::Notify;

/// Counts the guards of a run. A guard enters before the one that makes it leaves, or the count would reach zero early.
#[derive(Debug)]
pub(crate) struct Done {
    guards: AtomicUsize,
    over: Notify,
    /// For a waiter that blocks its thread, without an executor.
    is_over: Mutex<bool>,
    wake: Condvar,
}

impl Done {
    pub(crate) fn new() -> Self {
        Done {
            guards: AtomicUsize::new(0),
            over: Notify::new(),
            is_over: Mutex::new(false),
            wake: Condvar::new(),
        }
    }

    /// Counts one more guard, until the returned presence is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> Present {
        self.guards.fetch_add(1, Ordering::Relaxed);
        Present(Some(Arc::clone(self)))
    }

    /// Takes over the presence of a detached thread.
    pub(crate) fn inherit(self: &Arc<Self>) -> Present {
        Present(Some(Arc::clone(self)))
    }

    /// Whether the last guard has left.
    pub(crate) fn is_over(&self) -> bool {
        *self.is_over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the last guard has left. One waiter at a time.
    ///
    /// # Cancel safety
    /// Safe: the end is remembered until it is waited for.
    pub(crate) async fn wait(&self) {
        self.over.notified().await;
    }

    /// Blocks the thread until the last guard has left.
    pub(crate) fn wait_blocking(&self) {
        let is_over = self.is_over.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.wake.wait_while(is_over, |is_over| !*is_over).unwrap_or_else(PoisonError::into_inner));
    }
}

/// Presence of one guard in a run.
#[derive(Debug)]
pub(crate) struct Present(Option<Arc<Done>>);

impl Present {
    /// Leaves without being counted: another presence has taken its place.
    pub(crate) fn abandon(mut self) {
        self.0 = None;
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let Some(done) = self.0.take() else { return };
        if done.guards.fetch_sub(1, Ordering::AcqRel) == 1 {
            *done.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
            done.wake.notify_all();
            done.over.notify_one();
        }
    }
}
