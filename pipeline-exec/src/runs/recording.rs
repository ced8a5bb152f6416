//! The recording of a run, from before its first step to after its last.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pipeline_core::ParamValue;

use super::history::Noted;
use super::journal::Journal;
use super::{RunEntry, RunState, RunStore, Saving, StoreError, files, params, trace};
use crate::event::EventKind;
use crate::record::{CommandLine, RunOwner, RunRecord};
use crate::report::RunReport;
use crate::timing::unix_ms;

/// A run that is being recorded. Dropped without [`Recording::finish`], the run counts as interrupted.
#[derive(Debug)]
pub(crate) struct Recording {
    store: RunStore,
    /// The name of the run's folder.
    name: String,
    started_unix_ms: u64,
    journal: Journal,
    saving: Option<Arc<Saving>>,
    /// Held until the run is recorded. The last field, so that it is released last.
    _lock: File,
}

impl RunStore {
    /// Creates the folder of a run, with its lock and the first line of its journal. An `exclusive` run is refused if another
    /// one of its owner is under way.
    pub(crate) fn begin(
        &self,
        run_id: &str,
        owner: &RunOwner,
        exclusive: bool,
        planned: usize,
        started: SystemTime,
        command_line: Option<Arc<CommandLine>>,
    ) -> Result<Recording, StoreError> {
        files::probe(self.dir())?;
        // Until the run has its lock, no process may take its folder for that of a killed one.
        let store_path = self.dir().join(files::STORE_LOCK);
        let store_lock = files::lock_file(&store_path)?;
        // An exclusive run looks at the others while none begins.
        let locked = if exclusive { store_lock.lock() } else { store_lock.lock_shared() };
        locked.map_err(|error| StoreError::io("lock", &store_path, error))?;
        if exclusive && let Some(other) = self.under_way(owner)?.into_iter().next() {
            let RunEntry { run_id, started_unix_ms, .. } = other;
            return Err(StoreError::AlreadyRunning { run_id, started_unix_ms, dir: self.dir().to_owned() });
        }
        let (name, dir) = self.new_folder(run_id)?;
        let lock_path = dir.join(files::LOCK);
        let lock = files::create(&lock_path)?;
        // A process that checks whether the run is alive holds it for a moment.
        lock.lock().map_err(|error| StoreError::io("lock", &lock_path, error))?;
        let started_unix_ms = unix_ms(started);
        let command_line = command_line.as_deref().cloned();
        let RunOwner { program, pipeline } = owner.clone();
        // The store is asked later.
        let resumed = None;
        let begins =
            EventKind::RunStarted { program, pipeline, planned, started_unix_ms, command_line, resumed };
        let journal = Journal::begin(&dir, run_id, begins)?;
        drop(store_lock);
        let saving = self.save_outputs.then(|| Saving::begin(&dir)).transpose()?.map(Arc::new);
        Ok(Recording { store: self.clone(), name, started_unix_ms, journal, saving, _lock: lock })
    }

    /// Creates a new folder: named like the run, with a number if a deterministic run is repeated.
    fn new_folder(&self, run_id: &str) -> Result<(String, PathBuf), StoreError> {
        let mut name = run_id.to_owned();
        for number in 2_u32.. {
            let dir = self.runs_dir().join(&name);
            if files::make_new_dir(&dir)? {
                return Ok((name, dir));
            }
            name = format!("{run_id}.{number}");
        }
        unreachable!("invariant: a folder does not hold 2³² folders of one run")
    }
}

impl Recording {
    /// Returns what saves the outputs of the run, if they are saved.
    pub(crate) fn saving(&self) -> Option<Arc<Saving>> {
        self.saving.clone()
    }

    /// Writes the values of run parameters that may be shown.
    pub(crate) fn record(&self, params: BTreeMap<String, ParamValue>) -> Result<(), StoreError> {
        params::write(&self.store.runs_dir().join(&self.name), params)
    }

    /// Writes the journal from now on.
    pub(crate) fn watch(&mut self, run: &Arc<RunRecord>) {
        self.journal.watch(run);
    }

    /// Writes the files of a run that has ended. Returns its folder. `report` may be a digest: the file `report.json` has
    /// every step.
    pub(crate) fn finish(
        mut self,
        run: &RunRecord,
        report: &RunReport,
        wall: Duration,
    ) -> Result<PathBuf, StoreError> {
        let dir = self.store.runs_dir().join(&self.name);
        let kept = self.journal.end(run, wall);
        let saved = self.saving.map_or(Ok(()), |saving| saving.end());
        files::replace(&dir.join(files::REPORT), true, |out| report.write_whole(run, out))?;
        let traced = files::replace(&dir.join(files::TRACE), false, |out| trace::write(report, out));
        let paged =
            files::replace(&dir.join(files::PAGE), false, |out| out.write_all(report.to_html().as_bytes()));
        let state = RunState::from(report.status);
        let noted = Noted { dir: &self.name, state, started_unix_ms: self.started_unix_ms, report };
        let noted = self.store.history().note(&noted);
        // Returns the first error; further ones usually have the same cause.
        kept.and(saved).and(traced).and(paged).and(noted).and_then(|()| self.store.remove_old(&dir))?;
        Ok(dir)
    }
}
