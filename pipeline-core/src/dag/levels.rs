//! Levels: how far each step is from the start. Labels for reports; nothing ever waits for a level.

use super::Dag;
use crate::lists::Lists;

/// The level of each step: the number of edges on the longest path that leads to it. Every step is on a higher level
/// than the steps it waits for.
#[derive(Clone, Debug)]
pub struct Levels {
    /// By step.
    levels: Vec<u32>,
    /// By level, its steps.
    steps: Lists,
}

impl Levels {
    /// The number of levels, which is the number of steps on the longest path; 0 for an empty graph.
    pub fn depth(&self) -> usize {
        self.steps.len()
    }

    /// The level of a step, from 0.
    ///
    /// # Panics
    /// If the graph has no such step.
    pub fn of(&self, step: usize) -> usize {
        self.levels[step] as usize
    }

    /// The steps of a level, ascending; empty from [`Levels::depth`] on.
    pub fn steps(&self, level: usize) -> &[u32] {
        if level < self.depth() { self.steps.get(level) } else { &[] }
    }

    /// The steps of each level, from level 0.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u32]> {
        (0..self.depth()).map(|level| self.steps.get(level))
    }

    /// The first of the levels with the most steps, and their number: `(level, width)`; `(0, 0)` for an empty graph.
    pub fn widest(&self) -> (usize, usize) {
        let mut widest = (0, 0);
        for (level, steps) in self.iter().enumerate() {
            if steps.len() > widest.1 {
                widest = (level, steps.len());
            }
        }
        widest
    }
}

impl Dag {
    /// Numbers the levels of the graph.
    ///
    /// # Complexity
    /// O(steps + edges).
    pub fn levels(&self) -> Levels {
        Levels::new(self.len(), |step| self.waits_for(step))
    }
}

impl Levels {
    /// Numbers the levels of steps that are in running order: each waits for earlier ones only.
    pub(crate) fn new<I: Iterator<Item = usize>>(len: usize, waits_for: impl Fn(usize) -> I) -> Self {
        let mut levels: Vec<u32> = Vec::with_capacity(len);
        for step in 0..len {
            levels.push(waits_for(step).map(|earlier| levels[earlier] + 1).max().unwrap_or(0));
        }
        let depth = levels.iter().max().map_or(0, |&last| last as usize + 1);
        let mut level_of = Lists::with_capacity(levels.len(), levels.len());
        for &level in &levels {
            level_of.push([level]);
        }
        Levels { steps: level_of.transposed(depth), levels }
    }
}
