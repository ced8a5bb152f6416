//! The outputs of a run's steps as files, for runs that save them.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use pipeline_core::frame::StepOutput;
use pipeline_core::{Fingerprint, contain};

use super::{RunStore, StoreError, files, unpoisoned};
use crate::event::{Event, Observer};

/// The folder of the outputs, in that of the run.
const OUTPUTS: &str = "outputs";

/// Maximum length of a file's name in bytes, without the fingerprint of a longer name.
const MOST_BYTES: usize = 120;

impl RunStore {
    /// Saves the outputs of recorded runs as JSON, each when its step ends: `outputs/<step>.json` in the folder of the
    /// run. By default, none is saved.
    ///
    /// The file has what the type's `Serialize` writes. Outputs of other types, of closures, given ones, and those of a
    /// run by [another executor](crate::Execute) are not saved. The step's thread writes the file: dependents start
    /// after that.
    #[cfg(feature = "outputs")]
    #[must_use]
    pub fn save_outputs(mut self, save: bool) -> Self {
        self.save_outputs = save;
        self
    }

    /// Returns the file of a step's output, in a run named as for [`RunStore::find`]; `None` if it was not saved.
    ///
    /// # Errors
    /// As [`RunStore::find`].
    #[cfg(feature = "outputs")]
    pub fn output_file(&self, run: &str, step: &str) -> Result<Option<PathBuf>, StoreError> {
        let path = path_of(&self.find(run)?.dir, step);
        Ok(Some(path).filter(|path| path.exists()))
    }
}

/// Returns the file of a step's output in the folder of a run.
pub(crate) fn path_of(dir: &Path, step: &str) -> PathBuf {
    dir.join(OUTPUTS).join(format!("{}.json", file_name(step)))
}

/// Returns the folder of a run's outputs.
#[cfg(feature = "cli")]
pub(crate) fn folder_of(dir: &Path) -> PathBuf {
    dir.join(OUTPUTS)
}

/// Returns a file name that every file system accepts, different for different steps: bytes other than letters, digits,
/// `_`, `-` and `.` become `%` and two hex digits; the end of a long name becomes a fingerprint.
fn file_name(step: &str) -> String {
    let mut name = String::with_capacity(step.len());
    for byte in step.bytes() {
        if byte.is_ascii_alphanumeric() || b"_-.".contains(&byte) {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02x}");
        }
        if name.len() > MOST_BYTES {
            let _ = write!(name, "+{}", Fingerprint::of_texts(&[step]));
            break;
        }
    }
    name
}

/// Saves the outputs of one run.
#[derive(Debug)]
pub(crate) struct Saving {
    /// The folder of the run.
    dir: PathBuf,
    /// The first error.
    failed: Mutex<Option<StoreError>>,
}

impl Saving {
    pub(super) fn begin(dir: &Path) -> Result<Self, StoreError> {
        files::make_dir(&dir.join(OUTPUTS))?;
        Ok(Saving { dir: dir.to_owned(), failed: Mutex::default() })
    }

    /// Returns the first error.
    pub(super) fn end(&self) -> Result<(), StoreError> {
        unpoisoned(self.failed.lock()).take().map_or(Ok(()), Err)
    }

    fn save(&self, step: &str, output: StepOutput<'_>) -> Result<(), StoreError> {
        let path = path_of(&self.dir, step);
        let mut has_form = true;
        let saved = files::replace(&path, false, |out| {
            // `Serialize` is user code.
            let written = contain::guard(|| output.write_json(out))
                .map_err(|panic| io::Error::other(format!("its `Serialize` panicked: {panic}")))?;
            has_form = written.is_some();
            written.unwrap_or_else(|| Err(io::ErrorKind::Unsupported.into()))
        });
        if has_form { saved } else { Ok(()) }
    }
}

impl Observer for Saving {
    fn on_event(&self, event: &Event<'_>) {
        let Event::StepFinished { step, output: Some(output), .. } = *event else { return };
        if let Err(error) = self.save(step, output) {
            unpoisoned(self.failed.lock()).get_or_insert(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_safe_short_and_different() {
        let long = "x".repeat(10_000);
        let names = ["load", "shop::load", "a/b", "a%2fb", "..", "日本", "", &long, &long[1..]];
        let files = names.map(file_name);
        for (index, file) in files.iter().enumerate() {
            assert!(file.len() < 200 && !file.contains(['/', '\\', ':', '\0']), "{file}");
            assert!(!files[..index].contains(file), "{file} twice");
        }
        assert_eq!(files[1], "shop%3a%3aload");
    }
}
