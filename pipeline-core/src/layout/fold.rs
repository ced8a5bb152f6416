//! Breaks long graphs into lines, as text is, so that a chain of ten thousand steps fills a page instead of one long line.

use super::cells::Cells;
use super::{BOX_HEIGHT, LEVEL_GAP, Layout};

/// Minimum number of levels to fold; fewer can be scrolled through.
const LEAST_LEVELS: usize = 24;
/// Ratio of width to height from which a drawing is folded, to about `WANTED`.
const TOO_WIDE: f64 = 10.0;
const WANTED: f64 = 2.5;
/// Space between two lines.
const LINE_GAP: f64 = BOX_HEIGHT;

/// Folds a drawing that is far wider than high. Edges from the end of a line go left to the start of the next one.
pub(super) fn fold(cells: &Cells, mut layout: Layout) -> Layout {
    if cells.columns.len() < LEAST_LEVELS || layout.width < TOO_WIDE * layout.height {
        return layout;
    }
    let pitch = layout.height + LINE_GAP;
    let longest = (layout.width * pitch * WANTED).sqrt();
    // For each level: the shift of its boxes to the left, and down.
    let mut shifts = Vec::with_capacity(cells.columns.len());
    let (mut line, mut start, mut width) = (0.0, 0.0, 0.0_f64);
    for (left, right) in spans(cells, &layout) {
        if right - start > longest && left > start {
            (line, start) = (line + 1.0, left);
        }
        width = width.max(right - start);
        shifts.push((start, line * pitch));
    }
    for (place, &level) in layout.boxes.iter_mut().zip(&cells.level) {
        let (left, down) = shifts[level as usize];
        (place.x, place.y) = (place.x - left, place.y + down);
    }
    for detour in &mut layout.detours {
        for (stretch, (left, down)) in
            detour.through.iter_mut().zip(&shifts[cells.level[detour.from] as usize + 1..])
        {
            (stretch.left, stretch.right) = (stretch.left - left, stretch.right - left);
            stretch.y += down;
        }
    }
    layout.width = width;
    layout.height += line * pitch;
    layout
}

/// Returns the left and right end of each level.
fn spans(cells: &Cells, layout: &Layout) -> Vec<(f64, f64)> {
    let mut spans = vec![(f64::INFINITY, 0.0_f64); cells.columns.len()];
    for (place, &level) in layout.boxes.iter().zip(&cells.level) {
        let span = &mut spans[level as usize];
        *span = (span.0.min(place.x), span.1.max(place.x + place.width));
    }
    debug_assert!(spans.windows(2).all(|pair| pair[0].1 + LEVEL_GAP <= pair[1].0 + 1e-6));
    spans
}
