//! Compares files with their expected SHA-256.

use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

/// A list as `sha256sum` writes it: checksum, two blanks, name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Checksums(&'static str);

impl Checksums {
    pub(crate) fn new(list: &'static str) -> Self {
        Self(list)
    }

    fn entries(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.0.lines().filter_map(|line| line.split_once("  "))
    }

    /// Returns the names of the files.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        self.entries().map(|(_, name)| name)
    }

    /// Returns whether the file of that name should have this checksum.
    pub(crate) fn agree(self, name: &str, hash: Sha256) -> bool {
        let mut checksum = String::new();
        for byte in hash.finalize() {
            // Writing to a string cannot fail.
            let _ = write!(checksum, "{byte:02x}");
        }
        self.entries().any(|entry| entry == (&checksum, name))
    }

    /// Returns the files of the list that are missing in the folder or differ.
    pub(crate) fn mismatches(self, folder: &Path) -> Vec<&'static str> {
        let matches = |name: &str| {
            let mut hash = Hashing(Sha256::new());
            let read = File::open(folder.join(name)).and_then(|mut file| io::copy(&mut file, &mut hash));
            read.is_ok() && self.agree(name, hash.0)
        };
        self.entries().map(|(_, name)| name).filter(|name| !matches(name)).collect()
    }
}

struct Hashing(Sha256);

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
