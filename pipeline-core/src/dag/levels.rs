//! Levels: how far each step is from the start. Labels for reports; nothing ever waits for a level.

use super::Dag;
use crate::lists::Lists;

/// The level of each step: the number of edges on the longest path that leads to it, so that every step is on a
/// higher level than all it waits for.
#[derive(Clone, Debug)]
pub struct Levels {
    /// By step.
    levels: Vec<u32>,
    /// By level, its steps.
    steps: Lists,
}

impl Levels {
    /// How many levels there are: the number of steps on the longest path; 0 for an empty graph.
    pub fn depth(&self) -> usize {
        self.steps.len()
    }

    /// The level of a step, from 0.
    ///
    /// # Panics
    /// Where the graph has no such step.
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

    /// The first of the levels with the most steps, and how many it has: `(level, width)`; `(0, 0)` for an empty graph.
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
        let mut levels: Vec<u32> = Vec::with_capacity(self.len());
        for step in 0..self.len() {
            // Whatever a step waits for comes before it, so its level is known.
            levels.push(self.waits_for(step).map(|upstream| levels[upstream] + 1).max().unwrap_or(0));
        }
        let depth = levels.iter().max().map_or(0, |&last| last as usize + 1);
        let mut level_of = Lists::with_capacity(levels.len(), levels.len());
        for &level in &levels {
            level_of.push([level]);
        }
        Levels { steps: level_of.transposed(depth), levels }
    }
}
