//! Ready steps that no driver has, the most urgent first.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicUsize, Ordering as Atomic};
use std::sync::{Mutex, PoisonError};

use pipeline_core::frame::Ready;

/// Ready steps, by urgency. Behind a lock: steps in here come from another lane, or from steps that take much longer than
/// a lock.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    heap: Mutex<BinaryHeap<Entry>>,
    /// The length of the heap, readable without the lock.
    len: AtomicUsize,
}

#[derive(Debug)]
struct Entry {
    urgency: u64,
    ready: Ready,
}

impl Backlog {
    /// Adds a step.
    pub(crate) fn push(&self, urgency: u64, ready: Ready) {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        heap.push(Entry { urgency, ready });
        self.len.store(heap.len(), Atomic::SeqCst);
    }

    /// Takes the most urgent step, if it is at least that urgent.
    pub(crate) fn pop(&self, at_least: u64) -> Option<Ready> {
        if self.is_empty() {
            return None;
        }
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        if heap.peek()?.urgency < at_least {
            return None;
        }
        let entry = heap.pop();
        self.len.store(heap.len(), Atomic::SeqCst);
        entry.map(|entry| entry.ready)
    }

    /// Whether there is no step.
    pub(crate) fn is_empty(&self) -> bool {
        self.len.load(Atomic::SeqCst) == 0
    }
}

impl Ord for Entry {
    /// By urgency; of equals, the earlier in the plan is the greater.
    fn cmp(&self, other: &Self) -> Ordering {
        self.urgency.cmp(&other.urgency).then_with(|| other.ready.step().cmp(&self.ready.step()))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}
