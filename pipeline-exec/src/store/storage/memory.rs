//! Files in memory, for tests.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use super::{Flaw, Listed, Opened, Storage, is_safe};
use crate::store::{Durability, unpoisoned};

/// Files in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Memory {
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Storage for Memory {
    fn open(&self, name: &str) -> Result<Option<Opened<'_>>, Flaw> {
        assert!(is_safe(name), "{name}");
        Ok(unpoisoned(self.files.lock()).get(name).cloned().map(|bytes| Opened {
            length: bytes.len() as u64,
            bytes: Box::new(io::Cursor::new(bytes)),
            used_unix_ms: 0,
        }))
    }

    fn length(&self, name: &str) -> Result<Option<u64>, Flaw> {
        Ok(unpoisoned(self.files.lock()).get(name).map(|bytes| bytes.len() as u64))
    }

    fn put(&self, name: &str, bytes: &[u8], _: Durability) -> io::Result<()> {
        assert!(is_safe(name), "{name}");
        unpoisoned(self.files.lock()).insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn put_new(&self, name: &str, bytes: &[u8], durability: Durability) -> io::Result<bool> {
        let is_new = self.length(name).is_ok_and(|length| length.is_none());
        if is_new { self.put(name, bytes, durability).map(|()| true) } else { Ok(false) }
    }

    fn sync(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn touch(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Listed>> {
        let files = unpoisoned(self.files.lock());
        let inside = files
            .iter()
            .filter(|(name, _)| name.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')));
        Ok(inside
            .map(|(name, bytes)| Listed { name: name.clone(), length: bytes.len() as u64, used_unix_ms: 0 })
            .collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        unpoisoned(self.files.lock()).remove(name);
        Ok(())
    }

    fn remove_folder(&self, _: &str) {}

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = unpoisoned(self.files.lock());
        let bytes = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), bytes);
        Ok(())
    }

    fn take_alone(&mut self) -> io::Result<bool> {
        Ok(true)
    }

    fn users(&self) -> Vec<u32> {
        Vec::new()
    }
}
