//! One lane of one run: its slots, and the steps that are ready for it.

use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_deque::{Steal, Stealer, Worker};
use pipeline_core::frame::Ready;

use super::backlog::Backlog;
use super::gate::Gate;

/// One lane of one run.
///
/// `slots` bounds how many steps are under way, and can change. A driver takes one of the lane's deques while there
/// are some; others steal from it. A driver without a deque (in a lane whose steps wait rather than compute, or after the
/// slots have grown) leaves its surplus in the backlog. In the IO lane, in which most steps under way wait, `drivers`
/// bounds how many drivers look for steps at once.
#[derive(Debug)]
pub(crate) struct LaneState {
    pub(crate) slots: Arc<Gate>,
    drivers: Option<Gate>,
    pub(crate) backlog: Backlog,
    stealers: Vec<Stealer<Ready>>,
    idle: Mutex<Vec<Worker<Ready>>>,
}

/// The right to look for the steps of a lane, with a deque if the lane has one left.
#[derive(Debug)]
pub(crate) struct Post(Option<Worker<Ready>>);

impl Post {
    /// The right of a detached thread, which keeps its deque.
    pub(crate) fn inherited() -> Self {
        Post(None)
    }

    pub(crate) fn deque(&self) -> Option<&Worker<Ready>> {
        self.0.as_ref()
    }
}

impl LaneState {
    /// A lane with these slots, this number of deques, and at most this number of drivers.
    pub(crate) fn new(slots: Arc<Gate>, deques: usize, drivers: Option<usize>) -> Self {
        let workers: Vec<Worker<Ready>> = (0..deques).map(|_| Worker::new_lifo()).collect();
        LaneState {
            slots,
            drivers: drivers.map(Gate::new),
            backlog: Backlog::default(),
            stealers: workers.iter().map(Worker::stealer).collect(),
            idle: Mutex::new(workers),
        }
    }

    /// Number of drivers that are worth starting for a lot of work.
    pub(crate) fn most_drivers(&self, slots: usize) -> usize {
        self.drivers.as_ref().map_or(slots, |drivers| drivers.limit().min(slots))
    }

    /// Takes the right to look for steps, with a deque if one is left. `None` if the lane has as many drivers as it may.
    pub(crate) fn take_post(&self) -> Option<Post> {
        if self.drivers.as_ref().is_some_and(|drivers| !drivers.enter()) {
            return None;
        }
        if self.stealers.is_empty() {
            return Some(Post(None));
        }
        Some(Post(self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()))
    }

    /// Returns the right; steps still in the deque can be stolen.
    pub(crate) fn return_post(&self, post: Post) {
        if let Some(deque) = post.0 {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(deque);
        }
        if let Some(drivers) = &self.drivers {
            drivers.leave();
        }
    }

    /// Returns only the deque, from a thread whose right was taken over.
    pub(crate) fn return_deque(&self, post: Post) {
        if let Some(deque) = post.0 {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(deque);
        }
    }

    /// Whether the right to look for steps can be taken.
    pub(crate) fn has_post(&self) -> bool {
        self.drivers.as_ref().is_none_or(Gate::has_room)
    }

    /// Whether a step is in the backlog or a deque.
    pub(crate) fn has_queued(&self) -> bool {
        !self.backlog.is_empty() || self.stealers.iter().any(|stealer| !stealer.is_empty())
    }

    /// Steals from another driver's deque the step that has been in it the longest.
    pub(crate) fn steal(&self) -> Option<Ready> {
        loop {
            match self.stealers.iter().map(Stealer::steal).collect() {
                Steal::Success(ready) => return Some(ready),
                Steal::Empty => return None,
                Steal::Retry => std::hint::spin_loop(),
            }
        }
    }
}
