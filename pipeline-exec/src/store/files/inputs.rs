//! The parameter types.

use std::convert::Infallible;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use pipeline_core::notes::note;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::hash::open;
use super::listing::{self, Listed};
use super::{Files, Kind, about};

/// A file that a step reads: `#[param] orders: InputFile`.
///
/// It is given as a path. Its content counts for a cached step: the step runs again if the
/// bytes of the file differ, not if only its path, time or permissions do. A step whose result depends on the path itself
/// also takes it as a `String`. A file that is not there, or not a regular file, is reported before any step runs. Links
/// are followed.
///
/// A file that a step of the same run makes is not an input: it has to be there before the run.
///
/// As the output of a step, it is only a path, so it cannot be stored.
pub struct InputFile(Arc<Files>);

/// A folder whose files a step reads, those in folders within it too: `#[param] data: InputDir`.
///
/// It is given as a path. The names and contents of the files count, hidden ones too. Not counted are the path of the folder
/// itself, times, permissions and empty folders. Links are followed; a link to a folder that it is in is left out. A link
/// that leads to nothing is an error, and so is what is neither a file nor a folder.
pub struct InputDir(Arc<Files>);

/// The files that a pattern matches: `#[param] parts: InputGlob`, given as `data/*.csv` or `data/**/part-?.json`.
///
/// `?` and `*` match within one name, `**` any number of folders, `[…]` one character of several. Names that begin with a
/// dot are left out, unless a name in the pattern does too. Names that are not UTF-8 are not matched, and no folders. Links
/// are followed.
///
/// The contents of the files count, and their names below the first folders of the pattern, up to one with a special
/// character. No match is no error, but the first folders have to be there.
pub struct InputGlob(Arc<Files>);

impl InputFile {
    /// Names a file. Does not look whether it exists.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        InputFile::of(path.into())
    }

    /// Returns the path, as given.
    pub fn path(&self) -> &Path {
        &self.0.text
    }

    /// Opens the file for reading.
    ///
    /// # Errors
    /// The error names the file. Anything but a regular file is one.
    pub fn open(&self) -> io::Result<File> {
        open(self.path())
    }

    /// Reads the whole file.
    ///
    /// # Errors
    /// The error names the file.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open()?.read_to_end(&mut bytes).map_err(|error| self.about(&error))?;
        Ok(bytes)
    }

    /// Reads the whole file as text.
    ///
    /// # Errors
    /// The error names the file. Text that is not UTF-8 is one.
    pub fn read_to_string(&self) -> io::Result<String> {
        let mut text = String::new();
        self.open()?.read_to_string(&mut text).map_err(|error| self.about(&error))?;
        Ok(text)
    }

    fn about(&self, error: &io::Error) -> io::Error {
        about(self.path(), error.to_string(), error.kind())
    }
}

impl InputDir {
    /// Names a folder. Does not look whether it exists.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        InputDir::of(path.into())
    }

    /// Returns the path, as given.
    pub fn path(&self) -> &Path {
        &self.0.text
    }

    /// Returns the paths of the files that the folder has now, those in folders within it too, sorted.
    ///
    /// # Errors
    /// The error names the file or folder.
    pub fn files(&self) -> io::Result<Vec<PathBuf>> {
        paths(&self.0)
    }
}

impl InputGlob {
    /// Names the files that a pattern matches. A pattern that is not valid is an error of [`files`](InputGlob::files).
    pub fn new(pattern: impl Into<String>) -> Self {
        InputGlob::of(PathBuf::from(pattern.into()))
    }

    /// Returns the pattern, as given.
    pub fn pattern(&self) -> &str {
        self.0.text.to_str().unwrap_or_default()
    }

    /// Returns the paths of the files that the pattern matches now, sorted.
    ///
    /// # Errors
    /// The error names the file, the folder or the pattern.
    pub fn files(&self) -> io::Result<Vec<PathBuf>> {
        paths(&self.0)
    }
}

fn paths(files: &Files) -> io::Result<Vec<PathBuf>> {
    Ok(files.list()?.into_iter().map(|Listed { path, .. }| path).collect())
}

macro_rules! input {
    ($ty:ident, $kind:ident, $($from:ty),+) => {
        impl $ty {
            fn of(text: PathBuf) -> Self {
                let files = Arc::new(Files::new(Kind::$kind, text));
                // The run parameter that is read at the moment, if one is, has these files.
                note(|| Arc::clone(&files) as _);
                $ty(files)
            }
        }

        /// Each run hashes anew: a clone, such as of a default in a `static`, knows nothing of what was hashed.
        impl Clone for $ty {
            fn clone(&self) -> Self {
                $ty::of(self.0.text.clone())
            }
        }

        $(impl From<$from> for $ty {
            fn from(text: $from) -> Self {
                $ty::new(text)
            }
        })+

        impl FromStr for $ty {
            type Err = Infallible;
            fn from_str(text: &str) -> Result<Self, Infallible> {
                Ok($ty::new(text))
            }
        }

        impl fmt::Display for $ty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.text.display().fmt(f)
            }
        }

        impl fmt::Debug for $ty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($ty)).field(&self.0.text).finish()
            }
        }

        impl PartialEq for $ty {
            fn eq(&self, other: &Self) -> bool {
                self.0.text == other.0.text
            }
        }

        impl Eq for $ty {}

        /// As its text, for run parameters. Formats that are not for people are refused: a stored value would have the path,
        /// but not the content.
        impl Serialize for $ty {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    self.0.text.serialize(serializer)
                } else {
                    Err(S::Error::custom(concat!(
                        "`", stringify!($ty), "` is an input of steps and only a path; return the content instead",
                    )))
                }
            }
        }

        impl<'de> Deserialize<'de> for $ty {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = PathBuf::deserialize(deserializer)?;
                if text.as_os_str().is_empty() {
                    return Err(D::Error::custom("the path is empty"));
                }
                if Kind::$kind == Kind::Pattern {
                    listing::check_syntax(&text).map_err(D::Error::custom)?;
                }
                Ok($ty::of(text))
            }
        }
    };
}

input!(InputFile, File, &str, String, &Path, PathBuf);
input!(InputDir, Folder, &str, String, &Path, PathBuf);
input!(InputGlob, Pattern, &str, String);

impl AsRef<Path> for InputFile {
    fn as_ref(&self) -> &Path {
        self.path()
    }
}

impl AsRef<Path> for InputDir {
    fn as_ref(&self) -> &Path {
        self.path()
    }
}
