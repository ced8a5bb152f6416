//! Folders as outputs of steps.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::listing::{self, Listed};
use super::scratch::ScratchFolder;
use super::{StoredFile, about, place};

/// A folder as the output of a step: its files, also those in folders within it, each as a [`StoredFile`].
///
/// What counts are the names and bytes of the files. Not kept are empty folders, times and permissions. Links are followed: the
/// bytes that they lead to are kept, and a link to a folder that it is in is left out. Refused are a link that leads to
/// nothing, what is neither a file nor a folder, and names that are not UTF-8. Of one value, at most 5000 files can be stored.
///
/// ```
/// # use pipeline_exec::store::StoredDir;
/// fn site(pages: &[&str]) -> std::io::Result<StoredDir> {
///     StoredDir::create(|dir| {
///         pages.iter().try_for_each(|page| std::fs::write(dir.join(page).with_extension("html"), page))
///     })
/// }
///
/// let site = site(&["start", "help"])?;
/// assert_eq!(site.files().map(|(name, _)| name).collect::<Vec<_>>(), ["help.html", "start.html"]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct StoredDir(Arc<Held>);

struct Held {
    /// By name relative to the folder, with `/` between the parts.
    files: BTreeMap<String, StoredFile>,
    /// The folder that [`StoredDir::path`] has made.
    folder: OnceLock<ScratchFolder>,
}

impl StoredDir {
    /// Makes a folder of the files that `write` makes in an empty folder.
    ///
    /// # Errors
    /// Returns the error of `write`, and of the disk. Also if something in the folder cannot be kept, which the error names.
    pub fn create(write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<Self> {
        let folder = ScratchFolder::new()?;
        write(&folder.path)?;
        let real = fs::canonicalize(&folder.path)?;
        let listed = listing::in_folder(&folder.path)?;
        let (own, linked): (Vec<_>, Vec<_>) = listed.into_iter().partition(|file| is_own(&real, file));
        // A link may lead to one of the others, which are not there afterwards.
        let copied = linked.iter().map(copied);
        let taken = own.iter().map(|file| Ok((name_of(file)?, StoredFile::of(folder.take(&file.path)?))));
        copied.chain(taken).collect::<io::Result<_>>().map(StoredDir::of)
    }

    /// Makes a folder of copies of the files in another, which stays as it is.
    ///
    /// # Errors
    /// The error names the file or folder.
    pub fn new(path: impl AsRef<Path>) -> io::Result<Self> {
        listing::in_folder(path.as_ref())?.iter().map(copied).collect::<io::Result<_>>().map(StoredDir::of)
    }

    fn of(files: BTreeMap<String, StoredFile>) -> Self {
        StoredDir(Arc::new(Held { files, folder: OnceLock::new() }))
    }

    /// Returns the files, sorted by name: relative to the folder, with `/` between the parts.
    pub fn files(&self) -> impl Iterator<Item = (&str, &StoredFile)> {
        self.0.files.iter().map(|(name, file)| (name.as_str(), file))
    }

    /// Opens a file for reading, by its name as [`files`](StoredDir::files) returns it.
    ///
    /// # Errors
    /// If there is no such file, or it cannot be read.
    pub fn open(&self, name: &str) -> io::Result<File> {
        match self.0.files.get(name) {
            Some(file) => file.open(),
            None => Err(about(Path::new(name), "the folder has no such file", io::ErrorKind::NotFound)),
        }
    }

    /// Returns a path at which the folder can be read while this value exists. Do not write to the files. The first call makes
    /// the folder, of links to the files if the file system can.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn path(&self) -> io::Result<&Path> {
        if let Some(folder) = self.0.folder.get() {
            return Ok(&folder.path);
        }
        let store = self.0.files.values().find_map(StoredFile::store);
        let folder = ScratchFolder::beside(store.cloned())?;
        for (name, file) in self.files() {
            place::place(file.path(), &folder.path.join(name), true)?;
        }
        // If another thread was first, its folder is used.
        Ok(&self.0.folder.get_or_init(|| folder).path)
    }

    /// Copies the files to a folder, where they may be changed. Makes the folder; replaces files of the same names, and leaves
    /// others as they are.
    ///
    /// # Errors
    /// The error names the file. Those before it in the order of names are copied.
    pub fn copy_to(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.each_at(path.as_ref(), StoredFile::copy_to)
    }

    /// Puts the files in a folder, and keeps them there, as [`StoredFile::place`] does each: in later runs that find the output
    /// of the step in the store, those that are missing or changed are replaced. Other files in the folder stay as they
    /// are, also those that an earlier output had and this one has not.
    ///
    /// # Errors
    /// The error names the file. Those before it in the order of names are placed.
    pub fn place(&self, path: impl Into<PathBuf>) -> io::Result<()> {
        self.each_at(&path.into(), StoredFile::place)
    }

    fn each_at(&self, folder: &Path, put: impl Fn(&StoredFile, PathBuf) -> io::Result<()>) -> io::Result<()> {
        fs::create_dir_all(folder).map_err(|error| about(folder, error.to_string(), error.kind()))?;
        self.files().try_for_each(|(name, file)| put(file, folder.join(name)))
    }
}

fn copied(file: &Listed) -> io::Result<(String, StoredFile)> {
    Ok((name_of(file)?, StoredFile::new(&file.path)?))
}

/// Returns the name that the file has in the output.
fn name_of(file: &Listed) -> io::Result<String> {
    let parts: Option<Vec<&str>> = file.name.iter().map(OsStr::to_str).collect();
    let refused = || about(&file.path, "its name is not UTF-8", io::ErrorKind::InvalidInput);
    parts.map(|parts| parts.join("/")).ok_or_else(refused)
}

/// Reports whether a file can be taken out of the folder with this real path: it is reached by no link, and has no other name.
fn is_own(folder: &Path, file: &Listed) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        fs::canonicalize(&file.path).is_ok_and(|real| real == folder.join(&file.name))
            && fs::metadata(&file.path).is_ok_and(|found| found.nlink() == 1)
    }
    #[cfg(not(unix))]
    {
        let _ = (folder, file);
        false
    }
}

/// Returns why no folder can have files of these names; `None` if one can.
fn refused(files: &BTreeMap<String, StoredFile>) -> Option<String> {
    let is_name = |part: &str| {
        let mut parts = Path::new(part).components();
        matches!((parts.next(), parts.next()), (Some(Component::Normal(name)), None) if name == part)
    };
    files.keys().find_map(|name| {
        if !name.split('/').all(is_name) {
            return Some(format!("`{}` is not a name for a file in a folder", name.escape_debug()));
        }
        let file =
            name.match_indices('/').map(|(at, _)| &name[..at]).find(|above| files.contains_key(*above))?;
        Some(format!("`{}` is a file and a folder", file.escape_debug()))
    })
}

impl fmt::Debug for StoredDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoredDir").field(&self.0.files).finish()
    }
}

/// Folders are equal if the names and bytes of their files are.
impl PartialEq for StoredDir {
    fn eq(&self, other: &Self) -> bool {
        self.0.files == other.0.files
    }
}

impl Eq for StoredDir {}

/// As its files by name.
impl Serialize for StoredDir {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.files.serialize(serializer)
    }
}

/// Only where a value is read from a store that has the files. Names that lead out of the folder are refused.
impl<'de> Deserialize<'de> for StoredDir {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let files = BTreeMap::deserialize(deserializer)?;
        match refused(&files) {
            Some(why) => Err(D::Error::custom(why)),
            None => Ok(StoredDir::of(files)),
        }
    }
}
