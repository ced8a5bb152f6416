//! `history.db`: every run in a database that a person can query.
//!
//! It is made from the report files only: a missing, damaged or later one is rebuilt from them. Any number of processes
//! may use it at once; each writes a run in one transaction.

mod read;
mod write;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, ErrorCode, OpenFlags};

pub(super) use self::read::Timed;
pub(super) use self::write::Noted;
use super::error::shown;
use super::{StoreError, files};
use crate::timing::unix_ms;

/// The version of the tables.
const VERSION: i64 = 2;
const SCHEMA: &str = include_str!("schema.sql");

const DATABASE: &str = "history.db";

/// Maximum wait for another process, which writes even a large run in a few milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(super) struct History {
    path: PathBuf,
    db: Mutex<Connection>,
    warnings: Mutex<Vec<String>>,
}

impl History {
    /// Opens the history of a runs directory. On failure, uses one in memory, with a warning.
    ///
    /// # Errors
    /// If even that fails.
    pub(super) fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(DATABASE);
        let mut warnings = Vec::new();
        let db = open_or_repair(dir, &path, &mut warnings).or_else(|why| {
            warnings.push(format!("{why}\nthe history is read from the report files, and not kept"));
            Connection::open_in_memory().and_then(prepared).map_err(|error| refused(&path, &error))
        })?;
        Ok(History { path, db: Mutex::new(db), warnings: Mutex::new(warnings) })
    }

    /// Returns the problems that were found and fixed since the last call.
    pub(super) fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut *super::unpoisoned(self.warnings.lock()))
    }

    /// Adds a problem to those, unless it is among them.
    pub(super) fn warn(&self, warning: String) {
        let mut warnings = super::unpoisoned(self.warnings.lock());
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
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

/// Opens the database. A damaged one is renamed and kept, and a new one is created.
fn open_or_repair(dir: &Path, path: &Path, warnings: &mut Vec<String>) -> Result<Connection, StoreError> {
    // One process at a time checks and repairs, so that none renames the repaired database of another.
    let lock_path = dir.join(files::STORE_LOCK);
    let lock = files::lock_file(&lock_path)?;
    lock.lock().map_err(|error| StoreError::io("lock", &lock_path, error))?;
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        return Err(StoreError::io("open", path, io::Error::other(files::IS_LINK)));
    }
    match open(path) {
        Err(error) if is_damage(&error) => {
            let aside = rename_damaged(path)?;
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
    // Created here, since SQLite would let the group and others read it. SQLite gives its further files the same
    // permissions.
    drop(fs::symlink_metadata(path).is_err().then(|| files::create(path)));
    // SQLite follows no link in the whole path, so the path must have none. A link to the directory is the user's.
    let folder = path.parent().and_then(|folder| fs::canonicalize(folder).ok()).unwrap_or_default();
    let flags = OpenFlags::default() | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let db = Connection::open_with_flags(folder.join(DATABASE), flags)?;
    db.busy_timeout(PATIENCE)?;
    // The write-ahead log lets others read while one process writes, if the file system supports it.
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "normal")?;
    prepared(db)
}

/// Creates the tables if there are none.
fn prepared(mut db: Connection) -> rusqlite::Result<Connection> {
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > VERSION {
        let why = format!("its version is {version}, and this program knows up to {VERSION}");
        return Err(rusqlite::Error::ToSqlConversionFailure(why.into()));
    }
    if version < VERSION {
        let change = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        // Another process may have created them.
        let made: i64 = change.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if made < VERSION {
            let tables: i64 = change.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
            if tables > 0 {
                return Err(foreign());
            }
            change.execute_batch(SCHEMA)?;
            change.pragma_update(None, "user_version", VERSION)?;
        }
        change.commit()?;
    }
    // Reads parts of the tables and indexes, to find a foreign or damaged database.
    db.query_row(
        "SELECT count(*) FROM (SELECT 1 FROM runs ORDER BY started_unix_ms DESC LIMIT 100)",
        [],
        |_| Ok(()),
    )?;
    db.prepare("SELECT identity, run FROM steps LIMIT 1")?;
    Ok(db)
}

/// A database that another program has made.
fn foreign() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB);
    rusqlite::Error::SqliteFailure(code, Some("it has the tables of another program".to_owned()))
}

/// Reports whether the file is a damaged or a foreign database.
fn is_damage(error: &rusqlite::Error) -> bool {
    let rusqlite::Error::SqliteFailure(failure, why) = error else { return false };
    let lacks_a_table =
        why.as_deref().is_some_and(|why| why.contains("no such") || why.contains("already exists"));
    matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) || lacks_a_table
}

/// Renames the database and its other files.
fn rename_damaged(path: &Path) -> Result<PathBuf, StoreError> {
    let now = unix_ms(SystemTime::now());
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
