//! Counts distinct pairs of small numbers.

/// A set of pairs (group, member), one bit for each possible pair.
pub(crate) struct Distinct {
    bits: Vec<u64>,
    words_per_group: usize,
}

impl Distinct {
    pub(crate) fn new(groups: usize, members: usize) -> Self {
        let words_per_group = members.div_ceil(64);
        Self { bits: vec![0; groups * words_per_group], words_per_group }
    }

    /// Adds the pair, and returns whether it is new.
    pub(crate) fn insert(&mut self, group: usize, member: usize) -> bool {
        let word = &mut self.bits[group * self.words_per_group + member / 64];
        let bit = 1 << (member % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}
