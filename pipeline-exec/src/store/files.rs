//! The folders and files of a runs directory: permissions, and writing them whole.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::StoreError;

pub(super) const REPORT: &str = "report.json";
/// The page of a run, for a browser.
pub(crate) const PAGE: &str = "page.html";
pub(super) const TRACE: &str = "trace.json";
pub(super) const JOURNAL: &str = "events.jsonl";
pub(super) const LOCK: &str = "run.lock";

/// Suffix of a file that is not complete yet.
const PART: &str = ".part";

/// Creates a folder and its parents, for the owner only.
pub(super) fn make_dir(path: &Path) -> Result<(), StoreError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| StoreError::io("make the folder", path, error))
}

/// Creates a new folder. Returns `false` if it exists.
pub(super) fn make_new_dir(path: &Path) -> Result<bool, StoreError> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(StoreError::io("make the folder", path, error)),
    }
}

/// Creates an empty file that only its owner may read.
pub(super) fn create(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| StoreError::io("write", path, error))
}

/// Writes a few bytes to a new file. If it exists, it stays: of several processes, one wins.
pub(super) fn write_new(path: &Path, text: &[u8]) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path).and_then(|mut file| file.write_all(text)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(StoreError::io("write", path, error))
        }
        _ => Ok(()),
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
    let part = PathBuf::from([path.as_os_str(), PART.as_ref()].join("".as_ref()));
    let mut out = BufWriter::new(create(&part)?);
    let filled = fill(&mut out).and_then(|()| out.flush());
    filled
        .and_then(|()| if durable { out.get_ref().sync_data() } else { Ok(()) })
        .and_then(|()| fs::rename(&part, path))
        .map_err(|error| {
            // Removes the incomplete file. A failure to do so is not reported.
            let _ = fs::remove_file(&part);
            StoreError::io("write", path, error)
        })
}

/// Checks by trying whether there is space in a folder, and permission to write.
pub(super) fn probe(dir: &Path) -> Result<(), StoreError> {
    const ROOM: usize = 64 * 1024;
    let path = dir.join(format!(".probe-{}-{}", std::process::id(), uuid::Uuid::now_v7()));
    let written = create(&path).and_then(|mut file| {
        file.write_all(&vec![b' '; ROOM]).map_err(|error| StoreError::io("write", &path, error))
    });
    let removed = fs::remove_file(&path).map_err(|error| StoreError::io("remove", &path, error));
    written.and(removed)
}

/// Returns the names of the folders in a folder, sorted. Files and links are left out.
pub(super) fn folders(dir: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| StoreError::io("read", dir, error))?,
    };
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|ty| ty.is_dir());
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(is_folder)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    Ok(names)
}
