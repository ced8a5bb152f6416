//! Output files, which the store keeps: a file with its final name is always complete, and a cached run puts back what is missing.

use std::error::Error;
use std::fmt::{self, Display, Write as _};
use std::io;
use std::path::{Path, PathBuf};

use pipeline::store::StoredFile;
use serde::Serialize;

/// A file that could not be written.
#[derive(Debug)]
pub(crate) struct OutputError {
    path: PathBuf,
    error: io::Error,
}

/// The text of a CSV file whose fields need no quotes.
pub(crate) struct CsvText(String);

impl CsvText {
    pub(crate) fn new(header: &str) -> Self {
        Self(format!("{header}\n"))
    }

    pub(crate) fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{line}");
    }

    pub(crate) fn write(self, folder: &Path, name: &str) -> Result<StoredFile, OutputError> {
        write(folder, name, self.0.as_bytes())
    }
}

pub(crate) fn write_json(
    folder: &Path,
    name: &str,
    value: &impl Serialize,
) -> Result<StoredFile, OutputError> {
    let mut text = serde_json::to_vec(value)
        .map_err(|error| OutputError { path: folder.join(name), error: error.into() })?;
    text.push(b'\n');
    write(folder, name, &text)
}

fn write(folder: &Path, name: &str, text: &[u8]) -> Result<StoredFile, OutputError> {
    let path = folder.join(name);
    let written = StoredFile::create(|file| file.write_all(text)).and_then(|file| {
        file.place(&path)?;
        Ok(file)
    });
    written.map_err(|error| OutputError { path, error })
}

/// A field that is empty if there is no value.
pub(crate) struct OrEmpty<T>(pub(crate) Option<T>);

impl<T: Display> Display for OrEmpty<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => Ok(()),
        }
    }
}

impl Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be written", self.path.display())
    }
}

impl Error for OutputError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
