//! Steps that are observed while they run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pipeline::prelude::*;
use pipeline::{DagBuilder, StepContext};

use crate::say;

/// Would clear a terminal, retitle it, and reverse the reading direction.
pub(crate) const HOSTILE: &str = "evil\x1b[2J\x1b]0;title\x07\rback\u{202e}desrever\nnext";

/// Waits until the test has seen enough and made the file.
fn until(seen: &Path) {
    while !seen.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Reports progress, prints, starts a process that prints, and waits to be seen.
#[step(blocking)]
fn shown(#[param] seen: PathBuf, #[context] cx: &StepContext) -> u32 {
    let progress = cx.progress(4);
    progress.add(3);
    progress.note(HOSTILE);
    cx.count("rows_in", 12);
    say("printed by the step");
    eprintln!("told by the step");
    let mut child = std::process::Command::new("echo");
    assert!(child.arg("printed by its child").status().expect("a child").success());
    until(&seen);
    print!("without an end");
    1
}

/// Fails once; its second attempt waits to be seen.
#[step(blocking, retries = 1, backoff = "1ms")]
fn shown_again(#[param] seen: PathBuf, #[context] cx: &StepContext) -> Result<u32, String> {
    let progress = cx.progress(8);
    if cx.attempt() == 1 {
        progress.add(7);
        return Err("not yet".to_owned());
    }
    progress.add(2);
    until(&seen);
    Ok(1)
}

/// Two steps that need a limit without a capacity.
#[step(limit = "shown_press")]
fn shown_prints(shown_source: &u32) -> u32 {
    *shown_source
}

#[step(limit = "shown_press")]
fn shown_prints_again(shown_source: &u32) -> u32 {
    *shown_source
}

/// Panics while other steps are shown.
#[step(blocking)]
fn shown_panics(shown_source: &u32) -> u32 {
    panic!("planted: shown {shown_source}")
}

#[step]
fn shown_source() -> u32 {
    1
}

/// Two steps with names and an error that would control a terminal.
pub(crate) fn hostile() -> Pipeline {
    let mut dag = DagBuilder::new();
    let first = dag.blocking(HOSTILE, (), |()| Ok::<_, String>(1_u32));
    dag.blocking(format!("{HOSTILE}{}", "x".repeat(10_000)), (first,), |_| Err::<u32, _>(HOSTILE.to_owned()));
    Pipeline::new(dag.build().expect("a graph"))
}

/// Prints, and exits the process.
#[allow(clippy::exit, reason = "it is the fault")]
#[step(blocking)]
fn shown_exits() -> u64 {
    println!("last words to standard output");
    eprintln!("last words to standard error");
    std::process::exit(7)
}

/// Locks standard error for ever, and is detached.
#[step(blocking, timeout = "50ms")]
fn shown_keeps_stderr() -> u64 {
    let kept = std::io::stderr().lock();
    std::thread::sleep(crate::FOR_EVER);
    drop(kept);
    0
}

/// Locks standard output for ever, and is detached.
#[step(blocking, timeout = "50ms")]
fn shown_keeps_stdout() -> u64 {
    let kept = std::io::stdout().lock();
    std::thread::sleep(crate::FOR_EVER);
    drop(kept);
    0
}
