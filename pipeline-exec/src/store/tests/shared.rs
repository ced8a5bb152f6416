//! Many threads and processes use one store.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;

use super::*;

/// Set for the test that runs as the program of a child process: the folder of the store.
const FOLDER: &str = "PIPELINE_TEST_STORE";
/// Number of values that a child stores.
const VALUES: usize = 60;

fn value_of(at: usize) -> Vec<u8> {
    bytes(100 * at, at.is_multiple_of(2))
}

/// Starts a process that stores values and prints a line after each.
fn start(dir: &Dir) -> Child {
    Command::new(std::env::current_exe().expect("it is known"))
        .args(["--exact", "store::tests::shared::a_child_stores_values", "--nocapture"])
        .env(FOLDER, &dir.0)
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program can be run")
}

#[test]
#[allow(clippy::print_stdout, reason = "the parent reads it")]
fn a_child_stores_values() {
    let Some(dir) = std::env::var_os(FOLDER) else { return };
    let store = ValueStore::open(dir).expect("it is a store");
    for at in 0..VALUES {
        commit(&store, &at.to_string(), &value_of(at));
        assert_eq!(found(&store, &at.to_string()), Some(value_of(at)));
        println!("\nstored {at}");
    }
    assert_eq!(store.take_warnings(), Vec::<String>::new());
}

#[test]
fn processes_share_a_store() {
    let dir = Dir::new();
    let children: Vec<Child> = (0..4).map(|_| start(&dir)).collect();
    for child in children {
        let output = child.wait_with_output().expect("it was started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let store = dir.store();
    for at in 0..VALUES {
        assert_eq!(found(&store, &at.to_string()), Some(value_of(at)));
    }
    assert_eq!(files(&dir.0.join("tmp")), Vec::<PathBuf>::new());
    assert_eq!(store.verify().expect("it can be listed").problems, Vec::<String>::new());
}

#[test]
fn a_killed_process_loses_nothing_that_it_had_stored() {
    for lines in [0, 1, 7, 20, 59] {
        let dir = Dir::new();
        let mut child = start(&dir);
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let stored =
            output.lines().map_while(Result::ok).filter(|line| line.starts_with("stored ")).take(lines);
        assert_eq!(stored.count(), lines);
        child.kill().expect("it was started");
        child.wait().expect("it was started");

        let store = dir.store();
        for at in 0..VALUES {
            match found(&store, &at.to_string()) {
                Some(found) => assert_eq!(found, value_of(at)),
                None => assert!(at >= lines, "{at} was stored"),
            }
            commit(&store, &at.to_string(), &value_of(at));
        }
        assert_eq!(store.take_warnings(), Vec::<String>::new());
        assert_eq!(files(&dir.0.join("tmp")), Vec::<PathBuf>::new());
    }
}

#[test]
fn all_writers_of_a_key_get_the_record_of_the_first() {
    const THREADS: usize = 8;
    let dir = Dir::new();
    let barrier = Barrier::new(THREADS);
    let committed: Vec<Vec<Record>> = std::thread::scope(|scope| {
        let write = |thread: usize| {
            barrier.wait();
            let store = dir.store();
            (0..50)
                .map(|at| commit(&store, &at.to_string(), format!("{at} by {thread}").as_bytes()))
                .collect()
        };
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || write(thread))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    assert!(committed.iter().all(|records| *records == committed[0]));
    let store = dir.store();
    for (at, record) in committed[0].iter().enumerate() {
        assert_eq!(store.cache().find(&key(&at.to_string()).to_string()).as_ref(), Some(record));
        assert!(store.load(record).is_some());
    }
    assert_eq!(store.take_warnings(), Vec::<String>::new());
    assert_eq!(files(&dir.0.join("tmp")), Vec::<PathBuf>::new());
}

#[test]
fn what_killed_processes_left_is_removed_by_the_next_that_is_alone() {
    let dir = Dir::new();
    let user = dir.store();
    let left = dir.0.join("tmp/left");
    std::fs::write(&left, "x").expect("it can be written");
    dir.store();
    assert!(left.exists(), "another process may be writing it");
    drop(user);
    dir.store();
    assert!(!left.exists());
}
