//! The records of runs: a folder for each run, and the history of all.
//!
//! ```text
//! .pipeline/
//!   history.db            every run that has ended, its steps, attempts and counters: SQLite
//!   runs/<run id>/
//!     run.lock            locked by the operating system while the run is alive
//!     events.jsonl        the journal: each event as a line, when it happens
//!     report.json         the report, once the run has ended
//!     page.html           the same for a browser
//!     outputs/ID.json     the outputs of steps, if the run saves them
//!     trace.json          the same as a timeline, for Perfetto
//! ```
//! The database is made from the files. A run with a report has ended; without one, it is running if its lock is held,
//! and was interrupted if its lock is free. So whatever process is killed, at any time, nothing wrong is shown.

mod diff;
mod entry;
mod error;
mod files;
mod find;
mod history;
mod journal;
mod outputs;
mod params;
mod reconcile;
mod recording;
mod scope;
mod started;
#[cfg(feature = "outputs")]
mod step_name;
mod sweep;
mod trace;
mod trends;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde::Deserialize;

pub use self::diff::{CounterDiff, RunDiff, StepDiff};
pub use self::entry::{RunEntry, RunState};
pub use self::error::StoreError;
#[cfg(feature = "cli")]
pub(crate) use self::error::whose;
#[cfg(feature = "cli")]
pub(crate) use self::files::{PAGE, check_writable, write_whole};
use self::history::{History, Timed};
pub(crate) use self::outputs::Saving;
#[cfg(feature = "cli")]
pub(crate) use self::outputs::{SavedOutputs, folder_of as outputs_of};
pub(crate) use self::recording::Recording;
use self::scope::Scope;
pub use self::trends::{Pace, StepTime, StepTrend};
#[cfg(feature = "cli")]
pub(crate) use self::{
    params::read as params_of, step_name::meant, trace::write as write_trace, trends::median,
};
#[cfg(feature = "cli")]
use crate::record::RunOwner;
use crate::report::{RunReport, SCHEMA};

/// A runs directory, where runs are recorded and found later. Cheap to clone.
///
/// ```
/// # use pipeline_core::DagBuilder;
/// # use pipeline_exec::{Pipeline, RunStore};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = std::env::temp_dir().join(format!("run-store-doc-{}", std::process::id()));
/// # let mut dag = DagBuilder::new();
/// # dag.cpu("one", (), |()| 1_u64);
/// let store = RunStore::open(&dir)?;
/// let run = Pipeline::new(dag.build()?).record_to(&store).run_blocking()?;
///
/// let latest = store.runs()?.remove(0);
/// assert_eq!(latest.run_id, run.id());
/// assert_eq!(&store.report("latest")?, run.report());
/// # std::fs::remove_dir_all(&dir)?;
/// # Ok(()) }
/// ```
///
/// Each run gets a folder with its journal, report and trace, and rows in `history.db`, an `SQLite` database that the
/// `sqlite3` tool can query. Only the owner may read the files. Any number of processes may record to one directory.
///
/// A run that cannot be recorded is refused before it starts. A later failure to record never fails the run: standard
/// error shows it at the end, and [`Run::recorded`](crate::Run::recorded) returns it.
#[derive(Clone)]
pub struct RunStore {
    shared: Arc<Shared>,
    scope: Scope,
    keep_runs: Option<usize>,
    save_outputs: bool,
}

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    history: History,
}

