//! The outputs of a run's steps as files, for runs that save them; and a list of these files with their fingerprints, so
//! that a damaged one is noticed.

use std::borrow::Cow;
#[cfg(feature = "cli")]
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

#[cfg(feature = "cli")]
use pipeline_core::Fingerprint;
use pipeline_core::frame::StepOutput;
use pipeline_core::{FingerprintWriter, Plan, contain};

#[cfg(feature = "outputs")]
use super::step_name::meant;
use super::{RunStore, StoreError, files, unpoisoned};
use crate::event::{Event, Observer};
use crate::files::file_name;
#[cfg(feature = "outputs")]
use crate::report::StepReport;

/// The folder of the outputs, in that of the run.
const OUTPUTS: &str = "outputs";

/// The list of the files in that folder: a line for each output, `<fingerprint> <file>`, or `- <file> <reason>` if it could
/// not be saved.
const LIST: &str = "saved.txt";

/// In place of a fingerprint, for an output that could not be saved.
const NOT_SAVED: &str = "-";

impl RunStore {
    /// Saves the outputs of recorded runs as JSON, each when its step ends: `outputs/<identity>.json` in the folder of the
    /// run, with `.` for each `::`. By default, none is saved.
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

    /// Returns the file of a step's output, in a run named as for [`RunStore::find`]; `None` if it was not saved. The step is
    /// named by its identity, or the end of it.
    ///
    /// # Errors
    /// As [`RunStore::report`], and [`StoreError::AmbiguousStep`] if several steps of the run have the name.
    #[cfg(feature = "outputs")]
    pub fn output_file(&self, run: &str, step: &str) -> Result<Option<PathBuf>, StoreError> {
        let run = self.find(run)?;
        let report = self.report_of(&run)?;
        let path = match meant(step, report.steps.iter().map(StepReport::identity)) {
            Ok(identity) => path_of(&run.dir, identity),
            Err(several) if several.is_empty() => return Ok(None),
            Err(several) => return Err(StoreError::ambiguous_step(step, &several)),
        };
        Ok(Some(path).filter(|path| path.exists()))
    }
}

/// Returns the file of a step's output in the folder of a run.
pub(crate) fn path_of(dir: &Path, step: &str) -> PathBuf {
    folder_of(dir).join(format!("{}.json", file_name(step)))
}

/// Returns the folder of a run's outputs.
pub(crate) fn folder_of(dir: &Path) -> PathBuf {
    dir.join(OUTPUTS)
}

/// Saves the outputs of one run.
#[derive(Debug)]
pub(crate) struct Saving {
    /// The folder of the run.
    dir: PathBuf,
    /// The plan of the run, which has the identities of its steps; set when the run starts.
    plan: OnceLock<Arc<Plan>>,
    /// The list, made with its first line.
    list: Mutex<Option<File>>,
    /// The first error, and the number of further ones.
    failed: Mutex<(Option<StoreError>, usize)>,
}

impl Saving {
    pub(super) fn begin(dir: &Path) -> Result<Self, StoreError> {
        files::make_new_dir(&folder_of(dir))?;
        Ok(Saving {
            dir: dir.to_owned(),
            plan: OnceLock::new(),
            list: Mutex::default(),
            failed: Mutex::default(),
        })
    }

    /// Returns the first error, with the number of the others.
    pub(super) fn end(&self) -> Result<(), StoreError> {
        match std::mem::take(&mut *unpoisoned(self.failed.lock())) {
            (Some(StoreError::Io { tried, path, source }), more @ 1..) => {
                let why = format!("{source} ({more} more could not be saved: see {LIST} beside it)");
                Err(StoreError::Io { tried, path, source: io::Error::new(source.kind(), why) })
            }
            (first, _) => first.map_or(Ok(()), Err),
        }
    }

