//! A storage of which one operation fails, for tests.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::memory::Memory;
use super::{Flaw, Listed, Opened, Storage};
use crate::store::Durability;

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Fault {
    /// The disk is full.
    Full,
    /// The disk cannot be read or written.
    Disk,
    /// Only the first half is written, and no error is reported: a power failure, or a storage that lies.
    Torn,
    /// It succeeds, and an error is reported.
    AnswerLost,
}

pub(in crate::store) const FAULTS: [Fault; 4] = [Fault::Full, Fault::Disk, Fault::Torn, Fault::AnswerLost];

/// Files in memory. One operation on them fails.
#[derive(Debug)]
pub(in crate::store) struct Faulty {
    files: Memory,
    fault: Fault,
    /// Number of operations until the one that fails.
    left: AtomicUsize,
}

impl Faulty {
    /// Fails at the operation number `at`, counted from 0.
    pub(in crate::store) fn new(files: Memory, fault: Fault, at: usize) -> Self {
        Faulty { files, fault, left: AtomicUsize::new(at + 1) }
    }

    /// Returns the fault if it is due now.
    fn due(&self) -> Option<Fault> {
        let before = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        (before == Ok(1)).then_some(self.fault)
    }

    fn operate<T>(&self, operate: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.due() {
            None | Some(Fault::Torn) => operate(),
            Some(fault) => {
                if fault == Fault::AnswerLost {
                    operate()?;
                }
                Err(error_of(fault))
            }
        }
    }

    fn write<T>(&self, bytes: &[u8], write: impl FnOnce(&[u8]) -> io::Result<T>) -> io::Result<T> {
        match self.due() {
            None => write(bytes),
            Some(Fault::Torn) => write(&bytes[..bytes.len() / 2]),
            Some(fault) => {
                if fault == Fault::AnswerLost {
                    write(bytes)?;
                }
                Err(error_of(fault))
            }
        }
    }
}

fn error_of(fault: Fault) -> io::Error {
    match fault {
        Fault::Full => io::ErrorKind::StorageFull.into(),
        Fault::Disk => io::Error::from_raw_os_error(5),
        Fault::Torn | Fault::AnswerLost => io::ErrorKind::TimedOut.into(),
    }
}

impl Storage for Faulty {
    fn open(&self, name: &str) -> Result<Option<Opened<'_>>, Flaw> {
        self.operate(|| Ok(())).map_err(Flaw::Io).and_then(|()| self.files.open(name))
    }

    fn length(&self, name: &str) -> Result<Option<u64>, Flaw> {
        self.operate(|| Ok(())).map_err(Flaw::Io).and_then(|()| self.files.length(name))
    }

    fn put(&self, name: &str, bytes: &[u8], durability: Durability) -> io::Result<()> {
        self.write(bytes, |bytes| self.files.put(name, bytes, durability))
    }

    fn put_new(&self, name: &str, bytes: &[u8], durability: Durability) -> io::Result<bool> {
        self.write(bytes, |bytes| self.files.put_new(name, bytes, durability))
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        self.operate(|| self.files.sync(name))
    }

    fn touch(&self, name: &str) -> io::Result<()> {
        self.operate(|| self.files.touch(name))
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Listed>> {
        self.operate(|| self.files.list(folder))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.operate(|| self.files.remove(name))
    }

    fn remove_folder(&self, name: &str) {
        self.files.remove_folder(name);
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.operate(|| self.files.rename(from, to))
    }

    fn take_alone(&mut self) -> io::Result<bool> {
        self.files.take_alone()
    }

    fn users(&self) -> Vec<u32> {
        self.files.users()
    }
}
