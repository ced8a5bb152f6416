//! Everything upstream and everything downstream of a step.
//!
//! These follow data and `after` edges. A taker also waits for the other readers of a value, but does not need them: they
//! are not part of any answer here.

use super::Dag;
use crate::lists::Lists;

impl Dag {
    /// Returns every step that `step` needs, directly or through others: ascending, without `step` itself.
    ///
    /// # Panics
    /// If `step` is not below [`Dag::len`].
    ///
    /// # Complexity
    /// O(steps + edges above `step`).
    pub fn ancestors(&self, step: usize) -> Vec<usize> {
        let mut reached = self.reached([step], &self.upstream);
        reached[step] = false;
        positions(&reached)
    }

    /// Returns every step that needs `step`, directly or through others: ascending, without `step` itself.
    ///
    /// # Panics
    /// If `step` is not below [`Dag::len`].
    ///
    /// # Complexity
    /// O(steps + edges below `step`).
    pub fn descendants(&self, step: usize) -> Vec<usize> {
        let mut reached = self.reached([step], &self.downstream);
        reached[step] = false;
        positions(&reached)
    }

    /// Returns the given steps and everything they need, ascending.
    ///
    /// # Panics
    /// If one of them is not below [`Dag::len`].
    ///
    /// # Complexity
    /// O(steps + edges), however many steps are given.
    pub fn with_ancestors(&self, steps: impl IntoIterator<Item = usize>) -> Vec<usize> {
        positions(&self.reached(steps, &self.upstream))
    }

    /// Returns the given steps and everything that needs them, ascending.
    ///
    /// # Panics
    /// If one of them is not below [`Dag::len`].
    ///
    /// # Complexity
    /// O(steps + edges), however many steps are given.
    pub fn with_descendants(&self, steps: impl IntoIterator<Item = usize>) -> Vec<usize> {
        positions(&self.reached(steps, &self.downstream))
    }

    /// Returns the steps that `step` waits for only because of `after`, without reading their output: ascending.
    ///
    /// # Panics
    /// If `step` is not below [`Dag::len`].
    ///
    /// # Complexity
    /// O(k log k) in the number of steps that feed `step`.
    pub fn after(&self, step: usize) -> Vec<usize> {
        let mut read: Vec<u32> = (0..self.parameter_count(step))
            .flat_map(|parameter| self.sources(step, parameter))
            .copied()
            .collect();
        read.sort_unstable();
        let only_after = self.follows.get(step).iter().filter(|earlier| read.binary_search(earlier).is_err());
        let mut only_after: Vec<usize> = only_after.map(|&upstream| upstream as usize).collect();
        only_after.sort_unstable();
        only_after
    }

    /// Returns the number of parameters of a step.
    pub(crate) fn parameter_count(&self, step: usize) -> usize {
        (self.first_parameter[step + 1] - self.first_parameter[step]) as usize
    }

    /// Returns every step that ends before `step` starts, for any reason: data, `after`, or a value that it takes last.
    pub(crate) fn waits_for(&self, step: usize) -> impl Iterator<Item = usize> {
        self.upstream.get(step).iter().chain(self.readers_first.get(step)).map(|&upstream| upstream as usize)
    }

    /// Marks the given steps and all that the lists lead to.
    pub(super) fn reached(&self, starts: impl IntoIterator<Item = usize>, lists: &Lists) -> Vec<bool> {
        let mut reached = vec![false; self.len()];
        let mut open = Vec::new();
        for start in starts {
            if !std::mem::replace(&mut reached[start], true) {
                open.push(start);
            }
        }
        while let Some(step) = open.pop() {
            for &next in lists.get(step) {
                if !std::mem::replace(&mut reached[next as usize], true) {
                    open.push(next as usize);
                }
            }
        }
        reached
    }
}

/// Returns the positions that are marked, ascending.
pub(super) fn positions(marked: &[bool]) -> Vec<usize> {
    marked.iter().enumerate().filter_map(|(position, &marked)| marked.then_some(position)).collect()
}
