//! Errors of the store.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

use crate::text::clean;

/// Why the store of values could not be opened, or a value could not be stored.
#[derive(Debug)]
#[non_exhaustive]
pub enum ValueStoreError {
    /// A file or folder could not be read or written.
    Io {
        /// What was tried: "write", "read", "make the folder".
        tried: &'static str,
        /// The file or folder: its path, or its name in the store.
        name: String,
        /// The location of the store.
        location: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The location cannot be used as a store.
    Refused {
        /// The location of the store.
        location: String,
        /// What is wrong with it.
        why: String,
        /// What to do next.
        hint: &'static str,
    },
    /// Other processes use the store, and the operation needs it alone.
    InUse {
        /// The location of the store.
        location: String,
        /// The ids of the processes that the system names.
        processes: Vec<u32>,
    },
}

impl ValueStoreError {
    pub(super) fn io(tried: &'static str, name: &str, location: &str, source: io::Error) -> Self {
        ValueStoreError::Io { tried, name: name.to_owned(), location: location.to_owned(), source }
    }

    pub(super) fn refused(location: &str, why: impl Into<String>, hint: &'static str) -> Self {
        ValueStoreError::Refused { location: location.to_owned(), why: why.into(), hint }
    }
}

impl fmt::Display for ValueStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueStoreError::Io { tried, name, location, source } => {
                write!(f, "cannot {tried} {}", clean(name))?;
                if name != location {
                    write!(f, " in the store {}", clean(location))?;
                }
                write!(f, ": {source}")?;
                match source.kind() {
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                        f.write_str("\nhint: free some space: `cache gc` removes values that are not used")
                    }
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => f.write_str(
                        "\nhint: choose a folder that can be written (`--store DIR`), or run without a store",
                    ),
                    io::ErrorKind::Unsupported => f.write_str(
                        "\nhint: the store needs a file system with locks and hard links: choose a local folder \
                         (`--store DIR`)",
                    ),
                    _ => Ok(()),
                }
            }
            ValueStoreError::Refused { location, why, hint } => {
                write!(f, "cannot use {} as a store: {}\nhint: {hint}", clean(location), clean(why))
            }
            ValueStoreError::InUse { location, processes } => {
                write!(f, "the store {} is in use", clean(location))?;
                for (index, process) in processes.iter().enumerate() {
                    write!(f, "{}{process}", if index == 0 { " by process " } else { ", " })?;
                }
                f.write_str("; nothing was removed\nhint: try again when no run is under way")
            }
        }
    }
}

impl Error for ValueStoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ValueStoreError::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Returns a path as the text that errors and reports show.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}
