//! The folders and files of a runs directory: permissions, writing files whole, and reading no more than they may have.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::StoreError;
pub(super) use crate::files::{IS_LINK, gone, is_folder};
use crate::files::{folder_for_the_owner, for_the_owner, open};
use crate::timing::unique_id;

pub(super) const REPORT: &str = "report.json";
/// The page of a run, for a browser.
pub(crate) const PAGE: &str = "page.html";
pub(super) const TRACE: &str = "trace.json";
pub(super) const JOURNAL: &str = "events.jsonl";
pub(super) const LOCK: &str = "run.lock";
/// Locked by the one process that checks the database or removes what killed processes left. Each process that begins a
/// run shares the lock until the run has a lock of its own.
pub(super) const STORE_LOCK: &str = "history.lock";

/// Suffix of a file that is not complete yet.
const PART: &str = ".part";
/// Start of the name of a file that [`probe`] writes.
const PROBE: &str = ".probe-";

/// Maximum size of a file that is read: the report of a few million steps.
const MOST_BYTES: u64 = 1 << 30;

/// Creates a folder and its parents, for the owner only.
pub(super) fn make_dir(path: &Path) -> Result<(), StoreError> {
    folder_for_the_owner()
        .recursive(true)
        .create(path)
        .map_err(|error| StoreError::io("make the folder", path, error))
}

/// Creates a new folder. Returns `false` if it exists.
pub(super) fn make_new_dir(path: &Path) -> Result<bool, StoreError> {
    match folder_for_the_owner().create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(StoreError::io("make the folder", path, error)),
    }
}

/// Creates a new empty file that only its owner may read.
///
/// # Errors
/// Also if there is a file or a link of this name.
pub(super) fn create(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    for_the_owner(&mut options);
    options.open(path).map_err(|error| StoreError::io("write", path, error))
}

/// Opens a file that is only locked, and creates it if there is none.
pub(super) fn lock_file(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    for_the_owner(&mut options);
    open(path, &mut options).map_err(|error| StoreError::io("lock", path, error))
}

/// Opens a file for reading.
pub(super) fn read(path: &Path) -> io::Result<File> {
    open(path, OpenOptions::new().read(true))
}

/// Opens a file for reading at most [`MOST_BYTES`].
///
/// # Errors
/// Also if it is larger.
pub(super) fn read_bounded(path: &Path) -> Result<BufReader<io::Take<File>>, StoreError> {
    let io = |error| StoreError::io("read", path, error);
    let file = read(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    if size > MOST_BYTES {
        let why = format!("it has {size} bytes, and at most {MOST_BYTES} are read");
        return Err(StoreError::Damaged { path: path.to_owned(), why });
    }
    Ok(BufReader::with_capacity(1 << 16, file.take(MOST_BYTES)))
}

/// Reads a file of at most [`MOST_BYTES`].
#[cfg(feature = "cli")]
pub(super) fn read_whole(path: &Path) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    read_bounded(path)?.read_to_end(&mut bytes).map_err(|error| StoreError::io("read", path, error))?;
    Ok(bytes)
}

/// Reads a line into `line`, without its line feed. Of a line that is longer than `most`, only so much is kept.
/// Returns `false` at the end of the file.
pub(super) fn read_line(from: &mut impl BufRead, line: &mut Vec<u8>, most: usize) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let part = match from.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            part => part?,
        };
        if part.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = part.iter().position(|&byte| byte == b'\n');
        let length = end.unwrap_or(part.len());
        line.extend_from_slice(&part[..length.min(most.saturating_sub(line.len()))]);
        from.consume(length + usize::from(end.is_some()));
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// Writes a few bytes to a new file. If it exists, it stays: of several processes, one wins.
pub(super) fn write_new(path: &Path, text: &[u8]) -> Result<(), StoreError> {
    match create(path) {
        Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created?.write_all(text).map_err(|error| StoreError::io("write", path, error)),
    }
}

