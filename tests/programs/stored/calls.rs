//! SIGKILL, or an error, at each system call that changes files, by strace.

use std::fs;
use std::process::Command;

use super::{Runs, undisturbed};
use crate::process::{self, LIMIT, missing};

/// With `durability = process`.
const CALLS: [&str; 5] = ["openat", "mkdir", "write", "linkat", "unlink"];
/// And with `power`.
const SYNC_CALLS: [&str; 2] = ["fsync", "fdatasync"];

/// Runs the program through strace, and kills it at the call with number `at` of one of its threads. Reports whether it
/// was killed.
fn is_killed(runs: &Runs, call: &str, at: usize) -> bool {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    strace.args(["-e", &format!("inject={call}:signal=SIGKILL:when={at}")]);
    strace.args(runs.arguments("killed"));
    if SYNC_CALLS.contains(&call) {
        strace.arg("--power");
    }
    !process::output(&mut strace, LIMIT).status.success()
}

#[test]
fn a_run_killed_at_any_call_goes_on_where_it_was() {
    const TEST: &str = "a_run_killed_at_any_call_goes_on_where_it_was";
    if !has_strace() {
        return missing(TEST, "strace that works");
    }
    let (answer, _) = undisturbed();
    // Each thread of the program has its own count. Half of the calls for each of two threads here.
    let kills: usize = std::thread::scope(|scope| {
        let killers = [0, 1].map(|half| {
            let answer = &answer;
            scope.spawn(move || {
                let calls = CALLS.into_iter().chain(SYNC_CALLS).skip(half).step_by(2);
                calls.map(|call| kill_at_each(call, answer)).sum()
            })
        });
        killers.into_iter().map(|killer| -> usize { killer.join().unwrap() }).sum()
    });
    assert!(kills > 50, "{kills}");
}

fn has_strace() -> bool {
    let works = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).status();
    works.is_ok_and(|status| status.success())
}

/// Kills runs at each call, until one ends before it comes so far. Returns how many were killed.
fn kill_at_each(call: &str, answer: &str) -> usize {
    for at in 1.. {
        let runs = Runs::new();
        if !is_killed(&runs, call, at) {
            assert!(at > 1, "{call}");
            return at - 1;
        }
        runs.check_after_a_kill(answer, &format!("{call} {at}"));
    }
    unreachable!("a run has an end")
}

/// A system call fails, instead of the process: the run ends with the answer, or says that the store cannot be used. What
/// was not stored is made again.
#[test]
fn a_call_that_fails_costs_a_stored_value_and_no_run() {
    const TEST: &str = "a_call_that_fails_costs_a_stored_value_and_no_run";
    if !has_strace() {
        return missing(TEST, "strace that works");
    }
    let (answer, _) = undisturbed();
    for (call, error) in [("linkat", "EIO"), ("mkdir", "ENOSPC")] {
        let mut failed = 0;
        for at in 1.. {
            let runs = Runs::new();
            let mut strace = Command::new("strace");
            strace.args(["-f", "-qq", "-o", "trace", "-e", &format!("trace={call}")]);
            strace.args(["-e", &format!("inject={call}:error={error}:when={at}")]);
            strace.args(runs.arguments("failed")).current_dir(&*runs.folder);
            let output = process::output(&mut strace, LIMIT);
            if !fs::read_to_string(runs.folder.join("trace")).unwrap().contains("INJECTED") {
                break;
            }
            failed += 1;
            let case = format!("{call} {at}");
            let err = String::from_utf8(output.stderr).unwrap();
            if output.status.success() {
                assert_eq!(String::from_utf8(output.stdout).unwrap(), answer, "{case}");
            } else {
                assert!(err.contains("/store: "), "{case}: {err}");
            }
            let after = runs.end("after", None);
            assert_eq!(after.out, answer, "{case}");
            runs.check_whole(&case);
        }
        assert!(failed > 2, "{call}");
    }
}
