//! The records in one folder of a store, and how a value is stored and found.

use std::time::{Duration, SystemTime};

use super::record::{self, FORMAT, Reading};
use super::storage::Flaw;
use super::value_store::CACHE;
use super::{Record, ValueStore, ValueStoreError};
use crate::files::file_name;
use crate::timing::unix_ms;

/// A record that was used less than this long ago is not touched again.
const TOUCH_AFTER: Duration = Duration::from_secs(60 * 60);

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
    Record(Box<Record>),
    /// A record of another version of the framework.
    OtherFormat(Option<Vec<super::Content>>),
    /// No record, or none that can be read.
    Nothing {
        unreadable: bool,
    },
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
        match look_up(&self.store, &path, Some(name), true) {
            Found::Record(record) => Some(*record),
            Found::OtherFormat(_) | Found::Nothing { .. } => None,
        }
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
        let put = self.store.storage().put(&path, &record.to_bytes(), self.store.durability);
        put.map(|()| record).map_err(|error| self.store.error("write the record", &path, error))
    }

    /// Stores a record without a value, or with one whose bytes are stored. Returns the record under this name.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn commit_mark(&self, name: &str, mut record: Record) -> Result<Record, ValueStoreError> {
        record.format = FORMAT;
        let path = self.path(name);
        let bytes = record.to_bytes();
        let durability = self.store.durability;
        let failed = |error| self.store.error("write the record", &path, error);
        if self.store.storage().put_new(&path, &bytes, durability).map_err(failed)? {
            return Ok(record);
        }
        if let Found::Record(winner) = look_up(&self.store, &path, Some(name), false)
            && winner.key == record.key
            && (winner.content.is_none() || self.store.holds(&winner))
        {
            return Ok(*winner);
        }
        // What has the name is of no use: its value is gone, or it is of another version, or of another program.
        self.store.storage().put(&path, &bytes, durability).map_err(failed)?;
        Ok(record)
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

    /// Returns all records of this folder that can be read.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub(crate) fn list(&self) -> Result<Vec<Record>, ValueStoreError> {
        let files = self.store.storage().list(&self.folder);
        let files = files.map_err(|error| self.store.error("list", &self.folder, error))?;
        let records = files.into_iter().map(|file| look_up(&self.store, &file.name, None, false));
        Ok(records
            .filter_map(|found| match found {
                Found::Record(record) => Some(*record),
                _ => None,
            })
            .collect())
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

/// Reads the record at a path. Warns if what is there is not the record of this name.
pub(super) fn look_up(store: &ValueStore, path: &str, name: Option<&str>, is_use: bool) -> Found {
    let reading = match store.read(path, record::MOST_BYTES) {
        Ok(None) => return Found::Nothing { unreadable: false },
        Ok(Some((bytes, used_unix_ms))) => (Record::read(&bytes), used_unix_ms),
        Err(flaw) => {
            store.report(&flaw, path);
            return Found::Nothing { unreadable: matches!(flaw, Flaw::Io(_)) };
        }
    };
    let why = match reading {
        (Reading::OtherFormat(contents), _) => return Found::OtherFormat(contents),
        (Reading::Record(record), used_unix_ms) if belongs_to(&record, path, name) => {
            let now = unix_ms(SystemTime::now());
            if is_use && used_unix_ms.saturating_add(TOUCH_AFTER.as_millis() as u64) < now {
                // Only its age is wrong then.
                let _ = store.storage().touch(path);
            }
            return Found::Record(record);
        }
        (Reading::Record(_), _) => "it is the record of another value".to_owned(),
        (Reading::Damaged(why), _) => why,
    };
    store.report(&Flaw::Foreign { name: path.to_owned(), why }, path);
    Found::Nothing { unreadable: false }
}

/// Reports whether a record is the one that a path names.
fn belongs_to(record: &Record, path: &str, name: Option<&str>) -> bool {
    let (_, file) = path.rsplit_once('/').unwrap_or(("", path));
    if path.starts_with(CACHE) {
        return record.key.to_string() == file;
    }
    name.is_none_or(|name| name == record.step) && file_name(&record.step) == file
}
