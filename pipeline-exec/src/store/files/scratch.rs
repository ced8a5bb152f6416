//! Files and folders that are being made, or that no store has.
//!
//! Those of a step that is called on a thread which looked it up in a store are in the folder `tmp/` of this store, so that
//! storing them moves no bytes. Others are in the temporary folder of the system: those of async steps that were polled on
//! another thread, and those of runs without a store. Each is removed when the last value that names it is dropped. What a
//! killed process leaves in a store is removed by the next process that has it alone.

use std::cell::RefCell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use super::{about, place};
use crate::files::{folder_for_the_owner, for_the_owner};
use crate::store::value_store::Shared;
use crate::store::{Content, ValueStore};
use crate::timing::unique_id;

thread_local! {
    /// The store in which this thread has looked up the step that it calls.
    static NEAR: RefCell<Weak<Shared>> = const { RefCell::new(Weak::new()) };
}

/// Bytes that are written at once.
const BUFFER: usize = 1 << 17;

/// Has new files of this thread made in the folder of a store, until [`far`].
pub(in crate::store) fn near(store: &ValueStore) {
    NEAR.set(Arc::downgrade(&store.shared));
}

/// Has new files of this thread made in the temporary folder of the system.
pub(in crate::store) fn far() {
    NEAR.take();
}

/// A file that is removed when dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) path: PathBuf,
    /// Keeps the folder from being swept.
    pub(super) store: Option<Arc<Shared>>,
}

/// A scratch file, and what its bytes are.
pub(super) struct Made {
    pub(super) scratch: Scratch,
    pub(super) content: Content,
    pub(super) bytes: u64,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed stays until the store is swept, or the system removes temporary files.
        let _ = fs::remove_file(&self.path);
    }
}

/// A folder that is removed when dropped.
#[derive(Debug)]
pub(super) struct ScratchFolder {
    pub(super) path: PathBuf,
    /// Keeps it from being swept.
    store: Option<Arc<Shared>>,
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        // As for a file.
        let _ = fs::remove_dir_all(&self.path);
    }
}

impl ScratchFolder {
    /// Makes a folder where this thread makes new files.
    pub(super) fn new() -> io::Result<Self> {
        ScratchFolder::beside(NEAR.with_borrow(Weak::upgrade))
    }

    /// Makes a folder on the file system of a store.
    pub(super) fn beside(store: Option<Arc<Shared>>) -> io::Result<Self> {
        let path = new_path(store.as_deref())?;
        folder_for_the_owner()
            .create(&path)
            .map_err(|error| about(&path, error.to_string(), error.kind()))?;
        Ok(ScratchFolder { path, store })
    }

    /// Takes a file out of the folder, without a copy.
    pub(super) fn take(&self, file: &Path) -> io::Result<Made> {
        let scratch = Scratch { path: new_path(self.store.as_deref())?, store: self.store.clone() };
        fs::rename(file, &scratch.path)?;
        let opened = super::hash::open(&scratch.path)?;
        read_only(&opened)?;
        Made::of(scratch, &opened)
    }
}

/// Returns a path for something new that a store takes without a copy.
fn new_path(store: Option<&Shared>) -> io::Result<PathBuf> {
    match store.and_then(|store| store.storage.local()) {
        Some(local) => local.stage(),
        None => Ok(std::env::temp_dir().join(format!("pipeline-{}", unique_id()))),
    }
}

impl Made {
    fn of(scratch: Scratch, file: &File) -> io::Result<Self> {
        let content = super::hash::hash(&scratch.path)?.content;
        Ok(Made { scratch, content, bytes: file.metadata()?.len() })
    }
}

impl Scratch {
    fn new() -> io::Result<(Self, File)> {
        let store = NEAR.with_borrow(Weak::upgrade);
        let path = new_path(store.as_deref())?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        for_the_owner(&mut options);
        let file = options.open(&path)?;
        Ok((Scratch { path, store }, file))
    }

    /// Makes a file of what `write` writes.
    pub(super) fn written(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<Made> {
        let (scratch, file) = Scratch::new()?;
        let mut out =
            BufWriter::with_capacity(BUFFER, Hashing { file, hasher: blake3::Hasher::new(), bytes: 0 });
        write(&mut out)?;
        let Hashing { file, hasher, bytes } = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        read_only(&file)?;
        Ok(Made { scratch, content: hasher.finalize().into(), bytes })
    }

    /// Makes a file of the bytes of another. Shares them with it if the file system can do so without a link.
    pub(super) fn copied(from: &Path) -> io::Result<Made> {
        let mut source = super::hash::open(from)?;
        {
            let (scratch, file) = Scratch::new()?;
            if place::clone_bytes(&source, &file) {
                read_only(&file)?;
                return Made::of(scratch, &file);
            }
        }
        Scratch::written(|out| io::copy(&mut source, out).map(drop))
    }
}

/// Keeps others from changing the bytes through a link to them.
fn read_only(file: &File) -> io::Result<()> {
    let mut permissions = file.metadata()?.permissions();
    #[cfg(unix)]
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o444);
    #[cfg(not(unix))]
    permissions.set_readonly(true);
    file.set_permissions(permissions)
}

/// Hashes what is written to a file.
struct Hashing {
    file: File,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
