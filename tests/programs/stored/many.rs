//! Several programs use one store at once.

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::{Runs, undisturbed};
use crate::process::{self, LIMIT};

/// Starts as many programs as `count`, each with its own log.
fn start(runs: &Runs, count: usize) -> Vec<Child> {
    let start = |number| {
        let mut command = runs.command(&format!("log-{number}"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    (0..count).map(start).collect()
}

#[test]
fn two_to_eight_programs_on_one_store_give_the_same_answer() {
    let (answer, _) = undisturbed();
    for count in [2, 4, 8] {
        let runs = Runs::new();
        for child in start(&runs, count) {
            let output = child.wait_with_output().unwrap();
            let err = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && err.is_empty(), "{count}: {err}");
            assert_eq!(String::from_utf8(output.stdout).unwrap(), answer, "{count}");
        }
        runs.check_whole("several programs");
        let next = runs.end("next", None);
        assert_eq!(next.out, answer);
        assert!(
            !next.executed.iter().any(|step| step == "report" || step == "numbers"),
            "{:?}",
            next.executed
        );
    }
}

#[test]
fn programs_are_killed_while_others_use_the_store() {
    let (answer, took) = undisturbed();
    let runs = Runs::new();
    let mut children = start(&runs, 6);
    let begin = Instant::now();
    for (number, child) in children.iter_mut().enumerate().skip(3) {
        let instant = Duration::from_millis(took * number as u64 / 4);
        while begin.elapsed() < instant {
            std::thread::yield_now();
        }
        let _ = child.kill();
    }
    for (number, mut child) in children.into_iter().enumerate() {
        if number < 3 {
            let output = child.wait_with_output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), answer);
        } else {
            process::end(&mut child, Instant::now() + LIMIT);
        }
    }
    let next = runs.end("next", None);
    assert_eq!(next.out, answer);
    assert!(fs::read_dir(runs.store().join("tmp")).unwrap().next().is_none());
}
