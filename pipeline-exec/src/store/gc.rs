//! Removes what is not used: old values, bytes that no record refers to, damaged files.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use super::blobs::{named_by, path_of};
use super::records::Found;
use super::storage::{Flaw, Listed};
use super::trace::TRACES;
use super::value_store::{BLOBS, DAMAGED, DONE, MEMO, RUNS, Shared};
use super::{Compression, GcRules, Removed, ValueStore, ValueStoreError};
use crate::timing::unix_ms;

/// A record, and the files that its value needs.
struct Holder {
    path: String,
    length: u64,
    used_unix_ms: u64,
    blobs: Vec<String>,
}

/// The files with the bytes of values.
struct Blobs {
    /// By path: the length, and the number of records that need the file.
    files: HashMap<String, (u64, usize)>,
    /// Whether some record could not be read, so that any file may be needed.
    all_needed: bool,
}

impl ValueStore {
    /// Removes values by `rules`, bytes that no record refers to, and damaged files.
    ///
    /// Needs the store alone: while a run is under way, or another part of this process has the store open, nothing is
    /// removed. Processes that open the store meanwhile wait.
    ///
    /// # Errors
    /// [`ValueStoreError::InUse`] if the store is in use. Otherwise, if it cannot be listed, or a file cannot be removed.
    pub fn gc(mut self, rules: GcRules) -> Result<Removed, ValueStoreError> {
        let location = self.location().to_owned();
        let Some(Shared { storage, .. }) = Arc::get_mut(&mut self.shared) else {
            return Err(ValueStoreError::InUse { location, processes: vec![std::process::id()] });
        };
        if storage
            .take_alone()
            .map_err(|error| ValueStoreError::io("lock the file", "lock", &location, error))?
        {
            self.collect(rules)
        } else {
            Err(ValueStoreError::InUse { location, processes: storage.users() })
        }
    }

    fn collect(&self, rules: GcRules) -> Result<Removed, ValueStoreError> {
        let (holders, mut blobs) = self.holders()?;
        let mut removed = Removed::default();
        for holder in unwanted(holders, &mut blobs, rules) {
            self.remove_file(&holder.path)?;
            removed.values += 1;
            removed.bytes += holder.length;
            if let Some((run, _)) = holder.path.rsplit_once('/').filter(|(run, _)| run.starts_with(RUNS)) {
                self.storage().remove_folder(run);
            }
        }
        // After the records: a kill in between leaves bytes without a record, never a record without bytes.
        for (path, (length, needed)) in blobs.files {
            if needed == 0 && !blobs.all_needed {
                self.remove_file(&path)?;
                removed.blobs += 1;
                removed.bytes += length;
            }
        }
        for folder in [DAMAGED, DONE, MEMO, TRACES] {
            for file in self.listed(folder)? {
                if folder == DAMAGED || file.used_unix_ms < rules.oldest() {
                    self.remove_file(&file.name)?;
                    removed.bytes += file.length;
                }
            }
        }
        Ok(removed)
    }

    /// Returns the records, and the files that they need.
    fn holders(&self) -> Result<(Vec<Holder>, Blobs), ValueStoreError> {
        let files = self.listed(BLOBS)?.into_iter().filter(|file| named_by(&file.name).is_some());
        let files = files.map(|Listed { name, length, .. }| (name, (length, 0))).collect();
        let mut blobs = Blobs { files, all_needed: false };
        let mut holders = Vec::new();
        self.each_record(|path, length, found| match found {
            Ok(Found::Record { record, used_unix_ms }) => {
                let value = record.content.map(|content| path_of(content, record.compression));
                let files = record.files.iter().map(|&file| path_of(file, Compression::None));
                let needed: Vec<String> = value.into_iter().chain(files).collect();
                blobs.need(&needed);
                holders.push(Holder { path, length, used_unix_ms, blobs: needed });
            }
            Ok(Found::OtherFormat(Some(contents))) => {
                let forms = [Compression::None, Compression::Zstd];
                let path = |content| forms.map(|form| path_of(content, form));
                blobs.need(&contents.into_iter().flat_map(path).collect::<Vec<_>>());
            }
            Ok(Found::OtherFormat(None)) => blobs.all_needed = true,
            Ok(Found::Nothing) => {}
            Err(flaw) => {
                blobs.all_needed |= matches!(flaw, Flaw::Io(_));
                self.report(&flaw, &path);
            }
        })?;
        Ok((holders, blobs))
    }

    fn listed(&self, folder: &str) -> Result<Vec<Listed>, ValueStoreError> {
        self.storage().list(folder).map_err(|error| self.error("list", folder, error))
    }

    fn remove_file(&self, path: &str) -> Result<(), ValueStoreError> {
        self.storage().remove(path).map_err(|error| self.error("remove", path, error))
    }
}

/// Returns the records to remove, and marks what they needed as needed by one less.
fn unwanted(mut holders: Vec<Holder>, blobs: &mut Blobs, rules: GcRules) -> Vec<Holder> {
    let oldest = rules.oldest();
    let most = rules.max_bytes.unwrap_or(u64::MAX);
    let records: u64 = holders.iter().map(|holder| holder.length).sum();
    let needed = blobs.files.values().filter(|(_, needed)| *needed > 0).map(|(length, _)| length);
    let mut bytes = records + needed.sum::<u64>();
    holders.sort_by_key(|holder| holder.used_unix_ms);
    let mut removed = Vec::new();
    for holder in holders {
        if holder.used_unix_ms >= oldest && bytes <= most {
            break;
        }
        bytes -= holder.length + blobs.release(&holder.blobs);
        removed.push(holder);
    }
    removed
}

impl GcRules {
    /// Returns the time, in milliseconds since 1970, since when a file must have been used to be kept.
    fn oldest(self) -> u64 {
        self.older_than.map_or(0, |age| {
            let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
            unix_ms(SystemTime::now()).saturating_sub(age)
        })
    }
}

impl Blobs {
    fn need(&mut self, paths: &[String]) {
        for path in paths {
            if let Some((_, needed)) = self.files.get_mut(path) {
                *needed += 1;
            }
        }
    }

    /// Returns the length of the files that no record needs any more.
    fn release(&mut self, paths: &[String]) -> u64 {
        let mut unneeded = 0;
        for path in paths {
            if let Some((length, needed)) = self.files.get_mut(path) {
                *needed -= 1;
                unneeded += if *needed == 0 { *length } else { 0 };
            }
        }
        unneeded
    }
}
