//! `history.db`: every run in a database that a person can query.
//!
//! Made of the report files and nothing else, so it can be lost: one that is missing, damaged or of a later version is
//! made anew from them. Any number of processes may use it at once; each writes a run in one transaction.

mod read;
mod write;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode};

pub(super) use self::write::Noted;
use super::error::shown;
use super::{StoreError, files};

/// The version of the tables. A new table, column or index does not change it, a changed meaning does.
const VERSION: i64 = 1;
const SCHEMA: &str = include_str!("schema.sql");
/// The tables that came later.
const ADDED: &str = include_str!("added.sql");

/// Another process writes a run in a few milliseconds, however large.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(super) struct History {
    path: PathBuf,
    db: Mutex<Connection>,
    warnings: Mutex<Vec<String>>,
}

impl History {
    /// Opens the history of a runs directory. Where that cannot be, it is one in memory, and a warning.
    ///
    /// # Errors
    /// Where not even that can be.
    pub(super) fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join("history.db");
        let mut warnings = Vec::new();
        let db = open_or_mend(dir, &path, &mut warnings).or_else(|why| {
            warnings.push(format!("{why}\nthe history is read from the report files, and not kept"));
            Connection::open_in_memory().and_then(prepared).map_err(|error| refused(&path, &error))
        })?;
        Ok(History { path, db: Mutex::new(db), warnings: Mutex::new(warnings) })
    }

    /// What was found wrong, and mended, since this was last asked.
    pub(super) fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut *super::unpoisoned(self.warnings.lock()))
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        super::unpoisoned(self.db.lock())
    }

    fn refused(&self, error: &rusqlite::Error) -> StoreError {
        refused(&self.path, error)
    }
}

fn refused(path: &Path, error: &rusqlite::Error) -> StoreError {
    StoreError::Database { path: path.to_owned(), why: error.to_string() }
}

/// Opens the database; one that is damaged is put aside for whoever wants to look at it, and a new one made.
fn open_or_mend(dir: &Path, path: &Path, warnings: &mut Vec<String>) -> Result<Connection, StoreError> {
    // One process at a time looks and mends, so that none puts aside what another has just mended.
    let lock_path = dir.join("history.lock");
    let lock = files::create(&lock_path)?;
    lock.lock().map_err(|error| StoreError::io("lock", &lock_path, error))?;
    match open(path) {
        Err(error) if is_damage(&error) => {
            let aside = put_aside(path)?;
            warnings.push(format!(
                "{} was damaged ({error}): it was put aside as {} and made anew from the report files",
                shown(path),
                shown(&aside)
            ));
            open(path).map_err(|error| refused(path, &error))
        }
        opened => opened.map_err(|error| refused(path, &error)),
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    // Made here, since SQLite would let the group and others read it; its further files have the rights of this one.
    drop(fs::metadata(path).is_err().then(|| files::create(path)));
    let db = Connection::open(path)?;
    db.busy_timeout(PATIENCE)?;
    // The log beside the database lets others read while one writes. Not every file system can; then it is the old way.
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "normal")?;
    prepared(db)
}

/// Makes the tables where there are none.
fn prepared(mut db: Connection) -> rusqlite::Result<Connection> {
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > VERSION {
        let why = format!("its version is {version}, and this program knows up to {VERSION}");
        return Err(rusqlite::Error::ToSqlConversionFailure(why.into()));
    }
    if version < VERSION {
        let change = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        // Another process may have been first.
        let made: i64 = change.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if made < VERSION {
            change.execute_batch(SCHEMA)?;
            change.pragma_update(None, "user_version", VERSION)?;
        }
        change.commit()?;
    }
    db.execute_batch(ADDED)?;
    // The first pages tell whether it is ours, the indexes whether it fits together: each is read at least in part.
    db.query_row(
        "SELECT count(*) FROM (SELECT 1 FROM runs ORDER BY started_unix_ms DESC LIMIT 100)",
        [],
        |_| Ok(()),
    )?;
    db.prepare("SELECT name, run FROM steps LIMIT 1")?;
    Ok(db)
}

/// Whether the file is no sound database, or no database of ours.
fn is_damage(error: &rusqlite::Error) -> bool {
    let rusqlite::Error::SqliteFailure(failure, why) = error else { return false };
    let lacks_a_table =
        why.as_deref().is_some_and(|why| why.contains("no such") || why.contains("already exists"));
    matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) || lacks_a_table
}

/// Gives the database, and what `SQLite` keeps beside it, other names.
fn put_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let beside = |name: String| path.with_file_name(name);
    let aside = beside(format!("history.db.damaged-{now}"));
    fs::rename(path, &aside).map_err(|error| StoreError::io("rename", path, error))?;
    for part in ["wal", "shm"] {
        // Usually there is none.
        let _ = fs::rename(
            beside(format!("history.db-{part}")),
            beside(format!("history.db.damaged-{now}-{part}")),
        );
    }
    Ok(aside)
}
