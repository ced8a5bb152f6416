//! Sorts many rows by a number in a few passes over them.

const BITS: u32 = 10;
/// As many places to write to at once as a processor handles well.
const BUCKETS: usize = 1 << BITS;

/// Sorts the rows by ascending id, stably: a radix sort, from the lowest digit to the highest.
pub(crate) fn sorted_by_id<T: Copy + Default>(mut rows: Vec<T>, id: impl Fn(&T) -> u32) -> Vec<T> {
    let highest = rows.iter().map(&id).max().unwrap_or(0);
    let mut sorted = vec![T::default(); rows.len()];
    let mut shift = 0;
    while shift < u32::BITS && highest >> shift > 0 {
        let digit = |row: &T| (id(row) >> shift) as usize % BUCKETS;
        let mut places = [0; BUCKETS];
        for row in &rows {
            places[digit(row)] += 1;
        }
        let mut start = 0;
        for place in &mut places {
            (*place, start) = (start, start + *place);
        }
        for row in &rows {
            let place = &mut places[digit(row)];
            sorted[*place] = *row;
            *place += 1;
        }
        (rows, sorted) = (sorted, rows);
        shift += BITS;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::sorted_by_id;

    #[test]
    fn rows_of_one_id_stay_in_order() {
        let rows: Vec<(u32, usize)> =
            [7, u32::MAX, 0, 70_000, 7, 1024, 0, u32::MAX].into_iter().zip(0..).collect();
        let mut expected = rows.clone();
        expected.sort();
        assert_eq!(sorted_by_id(rows, |row| row.0), expected);
    }
}
