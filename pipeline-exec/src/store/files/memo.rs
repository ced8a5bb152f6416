//! Hashes of earlier runs, so that a file that has not changed is not read again.
//!
//! Each value of a parameter has a file in the folder `memo` of the store, with the stamps and contents of its files. A lost
//! memo costs time only. A damaged one is ignored: its first line is the hash of the rest. A file that changed less than
//! two seconds before it was hashed is left out, because its stamp may be that of a later content too.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::hash::{Hashed, Stamp};
use crate::store::key::{Content, Key};
use crate::timing::unique_id;

/// Larger memos are not read: that of a million files has less.
const MOST_BYTES: u64 = 1 << 28;

/// Remembers the hashes of files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memo {
    /// The folder of the store; `None` remembers nothing.
    store: Option<PathBuf>,
}

/// Returns the name of the memo of a path or pattern.
pub(super) fn name(kind: u8, text: &Path) -> Key {
    let path = std::path::absolute(text).unwrap_or_else(|_| text.to_owned());
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[kind]).update(path.as_os_str().as_encoded_bytes());
    hasher.finalize().into()
}

impl Memo {
    /// Remembers in the folder of a store.
    pub(crate) fn in_store(folder: impl Into<PathBuf>) -> Self {
        Memo { store: Some(folder.into()) }
    }

    /// Returns the files known under this name; none if the memo is lost or damaged.
    pub(super) fn read(&self, name: &Key) -> HashMap<Stamp, Hashed> {
        let text = self.store.as_deref().and_then(|store| read(&path(store, name)).ok());
        let entries = text.as_deref().and_then(checked).unwrap_or_default();
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
        if let Ok(json) = serde_json::to_vec(&entries) {
            let text = [Content::of(&json).to_string().as_bytes(), b"\n", &json].concat();
            _ = replace(store, &path(store, name), &text);
        }
    }
}

fn path(store: &Path, name: &Key) -> PathBuf {
    store.join("memo").join(name.to_string())
}

/// Returns the entries of a whole memo.
fn checked(text: &[u8]) -> Option<Vec<(Stamp, Content)>> {
    let (hash, json) = text.split_at_checked(65)?;
    let hash = Content::parse(std::str::from_utf8(hash).ok()?.strip_suffix('\n')?)?;
    if hash == Content::of(json) { serde_json::from_slice(json).ok() } else { None }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    let found = file.metadata()?;
    if !found.is_file() || found.len() > MOST_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut text = Vec::with_capacity(found.len() as usize);
    file.take(MOST_BYTES).read_to_end(&mut text)?;
    Ok(text)
}

/// Writes a file so that it exists whole or not at all.
fn replace(store: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    let part = store.join("tmp").join(unique_id().to_string());
    for folder in [part.parent(), path.parent()].into_iter().flatten() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&part).and_then(|mut file| file.write_all(text));
    written.and_then(|()| fs::rename(&part, path)).inspect_err(|_| _ = fs::remove_file(&part))
}