impl RunStore {
    /// Opens a runs directory. Creates it if it does not exist.
    ///
    /// A database that is missing, damaged or of a later version is rebuilt from the report files, with a
    /// [warning](RunStore::take_warnings). What killed processes left incomplete is removed.
    ///
    /// The directory may be a symbolic link. No link inside it is followed.
    ///
    /// # Errors
    /// If it cannot be created or read. Space and permission to write are checked when a run is recorded.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, StoreError> {
        let dir =
            std::path::absolute(dir.as_ref()).map_err(|error| StoreError::io("find", dir.as_ref(), error))?;
        let runs = dir.join("runs");
        files::make_dir(&runs)?;
        if !files::is_folder(&runs) {
            return Err(StoreError::io("use the folder", runs, io::Error::other(files::IS_LINK)));
        }
        files::write_new(&dir.join(".gitignore"), b"*\n")?;
        let history = History::open(&dir)?;
        let store = RunStore {
            shared: Arc::new(Shared { dir, history }),
            scope: Scope::this_program(),
            keep_runs: None,
            save_outputs: false,
        };
        if let Err(error) = store.sweep() {
            store.history().warn(error.to_string());
        }
        Ok(store)
    }

    /// Shows the runs of every program that records in this directory. By default, a store shows and compares the runs of
    /// this program, which it knows by the name of its file.
    #[must_use]
    pub fn every_program(mut self) -> Self {
        self.scope.program = None;
        self
    }

    /// Shows and compares only the runs of one pipeline.
    #[cfg(feature = "cli")]
    #[must_use]
    pub(crate) fn of(mut self, owner: RunOwner) -> Self {
        self.scope = Scope::of(owner);
        self
    }

    /// Keeps the files of the latest `runs` runs of each pipeline of each program. After recording a run, removes older
    /// ones, and what killed processes left incomplete. Their rows in the history stay. By default, all are kept.
    #[must_use]
    pub fn keep_runs(self, runs: usize) -> Self {
        self.keeping(Some(runs))
    }

    pub(crate) fn keeping(mut self, runs: Option<usize>) -> Self {
        self.keep_runs = runs.map(|runs| runs.max(1));
        self
    }

    /// Returns the directory.
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// Returns every run of this program, the latest first, including running and interrupted ones.
    ///
    /// # Errors
    /// If the directory or the history cannot be read.
    pub fn runs(&self) -> Result<Vec<RunEntry>, StoreError> {
        let mut runs = self.all_runs()?;
        runs.retain(|run| self.scope.contains(run));
        Ok(runs)
    }

    /// Returns every run of every program, the latest first.
    fn all_runs(&self) -> Result<Vec<RunEntry>, StoreError> {
        let running = self.reconcile()?;
        let mut runs = self.history().runs(&self.runs_dir())?;
        // A run that has ended since then is in the history.
        let ended: HashSet<PathBuf> = runs.iter().map(|run| run.dir.clone()).collect();
        runs.extend(running.into_iter().filter(|run| !ended.contains(&run.dir)));
        runs.sort_by_key(|run| std::cmp::Reverse(run.started_unix_ms));
        Ok(runs)
    }

    /// Finds a run by its id, by the start or end of the id, by the start of the [short id](RunEntry::short_id), as
    /// `latest` of this program, or counted back from the latest, which is `-1`.
    ///
    /// # Errors
    /// If no run or several runs match, or the history cannot be read.
    pub fn find(&self, run: &str) -> Result<RunEntry, StoreError> {
        find::one(self.all_runs()?, &self.scope, run, self.dir())
    }

    /// Returns the report of a run, named as for [`RunStore::find`]. For a running or interrupted run, it is made from
    /// the journal: it has the steps that had begun, is `cancelled`, and has the reason in `stopped_because`.
    ///
    /// # Errors
    /// As [`RunStore::find`], and if the files of the run are missing, damaged, or of a later version.
    pub fn report(&self, run: &str) -> Result<RunReport, StoreError> {
        self.report_of(&self.find(run)?)
    }

    /// Returns the report of a run that was found.
    ///
    /// # Errors
    /// If the files of the run are missing, damaged, or of a later version.
    pub fn report_of(&self, run: &RunEntry) -> Result<RunReport, StoreError> {
        let path = run.dir.join(files::REPORT);
        // A link in place of the folder is not followed.
        if !files::is_folder(&run.dir) {
            return Err(StoreError::FilesGone { run_id: run.run_id.clone() });
        }
        let has_report = path.exists();
        let report = if has_report { read_report(&path) } else { journal::report(&run.dir, run.state) };
        // The lock is removed first. Without it, another process is removing the run, and what was found may be
        // incomplete.
        let may_be_half = !has_report || matches!(report, Err(StoreError::Io { .. }));
        if may_be_half && !run.dir.join(files::LOCK).exists() {
            return Err(StoreError::FilesGone { run_id: run.run_id.clone() });
        }
        report
    }

    /// Returns the usual duration of each step, by its [identity](pipeline_core::StepSpec::identity): the median over the
    /// latest `n` successful runs of this program in which it succeeded. Steps that never succeeded are left out.
    ///
    /// # Errors
    /// If the directory or the history cannot be read.
    pub fn durations(&self, n: usize) -> Result<BTreeMap<String, Duration>, StoreError> {
        self.reconcile()?;
        self.recorded_durations(n)
    }

    /// Returns the runs of an owner that are under way, and the usual durations of the steps.
    #[cfg(feature = "cli")]
    pub(crate) fn at_start(
        &self,
        owner: &RunOwner,
        n: usize,
    ) -> Result<(Vec<RunEntry>, BTreeMap<String, Duration>), StoreError> {
        Ok((self.under_way(owner)?, self.recorded_durations(n)?))
    }

    /// As [`RunStore::durations`], of the runs that are in the history already.
    fn recorded_durations(&self, n: usize) -> Result<BTreeMap<String, Duration>, StoreError> {
        let times = self.history().times(n, true, &self.scope)?;
        let median = |(step, timed): (String, Timed)| {
            Some((step, trends::median(timed.times.iter().map(|time| time.duration).collect())?))
        };
        Ok(times.into_iter().filter_map(median).collect())
    }

    /// Returns the durations of each step over the latest `n` runs of this program in which it succeeded, by identity.
    ///
    /// # Errors
    /// If the directory or the history cannot be read.
    pub fn trends(&self, n: usize) -> Result<Vec<StepTrend>, StoreError> {
        self.reconcile()?;
        Ok(self
            .history()
            .times(n, false, &self.scope)?
            .into_iter()
            .map(|(identity, Timed { name, times })| StepTrend::of(name, identity, times))
            .collect())
    }

    /// Returns the problems of the history that were found and fixed since the last call.
    pub fn take_warnings(&self) -> Vec<String> {
        self.history().take_warnings()
    }

    /// Checks whether a run can be recorded now.
    #[cfg(feature = "cli")]
    pub(crate) fn check_room(&self) -> Result<(), StoreError> {
        files::probe(self.dir())
    }

    fn history(&self) -> &History {
        &self.shared.history
    }

    fn runs_dir(&self) -> PathBuf {
        self.shared.dir.join("runs")
    }
}

