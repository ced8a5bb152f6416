//! The content of a file, and whether it is still the same.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::{about, listing};
use crate::store::key::Content;

/// Bytes read at once.
const BUFFER: u64 = 1 << 20;

/// Number of times that a file is read before it is refused because it changes meanwhile.
const MOST_READS: usize = 3;

/// A file that changed so shortly before it was hashed may change again without another time of its last change: file
/// systems count in steps, some of two seconds.
const RACY: Duration = Duration::from_secs(2);

/// What tells a file from its earlier and later states, without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    /// Time of the last change of the bytes, in seconds and nanoseconds.
    modified: (i64, i64),
    /// Time of the last change of the bytes, name or permissions, which no program can set.
    changed: (i64, i64),
}

/// A file as it was hashed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hashed {
    pub(super) stamp: Stamp,
    pub(super) content: Content,
    /// Whether each later change gives another stamp.
    pub(super) is_settled: bool,
}

impl Stamp {
    #[cfg(unix)]
    fn of(found: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Stamp {
            device: found.dev(),
            inode: found.ino(),
            length: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }

    #[cfg(not(unix))]
    fn of(found: &Metadata) -> Self {
        let since = |at: io::Result<SystemTime>| {
            let since =
                at.ok().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok()).unwrap_or_default();
            (since.as_secs().cast_signed(), i64::from(since.subsec_nanos()))
        };
        let (modified, created) = (since(found.modified()), since(found.created()));
        Stamp { device: 0, inode: 0, length: found.len(), modified, changed: created }
    }

    /// Returns the stamp of what there is now.
    pub(super) fn of_path(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|found| Stamp::of(&found))
    }

    /// Reports whether the last change was long enough before `now`. A change in the future never is.
    fn is_before(&self, now: SystemTime) -> bool {
        let now = now.checked_sub(RACY).and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        let now = now.unwrap_or_default();
        let now = (now.as_secs().cast_signed(), i64::from(now.subsec_nanos()));
        self.modified < now && self.changed < now
    }
}

impl Hashed {
    /// Reports whether the file is still as it was hashed. Reads it again only if its stamp cannot show that.
    pub(super) fn is_still(&mut self, path: &Path) -> bool {
        if self.is_settled && Stamp::of_path(path).is_ok_and(|stamp| stamp == self.stamp) {
            return true;
        }
        match hash(path) {
            Ok(now) if now.content == self.content => {
                *self = now;
                true
            }
            _ => false,
        }
    }
}

/// Hashes a file.
///
/// # Errors
/// Also if it is not a regular file, or changes each time that it is read.
pub(super) fn hash(path: &Path) -> io::Result<Hashed> {
    hash_at(path, SystemTime::now())
}

/// Hashes a file; `now` is a time before it is read.
pub(super) fn hash_at(path: &Path, now: SystemTime) -> io::Result<Hashed> {
    let io = |error: io::Error| about(path, error.to_string(), error.kind());
    let mut file = open(path)?;
    let found = file.metadata().map_err(io)?;
    let mut buffer = vec![0; found.len().saturating_add(1).min(BUFFER) as usize];
    let mut stamp = Stamp::of(&found);
    for _ in 0..MOST_READS {
        let content = read(&mut file, &mut buffer).map_err(io)?;
        let after = Stamp::of(&file.metadata().map_err(io)?);
        if after == stamp {
            return Ok(Hashed { stamp, content, is_settled: stamp.is_before(now) });
        }
        stamp = after;
        file.rewind().map_err(io)?;
    }
    Err(about(path, "it changes while it is read", io::ErrorKind::Other))
}

/// Opens a regular file for reading.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    // Without waiting for the other end of a pipe.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
    );
    listing::check_file(path)?;
    let io = |error: io::Error| about(path, error.to_string(), error.kind());
    let file = options.open(path).map_err(io)?;
    let is_file = file.metadata().map_err(io)?.is_file();
    if is_file { Ok(file) } else { Err(about(path, "it is not a regular file", io::ErrorKind::InvalidInput)) }
}

fn read(file: &mut File, buffer: &mut [u8]) -> io::Result<Content> {
    let mut hasher = blake3::Hasher::new();
    loop {
        match file.read(buffer) {
            Ok(0) => return Ok(hasher.finalize().into()),
            Ok(read) => _ = hasher.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
