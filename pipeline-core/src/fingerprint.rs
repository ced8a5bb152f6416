//! Fingerprints; those of runs are made by their [`Plan`](crate::Plan).

use std::fmt;

use crate::hash::StableHash;

/// A hash of 128 bits, shown as 32 hex digits. Equal fingerprints mean equal things.
///
/// The key of the hash is public: it detects changes, but not forgery.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub(crate) u128);

impl Fingerprint {
    /// Returns the fingerprint of a sequence of texts.
    pub fn of_texts(texts: &[&str]) -> Self {
        let mut hash = StableHash::new("texts");
        texts.iter().for_each(|text| hash.text(text));
        Fingerprint(hash.end())
    }

    /// Returns the bits.
    pub const fn to_bits(self) -> u128 {
        self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values were computed by another implementation of SipHash-2-4-128. If this fails, new fingerprints do not match
    /// those of earlier reports: fix the code, not the test.
    #[test]
    fn fingerprints_do_not_change_between_versions() {
        assert_eq!(Fingerprint::of_texts(&[]).to_string(), "ee673eff1423ef136bcf7255a5c5b780");
        assert_eq!(Fingerprint::of_texts(&["a", "bc"]).to_string(), "c94a8b9c61300ac7edee8dae68a3f25e");
    }

    #[test]
    fn the_boundary_between_texts_counts() {
        let all = [&["ab", "c"][..], &["a", "bc"], &["abc"], &["abc", ""], &["", "abc"]];
        let made: std::collections::BTreeSet<_> =
            all.iter().map(|texts| Fingerprint::of_texts(texts)).collect();
        assert_eq!(made.len(), all.len());
    }
}
