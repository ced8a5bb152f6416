//! Removes what killed processes left: incomplete files, and folders of runs that never began.
//!
//! It touches no run whose process lives: that holds the lock of its run, and shares the lock of the store until then. It
//! removes only names that this module knows, one by one, and nothing behind a link.

use std::fs;
use std::path::Path;

use super::files::{self, gone};
use super::reconcile::{Life, life_of};
use super::{RunStore, StoreError, journal, outputs, params};

impl RunStore {
    /// Removes them. Does nothing while another process sweeps or begins a run, or if the directory is read-only.
    ///
    /// # Errors
    /// If something cannot be read or removed.
    pub(super) fn sweep(&self) -> Result<(), StoreError> {
        let lock = files::lock_file(&self.dir().join(files::STORE_LOCK));
        if !lock.as_ref().is_ok_and(|lock| lock.try_lock().is_ok()) {
            return Ok(());
        }
        remove_incomplete(self.dir())?;
        let known = self.history().dirs()?;
        let runs_dir = self.runs_dir();
        for name in
            files::folders(&runs_dir)?.into_iter().filter(|name| is_of_a_run(name) && !known.contains(name))
        {
            let dir = runs_dir.join(&name);
            // Of a run that is over, the lock is held, so that no other process reads or removes the folder meanwhile.
            let _lock = match life_of(&dir) {
                Some(Life::Alive) => continue,
                Some(Life::Over(lock)) => Some(lock),
                None => None,
            };
            remove_incomplete(&dir)?;
            remove_incomplete(&outputs::folder_of(&dir))?;
            if !dir.join(files::REPORT).exists() && !journal::has_begun(&dir) {
                remove_empty(&dir)?;
            }
        }
        Ok(())
    }
}

/// Reports whether a folder has the name of a run: its id, and a number if the run was repeated.
fn is_of_a_run(name: &str) -> bool {
    let (id, number) = name.split_once('.').map_or((name, None), |(id, number)| (id, Some(number)));
    uuid::Uuid::try_parse(id).is_ok() && number.is_none_or(|number| number.parse::<u32>().is_ok())
}

fn remove_incomplete(dir: &Path) -> Result<(), StoreError> {
    if !files::is_folder(dir) {
        return Ok(());
    }
    files::incomplete(dir)?.iter().try_for_each(|name| remove(&dir.join(name)))
}

/// Removes the folder of a run that never began, unless it has a file that is not of a run.
fn remove_empty(dir: &Path) -> Result<(), StoreError> {
    remove(&dir.join(files::JOURNAL))?;
    remove(&dir.join(params::PARAMS))?;
    remove(&dir.join(files::LOCK))?;
    // Neither is an error if there is another file.
    let _ = fs::remove_dir(outputs::folder_of(dir));
    let _ = fs::remove_dir(dir);
    Ok(())
}

fn remove(path: &Path) -> Result<(), StoreError> {
    gone(fs::remove_file(path)).map_err(|error| StoreError::io("remove", path, error))
}
