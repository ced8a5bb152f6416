//! Where the bytes of a store are: one small trait over named files. `local` is a folder, `s3` a bucket, `memory`
//! and `faulty` are for tests.

#[cfg(test)]
pub(super) mod faulty;
pub(super) mod local;
#[cfg(test)]
pub(super) mod memory;
#[cfg(feature = "store-s3")]
pub(super) mod s3;

use std::fmt;
use std::io::{self, Read};

use super::Durability;

/// Named files, each of which is there whole or not at all.
///
/// A name has parts of the characters `A-Z a-z 0-9 . _ - + %`, separated by `/`; the implementation refuses any other.
pub(super) trait Storage: fmt::Debug + Send + Sync {
    /// Opens a file for reading; `None` if there is none.
    fn open(&self, name: &str) -> Result<Option<Opened<'_>>, Flaw>;

    /// Returns the length of a file in bytes; `None` if there is none.
    fn length(&self, name: &str) -> Result<Option<u64>, Flaw>;

    /// Writes a file. Replaces an earlier one.
    fn put(&self, name: &str, bytes: &[u8], durability: Durability) -> io::Result<()>;

    /// Writes a file unless there is one. Returns `true` if it was written: of several writers, one wins.
    fn put_new(&self, name: &str, bytes: &[u8], durability: Durability) -> io::Result<bool>;

    /// Makes an existing file survive a power failure.
    fn sync(&self, name: &str) -> io::Result<()>;

    /// Records that a file was used now.
    fn touch(&self, name: &str) -> io::Result<()>;

    /// Returns the files in a folder and the folders in it, in the order of their names.
    fn list(&self, folder: &str) -> io::Result<Vec<Listed>>;

    /// Removes a file. It may be gone already.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Removes a folder that is empty. Does nothing if it is not.
    fn remove_folder(&self, name: &str);

    /// Gives a file, or whatever has its name, another name. Replaces nothing.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Keeps all others from the storage until it is closed. Returns `false` if others use it; then this process no longer
    /// counts as one that does.
    fn take_alone(&mut self) -> io::Result<bool>;

    /// Returns the ids of the processes that use the storage, if the system names them.
    fn users(&self) -> Vec<u32>;

    /// Returns the storage if it is a folder of this machine.
    fn local(&self) -> Option<&local::Local> {
        None
    }
}

/// A file that is read.
pub(super) struct Opened<'a> {
    pub(super) bytes: Box<dyn Read + 'a>,
    pub(super) length: u64,
    /// When it was written or [touched](Storage::touch), in milliseconds since 1970.
    pub(super) used_unix_ms: u64,
}

/// A file of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) length: u64,
    /// When it was written or [touched](Storage::touch), in milliseconds since 1970.
    pub(super) used_unix_ms: u64,
}

/// Why a file cannot be read.
#[derive(Debug)]
pub(super) enum Flaw {
    /// What has this name, the file's or a folder's above it, is not what belongs there.
    Foreign {
        name: String,
        why: String,
    },
    Io(io::Error),
}

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Self {
        Flaw::Io(error)
    }
}

/// Reports whether a name is one that the store makes: no path out of it, and nothing that a file system may refuse.
pub(super) fn is_safe(name: &str) -> bool {
    let is_safe = |part: &str| {
        !["", ".", ".."].contains(&part)
            && part.len() <= 255
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+%".contains(&byte))
    };
    name.split('/').all(is_safe)
}
