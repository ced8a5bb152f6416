//! Files as outputs of steps.

use std::cell::RefCell;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use pipeline_core::notes::note;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::scratch::{Made, Scratch};
use super::{about, hash, place};
use crate::store::value_store::Shared;
use crate::store::{Content, ValueStore, unpoisoned};

/// A file as the output of a step: its bytes are on the disk, not in memory, and never change.
///
/// A store keeps the file by its content: equal files take space once. Without a store, the file is in the temporary folder of
/// the system, and removed when the last clone is dropped.
///
/// ```
/// use std::io::Write;
/// # use pipeline_exec::store::StoredFile;
///
/// fn report(totals: &[u64]) -> std::io::Result<StoredFile> {
///     StoredFile::create(|out| totals.iter().try_for_each(|total| writeln!(out, "{total}")))
/// }
///
/// assert_eq!(report(&[1, 2])?.read_to_string()?, "1\n2\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct StoredFile(Arc<Held>);

/// A file, and what is known of it.
pub(in crate::store) struct Held {
    pub(in crate::store) content: Content,
    pub(in crate::store) bytes: u64,
    home: Home,
    /// Where the file was placed.
    pub(in crate::store) placed: Mutex<Vec<PathBuf>>,
}

/// Where the bytes are.
pub(super) enum Home {
    Scratch(Scratch),
    /// Nowhere: the value was read to see whether its type can be read back, and is dropped.
    Nowhere,
    /// In this store, which no process may clean up while the value is there.
    Store {
        store: ValueStore,
        path: PathBuf,
    },
}

/// What is stored of a file besides its bytes.
#[derive(Serialize, Deserialize)]
struct Form {
    content: Content,
    bytes: u64,
}

impl StoredFile {
    /// Makes a file of what `write` writes.
    ///
    /// # Errors
    /// Returns the error of `write`, and of the disk.
    pub fn create(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<Self> {
        Scratch::written(write).map(StoredFile::of)
    }

    /// Makes a file of a copy of another, which stays as it is. On file systems with reflinks, both share their bytes until the
    /// other is changed.
    ///
    /// # Errors
    /// The error names the file. Anything but a regular file is one.
    pub fn new(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        Scratch::copied(path).map(StoredFile::of)
    }

    pub(super) fn of(Made { scratch, content, bytes }: Made) -> Self {
        StoredFile(Arc::new(Held { content, bytes, home: Home::Scratch(scratch), placed: Mutex::default() }))
    }

    /// Returns a path at which the file can be read while this value exists. Do not write to it.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Returns the length in bytes.
    pub fn len(&self) -> u64 {
        self.0.bytes
    }

    /// Reports whether the file has no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.bytes == 0
    }

    /// Opens the file for reading.
    ///
    /// # Errors
    /// The error names the file.
    pub fn open(&self) -> io::Result<File> {
        hash::open(self.path())
    }

    /// Reads the whole file.
    ///
    /// # Errors
    /// The error names the file.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open()?.read_to_end(&mut bytes).map_err(|error| self.about(&error))?;
        Ok(bytes)
    }

    /// Reads the whole file as text.
    ///
    /// # Errors
    /// The error names the file. Text that is not UTF-8 is one.
    pub fn read_to_string(&self) -> io::Result<String> {
        let mut text = String::new();
        self.open()?.read_to_string(&mut text).map_err(|error| self.about(&error))?;
        Ok(text)
    }

    /// Copies the file to a path, where it may be changed. Replaces a file or a link there, and makes the folders above.
    ///
    /// # Errors
    /// The error names the path.
    pub fn copy_to(&self, path: impl AsRef<Path>) -> io::Result<()> {
        place::place(self.path(), path.as_ref(), false)
    }

    /// Puts the file at a path, and keeps it there: in later runs that find the output of the step in the store, a file that
    /// is missing or changed there is replaced. Call it in the step that makes the file.
    ///
    /// A reflink is made if the file system can, else a hard link that is read-only, else a copy. A file or a link at the
    /// path is replaced, and the folders above are made. A relative path starts at the working directory of the run.
    ///
    /// # Errors
    /// The error names the path.
    pub fn place(&self, path: impl Into<PathBuf>) -> io::Result<()> {
        let path = path.into();
        place::place(self.path(), &path, true)?;
        let mut placed = unpoisoned(self.0.placed.lock());
        if !placed.contains(&path) {
            placed.push(path);
        }
        Ok(())
    }

    /// Returns the store that has the file, or in whose folder it is.
    pub(super) fn store(&self) -> Option<&Arc<Shared>> {
        match &self.0.home {
            Home::Scratch(scratch) => scratch.store.as_ref(),
            Home::Nowhere => None,
            Home::Store { store, .. } => Some(&store.shared),
        }
    }

    fn about(&self, error: &io::Error) -> io::Error {
        about(self.path(), error.to_string(), error.kind())
    }
}

impl Held {
    pub(in crate::store) fn path(&self) -> &Path {
        self.home.path()
    }
}

impl Home {
    pub(super) fn path(&self) -> &Path {
        match self {
            Home::Scratch(scratch) => &scratch.path,
            Home::Nowhere => Path::new(""),
            Home::Store { path, .. } => path,
        }
    }
}

impl fmt::Debug for StoredFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredFile").field("content", &self.0.content).field("bytes", &self.0.bytes).finish()
    }
}

/// Files are equal if their bytes are.
impl PartialEq for StoredFile {
    fn eq(&self, other: &Self) -> bool {
        self.0.content == other.0.content
    }
}

impl Eq for StoredFile {}

impl AsRef<Path> for StoredFile {
    fn as_ref(&self) -> &Path {
        self.path()
    }
}

/// As its content and its length. The store that has the value keeps the bytes.
impl Serialize for StoredFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        note(|| Arc::clone(&self.0) as _);
        Form { content: self.0.content, bytes: self.0.bytes }.serialize(serializer)
    }
}

/// Only where a value is read from a store that has the bytes.
impl<'de> Deserialize<'de> for StoredFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let is_stored_form = !deserializer.is_human_readable();
        let Form { content, bytes } = Form::deserialize(deserializer)?;
        let home = match FROM.with_borrow(Clone::clone) {
            Some(store) => store.file(content).map_err(D::Error::custom)?,
            None if is_stored_form => Home::Nowhere,
            None => {
                return Err(D::Error::custom("a stored file is read from its store, and from nowhere else"));
            }
        };
        Ok(StoredFile(Arc::new(Held { content, bytes, home, placed: Mutex::default() })))
    }
}

thread_local! {
    /// The store from which this thread reads a value at the moment.
    static FROM: RefCell<Option<ValueStore>> = const { RefCell::new(None) };
}

/// Calls `read`, which reads a value that the store has.
pub(crate) fn reading_from<T>(store: &ValueStore, read: impl FnOnce() -> T) -> T {
    let earlier = FROM.replace(Some(store.clone()));
    let value = read();
    FROM.set(earlier);
    value
}
