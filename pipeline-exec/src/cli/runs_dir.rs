//! The runs directory on the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::exit::{Refusal, to_stderr};
use super::runs::when;
use super::settings::{SettingsArgs, StoreArgs};
use crate::pipeline::Pipeline;
use crate::runs::{RunEntry, RunStore, StoreError, outputs_of};
use crate::text::clean;

/// The usual durations of steps, by identity.
pub(super) type Usual = BTreeMap<String, Duration>;

/// Maximum number of warnings that are shown.
const MOST_WARNINGS: usize = 5;

/// Number of latest runs that determine the usual duration of a step.
const LOOK_BACK: usize = 20;

impl StoreArgs {
    /// Opens the runs directory for reading, for the runs that [`asked_for`] means; `None` if it does not exist.
    pub(super) fn existing(&self, pipeline: &Pipeline) -> Result<Option<RunStore>, Refusal> {
        let dir = self.dir(pipeline)?;
        if dir.exists() { open_to_read(dir, pipeline).map(Some) } else { Ok(None) }
    }

    /// Opens the runs directory for a verb that needs a run.
    pub(super) fn needed(&self, pipeline: &Pipeline) -> Result<RunStore, Refusal> {
        match self.existing(pipeline)? {
            Some(store) => Ok(store),
            None => Err(no_run(self.dir(pipeline)?)),
        }
    }
}

/// Returns the pipeline, which was checked, with recording if it is on, and the usual durations of its steps. A
/// directory that cannot be written to is refused before anything runs. Unless `is_quiet`, prints which other runs of the
/// pipeline are under way.
pub(super) fn recorded(
    pipeline: Pipeline,
    save_outputs: bool,
    is_quiet: bool,
) -> Result<(Pipeline, Usual), Refusal> {
    let settings = pipeline.current_settings();
    let Some(dir) = settings.runs_dir.clone() else {
        if save_outputs {
            let message = "outputs are saved with the record of a run, and this run is not recorded (`runs_dir` is not set)";
            return Err(Refusal::Usage(format!("{message}\nhint: set it with `--runs-dir DIR`")));
        }
        return Ok((pipeline, Usual::new()));
    };
    let store = open(dir, settings.keep_runs)?.of(pipeline.owner()).save_outputs(save_outputs);
    store.check_room()?;
    // A run does not need the history; problems with it were reported when it was opened.
    let (others, usual) =
        looked_up(&store, |store| store.at_start(&pipeline.owner(), LOOK_BACK)).unwrap_or_default();
    // An exclusive run is refused because of them.
    if !is_quiet && !pipeline.current_settings().exclusive_run {
        for other in others {
            let (id, since) = (clean(other.short_id()), when(other.started_unix_ms));
            to_stderr(&format!(
                "warning: run {id} of the same pipeline is under way since {since}; `--exclusive-run` refuses a second one"
            ));
        }
    }
    Ok((pipeline.record_to(&store), usual))
}

/// Opens the runs directory in force for reading, for the runs that [`asked_for`] means.
pub(super) fn in_force(settings: &SettingsArgs, pipeline: &Pipeline) -> Result<RunStore, Refusal> {
    let dir = settings.resolve(pipeline)?.settings().runs_dir.clone().unwrap_or_default();
    if dir.exists() { open_to_read(dir, pipeline) } else { Err(no_run(dir)) }
}

fn no_run(dir: PathBuf) -> Refusal {
    StoreError::UnknownRun { asked: String::new(), dir, pipeline: None, runs: 0 }.into()
}

/// Returns the name of the pipeline whose runs the command line means: that of `--pipeline`. Without this option, it
/// means all runs of the program.
pub(super) fn asked_for(pipeline: &Pipeline) -> Option<&str> {
    pipeline.name().filter(|named| named.is_asked_for).map(|named| &*named.name)
}

/// Returns the folder of a run's saved outputs, if it has some.
pub(super) fn saved_outputs(run: &Path) -> Option<PathBuf> {
    let folder = outputs_of(run);
    let is_output = |file: &std::fs::DirEntry| file.path().extension().is_some_and(|end| end == "json");
    std::fs::read_dir(&folder).ok()?.filter_map(Result::ok).any(|file| is_output(&file)).then_some(folder)
}

/// Returns a path relative to the working directory, if it is inside.
pub(super) fn from_here(path: &Path) -> PathBuf {
    let here = std::env::current_dir().and_then(std::fs::canonicalize).ok();
    here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path).to_owned()
}

/// Returns the usual durations of steps; empty if nothing is recorded.
pub(super) fn usual(pipeline: &Pipeline) -> Result<Usual, Refusal> {
    match pipeline.current_settings().runs_dir.clone().filter(|dir| dir.exists()) {
        Some(dir) => {
            let store = open(dir, None)?.of(pipeline.owner());
            looked_up(&store, |store| store.durations(LOOK_BACK))
        }
        None => Ok(Usual::new()),
    }
}

fn open_to_read(dir: PathBuf, pipeline: &Pipeline) -> Result<RunStore, Refusal> {
    let store = open(dir, None)?;
    Ok(if asked_for(pipeline).is_some() { store.of(pipeline.owner()) } else { store })
}

fn open(dir: PathBuf, keep_runs: Option<usize>) -> Result<RunStore, Refusal> {
    let store = RunStore::open(dir)?.keeping(keep_runs);
    warn(&store);
    Ok(store)
}

/// Finds a run, named as for [`RunStore::find`].
pub(super) fn found(store: &RunStore, asked: &str) -> Result<RunEntry, Refusal> {
    looked_up(store, |store| store.find(asked))
}

/// Reads from the runs directory. Prints what is wrong there: it may be why something is not found.
pub(super) fn looked_up<T>(
    store: &RunStore,
    read: impl FnOnce(&RunStore) -> Result<T, StoreError>,
) -> Result<T, Refusal> {
    let found = read(store);
    warn(store);
    Ok(found?)
}

/// Prints what was found wrong in the runs directory since the last call.
fn warn(store: &RunStore) {
    let warnings = store.take_warnings();
    for warning in warnings.iter().take(MOST_WARNINGS) {
        to_stderr(&format!("warning: {warning}"));
    }
    if let Some(more) = warnings.len().checked_sub(MOST_WARNINGS).filter(|more| *more > 0) {
        to_stderr(&format!(
            "warning: {more} more files in {} cannot be read",
            clean(&store.dir().display().to_string())
        ));
    }
}
