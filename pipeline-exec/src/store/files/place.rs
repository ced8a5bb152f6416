//! How a file gets to another path, whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::about;
use crate::timing::unique_id;

/// Makes a file at `to` of the bytes at `from`: shares them if the file system can (reflink), else links to them if
/// `may_link`, else copies them. Replaces a file or a link there, and makes the folders above.
pub(super) fn place(from: &Path, to: &Path, may_link: bool) -> io::Result<()> {
    let named = |error: io::Error| about(to, error.to_string(), error.kind());
    let part = part_of(to).map_err(named)?;
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(named)?;
    }
    let placed = make(from, &part, may_link).and_then(|()| fs::rename(&part, to));
    // It is still there after an error, and if both were links to the same bytes.
    let _ = fs::remove_file(&part);
    placed.map_err(named)
}

fn make(from: &Path, part: &Path, may_link: bool) -> io::Result<()> {
    let create = || OpenOptions::new().write(true).create_new(true).open(part);
    let mut source = File::open(from)?;
    let file = create()?;
    if clone_bytes(&source, &file) {
        return Ok(());
    }
    if may_link {
        fs::remove_file(part)?;
        if fs::hard_link(from, part).is_ok() {
            return Ok(());
        }
        return io::copy(&mut source, &mut create()?).map(drop);
    }
    io::copy(&mut source, &mut { file }).map(drop)
}

/// Makes a new file share the bytes of another until one of them is written. Returns `false` if the file system cannot.
pub(super) fn clone_bytes(from: &File, to: &File) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::fs::ioctl_ficlone(to, from).is_ok();
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (from, to);
        false
    }
}

/// Returns the name of the incomplete file beside a file.
fn part_of(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut part = std::ffi::OsString::from(".");
    part.push(name);
    part.push(format!(".{}.part", unique_id()));
    Ok(path.with_file_name(part))
}
