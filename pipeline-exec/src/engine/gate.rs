//! A bounded number of guards: the slots of a lane.
//!
//! A gate never waits. Whoever finds it full goes away, and relies on this rule: *whoever leaves looks for work
//! afterwards*. So that no work is left lying between the two, both sides are sequentially consistent: the one who
//! brings work makes it visible, then asks the gate; the one who leaves gives its place back, then looks for work.
//! At least one of them sees the other.

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

    /// Takes a place, if there is one.
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

    /// Takes a place, whether there is one or not.
    pub(crate) fn force(&self) {
        self.held.fetch_add(1, Ordering::SeqCst);
    }

    /// Gives a place back; the caller looks for work afterwards.
    pub(crate) fn leave(&self) {
        self.held.fetch_sub(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// How many there may be.
    pub(crate) fn limit(&self) -> usize {
        self.limit.load(Ordering::SeqCst)
    }

    /// Changes the limit; the caller looks for work afterwards. Where there are more guards than that now, they are
    /// asked to leave: see [`Gate::is_over`].
    pub(crate) fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Whether more are inside than the limit allows, because it was lowered.
    pub(crate) fn is_over(&self) -> bool {
        self.held.load(Ordering::Relaxed) > self.limit.load(Ordering::Relaxed)
    }

    /// Whether there seems to be a place; preceded by a fence where work was just made visible.
    pub(crate) fn has_room(&self) -> bool {
        self.held.load(Ordering::SeqCst) < self.limit.load(Ordering::SeqCst)
    }
}
