//! The records in one folder of a store, and how a value is stored and found.

use std::io;
use std::time::{Duration, SystemTime};

use super::blobs::path_of;
use super::framed::framed;
use super::record::{self, FORMAT, Reading};
use super::storage::Flaw;
use super::value_store::CACHE;
use super::{Content, Durability, Record, ValueStore, ValueStoreError};
use crate::files::file_name;
use crate::timing::unix_ms;

/// A record that was used less than this long ago is not touched again.
const TOUCH_AFTER: Duration = Duration::from_hours(1);

/// The records of the cache, or of the checkpoints of one run.
///
/// A name is a key in the cache, and the identity of a step in checkpoints.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    store: ValueStore,
    folder: String,
}

/// What is found under a name.
pub(super) enum Found {
    Record {
        record: Box<Record>,
        used_unix_ms: u64,
    },
    /// A record of another version of the framework, with the contents that it refers to, if these can be read.
    OtherFormat(Option<Vec<Content>>),
    Nothing,
}

impl Records {
    pub(super) fn new(store: ValueStore, folder: String) -> Self {
        Records { store, folder }
    }

    pub(super) fn store(&self) -> &ValueStore {
        &self.store
    }

    pub(super) fn folder(&self) -> &str {
        &self.folder
    }

    /// Finds a record, and notes that it was used. A record that is damaged is a miss with a warning.
    pub(crate) fn find(&self, name: &str) -> Option<Record> {
        let path = self.path(name);
        let (record, used_unix_ms) = self.read(&path, Some(name))?;
        let now = unix_ms(SystemTime::now());
        if used_unix_ms.saturating_add(TOUCH_AFTER.as_millis() as u64) < now {
            // If this fails, the value looks less used than it is.
            let _ = self.store.storage().touch(&path);
        }
        Some(record)
    }

    /// Stores a value: its encoded bytes, then its record. Returns the record under this name, which is that of another
    /// writer of the same key if it was first.
    ///
    /// The content and the lengths in `record` are set here, the content only if it is missing.
    ///
    /// # Errors
    /// If something cannot be written. The value may be stored then, or not.
    pub(crate) fn commit(
        &self,
        name: &str,
        mut record: Record,
        bytes: &[u8],
    ) -> Result<Record, ValueStoreError> {
        self.store.put_blob(&mut record, bytes)?;
        self.commit_mark(name, record)
    }

    /// Stores a value as [`Records::commit`] does, in place of one that is not to be used any more.
    ///
    /// # Errors
    /// As [`Records::commit`].
    pub(crate) fn replace(
        &self,
        name: &str,
        mut record: Record,
        bytes: &[u8],
    ) -> Result<Record, ValueStoreError> {
        self.store.put_blob(&mut record, bytes)?;
        record.format = FORMAT;
        let path = self.path(name);
        let bytes = self.readable(&path, &record)?;
        let put = self.store.storage().put(&path, &bytes, self.store.durability);
        put.map(|()| record).map_err(|error| self.store.error("write the record", &path, error))
    }

