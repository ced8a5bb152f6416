//! A bounded number of guards: the slots of a lane.
//!
//! A gate never waits. A thread that finds it full goes away, and relies on this rule: *a thread that leaves looks for work
//! afterwards*. So that no work is forgotten between the two, both sides are sequentially consistent: the thread that
//! brings work makes it visible, then asks the gate; the thread that leaves returns its place, then looks for work. At
//! least one of them sees the other.

use crate::sync::{AtomicUsize, Ordering, fence};

/// A bounded number of guards.
#[derive(Debug)]
pub(crate) struct Gate {
    limit: AtomicUsize,
    held: AtomicUsize,
}

impl Gate {
    /// A gate for at most `limit` guards.
    pub(crate) fn new(limit: usize) -> Self {
        Gate { limit: AtomicUsize::new(limit), held: AtomicUsize::new(0) }
    }

    /// Takes a place, if one is free.
    pub(crate) fn enter(&self) -> bool {
        let limit = self.limit.load(Ordering::SeqCst);
        let mut held = self.held.load(Ordering::SeqCst);
        while held < limit {
            match self.held.compare_exchange_weak(held, held + 1, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return true,
                Err(now) => held = now,
            }
        }
        false
    }

    /// Returns a place; the caller looks for work afterwards.
    pub(crate) fn leave(&self) {
        self.held.fetch_sub(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Maximum number of guards.
    pub(crate) fn limit(&self) -> usize {
        self.limit.load(Ordering::SeqCst)
    }

    /// Changes the limit; the caller looks for work afterwards. If there are more guards than that now, some have to leave:
    /// see [`Gate::is_over`].
    pub(crate) fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Whether there are more guards than the limit allows, because it was lowered.
    pub(crate) fn is_over(&self) -> bool {
        self.held.load(Ordering::Relaxed) > self.limit.load(Ordering::Relaxed)
    }

    /// Whether a place seems to be free; preceded by a fence if work was just made visible.
    pub(crate) fn has_room(&self) -> bool {
        self.held.load(Ordering::SeqCst) < self.limit.load(Ordering::SeqCst)
    }
}
