//! What can be wrong with an input file, with the line to repair.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The expected content of a field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected(pub(crate) &'static str);

#[derive(Debug)]
pub(crate) struct InputError {
    path: PathBuf,
    /// From 1; 0 if the whole file is the problem.
    line: u64,
    kind: InputErrorKind,
}

#[derive(Debug)]
pub(crate) enum InputErrorKind {
    Io(io::Error),
    Header { expected: String },
    Field { column: String, expected: &'static str, found: String },
    Json(serde_json::Error),
}

impl InputError {
    pub(crate) fn io(path: &Path, error: io::Error) -> Self {
        Self::at(path, 0, InputErrorKind::Io(error))
    }

    pub(crate) fn at(path: &Path, line: u64, kind: InputErrorKind) -> Self {
        Self { path: path.to_owned(), line, kind }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        match &self.kind {
            InputErrorKind::Io(_) => write!(f, ": cannot be read"),
            InputErrorKind::Header { expected } => write!(f, ": expected the header `{expected}`"),
            InputErrorKind::Field { column, expected, found } => {
                write!(f, ": {column}: expected {expected}, found `{found}`")
            }
            InputErrorKind::Json(_) => write!(f, ": not a review"),
        }
    }
}

impl Error for InputError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            InputErrorKind::Io(error) => Some(error),
            InputErrorKind::Json(error) => Some(error),
            InputErrorKind::Header { .. } | InputErrorKind::Field { .. } => None,
        }
    }
}
