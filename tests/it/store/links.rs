//! No file of a runs directory is reached through a link, and none can make a program wait or fill its memory.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;

use pipeline::store::StoreError;

use super::*;

const THEIRS: &str = "another program's file";

/// A file outside of the runs directory, and a link to it inside.
fn planted(outside: &Folder, link: impl AsRef<Path>) -> PathBuf {
    let target = outside.join("theirs");
    fs::write(&target, THEIRS).unwrap();
    let _ = fs::remove_file(&link);
    symlink(&target, link).unwrap();
    target
}

#[track_caller]
fn is_as_it_was(target: &Path) {
    assert_eq!(fs::read_to_string(target).unwrap(), THEIRS);
}

#[test]
fn a_link_in_place_of_a_lock_is_named_and_its_target_stays() {
    let (folder, outside) = (Folder::new(), Folder::new());
    let target = planted(&outside, folder.join("history.lock"));
    let store = folder.store();
    let warnings = store.take_warnings().join("\n");
    assert!(warnings.contains("history.lock: it is a symbolic link"), "{warnings}");
    let refused = two_steps(false).record_to(&store).run_blocking().unwrap_err().to_string();
    assert!(refused.contains("history.lock: it is a symbolic link"), "{refused}");
    is_as_it_was(&target);
}

#[test]
fn a_link_in_place_of_the_database_is_named_and_its_target_stays() {
    let (folder, outside) = (Folder::new(), Folder::new());
    let theirs = rusqlite::Connection::open(outside.join("db")).unwrap();
    theirs.execute_batch("CREATE TABLE mine (x)").unwrap();
    symlink(outside.join("db"), folder.join("history.db")).unwrap();
    let store = folder.store();
    let warnings = store.take_warnings().join("\n");
    assert!(warnings.contains("history.db: it is a symbolic link"), "{warnings}");
    record(two_steps(false), &store);
    assert_eq!(store.runs().unwrap().len(), 1, "it is read from the files");
    let tables = |db: &rusqlite::Connection| -> i64 {
        db.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(tables(&theirs), 1);
    for more in ["history.db-wal", "history.db-shm", "history.db-journal"] {
        let (folder, outside) = (Folder::new(), Folder::new());
        let target = planted(&outside, folder.join(more));
        let _ = two_steps(false).record_to(&folder.store()).run_blocking();
        is_as_it_was(&target);
    }
}

#[test]
fn a_database_of_another_program_gets_no_tables() {
    let folder = Folder::new();
    let database = folder.join("history.db");
    rusqlite::Connection::open(&database).unwrap().execute_batch("CREATE TABLE mine (x)").unwrap();
    let store = folder.store();
    assert!(store.take_warnings()[0].contains("another program"));
    record(two_steps(false), &store);
    let aside = fs::read_dir(&*folder).unwrap().map(|entry| entry.unwrap().path());
    let aside = aside.filter(|path| path.to_string_lossy().contains("damaged")).collect::<Vec<_>>();
    let theirs = rusqlite::Connection::open(&aside[0]).unwrap();
    let tables: i64 = theirs.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn a_link_in_place_of_the_folder_of_runs_is_refused_and_one_to_the_directory_is_followed() {
    let (folder, outside) = (Folder::new(), Folder::new());
    symlink(&*outside, folder.join("runs")).unwrap();
    let refused = RunStore::open(&*folder).unwrap_err().to_string();
    assert!(refused.contains("runs: it is a symbolic link"), "{refused}");
    symlink(&*outside, folder.join("linked")).unwrap();
    let store = RunStore::open(folder.join("linked")).unwrap();
    record(two_steps(false), &store);
    assert_eq!((store.take_warnings(), store.runs().unwrap().len()), (Vec::new(), 1));
    assert!(outside.join("history.db").exists());
}

#[test]
fn the_files_of_a_run_are_not_read_through_links() {
    let (folder, outside) = (Folder::new(), Folder::new());
    let store = folder.store();
    let (_, run) = record(two_steps(false), &store);
    let (_, other) = record(two_steps(true), &RunStore::open(&*outside).unwrap());
    for name in ["report.json", "events.jsonl"] {
        fs::remove_file(run.join(name)).unwrap();
        symlink(other.join(name), run.join(name)).unwrap();
        let error = store.report("latest").unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("symbolic link"), "{error}");
        fs::remove_file(run.join(name)).unwrap();
    }
    fs::remove_dir_all(&run).unwrap();
    symlink(&other, &run).unwrap();
    assert!(matches!(store.report("latest"), Err(StoreError::FilesGone { .. })));
}

#[test]
fn old_runs_are_not_removed_through_links_or_paths() {
    let (folder, outside) = (Folder::new(), Folder::new());
    let store = folder.store();
    let (_, linked) = record(two_steps(false), &store);
    record(two_steps(false), &store);
    let path = outside.join("another/run");
    fs::create_dir_all(&path).unwrap();
    let target = planted(&outside, outside.join("run.lock"));
    fs::remove_dir_all(&linked).unwrap();
    symlink(&*outside, &linked).unwrap();
    let database = rusqlite::Connection::open(folder.join("history.db")).unwrap();
    database.execute("UPDATE runs SET dir = ?1 WHERE seq = 2", [path.to_str().unwrap()]).unwrap();
    record(two_steps(false), &store.clone().keep_runs(1));
    assert!(path.exists() && fs::symlink_metadata(outside.join("run.lock")).is_ok());
    is_as_it_was(&target);
    database.execute("UPDATE runs SET dir = '..' WHERE seq = 2", []).unwrap();
    record(two_steps(false), &store.clone().keep_runs(1));
    assert!(folder.join("history.db").exists());
    assert!(store.runs().unwrap().iter().all(|run| run.dir.starts_with(folder.join("runs"))));
}

#[test]
fn a_pipe_in_place_of_a_file_is_not_waited_for() {
    let folder = Folder::new();
    let run = folder.join("runs/0190f5b2-7c1e-7aaa-8000-000000000001");
    fs::create_dir_all(&run).unwrap();
    for pipe in [folder.join("history.lock"), run.join("run.lock"), run.join("events.jsonl")] {
        assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
    }
    let store = folder.store();
    assert_eq!(store.runs().unwrap(), []);
    let refused = two_steps(false).record_to(&store).run_blocking().unwrap_err().to_string();
    assert!(refused.contains("history.lock"), "{refused}");
}
