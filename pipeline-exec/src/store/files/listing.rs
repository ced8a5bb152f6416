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
    way: Rc<[PathBuf]>,
}

/// A pattern, split after its last folder without special characters.
struct Split {
    base: PathBuf,
    rest: Pattern,
    /// The components of `rest`.
    parts: Vec<Pattern>,
    wants_hidden: bool,
}

const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

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
    if stat(or_here(path))?.is_dir() { Ok(()) } else { Err(refused(path, "it is not a folder")) }
}

/// Checks the syntax of a pattern.
pub(super) fn check_syntax(pattern: &Path) -> io::Result<()> {
    Split::new(pattern).map(drop)
}

/// Checks a pattern, and that there is the folder in which it begins.
pub(super) fn check_pattern(pattern: &Path) -> io::Result<()> {
    check_folder(&Split::new(pattern)?.base)
}

/// Returns the files in a folder and in the folders within it, sorted by name.
pub(super) fn in_folder(root: &Path) -> io::Result<Vec<Listed>> {
    walk(root, |_| true, |_| true)
}

/// Returns the files that a pattern matches, sorted by name.
pub(super) fn by_pattern(pattern: &Path) -> io::Result<Vec<Listed>> {
    let pattern = Split::new(pattern)?;
    walk(&pattern.base, |folder| pattern.enters(folder), |file| pattern.matches(file))
}

/// Returns the wanted files below a folder, sorted by name. Both functions get names relative to the folder.
fn walk(
    root: &Path,
    enters: impl Fn(&Path) -> bool,
    wants: impl Fn(&Path) -> bool,
) -> io::Result<Vec<Listed>> {
    check_folder(root)?;
    let mut files = Vec::new();
    let mut pending = vec![Pending { name: PathBuf::new(), path: root.to_owned(), way: Rc::default() }];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(or_here(&folder.path)).map_err(|error| io(&folder.path, &error))? {
            let entry = entry.map_err(|error| io(&folder.path, &error))?;
            let name = folder.name.join(entry.file_name());
            let path = root.join(&name);
            let (enters, wants) = (enters(&name), wants(&name));
            if !enters && !wants {
                continue;
            }
            let ty = entry.file_type().map_err(|error| io(&path, &error))?;
            let is_link = ty.is_symlink();
            let ty = match stat(&path) {
                _ if !is_link => ty,
                Ok(found) => found.file_type(),
                Err(error) if wants => return Err(error),
                Err(_) => continue,
            };
            match () {
                () if ty.is_file() && wants => files.push(Listed { name, path }),
                () if ty.is_dir() && enters => {
                    let way =
                        if is_link { through_link(&folder, &path)? } else { Some(Rc::clone(&folder.way)) };
                    pending.extend(way.map(|way| Pending { name, path, way }));
                }
                () if wants && !ty.is_dir() => return Err(refused(&path, "it is not a regular file")),
                () => {}
            }
        }
    }
    files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

impl Split {
    fn new(pattern: &Path) -> io::Result<Self> {
        let compiled = |part: &Path| match part.to_str() {
            None => Err(refused(pattern, "the pattern is not UTF-8")),
            Some(part) => {
                Pattern::new(part).map_err(|error| refused(pattern, &format!("it is no pattern: {error}")))
            }
        };
        compiled(pattern)?;
        let folders = pattern.parent().unwrap_or(Path::new("")).components();
        let is_plain = |part: &Component<'_>| {
            let part = part.as_os_str().to_str();
            part.is_some_and(|part| Pattern::escape(part) == part)
        };
        let base: PathBuf = folders.take_while(is_plain).collect();
        let rest = pattern.strip_prefix(&base).unwrap_or(pattern);
        let parts = rest.components().map(|part| compiled(part.as_ref())).collect::<io::Result<_>>()?;
        let (rest, wants_hidden) = (compiled(rest)?, is_hidden(rest));
        Ok(Split { base, rest, parts, wants_hidden })
    }

    fn matches(&self, file: &Path) -> bool {
        self.rest.matches_path_with(file, OPTIONS) && self.shows(file)
    }

    /// Reports whether a folder can have files that match.
    fn enters(&self, folder: &Path) -> bool {
        let mut folders = folder.components();
        for part in &self.parts[..self.parts.len().saturating_sub(1)] {
            if part.as_str() == "**" {
                return self.shows(folder);
            }
            match folders.next() {
                Some(name) if part.matches_path_with(name.as_ref(), OPTIONS) => {}
                Some(_) => return false,
                None => return self.shows(folder),
            }
        }
        folders.next().is_none() && self.shows(folder)
    }

    fn shows(&self, name: &Path) -> bool {
        self.wants_hidden || !is_hidden(name)
    }
}

/// Reports whether a component of a path or pattern begins with a dot.
fn is_hidden(path: &Path) -> bool {
    let begins = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    path.components().any(|part| matches!(part, Component::Normal(name) if begins(name)))
}

/// Returns the way into a folder that a link leads to; `None` if the link is in that folder, so that nothing new is there.
fn through_link(from: &Pending, link: &Path) -> io::Result<Option<Rc<[PathBuf]>>> {
    let real = |path: &Path| fs::canonicalize(or_here(path)).map_err(|error| io(path, &error));
    let (target, here) = (real(link)?, real(&from.path)?);
    let way: Rc<[PathBuf]> = from.way.iter().cloned().chain([here]).collect();
    let is_within = way.iter().any(|folder| folder.starts_with(&target));
    Ok((!is_within).then_some(way))
}

/// Returns the working directory for an empty path.
fn or_here(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

fn stat(path: &Path) -> io::Result<Metadata> {
    fs::metadata(path).map_err(|error| io(path, &error))
}

fn io(path: &Path, error: &io::Error) -> io::Error {
    about(path, error.to_string(), error.kind())
}

fn refused(path: &Path, why: &str) -> io::Error {
    about(path, why, io::ErrorKind::InvalidInput)
}
