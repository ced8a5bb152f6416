//! Brings the history up to date with the folders of runs: after a kill, a failure to write, or the loss of the
//! database.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::history::Noted;
use super::{RunEntry, RunState, RunStore, StoreError, files, journal, read_report};
use crate::record::RunOwner;
use crate::report::RunReport;

impl RunStore {
    /// Adds every run that has ended and is not in the history. Returns the running ones.
    ///
    /// A run whose report cannot be read is taken from its journal. One that has neither is left out, with a warning that
    /// names the file.
    pub(super) fn reconcile(&self) -> Result<Vec<RunEntry>, StoreError> {
        let known = self.history().dirs()?;
        let runs_dir = self.runs_dir();
        let mut ended = Vec::new();
        let mut running = Vec::new();
        for name in files::folders(&runs_dir)? {
            if known.contains(&name) {
                continue;
            }
            let dir = runs_dir.join(&name);
            // The lock is held while the files are read, so that no run can begin in the folder.
            let (state, _lock) = match life_of(&dir) {
                Some(Life::Alive) => (RunState::Running, None),
                Some(Life::Over(lock)) => (RunState::Interrupted, Some(lock)),
                None => continue,
            };
            let Some((state, report)) = self.report_in(&dir, state) else { continue };
            let started = journal::started(&dir).unwrap_or(report.started_unix_ms);
            if state == RunState::Running {
                running.push(RunEntry::of(&report, state, started, dir));
            } else {
                ended.push((started, name, state, report));
            }
        }
        ended.sort_by_key(|(started, ..)| *started);
        for (started_unix_ms, dir, state, report) in &ended {
            let noted = Noted { dir, state: *state, started_unix_ms: *started_unix_ms, report };
            self.history().note(&noted)?;
        }
        Ok(running)
    }

    /// Returns the runs of an owner that are under way.
    pub(crate) fn under_way(&self, owner: &RunOwner) -> Result<Vec<RunEntry>, StoreError> {
        let mut running = self.reconcile()?;
        running.retain(|run| run.owner() == *owner);
        Ok(running)
    }

    /// Returns the report of a run that is not in the history, and how the run ended.
    fn report_in(&self, dir: &Path, state: RunState) -> Option<(RunState, RunReport)> {
        let path = dir.join(files::REPORT);
        if state == RunState::Interrupted && path.exists() {
            match read_report(&path) {
                Ok(report) => return Some((report.status.into(), report)),
                Err(error) => self.history().warn(error.to_string()),
            }
        }
        match journal::report(dir, state) {
            Ok(report) => Some((journal_state(state, &report), report)),
            Err(error) => {
                // A process may be about to write the first line.
                if state != RunState::Running && journal::has_begun(dir) {
                    self.history().warn(format!("{error}\nthe run is left out"));
                }
                None
            }
        }
    }

    /// Removes the files of all but the latest runs of the pipeline whose run is in the folder `own`.
    pub(super) fn remove_old(&self, own: &Path) -> Result<(), StoreError> {
        let Some(keep) = self.keep_runs else { return Ok(()) };
        self.sweep()?;
        let runs = self.history().runs(&self.runs_dir())?;
        let Some(owner) = runs.iter().find(|run| run.dir == own).map(RunEntry::owner) else { return Ok(()) };
        let of_owner = runs.iter().filter(|run| run.owner() == owner);
        for run in of_owner.skip(keep).filter(|run| run.dir != own && files::is_folder(&run.dir)) {
            // A run that is still being written is left for the next time.
            if !matches!(life_of(&run.dir), Some(Life::Alive)) {
                // First the lock, so that no reader takes an incomplete run for a whole one.
                files::gone(std::fs::remove_file(run.dir.join(files::LOCK)))
                    .and_then(|()| files::gone(std::fs::remove_dir_all(&run.dir)))
                    .map_err(|error| StoreError::io("remove", &run.dir, error))?;
            }
        }
        Ok(())
    }
}

/// Returns the state of a run by its journal: a finished run was not interrupted, even without a report.
fn journal_state(state: RunState, report: &RunReport) -> RunState {
    if state == RunState::Interrupted && journal::is_finished(report) { report.status.into() } else { state }
}

/// Whether the process of a run is alive and has not ended it.
pub(super) enum Life {
    Alive,
    /// It is not; the lock of the run cannot be taken while this exists.
    Over(File),
}

/// Returns `None` if there never was a run.
pub(super) fn life_of(dir: &Path) -> Option<Life> {
    let lock = files::read(&dir.join(files::LOCK)).ok()?;
    match lock.try_lock_shared() {
        Ok(()) => Some(Life::Over(lock)),
        // On a file system without locks, only the report shows that a run has ended.
        Err(TryLockError::Error(_)) if dir.join(files::REPORT).exists() => Some(Life::Over(lock)),
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => Some(Life::Alive),
    }
}
