//! Marks: the steps that have ended in a run, without their values.

use serde::{Deserialize, Serialize};

use super::framed::{framed, unframed};
use super::storage::Flaw;
use super::value_store::DONE;
use super::{HASH_IS_WRONG, Key, Records, ValueStoreError};

/// Larger files are not read: that of a million steps has less.
const MOST_BYTES: u64 = 1 << 28;

/// A step that has ended, and what its output was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) step: String,
    pub(crate) key: Key,
}

impl Records {
    /// Replaces the marks of the run.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(crate) fn set_marks(&self, marks: &[Mark]) -> Result<(), ValueStoreError> {
        let path = self.marks_file();
        let put = self.store().storage().put(&path, &framed(&marks), self.store().durability);
        put.map_err(|error| self.store().error("write", &path, error))
    }

    /// Returns the marks of the run. Without any, or if they are damaged, there are none.
    pub(crate) fn marks(&self) -> Vec<Mark> {
        let path = self.marks_file();
        let flaw = match self.store().read(&path, MOST_BYTES) {
            Ok(None) => return Vec::new(),
            Ok(Some((text, _))) => match unframed(&text).and_then(|json| serde_json::from_slice(json).ok()) {
                Some(marks) => return marks,
                None => Flaw::Foreign { name: path.clone(), why: HASH_IS_WRONG.to_owned() },
            },
            Err(flaw) => flaw,
        };
        self.store().report(&flaw, &path);
        Vec::new()
    }

    /// Removes the marks of the run.
    ///
    /// # Errors
    /// If they are there and cannot be removed.
    pub(crate) fn remove_marks(&self) -> Result<(), ValueStoreError> {
        let path = self.marks_file();
        self.store().storage().remove(&path).map_err(|error| self.store().error("remove", &path, error))
    }

    fn marks_file(&self) -> String {
        let run = self.folder().rsplit('/').next().unwrap_or_default();
        format!("{DONE}/{run}")
    }
}
