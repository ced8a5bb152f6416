//! What killed processes leave behind is removed, and nothing else.

use std::fs::{self, File};

use super::*;

const RUN: &str = "0190f5b2-7c1e-7aaa-8000-00000000000";

/// Plants what processes that were killed at several moments leave. Returns it.
fn leftovers(folder: &Folder) -> Vec<PathBuf> {
    let new = |number: u32| {
        let dir = folder.join(format!("runs/{RUN}{number}"));
        fs::create_dir(&dir).unwrap();
        dir
    };
    let [empty, locked, torn] = [1, 2, 3].map(new);
    let repeated = folder.join(format!("runs/{RUN}1.2"));
    fs::create_dir_all(repeated.join("outputs")).unwrap();
    fs::write(repeated.join("outputs/one.json.part"), "[1,").unwrap();
    fs::write(locked.join("run.lock"), "").unwrap();
    fs::write(torn.join("run.lock"), "").unwrap();
    fs::write(torn.join("events.jsonl"), "{\"v\":1,").unwrap();
    fs::write(folder.join(".probe-1-2"), "    ").unwrap();
    vec![empty, locked, torn, repeated, folder.join(".probe-1-2")]
}

/// The incomplete files of a run that was killed while it wrote its report and an output.
fn incomplete(run: &Path) -> Vec<PathBuf> {
    fs::create_dir_all(run.join("outputs")).unwrap();
    let files =
        ["report.json.9.part", "page.html.part", "outputs/one.json.9.part"].map(|name| run.join(name));
    files.iter().for_each(|file| fs::write(file, "{").unwrap());
    files.to_vec()
}

#[track_caller]
fn are_gone(paths: &[PathBuf]) {
    let left: Vec<_> = paths.iter().filter(|path| fs::symlink_metadata(path).is_ok()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_next_open_removes_what_killed_processes_left() {
    let folder = Folder::new();
    let (_, run) = record(two_steps(false), &folder.store());
    fs::remove_file(folder.join("history.db")).unwrap();
    fs::remove_file(run.join("report.json")).unwrap();
    let left = [leftovers(&folder), incomplete(&run)].concat();
    let store = folder.store();
    are_gone(&left);
    assert_eq!(store.runs().unwrap().len(), 1, "the run that began is kept");
    assert_eq!(store.take_warnings(), Vec::<String>::new());
}

#[test]
fn keeping_few_runs_removes_what_killed_processes_left() {
    let folder = Folder::new();
    let store = folder.store().keep_runs(1);
    let left = leftovers(&folder);
    record(two_steps(false), &store);
    are_gone(&left);
}

#[test]
fn a_probe_and_a_recorded_run_leave_nothing_incomplete() {
    let folder = Folder::new();
    let (_, run) = record(two_steps(false), &folder.store());
    for dir in [&*folder, &*run] {
        let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let left: Vec<_> = names.filter(|name| name.contains(".part") || name.contains("probe")).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn what_a_live_process_writes_is_not_touched() {
    let folder = Folder::new();
    let store = folder.store();
    // A process that has its lock and writes its journal next.
    let begins = folder.join(format!("runs/{RUN}1"));
    fs::create_dir(&begins).unwrap();
    let lock = File::create(begins.join("run.lock")).unwrap();
    lock.lock().unwrap();
    let writes = incomplete(&begins);
    for store in [folder.store(), store.keep_runs(1)] {
        record(two_steps(false), &store);
    }
    assert!(writes.iter().all(|file| file.exists()), "{writes:?}");
    drop(lock);
    folder.store();
    are_gone(&writes);
    are_gone(&[begins]);
}

#[cfg(unix)]
#[test]
fn what_is_not_of_a_run_or_behind_a_link_is_not_touched() {
    use std::os::unix::fs::symlink;

    let (folder, outside) = (Folder::new(), Folder::new());
    folder.store();
    let theirs = incomplete(&outside);
    let runs = folder.join("runs");
    symlink(&*outside, runs.join(format!("{RUN}1"))).unwrap();
    fs::create_dir(runs.join(format!("{RUN}2"))).unwrap();
    symlink(outside.join("outputs"), runs.join(format!("{RUN}2/outputs"))).unwrap();
    symlink(&theirs[0], folder.join(".probe-1-2")).unwrap();
    let other = [runs.join("other/x.part"), runs.join(format!("{RUN}3/notes.txt"))];
    for file in &other {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "mine").unwrap();
    }
    folder.store();
    record(two_steps(false), &folder.store().keep_runs(1));
    assert!(theirs.iter().chain(&other).all(|file| file.exists()));
}
