//! Finds rows by their id.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// Marks an id that has no row.
const NONE: u32 = u32::MAX;

/// The row of each id. Dense ids cost four bytes and one read each; sparse ones use a hash map.
#[derive(Serialize, Deserialize)]
pub(crate) enum IdIndex {
    Dense { first: u32, rows: Vec<u32> },
    Sparse(FxHashMap<u32, u32>),
}

impl IdIndex {
    /// An empty index, laid out for these ids: no other id may be added.
    pub(crate) fn for_ids(ids: impl ExactSizeIterator<Item = u32>) -> Self {
        let count = ids.len();
        let (first, last) = ids.fold((u32::MAX, 0), |(first, last), id| (first.min(id), last.max(id)));
        let span = (u64::from(last) + 1).saturating_sub(u64::from(first));
        if span <= 4 * count as u64 {
            Self::Dense { first, rows: vec![NONE; span as usize] }
        } else {
            Self::Sparse(FxHashMap::default())
        }
    }

    /// The rows of ids that are known to be unique.
    pub(crate) fn of_unique(ids: impl ExactSizeIterator<Item = u32> + Clone) -> Self {
        let mut index = Self::for_ids(ids.clone());
        for (row, id) in (0..).zip(ids) {
            index.row_or_insert(id, row);
        }
        index
    }

    pub(crate) fn row(&self, id: u32) -> Option<usize> {
        let row = match self {
            Self::Dense { first, rows } => *rows.get(id.wrapping_sub(*first) as usize)?,
            Self::Sparse(rows) => *rows.get(&id)?,
        };
        (row != NONE).then_some(row as usize)
    }

    /// Returns the row of the id; sets it to `row` if there is none.
    pub(crate) fn row_or_insert(&mut self, id: u32, row: usize) -> usize {
        let row = u32::try_from(row).ok().filter(|row| *row != NONE).expect("fewer than 2^32 - 1 rows");
        let entry = match self {
            Self::Dense { first, rows } => &mut rows[(id - *first) as usize],
            Self::Sparse(rows) => rows.entry(id).or_insert(NONE),
        };
        if *entry == NONE {
            *entry = row;
        }
        *entry as usize
    }
}

#[cfg(test)]
mod tests {
    use super::IdIndex;

    fn check(ids: &[u32]) {
        let index = IdIndex::of_unique(ids.iter().copied());
        for (row, id) in ids.iter().enumerate() {
            assert_eq!(index.row(*id), Some(row));
        }
        for missing in [0, 8, 11, u32::MAX] {
            assert_eq!(index.row(missing), None);
        }
    }

    #[test]
    fn rows_are_found_by_close_and_by_scattered_ids() {
        check(&[9, 12, 10]);
        check(&[9, 4_000_000_000, 10]);
        check(&[]);
    }
}
