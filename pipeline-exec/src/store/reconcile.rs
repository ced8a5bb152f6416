//! The history catches up with the folders of runs: after a kill, a failure to write, or the loss of the database.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

use super::history::Noted;
use super::{RunEntry, RunState, RunStore, StoreError, files, journal, read_report};
use crate::report::RunReport;

impl RunStore {
    /// Notes every run that has ended and is not in the history. Returns those that go on.
    ///
    /// A folder that tells nothing is passed over: its process was killed before the run began, or its files are of a later
    /// version.
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
            // The lock is kept while the files are read: nobody can begin a run in the folder meanwhile.
            let (state, _lock) = match life_of(&dir) {
                Some(Life::Alive) => (RunState::Running, None),
                Some(Life::Over(lock)) => (RunState::Interrupted, Some(lock)),
                None => continue,
            };
            let report = if state == RunState::Interrupted && dir.join(files::REPORT).exists() {
                read_report(&dir.join(files::REPORT)).map(|report| (RunState::from(report.status), report))
            } else {
                journal::report(&dir, state).map(|report| (journal_state(state, &report), report))
            };
            let Ok((state, report)) = report else { continue };
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

    /// Removes the files of all but the latest runs.
    pub(super) fn remove_old(&self, own: &Path) -> Result<(), StoreError> {
        let Some(keep) = self.keep_runs else { return Ok(()) };
        let runs = self.history().runs(&self.runs_dir())?;
        for run in runs.iter().skip(keep).filter(|run| run.dir != own && run.dir.exists()) {
            // One that was ended by its process but is still being written is left for the next time.
            if !matches!(life_of(&run.dir), Some(Life::Alive)) {
                // First what says that there is a run: whoever reads meanwhile takes no half of it for the whole.
                gone(std::fs::remove_file(run.dir.join(files::LOCK)))
                    .and_then(|()| gone(std::fs::remove_dir_all(&run.dir)))
                    .map_err(|error| StoreError::io("remove", &run.dir, error))?;
            }
        }
        Ok(())
    }
}

/// What was removed, also where another process was faster.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// The state of a run whose journal was read: one that came to its end was not interrupted, though it has no report.
fn journal_state(state: RunState, report: &RunReport) -> RunState {
    if state == RunState::Interrupted && journal::is_finished(report) { report.status.into() } else { state }
}

/// Whether the process of a run lives and has not ended it.
enum Life {
    Alive,
    /// It does not; nobody can have the lock of the run while this is there.
    Over(File),
}

/// `None` where there never was a run.
fn life_of(dir: &Path) -> Option<Life> {
    let lock = File::open(dir.join(files::LOCK)).ok()?;
    match lock.try_lock_shared() {
        Ok(()) => Some(Life::Over(lock)),
        // Where a file system has no locks, the report alone tells that a run has ended.
        Err(TryLockError::Error(_)) if dir.join(files::REPORT).exists() => Some(Life::Over(lock)),
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => Some(Life::Alive),
    }
}
