//! Where the steps of a graph stand in a drawing: in columns by level, in rows so that few lines cross. A drawing that would
//! be far wider than high is folded into lines, one below the other.
//!
//! For the drawings that are made here and the page of a run, which has to be drawn from a report alone: so it reads
//! numbers only, believes none of them, and is done in bounded time whatever the graph. Texts and looks are the
//! drawing's own.

mod cells;
mod fold;
mod order;
mod place;

use self::cells::Cells;

/// The height of a step's box.
pub const BOX_HEIGHT: f64 = 36.0;
/// The free space between two boxes of a column.
pub const ROW_GAP: f64 = 12.0;
/// The free space between the columns of two levels, for lines to bend in.
pub const LEVEL_GAP: f64 = 72.0;

/// A drawing of a graph, in pixels from its upper left corner.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// The width of the whole.
    pub width: f64,
    /// The height of the whole.
    pub height: f64,
    /// The boxes, by step.
    pub boxes: Vec<Place>,
    /// The lines that cannot go straight from box to box, because other levels lie between; sorted by `to`, then `from`.
    /// A graph of more than about a thousand steps has none: its lines all go straight.
    pub detours: Vec<Detour>,
}

/// A step's box; all are [`BOX_HEIGHT`] high.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// Its left edge.
    pub x: f64,
    /// Its upper edge.
    pub y: f64,
    /// Its width: that of the widest step of its level.
    pub width: f64,
}

/// How a line goes from step `from` to step `to` through the levels between.
#[derive(Clone, Debug, PartialEq)]
pub struct Detour {
    /// Where the line begins.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
    /// The stretches on which it passes a level, from left to right.
    pub through: Vec<Stretch>,
}

/// A horizontal part of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// Where it begins.
    pub left: f64,
    /// Where it ends.
    pub right: f64,
    /// How far down it is.
    pub y: f64,
}

impl Layout {
    /// Lays out as many steps as there are `widths`: the width that each step's box should have at the least. `edges`
    /// are pairs of an earlier and a later step. Pairs that are not, or that name a step which is not there, are left
    /// out, so that a graph from a damaged file is drawn too.
    ///
    /// # Complexity
    /// O((steps + edges) · log steps), in a few rounds.
    pub fn of(widths: &[f64], edges: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut cells = Cells::of(widths.len(), edges);
        order::reduce_crossings(&mut cells);
        fold::fold(&cells, place::place(&cells, widths))
    }
}

#[cfg(test)]
mod tests;