impl fmt::Debug for RunStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunStore").field("dir", &self.dir()).finish_non_exhaustive()
    }
}

/// Reads a report file, if this program knows its schema.
fn read_report(path: &Path) -> Result<RunReport, StoreError> {
    #[derive(Deserialize)]
    struct Versioned {
        schema: u32,
    }
    let newer = |found| StoreError::Newer { path: path.to_owned(), found, known: SCHEMA };
    // Read bit by bit: a file of another kind is refused at its first byte, whatever its size.
    match serde_json::from_reader::<_, RunReport>(files::read_bounded(path)?) {
        Ok(report) if report.schema > SCHEMA => Err(newer(report.schema)),
        Ok(report) => Ok(report),
        Err(error) => match serde_json::from_reader(files::read_bounded(path)?) {
            Ok(Versioned { schema }) if schema > SCHEMA => Err(newer(schema)),
            _ if error.is_io() => Err(StoreError::io("read", path, error.into())),
            _ => Err(StoreError::Damaged { path: path.to_owned(), why: error.to_string() }),
        },
    }
}

/// Ignores that a thread panicked while it held the lock.
fn unpoisoned<T>(locked: Result<T, PoisonError<T>>) -> T {
    locked.unwrap_or_else(PoisonError::into_inner)
}
