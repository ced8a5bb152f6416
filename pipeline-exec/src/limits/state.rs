//! The state under the lock: all limits, and the queues for them.

use std::collections::HashMap;
use std::sync::Arc;

use super::limit::Limit;
use super::queue::{Position, Queue, Share, Waiter};
use super::{LimitReport, LimitSettings, Time};

/// All limits, and the queues for them.
#[derive(Default)]
pub(super) struct LimitState {
    pub(super) limits: Vec<Limit>,
    pub(super) queues: Vec<Queue>,
    /// Counts the rounds of admission: marks of earlier ones are void.
    pub(super) round: u64,
    /// The latest time that a caller passed in.
    pub(super) now: Time,
    pub(super) arrivals: u64,
    by_name: HashMap<Arc<str>, u32>,
    by_limits: HashMap<Arc<[u32]>, u32>,
}

impl LimitState {
    /// Returns the limit of a name, which is made if need be.
    pub(super) fn intern(&mut self, name: &str) -> u32 {
        if let Some(limit) = self.by_name.get(name) {
            return *limit;
        }
        let limit = Limit::new(name);
        self.by_name.insert(limit.name.clone(), self.limits.len() as u32);
        self.limits.push(limit);
        self.limits.len() as u32 - 1
    }

    pub(super) fn knows(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    pub(super) fn configure(&mut self, limit: u32, settings: LimitSettings) {
        self.limits[limit as usize].configure(settings);
    }

    /// Returns the queue for the limits of these shares.
    pub(super) fn queue(&mut self, shares: &[Share]) -> u32 {
        let limits: Arc<[u32]> = shares.iter().map(|share| share.limit).collect();
        *self.by_limits.entry(limits).or_insert_with_key(|limits| {
            self.queues.push(Queue { limits: limits.clone(), ..Queue::default() });
            self.queues.len() as u32 - 1
        })
    }

    /// The limits for which a queue is.
    pub(super) fn limits_of(&self, queue: u32) -> Arc<[u32]> {
        self.queues[queue as usize].limits.clone()
    }

    pub(super) fn waiter(&mut self, position: Position) -> Option<&mut Waiter> {
        self.queues[position.0 as usize].waiters.get_mut(&position.1)
    }

    pub(super) fn enqueue(&mut self, position: Position, waiter: Waiter) {
        let queue = &mut self.queues[position.0 as usize];
        if queue.waiters.is_empty() {
            queue.limits.iter().for_each(|limit| self.limits[*limit as usize].queues.push(position.0));
        }
        queue.waiters.insert(position.1, waiter);
    }

    pub(super) fn dequeue(&mut self, position: Position) -> Option<Waiter> {
        let queue = &mut self.queues[position.0 as usize];
        let waiter = queue.waiters.remove(&position.1)?;
        if queue.waiters.is_empty() {
            queue.limits.iter().for_each(|limit| {
                self.limits[*limit as usize].queues.retain(|queue| *queue != position.0);
            });
        }
        Some(waiter)
    }

    pub(super) fn reports(&self) -> Vec<LimitReport> {
        let waiting = |queue: &u32| self.queues[*queue as usize].waiters.len();
        let report = |limit: &Limit| LimitReport {
            name: limit.name.to_string(),
            capacity: limit.capacity,
            in_use: limit.in_use(),
            peak: limit.peak(),
            waiting: limit.queues.iter().map(waiting).sum(),
            breaker: limit.circuit.as_ref().map(|circuit| circuit.state(self.now)),
        };
        let mut reports: Vec<LimitReport> = self.limits.iter().map(report).collect();
        reports.sort_by(|a, b| a.name.cmp(&b.name));
        reports
    }
}
