//! The order of each column: cells are sorted by the average position of their neighbours, from left to right and back, a few
//! times. The order with the fewest crossings is kept.

use super::cells::Cells;
use crate::lists::Lists;

/// Number of rounds; no graph was seen to gain from more.
const ROUNDS: usize = 12;
/// Number of cells above which only a few rounds are made, and crossings are not counted.
const MANY: usize = 4_000;

pub(super) fn reduce_crossings(cells: &mut Cells) {
    let mut place = vec![0.0; cells.before.len()];
    for column in &cells.columns {
        number(column, &mut place);
    }
    if cells.before.len() > MANY {
        for _ in 0..3 {
            sweep(cells, &mut place);
        }
        return;
    }
    let mut best = (crossings(cells, &place), cells.columns.clone());
    for _ in 0..ROUNDS {
        if best.0 == 0 {
            break;
        }
        sweep(cells, &mut place);
        let now = crossings(cells, &place);
        if now < best.0 {
            best = (now, cells.columns.clone());
        }
    }
    cells.columns = best.1;
}

/// Sorts all columns, from left to right and back.
fn sweep(cells: &mut Cells, place: &mut [f64]) {
    let Cells { columns, before, behind, .. } = cells;
    for column in columns.iter_mut().skip(1) {
        sort(column, before, place);
    }
    for column in columns.iter_mut().rev().skip(1) {
        sort(column, behind, place);
    }
}

/// Sorts a column by the average position of the neighbours; a cell without any keeps its position.
fn sort(column: &mut [u32], neighbours: &Lists, place: &mut [f64]) {
    let mut keyed: Vec<(f64, u32)> = column
        .iter()
        .map(|&cell| (average(neighbours.get(cell as usize), place).unwrap_or(place[cell as usize]), cell))
        .collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (cell, (_, sorted)) in column.iter_mut().zip(keyed) {
        *cell = sorted;
    }
    number(column, place);
}

pub(super) fn average(cells: &[u32], place: &[f64]) -> Option<f64> {
    let sum: f64 = cells.iter().map(|&cell| place[cell as usize]).sum();
    (!cells.is_empty()).then(|| sum / cells.len() as f64)
}

/// Numbers the cells of a column from 0 to 1, so that columns of different lengths can be compared.
fn number(column: &[u32], place: &mut [f64]) {
    for (row, &cell) in column.iter().enumerate() {
        place[cell as usize] = (row as f64 + 0.5) / column.len() as f64;
    }
}

/// Returns the number of crossings between neighbouring columns: the inversions of the ends, in order of the starts.
fn crossings(cells: &Cells, place: &[f64]) -> usize {
    let of_column = |column: &Vec<u32>| {
        let mut lines: Vec<(f64, f64)> = column
            .iter()
            .flat_map(|&to| {
                cells
                    .before
                    .get(to as usize)
                    .iter()
                    .map(move |&from| (place[from as usize], place[to as usize]))
            })
            .collect();
        lines.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let rows = lines.iter().map(|line| (line.1 * column.len() as f64) as usize);
        inversions(rows, column.len())
    };
    cells.columns.iter().map(of_column).sum()
}

/// Returns the number of pairs in descending order, by a Fenwick tree over the numbers so far.
fn inversions(numbers: impl Iterator<Item = usize>, bound: usize) -> usize {
    let mut tree = vec![0_usize; bound + 1];
    let mut inversions = 0;
    for (seen, number) in numbers.enumerate() {
        let mut not_above = 0;
        let mut at = number + 1;
        while at > 0 {
            not_above += tree[at];
            at &= at - 1;
        }
        inversions += seen - not_above;
        at = number + 1;
        while at <= bound {
            tree[at] += 1;
            at += at & at.wrapping_neg();
        }
    }
    inversions
}
