//! Files that steps read, as run parameters whose content counts, and files as outputs.
//!
//! A parameter type notes its [`Files`] while it is read as a run parameter, at any depth: in a list, in a field of a struct.
//! So the engine finds them without knowing the type. Content is hashed once per run and value. A [`Memo`] keeps the hashes
//! for later runs.
//!
//! A [`StoredFile`] notes itself while it is encoded, so that the store keeps its bytes beside the value. A [`StoredDir`] is a
//! list of them.

mod hash;
mod inputs;
mod keep;
mod listing;
mod memo;
mod param;
mod place;
mod scratch;
mod stored;
mod stored_dir;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

pub use self::inputs::{InputDir, InputFile, InputGlob};
pub(crate) use self::keep::{ValueFiles, encoded};
pub(crate) use self::memo::Memo;
#[cfg(feature = "cli")]
pub(crate) use self::param::is_plain_path;
pub(crate) use self::param::{ParamFiles, unreadable};
pub(super) use self::scratch::{far, near};
pub use self::stored::StoredFile;
pub(crate) use self::stored::reading_from;
pub use self::stored_dir::StoredDir;

use self::hash::{Hashed, Stamp, hash};
use self::listing::Listed;
use super::{Content, unpoisoned};

/// The files that one value names.
#[derive(Debug)]
pub(crate) struct Files {
    kind: Kind,
    /// The path or pattern, as given.
    text: PathBuf,
    /// What was hashed. It stays the same for the run, except that files are found to be unchanged.
    seen: Mutex<Option<Vec<Seen>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    Pattern,
}

/// A file as it was hashed.
#[derive(Debug)]
struct Seen {
    file: Listed,
    hashed: Hashed,
}

impl Files {
    fn new(kind: Kind, text: PathBuf) -> Self {
        Files { kind, text, seen: Mutex::default() }
    }

    /// Checks whether there is something to read. Reads no file.
    fn check(&self) -> io::Result<()> {
        match self.kind {
            Kind::File => listing::check_file(&self.text),
            Kind::Folder => listing::check_folder(&self.text),
            Kind::Pattern => listing::check_pattern(&self.text),
        }
    }

    /// Returns the files that there are now, sorted by name.
    fn list(&self) -> io::Result<Vec<Listed>> {
        match self.kind {
            Kind::File => listing::check_file(&self.text)
                .map(|()| vec![Listed { name: PathBuf::new(), path: self.text.clone() }]),
            Kind::Folder => listing::in_folder(&self.text),
            Kind::Pattern => listing::by_pattern(&self.text),
        }
    }

    /// Returns the content, which is hashed in the first call: of a file, its bytes; of a folder or a pattern, the names
    /// and contents of its files.
    fn content(&self, memo: &Memo) -> io::Result<Content> {
        let mut seen = unpoisoned(self.seen.lock());
        if seen.is_none() {
            let files = self.list()?;
            let name = memo::name(self.kind as u8, &self.text);
            let known = memo.read(&name);
            let mut has_new = false;
            let look = |file: Listed| {
                let known = Stamp::of_path(&file.path).ok().and_then(|stamp| known.get(&stamp).copied());
                has_new |= known.is_none();
                let hashed = known.map_or_else(|| hash(&file.path), Ok)?;
                Ok(Seen { file, hashed })
            };
            let all = files.into_iter().map(look).collect::<io::Result<Vec<Seen>>>()?;
            if has_new {
                memo.write(&name, all.iter().map(|seen| &seen.hashed));
            }
            *seen = Some(all);
        }
        let seen = seen.as_deref().unwrap_or_default();
        Ok(match (self.kind, seen) {
            (Kind::File, [file]) => file.hashed.content,
            _ => of_list(seen),
        })
    }

    /// Returns the path of a file that has changed since it was hashed, came or went; `None` if all are the same, or if
    /// nothing was hashed.
    fn changed(&self) -> Option<PathBuf> {
        let mut seen = unpoisoned(self.seen.lock());
        let seen = seen.as_mut()?;
        let Ok(files) = self.list() else { return Some(self.text.clone()) };
        let mut left = files.iter().peekable();
        for seen in &mut *seen {
            // Both are sorted by name.
            match left.next_if(|file| file.name <= seen.file.name) {
                Some(file) if file.name == seen.file.name => {}
                Some(new) => return Some(new.path.clone()),
                None => return Some(seen.file.path.clone()),
            }
            if !seen.hashed.is_still(&seen.file.path) {
                return Some(seen.file.path.clone());
            }
        }
        left.next().map(|new| new.path.clone())
    }
}

/// Returns the content of a file.
pub(super) fn content_of_file(path: &Path, memo: &Memo) -> io::Result<Content> {
    Files::new(Kind::File, path.to_owned()).content(memo)
}

/// Returns the content of a list of files: their names and contents, in order.
fn of_list(seen: &[Seen]) -> Content {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"pipeline files 1\n");
    for Seen { file, hashed } in seen {
        let name = file.name.as_os_str().as_encoded_bytes();
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name).update(hashed.content.bytes());
    }
    hasher.finalize().into()
}

/// Names the file in an error about it.
fn about(
    path: &Path,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    kind: io::ErrorKind,
) -> io::Error {
    io::Error::new(kind, format!("{}: {}", path.display(), error.into()))
}
