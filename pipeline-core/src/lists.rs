//! Many short lists of indices in two allocations.

/// Lists of indices, one per position: flat, so that a million of them are two allocations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lists {
    /// Where each list starts; the next one's start is its end.
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    pub(crate) fn with_capacity(lists: usize, items: usize) -> Self {
        let mut starts = Vec::with_capacity(lists + 1);
        starts.push(0);
        Lists { starts, items: Vec::with_capacity(items) }
    }

    /// Appends a list.
    pub(crate) fn push(&mut self, items: impl IntoIterator<Item = u32>) {
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        self.items.extend(items);
        self.starts.push(self.items.len() as u32);
    }

    /// The list at a position.
    #[inline]
    pub(crate) fn get(&self, position: usize) -> &[u32] {
        &self.items[self.starts[position] as usize..self.starts[position + 1] as usize]
    }

    /// How many lists there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// How many items all lists have together.
    pub(crate) fn total(&self) -> usize {
        self.items.len()
    }

    /// The lists at some positions, with items renumbered; items without a new number are left out.
    pub(crate) fn part(&self, positions: impl Iterator<Item = usize>, place: &[Option<u32>]) -> Lists {
        let mut part = Lists::with_capacity(positions.size_hint().0, 0);
        for position in positions {
            part.push(self.get(position).iter().filter_map(|&item| place[item as usize]));
        }
        part
    }

    /// The same relation read from the other end: list `i` of the result names every list that contains `i`,
    /// ascending. O(items).
    pub(crate) fn transposed(&self, positions: usize) -> Lists {
        let mut starts = vec![0_u32; positions + 1];
        for &item in &self.items {
            starts[item as usize + 1] += 1;
        }
        for position in 0..positions {
            starts[position + 1] += starts[position];
        }
        let mut next = starts.clone();
        let mut items = vec![0; self.items.len()];
        for position in 0..self.len() {
            for &item in self.get(position) {
                items[next[item as usize] as usize] = position as u32;
                next[item as usize] += 1;
            }
        }
        Lists { starts, items }
    }
}
