//! The runs directory on the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::exit::{Refusal, tell};
use super::settings::{SettingsArgs, StoreArgs};
use crate::pipeline::Pipeline;
use crate::store::{RunStore, StoreError, outputs_of};

/// How long steps usually take, by name.
pub(super) type Usual = BTreeMap<String, Duration>;

/// So many of the latest runs say how long a step usually takes.
const LOOK_BACK: usize = 20;

impl StoreArgs {
    /// Opens the runs directory to look things up; `None` where there is none.
    pub(super) fn existing(&self, pipeline: &Pipeline) -> Result<Option<RunStore>, Refusal> {
        let dir = self.dir(pipeline)?;
        if dir.exists() { open(dir, None).map(Some) } else { Ok(None) }
    }

    /// The same for a verb that needs a run.
    pub(super) fn needed(&self, pipeline: &Pipeline) -> Result<RunStore, Refusal> {
        match self.existing(pipeline)? {
            Some(store) => Ok(store),
            None => Err(no_run(self.dir(pipeline)?)),
        }
    }
}

/// The pipeline, which was checked, recorded unless it is not to be, and how long its steps usually take. A directory that
/// cannot be written to is told before anything runs.
pub(super) fn recorded(pipeline: Pipeline, save_outputs: bool) -> Result<(Pipeline, Usual), Refusal> {
    let settings = pipeline.current_settings();
    let Some(dir) = settings.runs_dir.clone() else {
        if save_outputs {
            let message =
                "outputs are saved where runs are recorded, and this run is not (`runs_dir` is not set)";
            return Err(Refusal::Usage(format!("{message}\nhint: say where with `--runs-dir DIR`")));
        }
        return Ok((pipeline, Usual::new()));
    };
    let store = open(dir, settings.keep_runs)?.save_outputs(save_outputs);
    store.check_room()?;
    // Who only wants to run does not need what is past; what is wrong with the history was told when it was opened.
    let usual = store.durations(LOOK_BACK).unwrap_or_default();
    Ok((pipeline.record_to(&store), usual))
}

/// The runs directory that all settings together say, to look things up.
pub(super) fn in_force(settings: &SettingsArgs, pipeline: &Pipeline) -> Result<RunStore, Refusal> {
    let dir = settings.resolve(pipeline)?.settings().runs_dir.clone().unwrap_or_default();
    if dir.exists() { open(dir, None) } else { Err(no_run(dir)) }
}

fn no_run(dir: PathBuf) -> Refusal {
    StoreError::UnknownRun { asked: String::new(), dir, runs: 0 }.into()
}

/// The folder of the outputs that a run has saved, where there is any.
pub(super) fn saved_outputs(run: &Path) -> Option<PathBuf> {
    let folder = outputs_of(run);
    std::fs::read_dir(&folder).ok()?.next().map(|_| folder)
}

/// A path as short as it can be: from the working directory, where it is below that.
pub(super) fn from_here(path: &Path) -> PathBuf {
    let here = std::env::current_dir().and_then(std::fs::canonicalize).ok();
    here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path).to_owned()
}

/// How long steps usually take, by what was recorded; empty where nothing was.
pub(super) fn usual(pipeline: &Pipeline) -> Result<Usual, Refusal> {
    match pipeline.current_settings().runs_dir.clone().filter(|dir| dir.exists()) {
        Some(dir) => Ok(open(dir, None)?.durations(LOOK_BACK)?),
        None => Ok(Usual::new()),
    }
}

fn open(dir: PathBuf, keep_runs: Option<usize>) -> Result<RunStore, Refusal> {
    let store = RunStore::open(dir)?.keeping(keep_runs);
    store.take_warnings().iter().for_each(|warning| tell(&format!("warning: {warning}")));
    Ok(store)
}
