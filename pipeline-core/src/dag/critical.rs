//! The critical path: the chain of steps that no number of workers makes shorter.

use super::Dag;

/// The costliest chain of steps that wait for each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CriticalPath {
    /// The steps, in running order.
    pub steps: Vec<usize>,
    /// What they cost together.
    pub cost: u64,
}

/// For each step, the cost from its start to the end of the graph, and the next step on that way.
struct Ways {
    remaining: Vec<u64>,
    next: Vec<Option<u32>>,
}

impl Dag {
    /// Finds the costliest path. Of equal ones it is the one whose first steps come first in the order of the graph.
    /// `cost` is asked once for each step; sums stop at `u64::MAX`.
    ///
    /// # Complexity
    /// O(steps + edges).
    pub fn critical_path(&self, cost: impl Fn(usize) -> u64) -> CriticalPath {
        let ways = self.ways(cost);
        let mut path = CriticalPath::default();
        let mut at = None;
        for (step, &remaining) in ways.remaining.iter().enumerate() {
            if at.is_none() || remaining > path.cost {
                at = Some(step);
                path.cost = remaining;
            }
        }
        while let Some(step) = at {
            path.steps.push(step);
            at = ways.next[step].map(|next| next as usize);
        }
        path
    }

    /// The cost of the costliest path from each step on, the step itself included: the priority with which a scheduler
    /// picks among steps that are ready. `cost` is asked once for each step; sums stop at `u64::MAX`.
    ///
    /// # Complexity
    /// O(steps + edges).
    pub fn remaining(&self, cost: impl Fn(usize) -> u64) -> Vec<u64> {
        self.ways(cost).remaining
    }

    /// Walks the graph backwards: when a step is reached, all that wait for it have told it their own remaining cost.
    fn ways(&self, cost: impl Fn(usize) -> u64) -> Ways {
        let mut remaining = vec![0_u64; self.len()];
        let mut next = vec![None; self.len()];
        for step in (0..self.len()).rev() {
            let from_here = remaining[step].saturating_add(cost(step));
            remaining[step] = from_here;
            for upstream in self.waits_for(step) {
                // `>=`: of equal ways, the one through the earlier step, which comes later here.
                if from_here >= remaining[upstream] {
                    remaining[upstream] = from_here;
                    next[upstream] = Some(step as u32);
                }
            }
        }
        Ways { remaining, next }
    }
}
