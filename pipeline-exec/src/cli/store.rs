//! The runs directory on the command line.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::Refusal;
use super::args::RunArgs;
use super::settings::SettingsArgs;
use crate::pipeline::Pipeline;
use crate::store::{RunStore, StoreError};

/// Where runs are recorded.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(super) struct StoreArgs {
    /// The runs directory [default: .pipeline].
    #[arg(long, value_name = "DIR")]
    runs_dir: Option<PathBuf>,
}

impl StoreArgs {
    /// The directory as the flag gives it.
    pub(super) fn runs_dir(&self) -> Option<String> {
        self.runs_dir.as_ref().map(|dir| dir.to_string_lossy().into_owned())
    }

    /// The directory in force, of all sources of settings.
    fn dir(&self, pipeline: &Pipeline) -> Result<PathBuf, Refusal> {
        let settings = SettingsArgs::of_store(self.clone());
        Ok(settings.resolve(pipeline)?.settings().runs_dir.clone().unwrap_or_default())
    }

    /// Opens the runs directory to look things up; `None` where there is none.
    pub(super) fn existing(&self, pipeline: &Pipeline) -> Result<Option<RunStore>, Refusal> {
        let dir = self.dir(pipeline)?;
        if dir.exists() { open(dir, None).map(Some) } else { Ok(None) }
    }

    /// The same for a verb that needs a run.
    pub(super) fn needed(&self, pipeline: &Pipeline) -> Result<RunStore, Refusal> {
        match self.existing(pipeline)? {
            Some(store) => Ok(store),
            None => {
                Err(StoreError::UnknownRun { asked: String::new(), dir: self.dir(pipeline)?, runs: 0 }.into())
            }
        }
    }
}

/// The pipeline, recorded unless it is not to be. A directory that cannot be written to is told before anything runs.
pub(super) fn recorded(run: &RunArgs, pipeline: Pipeline) -> Result<Pipeline, Refusal> {
    let mut settings = pipeline.current_settings().clone();
    let Some(dir) = settings.runs_dir.clone().filter(|_| !run.no_report) else {
        settings.runs_dir = None;
        return Ok(pipeline.settings(settings));
    };
    // What is wrong with the graph is told first, and then nothing is made.
    pipeline.check()?;
    let store = open(dir, settings.keep_runs)?;
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
