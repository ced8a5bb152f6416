//! The layout of a drawing of a graph: steps in a column for each level, in an order with few crossing lines. A drawing that
//! would be far wider than high is folded into several rows of columns.
//!
//! Graph drawings and the page of a run use it. The page is drawn from a report alone, so the layout reads only numbers,
//! checks them, and takes bounded time for any graph. Texts and styles are up to the drawing.

mod cells;
mod fold;
mod order;
mod place;

use self::cells::Cells;

/// Height of the box of a step.
pub const BOX_HEIGHT: f64 = 36.0;
/// Space between two boxes of a column.
pub const ROW_GAP: f64 = 12.0;
/// Space between the columns of two levels, in which lines bend.
pub const LEVEL_GAP: f64 = 72.0;

/// A drawing of a graph, in pixels from its upper left corner.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// The width of the drawing.
    pub width: f64,
    /// The height of the drawing.
    pub height: f64,
    /// The boxes, by step.
    pub boxes: Vec<Place>,
    /// The lines that cross other levels between their boxes; sorted by `to`, then `from`. A graph of more than about a
    /// thousand steps has none: all its lines are straight.
    pub detours: Vec<Detour>,
}

/// The box of a step. All are [`BOX_HEIGHT`] high.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// Its left edge.
    pub x: f64,
    /// Its upper edge.
    pub y: f64,
    /// Its width, which is that of the widest step of its level.
    pub width: f64,
}

/// The path of a line from step `from` to step `to` through the levels between.
#[derive(Clone, Debug, PartialEq)]
pub struct Detour {
    /// The step at which the line starts.
    pub from: usize,
    /// The step at which it ends.
    pub to: usize,
    /// The stretches in which it crosses a level, from left to right.
    pub through: Vec<Stretch>,
}

/// A horizontal part of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// Its left end.
    pub left: f64,
    /// Its right end.
    pub right: f64,
    /// Its vertical position.
    pub y: f64,
}

impl Layout {
    /// Lays out one step for each of `widths`, the minimum width of its box. `edges` are pairs of an earlier and a later step.
    /// Other pairs are left out, so that a graph from a damaged file can be drawn too.
    ///
    /// # Complexity
    /// O((steps + edges) · log steps), for a few rounds.
    pub fn of(widths: &[f64], edges: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut cells = Cells::of(widths.len(), edges);
        order::reduce_crossings(&mut cells);
        fold::fold(&cells, place::place(&cells, widths))
    }
}

#[cfg(test)]
mod tests;
