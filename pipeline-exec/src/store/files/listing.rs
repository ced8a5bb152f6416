//! Which files a path or a pattern names.
//!
//! Links are followed: what they lead to counts, not they themselves. Other things than files and folders are refused,
//! because reading a pipe could wait for ever.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use glob::{MatchOptions, Pattern};

use super::about;

/// A file to read.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    /// The name relative to the folder; empty for a single file.
    pub(super) name: PathBuf,
    pub(super) path: PathBuf,
}

/// A folder to list.
struct Pending {
    name: PathBuf,
    path: PathBuf,
    /// The real paths of the folders on the way in which a link was followed.
    way: Rc<Vec<PathBuf>>,
}

/// As in a shell: `*` leaves out names that begin with a dot.
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// Checks that there is a file.
pub(super) fn check_file(path: &Path) -> io::Result<()> {
    let found = stat(path)?;
    match () {
        () if found.is_file() => Ok(()),
        () if found.is_dir() => Err(refused(path, "it is a folder, not a file; `InputDir` reads folders")),
        () => Err(refused(path, "it is not a regular file")),
    }
}

/// Checks that there is a folder.
pub(super) fn check_folder(path: &Path) -> io::Result<()> {
    if stat(path)?.is_dir() { Ok(()) } else { Err(refused(path, "it is not a folder")) }
}

/// Checks the syntax of a pattern.
pub(super) fn check_pattern(pattern: &Path) -> io::Result<()> {
    let text = pattern.to_str().ok_or_else(|| refused(pattern, "the pattern is not UTF-8"))?;
    match Pattern::new(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(refused(pattern, &format!("it is no pattern: {error}"))),
    }
}

/// Returns the files in a folder and in the folders within it, sorted by name.
pub(super) fn in_folder(root: &Path) -> io::Result<Vec<Listed>> {
    check_folder(root)?;
    let mut files = Vec::new();
    let mut pending = vec![Pending { name: PathBuf::new(), path: root.to_owned(), way: Rc::default() }];
    while let Some(folder) = pending.pop() {
        let io = |error: io::Error| about(&folder.path, error.to_string(), error.kind());
        for entry in fs::read_dir(&folder.path).map_err(io)? {
            let entry = entry.map_err(io)?;
            let (name, path) = (folder.name.join(entry.file_name()), entry.path());
            let mut way = Rc::clone(&folder.way);
            let mut ty = entry.file_type().map_err(io)?;
            if ty.is_symlink() {
                ty = stat(&path)?.file_type();
                if ty.is_dir() {
                    way = Rc::new(through_link(&folder, &path)?);
                }
            }
            match () {
                () if ty.is_file() => files.push(Listed { name, path }),
                () if ty.is_dir() => pending.push(Pending { name, path, way }),
                () => return Err(refused(&path, "it is neither a regular file nor a folder")),
            }
        }
    }
    files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// Returns the files that a pattern matches, sorted by name.
pub(super) fn by_pattern(pattern: &Path) -> io::Result<Vec<Listed>> {
    check_pattern(pattern)?;
    let text = pattern.to_str().unwrap_or_default();
    let found = glob::glob_with(text, OPTIONS).map_err(|error| refused(pattern, error.msg))?;
    let base = base(pattern);
    let mut files = Vec::new();
    for path in found {
        let path =
            path.map_err(|error| about(error.path(), error.error().to_string(), error.error().kind()))?;
        if stat(&path)?.is_dir() {
            continue;
        }
        check_file(&path)?;
        let name = path.strip_prefix(&base).unwrap_or(&path).to_owned();
        files.push(Listed { name, path });
    }
    files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// Returns the part of a pattern before its first component with a special character.
fn base(pattern: &Path) -> PathBuf {
    let is_plain = |part: &Component<'_>| {
        let part = part.as_os_str().to_str();
        part.is_some_and(|part| Pattern::escape(part) == part)
    };
    pattern.components().take_while(is_plain).collect()
}

/// Returns the way into a folder that a link leads to.
///
/// # Errors
/// If it leads to a folder on the way: reading would not end.
fn through_link(from: &Pending, link: &Path) -> io::Result<Vec<PathBuf>> {
    let real =
        |path: &Path| fs::canonicalize(path).map_err(|error| about(path, error.to_string(), error.kind()));
    let target = real(link)?;
    let mut way = from.way.to_vec();
    way.push(real(&from.path)?);
    if way.iter().any(|folder| folder.starts_with(&target)) {
        return Err(refused(link, "the link leads to a folder that it is in"));
    }
    way.push(target);
    Ok(way)
}

fn stat(path: &Path) -> io::Result<Metadata> {
    fs::metadata(path).map_err(|error| about(path, error.to_string(), error.kind()))
}

fn refused(path: &Path, why: &str) -> io::Error {
    about(path, why, io::ErrorKind::InvalidInput)
}
