//! The critical path: the chain of steps that no number of workers makes shorter.

use super::Dag;

/// The costliest chain of steps that wait for each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CriticalPath {
    /// The steps, in running order.
    pub steps: Vec<usize>,
    /// The sum of their costs.
    pub cost: u64,
}

/// The longest way from each step to the end: the one search for long paths, over any costs and any edges.
pub(crate) struct Ways {
    /// By step, the cost of the way, the step itself included.
    pub(crate) remaining: Vec<u64>,
    /// By step, the next one on the way.
    next: Vec<Option<u32>>,
}

impl Ways {
    /// Walks the steps backwards. They are in running order: each waits for earlier ones only. `cost` is called once for
    /// each step; sums stop at `u64::MAX`.
    pub(crate) fn new<I: IntoIterator<Item = usize>>(
        len: usize,
        cost: impl Fn(usize) -> u64,
        waits_for: impl Fn(usize) -> I,
    ) -> Self {
        let mut remaining = vec![0_u64; len];
        let mut next = vec![None; len];
        for step in (0..len).rev() {
            let from_here = remaining[step].saturating_add(cost(step));
            remaining[step] = from_here;
            for earlier in waits_for(step) {
                // `>=`: of equal ways, the one through the earlier step, which comes later here.
                if from_here >= remaining[earlier] {
                    remaining[earlier] = from_here;
                    next[earlier] = Some(step as u32);
                }
            }
        }
        Ways { remaining, next }
    }

    /// The longest of all ways. Of equal ones it is the one whose first steps come first.
    pub(crate) fn longest(&self) -> CriticalPath {
        let mut path = CriticalPath::default();
        let mut at = None;
        for (step, &remaining) in self.remaining.iter().enumerate() {
            if at.is_none() || remaining > path.cost {
                at = Some(step);
                path.cost = remaining;
            }
        }
        while let Some(step) = at {
            path.steps.push(step);
            at = self.next[step].map(|next| next as usize);
        }
        path
    }
}

impl Dag {
    /// Returns the costliest path. Of equal ones it is the one whose first steps come first in the order of the graph.
    /// `cost` is called once for each step; sums stop at `u64::MAX`.
    ///
    /// # Complexity
    /// O(steps + edges).
    pub fn critical_path(&self, cost: impl Fn(usize) -> u64) -> CriticalPath {
        self.ways(cost).longest()
    }

    /// Returns, for each step, the cost of the costliest path from it to the end, the step itself included: the priority
    /// with which a scheduler picks among ready steps. `cost` is called once for each step; sums stop at `u64::MAX`.
    ///
    /// # Complexity
    /// O(steps + edges).
    pub fn remaining(&self, cost: impl Fn(usize) -> u64) -> Vec<u64> {
        self.ways(cost).remaining
    }

    fn ways(&self, cost: impl Fn(usize) -> u64) -> Ways {
        Ways::new(self.len(), cost, |step| self.waits_for(step))
    }
}