    fn save(&self, step: &str, output: StepOutput<'_>) -> Result<(), StoreError> {
        let path = path_of(&self.dir, step);
        let mut has_form = true;
        let mut fingerprint = None;
        let saved = files::replace(&path, false, |out| {
            let mut out = FingerprintWriter::new(out);
            // `Serialize` is user code.
            let written = contain::guard(|| output.write_json(&mut out))
                .map_err(|panic| io::Error::other(format!("its `Serialize` panicked: {panic}")))?;
            has_form = written.is_some();
            fingerprint = Some(out.end());
            written.unwrap_or_else(|| Err(io::ErrorKind::Unsupported.into()))
        });
        match (&saved, fingerprint) {
            _ if !has_form => Ok(()),
            (Ok(()), Some(fingerprint)) => self.note(step, &fingerprint.to_string(), ""),
            (Err(error), _) => self.note(step, NOT_SAVED, &error.reason()).and(saved),
            (Ok(()), None) => unreachable!("invariant: a file that was written has a fingerprint"),
        }
    }

    /// Adds a line to the list.
    fn note(&self, step: &str, fingerprint: &str, reason: &str) -> Result<(), StoreError> {
        let path = folder_of(&self.dir).join(LIST);
        let mut list = unpoisoned(self.list.lock());
        let file = match list.take() {
            Some(file) => file,
            None => files::create(&path)?,
        };
        let file = list.insert(file);
        let reason = reason.replace(['\n', '\r'], " ");
        let line = format!("{fingerprint} {}.json {reason}\n", file_name(step));
        file.write_all(line.as_bytes()).map_err(|error| StoreError::io("write", path, error))
    }
}

/// The saved outputs of a run.
#[cfg(feature = "cli")]
pub(crate) struct SavedOutputs {
    folder: PathBuf,
    /// By file name: the fingerprint, or why there is no file.
    listed: BTreeMap<String, Result<String, String>>,
}

#[cfg(feature = "cli")]
impl SavedOutputs {
    /// Reads the list of a run's saved outputs. Without one, or if it cannot be read, none is listed.
    pub(crate) fn of(dir: &Path) -> Self {
        let folder = folder_of(dir);
        let list = files::read_whole(&folder.join(LIST)).unwrap_or_default();
        let mut listed = BTreeMap::new();
        for line in String::from_utf8_lossy(&list).lines() {
            let mut parts = line.splitn(3, ' ');
            let (Some(fingerprint), Some(file)) = (parts.next(), parts.next()) else { continue };
            let mut reason = || parts.next().unwrap_or_default().to_owned();
            let what = if fingerprint == NOT_SAVED { Err(reason()) } else { Ok(fingerprint.to_owned()) };
            listed.insert(file.to_owned(), what);
        }
        SavedOutputs { folder, listed }
    }

    /// Reads the output of a step; `None` if the run saved none.
    ///
    /// # Errors
    /// Returns why the output was not saved, or why its file is not what the run wrote.
    pub(crate) fn read(&self, step: &str) -> Result<Option<Vec<u8>>, String> {
        let file = format!("{}.json", file_name(step));
        let path = self.folder.join(&file);
        let wanted = match self.listed.get(&file) {
            Some(Ok(fingerprint)) => Some(fingerprint),
            Some(Err(why)) => return Err(format!("was not saved: {why}")),
            None => None,
        };
        let json = match files::read_whole(&path) {
            Ok(json) => json,
            Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(format!("cannot be read: {error}")),
        };
        match wanted {
            Some(wanted) if *wanted == Fingerprint::of_bytes(&json).to_string() => Ok(Some(json)),
            Some(_) => Err(format!("is damaged: {} is not as the run wrote it", path.display())),
            None => Err(format!("may be damaged: {} is not in the list {LIST} beside it", path.display())),
        }
    }
}

impl Observer for Saving {
    fn on_event(&self, event: &Event<'_>) {
        match *event {
            Event::RunStarted { view, .. } => _ = self.plan.set(Arc::clone(view.plan())),
            Event::StepFinished { step, position, output: Some(output), .. } => {
                let identity =
                    self.plan.get().map_or(Cow::Borrowed(step), |plan| plan.spec(position).identity());
                if let Err(error) = self.save(&identity, output) {
                    let (first, more) = &mut *unpoisoned(self.failed.lock());
                    match first {
                        None => *first = Some(error),
                        Some(_) => *more += 1,
                    }
                }
            }
            _ => {}
        }
    }
}