    /// Stores a record without a value, or with one whose bytes are stored. Returns the record under this name.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn commit_mark(&self, name: &str, mut record: Record) -> Result<Record, ValueStoreError> {
        record.format = FORMAT;
        let path = self.path(name);
        let bytes = self.readable(&path, &record)?;
        let durability = self.store.durability;
        let failed = |error| self.store.error("write the record", &path, error);
        if self.store.storage().put_new(&path, &bytes, durability).map_err(failed)? {
            return Ok(record);
        }
        if let Some((winner, _)) = self.read(&path, Some(name))
            && winner.key == record.key
            && (winner.content.is_none() || self.store.holds(&winner))
        {
            if durability == Durability::Power {
                // The winner may have stored it without this.
                let blob = winner.content.map(|content| path_of(content, winner.compression));
                blob.iter()
                    .chain([&path])
                    .try_for_each(|path| self.store.storage().sync(path))
                    .map_err(failed)?;
            }
            return Ok(winner);
        }
        // What has the name is of no use: its value is gone, or it is of another version, or of another program.
        self.store.storage().put(&path, &bytes, durability).map_err(failed)?;
        Ok(record)
    }

    /// Returns the bytes of a record's file. Refuses one that no reader would accept.
    fn readable(&self, path: &str, record: &Record) -> Result<Vec<u8>, ValueStoreError> {
        let bytes = framed(record);
        if bytes.len() as u64 <= record::MOST_BYTES {
            return Ok(bytes);
        }
        let why = format!(
            "it has {} bytes, and at most {} are allowed: it names {} files and {} places of files",
            bytes.len(),
            record::MOST_BYTES,
            record.files.len(),
            record.placed.len()
        );
        Err(self.store.error("write the record", path, io::Error::new(io::ErrorKind::Unsupported, why)))
    }

    /// Removes a record. It may be gone already.
    ///
    /// # Errors
    /// If it is there and cannot be removed.
    pub(crate) fn remove(&self, name: &str) -> Result<(), ValueStoreError> {
        let path = self.path(name);
        self.store.storage().remove(&path).map_err(|error| self.store.error("remove", &path, error))
    }

    /// Removes all records of this folder. Their bytes stay until unused ones are removed.
    ///
    /// # Errors
    /// If the folder cannot be read or a record cannot be removed.
    pub(crate) fn remove_all(&self) -> Result<(), ValueStoreError> {
        let storage = self.store.storage();
        let failed = |error| self.store.error("remove the records", &self.folder, error);
        for file in storage.list(&self.folder).map_err(failed)? {
            storage.remove(&file.name).map_err(failed)?;
        }
        if self.folder != CACHE {
            storage.remove_folder(&self.folder);
        }
        Ok(())
    }

    /// Reads a record, with the time of its last use. One that is damaged counts as missing, with a warning.
    fn read(&self, path: &str, name: Option<&str>) -> Option<(Record, u64)> {
        match look_up(&self.store, path, name) {
            Ok(Found::Record { record, used_unix_ms }) => Some((*record, used_unix_ms)),
            Ok(Found::OtherFormat(_) | Found::Nothing) => None,
            Err(flaw) => {
                self.store.report(&flaw, path);
                None
            }
        }
    }

    /// Returns the path of a record in the store.
    fn path(&self, name: &str) -> String {
        match self.folder.as_str() {
            CACHE => cache_path(name),
            folder => format!("{folder}/{}", file_name(name)),
        }
    }
}

/// Returns the path of a cached value's record.
pub(super) fn cache_path(key: &str) -> String {
    format!("{CACHE}/{}/{key}", key.get(..2).unwrap_or("-"))
}

/// Reads the record at a path.
///
/// # Errors
/// If what is there cannot be read, or is not the record of this name.
pub(super) fn look_up(store: &ValueStore, path: &str, name: Option<&str>) -> Result<Found, Flaw> {
    let Some((bytes, used_unix_ms)) = store.read(path, record::MOST_BYTES)? else {
        return Ok(Found::Nothing);
    };
    let why = match Record::read(&bytes) {
        Reading::Record(record) if belongs_to(&record, path, name) => {
            return Ok(Found::Record { record, used_unix_ms });
        }
        Reading::Record(_) => "it is the record of another value".to_owned(),
        Reading::OtherFormat(contents) => return Ok(Found::OtherFormat(contents)),
        Reading::Damaged(why) => why,
    };
    Err(Flaw::Foreign { name: path.to_owned(), why })
}

/// Reports whether a record is the one that a path names.
fn belongs_to(record: &Record, path: &str, name: Option<&str>) -> bool {
    let (_, file) = path.rsplit_once('/').unwrap_or(("", path));
    if path.starts_with(CACHE) {
        return record.key.to_string() == file;
    }
    name.is_none_or(|name| name == record.step) && file_name(&record.step) == file
}
