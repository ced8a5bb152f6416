//! What steps hold of named limits.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pipeline_core::frame::Status;

use crate::limits::Permit;

/// What one attempt holds of limits.
pub(super) type Permits = Vec<Permit>;

/// What the steps of a run hold that were admitted and have not started.
#[derive(Debug, Default)]
pub(super) struct Admitted(Mutex<HashMap<usize, Permits>>);

impl Admitted {
    pub(super) fn insert(&self, step: usize, permits: Permits) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(step, permits);
    }

    pub(super) fn take(&self, step: usize) -> Option<Permits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&step)
    }

    /// Gives back the permits of steps that will not start.
    pub(super) fn clear(&self) {
        let held = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        drop(held);
    }
}

/// Gives back what an attempt held, and tells the limits how it ended. An attempt that was skipped or cancelled shows
/// nothing about what it needed: no breaker opens or closes because of it.
pub(super) fn release(permits: Permits, status: Status) {
    for permit in permits {
        match status {
            Status::Succeeded => permit.succeeded(now()),
            status if status.is_failure() => permit.failed(now()),
            _ => drop(permit),
        }
    }
}

/// The time by which limits count: that of the runtime if there is one, so that paused time counts too.
pub(super) fn now() -> Duration {
    static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let origin = *ORIGIN;
    tokio::time::Instant::now().into_std().saturating_duration_since(origin)
}
