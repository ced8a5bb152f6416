//! The runs directory on the command line.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::Refusal;
use super::args::RunArgs;
use crate::pipeline::Pipeline;
use crate::settings::Settings;
use crate::store::{RunStore, StoreError};

/// Where runs are recorded, where nobody says otherwise.
const DEFAULT: &str = ".pipeline";
const VARIABLE: &str = "PIPELINE_RUNS_DIR";

/// Where runs are recorded.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(super) struct StoreArgs {
    /// The runs directory [default: .pipeline, or what the variable `PIPELINE_RUNS_DIR` says].
    #[arg(long, value_name = "DIR")]
    runs_dir: Option<PathBuf>,
}

impl StoreArgs {
    fn dir(&self, settings: &Settings) -> PathBuf {
        let variable = || std::env::var_os(VARIABLE).filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let dir = self.runs_dir.clone().or_else(variable).or_else(|| settings.runs_dir.clone());
        dir.unwrap_or_else(|| DEFAULT.into())
    }

    /// Opens the runs directory to look things up; `None` where there is none.
    pub(super) fn existing(&self, pipeline: &Pipeline) -> Result<Option<RunStore>, Refusal> {
        let dir = self.dir(pipeline.current_settings());
        if dir.exists() { open(dir, None).map(Some) } else { Ok(None) }
    }

    /// The same for a verb that needs a run.
    pub(super) fn needed(&self, pipeline: &Pipeline) -> Result<RunStore, Refusal> {
        let nothing = || {
            let dir = self.dir(pipeline.current_settings());
            Refusal::from(StoreError::UnknownRun { asked: String::new(), dir, runs: 0 })
        };
        self.existing(pipeline)?.ok_or_else(nothing)
    }
}

/// The pipeline, recorded unless it is not to be. A directory that cannot be written to is told before anything runs.
pub(super) fn recorded(run: &RunArgs, pipeline: Pipeline) -> Result<Pipeline, Refusal> {
    let mut settings = pipeline.current_settings().clone();
    if run.no_report {
        settings.runs_dir = None;
        return Ok(pipeline.settings(settings));
    }
    // What is wrong with the graph is told first, and then nothing is made.
    pipeline.check()?;
    let store = open(run.store.dir(&settings), settings.keep_runs)?;
    store.check_room()?;
    Ok(pipeline.record_to(&store))
}

fn open(dir: PathBuf, keep_runs: Option<usize>) -> Result<RunStore, Refusal> {
    let store = RunStore::open(dir)?.keeping(keep_runs);
    store.take_warnings().iter().for_each(|warning| eprintln!("warning: {warning}"));
    Ok(store)
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        if error.is_wrong_use() {
            Refusal::Usage(error.to_string())
        } else {
            Refusal::Environment(error.to_string())
        }
    }
}
