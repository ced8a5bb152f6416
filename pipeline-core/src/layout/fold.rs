//! Long graphs are broken into lines, as text is: a chain of ten thousand steps is a thread on which nobody sees anything,
//! and a page when it is folded.

use super::cells::Cells;
use super::{BOX_HEIGHT, LEVEL_GAP, Layout};

/// Fewer levels than these can be scrolled through.
const LEAST_LEVELS: usize = 24;
/// A drawing is folded from so many times its height in width on, to about `WANTED`.
const TOO_WIDE: f64 = 10.0;
const WANTED: f64 = 2.5;
/// The free space between two lines, as wide as a step is high.
const LINE_GAP: f64 = BOX_HEIGHT;

/// Folds a drawing where it is far wider than high. The lines of the graph then go to the left where a line ends.
pub(super) fn fold(cells: &Cells, mut layout: Layout) -> Layout {
    if cells.columns.len() < LEAST_LEVELS || layout.width < TOO_WIDE * layout.height {
        return layout;
    }
    let pitch = layout.height + LINE_GAP;
    let longest = (layout.width * pitch * WANTED).sqrt();
    // By level: how far its boxes go to the left, and down.
    let mut shifts = Vec::with_capacity(cells.columns.len());
    let (mut line, mut begin, mut width) = (0.0, 0.0, 0.0_f64);
    for (left, right) in spans(cells, &layout) {
        if right - begin > longest && left > begin {
            (line, begin) = (line + 1.0, left);
        }
        width = width.max(right - begin);
        shifts.push((begin, line * pitch));
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

/// Where each level begins and ends.
fn spans(cells: &Cells, layout: &Layout) -> Vec<(f64, f64)> {
    let mut spans = vec![(f64::INFINITY, 0.0_f64); cells.columns.len()];
    for (place, &level) in layout.boxes.iter().zip(&cells.level) {
        let span = &mut spans[level as usize];
        *span = (span.0.min(place.x), span.1.max(place.x + place.width));
    }
    debug_assert!(spans.windows(2).all(|pair| pair[0].1 + LEVEL_GAP <= pair[1].0 + 1e-6));
    spans
}
