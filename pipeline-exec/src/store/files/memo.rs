//! Hashes of earlier runs, so that a file that has not changed is not read again.
//!
//! Each value of a parameter has a file in the folder `memo` of the store, with the stamps and contents of its files. A lost
//! memo costs time only. A damaged one is ignored: its first line is the hash of the rest. A file that changed less than
//! two seconds before it was hashed is left out, because its stamp may be that of a later content too.

use std::collections::HashMap;
use std::path::Path;

use super::hash::{Hashed, Stamp};
use crate::store::framed::{framed, unframed};
use crate::store::value_store::MEMO;
use crate::store::{Content, Durability, Key, ValueStore};

/// Larger memos are not read: that of a million files has less.
const MOST_BYTES: u64 = 1 << 28;

/// Remembers the hashes of files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memo {
    /// The store that has it; `None` remembers nothing.
    store: Option<ValueStore>,
}

/// Returns the name of the memo of a path or pattern.
pub(super) fn name(kind: u8, text: &Path) -> Key {
    let path = std::path::absolute(text).unwrap_or_else(|_| text.to_owned());
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[kind]).update(path.as_os_str().as_encoded_bytes());
    hasher.finalize().into()
}

impl ValueStore {
    /// Returns the memo of the store's folder. A store elsewhere has none: stamps are of the files of one machine.
    pub(crate) fn memo(&self) -> Memo {
        Memo { store: self.storage().local().map(|_| self.clone()) }
    }
}

impl Memo {
    /// Returns the files known under this name; none if the memo is lost or damaged.
    pub(super) fn read(&self, name: &Key) -> HashMap<Stamp, Hashed> {
        let read = |store: &ValueStore| store.read(&path(name), MOST_BYTES).ok().flatten();
        let entries = self
            .store
            .as_ref()
            .and_then(read)
            .and_then(|(text, _)| serde_json::from_slice::<Vec<_>>(unframed(&text)?).ok())
            .unwrap_or_default();
        let hashed = |(stamp, content)| (stamp, Hashed { stamp, content, is_settled: true });
        entries.into_iter().map(hashed).collect()
    }

    /// Replaces what is known under this name. A failure is ignored.
    pub(super) fn write<'a>(&self, name: &Key, files: impl Iterator<Item = &'a Hashed>) {
        let Some(store) = &self.store else { return };
        let entries: Vec<(Stamp, Content)> =
            files.filter(|file| file.is_settled).map(|file| (file.stamp, file.content)).collect();
        if entries.is_empty() {
            return;
        }
        _ = store.storage().put(&path(name), &framed(&entries), Durability::Process);
    }
}

/// Returns the path of a memo in the store.
fn path(name: &Key) -> String {
    format!("{MEMO}/{name}")
}
