//! From rows to pixels.

use super::cells::Cells;
use super::order::average;
use super::{BOX_HEIGHT, Detour, LEVEL_GAP, Layout, Place, ROW_GAP, Stretch};

/// Height of a passage.
const PASSAGE_HEIGHT: f64 = 6.0;
/// Space between the columns of one level that has several.
const COLUMN_GAP: f64 = 24.0;
/// Number of rows above which a level is broken into several columns. Larger graphs have more rows, to fit the shape of a
/// screen.
const LEAST_ROWS: usize = 40;
const ROUNDS: usize = 10;

pub(super) fn place(cells: &Cells, widths: &[f64]) -> Layout {
    let widest = cells.columns.iter().map(Vec::len).max().unwrap_or(0);
    // The number of rows that makes the drawing about twice as wide as high, at the usual width of a box.
    let rows = LEAST_ROWS.max((2.0 * cells.steps as f64).sqrt() as usize);
    if widest > rows { broken(cells, widths, rows) } else { aligned(cells, widths) }
}

/// Fills columns of `rows` cells row by row, so that a cell is about level with its neighbours.
fn broken(cells: &Cells, widths: &[f64], rows: usize) -> Layout {
    let mut layout = Layout { boxes: vec![Place::default(); cells.steps], ..Layout::default() };
    let pitch = BOX_HEIGHT + ROW_GAP;
    let mut left = 0.0;
    for column in &cells.columns {
        let steps: Vec<usize> =
            column.iter().map(|&cell| cell as usize).filter(|&cell| cell < cells.steps).collect();
        let width = width_of(&steps, widths);
        let columns = steps.len().div_ceil(rows).max(1);
        let used_rows = steps.len().div_ceil(columns);
        let top = (rows - used_rows) as f64 * pitch / 2.0;
        for (number, &step) in steps.iter().enumerate() {
            let (row, column) = (number / columns, number % columns);
            layout.boxes[step] =
                Place { x: left + column as f64 * (width + COLUMN_GAP), y: top + row as f64 * pitch, width };
        }
        let end = left + columns as f64 * (width + COLUMN_GAP) - COLUMN_GAP;
        layout.width = end;
        left = end + LEVEL_GAP;
    }
    layout.height = rows as f64 * pitch - ROW_GAP;
    layout
}

/// Makes one column for each level, each cell as near as possible to the average position of its neighbours.
fn aligned(cells: &Cells, widths: &[f64]) -> Layout {
    let middle = middles(cells);
    let half = |cell: usize| height(cells, cell) / 2.0;
    let top = (0..middle.len()).map(|cell| middle[cell] - half(cell)).fold(f64::INFINITY, f64::min);
    let bottom = (0..middle.len()).map(|cell| middle[cell] + half(cell)).fold(f64::NEG_INFINITY, f64::max);
    let mut boxes = vec![Place::default(); cells.steps];
    let mut columns = Vec::with_capacity(cells.columns.len());
    let mut left = 0.0;
    for column in &cells.columns {
        let steps: Vec<usize> =
            column.iter().map(|&cell| cell as usize).filter(|&cell| cell < cells.steps).collect();
        let width = width_of(&steps, widths);
        for step in steps {
            boxes[step] = Place { x: left, y: middle[step] - half(step) - top, width };
        }
        columns.push((left, left + width));
        left += width + LEVEL_GAP;
    }
    let detours = (0..cells.steps)
        .flat_map(|to| cells.upstream.get(to).iter().map(move |&from| (from as usize, to)))
        .filter_map(|(from, to)| {
            let stretch = |(passage, level): (u32, usize)| {
                let (left, right) = columns[level];
                Stretch { left, right, y: middle[passage as usize] - top }
            };
            let levels = cells.level[from] as usize + 1..;
            let through: Vec<Stretch> = cells.passages(from, to).zip(levels).map(stretch).collect();
            (!through.is_empty()).then_some(Detour { from, to, through })
        });
    let detours = detours.collect();
    Layout { width: (left - LEVEL_GAP).max(0.0), height: (bottom - top).max(0.0), boxes, detours }
}

fn width_of(steps: &[usize], widths: &[f64]) -> f64 {
    steps.iter().map(|&step| widths[step]).fold(0.0, f64::max)
}

fn height(cells: &Cells, cell: usize) -> f64 {
    if cell < cells.steps { BOX_HEIGHT } else { PASSAGE_HEIGHT }
}

/// Returns the vertical position of the middle of each cell, which can be negative.
fn middles(cells: &Cells) -> Vec<f64> {
    let mut middle = vec![0.0; cells.before.len()];
    for column in &cells.columns {
        let wanted = vec![0.0; column.len()];
        settle(cells, column, &wanted, &mut middle);
    }
    for _ in 0..ROUNDS {
        for column in &cells.columns {
            follow(cells, column, &mut middle, true);
        }
        for column in cells.columns.iter().rev() {
            follow(cells, column, &mut middle, false);
        }
    }
    middle
}

fn follow(cells: &Cells, column: &[u32], middle: &mut [f64], from_left: bool) {
    let neighbours = if from_left { &cells.before } else { &cells.behind };
    let wanted: Vec<f64> = column
        .iter()
        .map(|&cell| average(neighbours.get(cell as usize), middle).unwrap_or(middle[cell as usize]))
        .collect();
    settle(cells, column, &wanted, middle);
}

/// Places the cells of a column in their order as near as possible to their wanted positions (by least squares), with space
/// between. Cells that would overlap form a block, which is placed at their average wanted position.
fn settle(cells: &Cells, column: &[u32], wanted: &[f64], middle: &mut [f64]) {
    let mut offsets = Vec::with_capacity(column.len());
    let mut blocks: Vec<(f64, usize)> = Vec::with_capacity(column.len());
    let mut offset = 0.0;
    for (row, &cell) in column.iter().enumerate() {
        let half = height(cells, cell as usize) / 2.0;
        if row > 0 {
            offset += half + ROW_GAP;
        }
        offsets.push(offset);
        let mut block = (wanted[row] - offset, 1);
        offset += half;
        while let Some(&(sum, count)) = blocks.last()
            && sum / count as f64 > block.0 / block.1 as f64
        {
            blocks.pop();
            block = (sum + block.0, count + block.1);
        }
        blocks.push(block);
    }
    let places = blocks.into_iter().flat_map(|(sum, count)| std::iter::repeat_n(sum / count as f64, count));
    for ((&cell, offset), place) in column.iter().zip(offsets).zip(places) {
        middle[cell as usize] = place + offset;
    }
}
