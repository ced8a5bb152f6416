//! The cells of columns: steps, and the passages of lines that cross a level.

use crate::lists::Lists;

/// Maximum size of a graph whose lines go around boxes. In a larger drawing they would be too small to see.
const MOST_STEPS_WITH_DETOURS: usize = 1_000;
/// Maximum number of passages, enough for graphs written by people. With more, lines go straight.
const MOST_PASSAGES: usize = 20_000;

/// The cells of a drawing: first the steps, then the passages. All lines out of one step share its passages.
pub(super) struct Cells {
    pub(super) steps: usize,
    /// The level of each step.
    pub(super) level: Vec<u32>,
    /// For each step, the steps that lines come from.
    pub(super) upstream: Lists,
    /// For each cell, the cells that its lines come from.
    pub(super) before: Lists,
    /// For each cell, the cells that its lines go to.
    pub(super) behind: Lists,
    /// For each level its cells, from above; here in order of number.
    pub(super) columns: Vec<Vec<u32>>,
    /// For each step, its first passage; empty where there are none.
    first_passage: Vec<u32>,
}

impl Cells {
    pub(super) fn of(steps: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let upstream = lists(steps, edges);
        let level = levels(&upstream);
        let first_passage = first_passages(&upstream, &level);
        let mut columns = vec![Vec::new(); level.iter().max().map_or(0, |&last| last as usize + 1)];
        for (step, &level) in level.iter().enumerate() {
            columns[level as usize].push(step as u32);
        }
        let mut cells = Cells {
            steps,
            level,
            upstream,
            before: Lists::with_capacity(steps, 0),
            behind: Lists::with_capacity(0, 0),
            columns,
            first_passage,
        };
        cells.link();
        cells
    }

    /// Fills `before` and `behind`, and puts the passages into their columns.
    fn link(&mut self) {
        let mut before = Lists::with_capacity(self.steps, self.upstream.total());
        for step in 0..self.steps {
            let last = |&from: &u32| self.passages(from as usize, step).last().unwrap_or(from);
            before.push(self.upstream.get(step).iter().map(last));
        }
        for step in 0..self.steps {
            let own = self.first_passage.get(step..step + 2).map_or(0..0, |pair| pair[0]..pair[1]);
            for (number, passage) in own.enumerate() {
                before.push([if number == 0 { step as u32 } else { passage - 1 }]);
                self.columns[self.level[step] as usize + 1 + number].push(passage);
            }
        }
        self.behind = before.transposed(before.len());
        self.before = before;
    }

    /// Returns the passages of the line between two steps, from left to right.
    pub(super) fn passages(&self, from: usize, to: usize) -> std::ops::Range<u32> {
        let Some(&first) = self.first_passage.get(from) else { return 0..0 };
        first..first + self.level[to] - self.level[from] - 1
    }
}

/// Returns the upstream steps of each step, ascending and distinct.
fn lists(steps: usize, edges: impl IntoIterator<Item = (usize, usize)>) -> Lists {
    let sound = edges.into_iter().filter(|&(from, to)| from < to && to < steps);
    let mut sorted: Vec<(u32, u32)> = sound.map(|(from, to)| (to as u32, from as u32)).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let mut lists = Lists::with_capacity(steps, sorted.len());
    let mut rest = sorted.as_slice();
    for step in 0..steps {
        let (of_step, later) = rest.split_at(rest.partition_point(|edge| edge.0 as usize <= step));
        lists.push(of_step.iter().map(|edge| edge.1));
        rest = later;
    }
    lists
}

fn levels(upstream: &Lists) -> Vec<u32> {
    let mut levels: Vec<u32> = Vec::with_capacity(upstream.len());
    for step in 0..upstream.len() {
        let above = upstream.get(step).iter().map(|&from| levels[from as usize] + 1);
        let level = above.max().unwrap_or(0);
        levels.push(level);
    }
    levels
}

/// Numbers the passages: one for each level between a step and the farthest that reads it. Empty if lines go straight.
fn first_passages(upstream: &Lists, levels: &[u32]) -> Vec<u32> {
    let steps = levels.len();
    if steps > MOST_STEPS_WITH_DETOURS {
        return Vec::new();
    }
    let mut farthest: Vec<u32> = levels.iter().map(|level| level + 1).collect();
    for (step, &level) in levels.iter().enumerate() {
        for &from in upstream.get(step) {
            farthest[from as usize] = farthest[from as usize].max(level);
        }
    }
    let mut first = vec![steps as u32];
    for (step, &level) in levels.iter().enumerate() {
        first.push(first[step] + farthest[step] - level - 1);
    }
    if first[steps] as usize > steps + MOST_PASSAGES { Vec::new() } else { first }
}
