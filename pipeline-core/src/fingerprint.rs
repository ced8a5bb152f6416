//! Fingerprints; those of runs are made by their [`Plan`](crate::Plan).

use std::fmt;
use std::io::{self, Write};

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

    /// Returns the fingerprint of bytes, as a [`FingerprintWriter`] does.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let mut hash = StableHash::new("bytes");
        hash.bytes(bytes);
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

/// A writer that computes the fingerprint of what is written through it.
pub struct FingerprintWriter<W> {
    out: W,
    hash: StableHash,
}

impl<W> FingerprintWriter<W> {
    /// Wraps a writer.
    pub fn new(out: W) -> Self {
        FingerprintWriter { out, hash: StableHash::new("bytes") }
    }

    /// Returns the fingerprint of all that was written.
    pub fn end(self) -> Fingerprint {
        Fingerprint(self.hash.end())
    }
}

impl<W> fmt::Debug for FingerprintWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FingerprintWriter").finish_non_exhaustive()
    }
}

impl<W: Write> Write for FingerprintWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.bytes(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
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
    fn a_writer_computes_the_fingerprint_of_its_bytes_however_they_are_divided() {
        let mut written = Vec::new();
        let mut writer = FingerprintWriter::new(&mut written);
        for part in [&b"a"[..], b"", b"bcdefghijklmnop", b"q"] {
            writer.write_all(part).expect("invariant: a vector takes all");
        }
        let fingerprint = writer.end();
        assert_eq!(written, b"abcdefghijklmnopq");
        assert_eq!(fingerprint, Fingerprint::of_bytes(&written));
        assert_ne!(fingerprint, Fingerprint::of_bytes(b"abcdefghijklmnopr"));
    }

    #[test]
    fn the_boundary_between_texts_counts() {
        let all = [&["ab", "c"][..], &["a", "bc"], &["abc"], &["abc", ""], &["", "abc"]];
        let made: std::collections::BTreeSet<_> =
            all.iter().map(|texts| Fingerprint::of_texts(texts)).collect();
        assert_eq!(made.len(), all.len());
    }
}
