//! What is in a store: lists, checks, and what a person removes.

use std::collections::{BTreeMap, HashSet};

use super::records::{Found, look_up};
use super::storage::Flaw;
use super::value_store::{BLOBS, CACHE, RUNS};
use super::{Record, ValueStore, ValueStoreError};

/// A value in a store.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StoredValue {
    /// What made it, and what its bytes are.
    pub record: Record,
    /// The run whose checkpoint it is; `None` for a cached value.
    pub run: Option<String>,
    /// When a run last used it, in milliseconds since 1970, to about an hour. A lookup within an hour of the last one is
    /// not noted.
    pub used_unix_ms: u64,
    /// Length of the record's file in bytes.
    pub record_bytes: u64,
    /// The path of the record's file in the store.
    pub(super) path: String,
}

/// The values of one step in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepSize {
    /// The identity of the step.
    pub step: String,
    /// Number of its values.
    pub values: usize,
    /// Length of their stored bytes and records. Bytes that several of them share are counted once.
    pub bytes: u64,
}

/// What a check of a store found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Number of the records that were read and are right, with values that are there.
    pub values: usize,
    /// Number of the files with the bytes of values that were read and are right.
    pub blobs: usize,
    /// Length of these files in bytes.
    pub bytes: u64,
    /// What was wrong, each in a sentence. Damaged files were moved to `damaged/`.
    pub problems: Vec<String>,
}

/// What was removed from a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Removed {
    /// Number of values.
    pub values: usize,
    /// Number of files with bytes.
    pub blobs: usize,
    /// Length of all removed files in bytes.
    pub bytes: u64,
}

/// Which values are removed from a store. By default, none: only bytes that no record refers to, and damaged files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcRules {
    /// Removes values that no run has used for longer.
    pub older_than: Option<std::time::Duration>,
    /// Removes the values that were used least recently, until the store has at most this length in bytes.
    pub max_bytes: Option<u64>,
}

impl ValueStore {
    /// Returns every value: cached ones by key, then checkpoints by run and step. Reads the records, not the values.
    ///
    /// A damaged record is left out, with a warning.
    ///
    /// # Errors
    /// If the store cannot be listed.
    pub fn values(&self) -> Result<Vec<StoredValue>, ValueStoreError> {
        let mut values = Vec::new();
        self.each_record(|path, length, found| match found {
            Ok(Found::Record { record, used_unix_ms }) => {
                let run = path.strip_prefix(RUNS).and_then(|rest| rest.split('/').nth(1)).map(str::to_owned);
                values.push(StoredValue { record: *record, run, used_unix_ms, record_bytes: length, path });
            }
            Ok(Found::OtherFormat(_) | Found::Nothing) => {}
            Err(flaw) => self.report(&flaw, &path),
        })?;
        Ok(values)
    }

    /// Removes the values that `wanted` returns `true` for: their records. Their bytes are removed with
    /// [those that no record refers to](ValueStore::gc). A run that has found a value can still load it.
    ///
    /// # Errors
    /// If the store cannot be listed, or a record cannot be removed.
    pub fn remove(
        &self,
        mut wanted: impl FnMut(&StoredValue) -> bool,
    ) -> Result<Vec<StoredValue>, ValueStoreError> {
        let mut values = self.values()?;
        values.retain(|value| wanted(value));
        for StoredValue { path, .. } in &values {
            self.storage().remove(path).map_err(|error| self.error("remove", path, error))?;
        }
        Ok(values)
    }

    /// Reads every record and every value, and moves what is damaged to `damaged/`. Runs may be under way.
    ///
    /// # Errors
    /// If the store cannot be listed.
    pub fn verify(&self) -> Result<Verified, ValueStoreError> {
        let mut verified = Verified::default();
        let blobs = self.storage().list(BLOBS).map_err(|error| self.error("list", BLOBS, error))?;
        for blob in blobs {
            match self.check_blob(&blob.name) {
                Ok(true) => {
                    verified.blobs += 1;
                    verified.bytes += blob.length;
                }
                Ok(false) => {}
                Err(flaw) => verified.problems.push(self.deal_with(&flaw, &blob.name)),
            }
        }
        self.each_record(|path, _, found| match found {
            Ok(Found::Record { record, .. }) if self.is_complete(&record) => verified.values += 1,
            Ok(Found::Record { .. }) => {
                let flaw = Flaw::Foreign { name: path.clone(), why: "its value is gone".to_owned() };
                verified.problems.push(self.deal_with(&flaw, &path));
            }
            Ok(Found::OtherFormat(_) | Found::Nothing) => {}
            Err(flaw) => verified.problems.push(self.deal_with(&flaw, &path)),
        })?;
        Ok(verified)
    }

    /// Reports whether the bytes that a record refers to are there.
    fn is_complete(&self, record: &Record) -> bool {
        let has_file = |&content: &_| {
            let path = super::blobs::path_of(content, super::Compression::None);
            matches!(self.storage().length(&path), Ok(Some(_)))
        };
        (record.content.is_none() || self.holds(record)) && record.files.iter().all(has_file)
    }

    /// Looks at each record: its path, the length of its file, and what is there.
    pub(super) fn each_record(
        &self,
        mut look: impl FnMut(String, u64, Result<Found, Flaw>),
    ) -> Result<(), ValueStoreError> {
        for folder in [CACHE, RUNS] {
            let files = self.storage().list(folder).map_err(|error| self.error("list", folder, error))?;
            for file in files {
                let found = look_up(self, &file.name, None);
                look(file.name, file.length, found);
            }
        }
        Ok(())
    }
}

impl StepSize {
    /// Returns the sizes by step, the largest first.
    pub fn of(values: &[StoredValue]) -> Vec<StepSize> {
        let mut counted = HashSet::new();
        let mut by_step = BTreeMap::<&str, (usize, u64)>::new();
        for value in values {
            let (number, bytes) = by_step.entry(&value.record.step).or_default();
            *number += 1;
            *bytes += value.record_bytes;
            if counted.insert((&value.record.step, value.record.content)) {
                *bytes += value.record.stored_bytes;
            }
        }
        let size = |(step, (values, bytes)): (&str, _)| StepSize { step: step.to_owned(), values, bytes };
        let mut sizes: Vec<StepSize> = by_step.into_iter().map(size).collect();
        sizes.sort_by_key(|size| std::cmp::Reverse(size.bytes));
        sizes
    }
}
