//! Steps that run when a signal arrives.

use std::process::ExitCode;

use pipeline::prelude::*;

use crate::{FOR_EVER, say};

#[step]
async fn waits() {
    say("waiting");
    tokio::time::sleep(FOR_EVER).await;
}

#[step(after(waits))]
fn behind_waits() {}

#[step]
fn stuck() {
    say("stuck");
    std::thread::sleep(FOR_EVER);
}

#[step]
fn looks_for_the_end(#[context] cx: &StepContext) {
    say("looking");
    while !cx.is_cancelled() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

#[step(retries = 5, backoff = "1h")]
fn backs_off() -> Result<(), String> {
    Err("planted: not yet".to_owned())
}

#[step(group = "busy")]
fn busy_0() -> u32 {
    std::thread::sleep(std::time::Duration::from_millis(5));
    0
}

#[step(group = "busy")]
async fn busy_1(busy_0: &u32) -> u32 {
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    busy_0 + 1
}

#[step(group = "busy", blocking)]
fn busy_2(busy_1: &u32) -> u32 {
    std::thread::sleep(std::time::Duration::from_millis(5));
    busy_1 + 1
}

#[step(group = "busy")]
async fn busy_3(busy_2: &u32) -> u32 {
    tokio::time::sleep(FOR_EVER).await;
    busy_2 + 1
}

/// A program that handles signals without the command line.
pub(crate) fn library() -> ExitCode {
    let run = Pipeline::to::<behind_waits>().stop_on_signals().run_blocking().expect("it is right");
    let later = Pipeline::to::<waits>().stop_on_signals().run_blocking().expect("it is right");
    let why = run.report().stopped_because.clone();
    say(&format!("stopped by {:?}: {why:?}; the next by {:?}", run.stopped_by(), later.stopped_by()));
    run.exit_code()
}

/// A program that continues after a run that handled signals.
pub(crate) fn after_a_run() -> ExitCode {
    let run = Pipeline::to::<crate::panics::sibling>().stop_on_signals().run_blocking().expect("it is right");
    say("after");
    std::thread::sleep(FOR_EVER);
    run.exit_code()
}