/// Writes a file so that it exists whole or not at all, for every reader and whenever the process is killed.
///
/// `durable` files are on the disk before they get their name: they also survive a power failure.
pub(super) fn replace(
    path: &Path,
    durable: bool,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), StoreError> {
    replace_by(path, for_the_owner, durable, fill).map_err(|error| StoreError::io("write", path, error))
}

/// Writes a file that a user named, so that it exists whole or not at all. A link is followed. A pipe or a device is
/// written as it is.
#[cfg(feature = "cli")]
pub(crate) fn write_whole(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        let mut out = BufWriter::new(OpenOptions::new().write(true).open(path)?);
        return fill(&mut out).and_then(|()| out.flush());
    }
    let target = target_of(path);
    let earlier = fs::metadata(&target).map(|found| found.permissions()).ok();
    // Before anything is written: who may not read the earlier file never reads a part of the new one.
    let at_first: fn(&mut OpenOptions) = if earlier.is_some() { for_the_owner } else { |_| {} };
    replace_by(&target, at_first, false, |out| {
        earlier.map_or(Ok(()), |same| out.get_ref().set_permissions(same))?;
        fill(out)
    })
}

/// Checks whether [`write_whole`] can write a file there. Changes nothing.
#[cfg(feature = "cli")]
pub(crate) fn check_writable(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() || found.is_dir() => drop(OpenOptions::new().write(true).open(path)?),
        // The reader of a pipe would take the end of this check for the end of the file.
        Ok(_) => return Ok(()),
        Err(_) => {}
    }
    let part = part_of(&target_of(path));
    OpenOptions::new().write(true).create_new(true).open(&part)?;
    fs::remove_file(&part)
}

/// Returns what a path leads to through links, whether it exists or not.
#[cfg(feature = "cli")]
fn target_of(path: &Path) -> PathBuf {
    /// Maximum number of links, as on Linux.
    const MOST_LINKS: usize = 40;
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(next) = fs::read_link(&target) else { break };
        target.pop();
        target.push(next);
    }
    target
}

fn replace_by(
    path: &Path,
    permissions: fn(&mut OpenOptions),
    durable: bool,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let part = part_of(path);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    permissions(&mut options);
    let mut out = BufWriter::with_capacity(1 << 16, options.open(&part)?);
    let filled = fill(&mut out).and_then(|()| out.flush());
    filled
        .and_then(|()| if durable { out.get_ref().sync_data() } else { Ok(()) })
        .and_then(|()| fs::rename(&part, path))
        .inspect_err(|_| {
            // Removes the incomplete file. A failure to do so is not reported.
            let _ = fs::remove_file(&part);
        })
}

/// Returns the name of the incomplete file beside a file; no two writers share one.
fn part_of(path: &Path) -> PathBuf {
    let unique = format!(".{}{PART}", unique_id());
    PathBuf::from([path.as_os_str(), unique.as_ref()].join("".as_ref()))
}

/// Checks by trying whether there is space in a folder, and permission to write.
pub(super) fn probe(dir: &Path) -> Result<(), StoreError> {
    const ROOM: usize = 64 * 1024;
    let path = dir.join(format!("{PROBE}{}", unique_id()));
    let mut file = create(&path)?;
    // Without a name from here on: a kill leaves nothing.
    gone(fs::remove_file(&path)).map_err(|error| StoreError::io("remove", &path, error))?;
    file.write_all(&vec![b' '; ROOM]).map_err(|error| StoreError::io("write", &path, error))
}

/// Returns the names of the folders in a folder, sorted. Files and links are left out.
pub(super) fn folders(dir: &Path) -> Result<Vec<String>, StoreError> {
    names(dir, fs::FileType::is_dir)
}

/// Returns the names of the incomplete files in a folder: of probes, and of files that are written whole.
pub(super) fn incomplete(dir: &Path) -> Result<Vec<String>, StoreError> {
    let mut names = names(dir, fs::FileType::is_file)?;
    names.retain(|name| name.starts_with(PROBE) || name.ends_with(PART));
    Ok(names)
}

fn names(dir: &Path, wanted: fn(&fs::FileType) -> bool) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| StoreError::io("read", dir, error))?,
    };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|ty| wanted(&ty)))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    Ok(names)
}
