//! Runaway code, threads, nested runtimes.

use std::process::ExitCode;
use std::sync::{Barrier, mpsc};

use pipeline::DagBuilder;
use pipeline::prelude::*;

use crate::{FOR_EVER, say, spin};

#[step(timeout = "100ms")]
fn loops() -> u32 {
    spin()
}

#[step]
fn behind_loops(loops: &u32) -> u32 {
    *loops
}

#[step]
fn loops_without_a_timeout() -> u32 {
    spin()
}

#[step(timeout = "100ms")]
async fn loops_in_async() -> u32 {
    spin()
}

#[step(timeout = "100ms")]
async fn waits_too_long() {
    tokio::time::sleep(FOR_EVER).await;
}

/// Blocks every worker of the runtime, and waits for something that needs a worker.
#[step(timeout = "200ms")]
async fn blocks_all_workers() {
    block_all_workers();
    tokio::time::sleep(FOR_EVER).await;
}

/// The waiting step starts before all workers are blocked.
static BOTH_ARE_HERE: Barrier = Barrier::new(2);

#[step(blocking)]
fn blocks_all_workers_without_a_timeout() {
    BOTH_ARE_HERE.wait();
    let is_blocked = block_all_workers();
    is_blocked.iter().take(pipeline::settings::cores()).for_each(|()| {});
    say("blocked");
}

#[step(after(blocks_all_workers_without_a_timeout))]
async fn finds_no_worker() {}

#[step]
async fn waits_for_ever() {
    BOTH_ARE_HERE.wait();
    say("waiting");
    tokio::time::sleep(FOR_EVER).await;
}

/// Gives every worker endless work; each says so.
fn block_all_workers() -> mpsc::Receiver<()> {
    let (begins, begun) = mpsc::channel();
    for _ in 0..2 * pipeline::settings::cores() {
        let begins = begins.clone();
        tokio::spawn(async move {
            let _ = begins.send(());
            std::thread::sleep(FOR_EVER);
        });
    }
    begun
}

#[step]
async fn never_stops_blocking() {
    std::thread::sleep(FOR_EVER);
}

#[step(group = "hogs", timeout = "50ms")]
fn hog_1() {
    std::thread::sleep(FOR_EVER);
}

#[step(group = "hogs", timeout = "50ms")]
fn hog_2() {
    std::thread::sleep(FOR_EVER);
}

#[step(group = "hogs")]
fn behind_hogs(hog_1: Option<&()>, hog_2: Option<&()>) -> bool {
    hog_1.is_some() && hog_2.is_some()
}

#[step]
fn leaks_threads() {
    for _ in 0..3 {
        drop(std::thread::spawn(|| std::thread::sleep(FOR_EVER)));
    }
}

fn in_a_runtime_of_its_own() -> u32 {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async { 7 })
}

#[step]
async fn nests_a_runtime_in_async() -> u32 {
    in_a_runtime_of_its_own()
}

#[step(group = "nested")]
fn nests_a_runtime() -> u32 {
    in_a_runtime_of_its_own()
}

fn run_inside() -> u32 {
    let mut dag = DagBuilder::new();
    let one = dag.cpu("one", (), |()| 1_u32);
    dag.cpu("two", (one,), |(one,)| one + 1);
    let run = Pipeline::new(dag.build().expect("a graph"))
        .settings(Settings::default().workers(1))
        .run_blocking()
        .expect("it is right");
    *run.output_named::<u32>("two").expect("it was run")
}

#[step(group = "nested")]
fn nests_a_run() -> u32 {
    run_inside()
}

#[step(group = "nested")]
async fn nests_a_run_in_async() -> u32 {
    run_inside()
}

/// A program with its own runtime, and a step whose thread does not return.
#[tokio::main]
pub(crate) async fn own_runtime() -> ExitCode {
    let run = Pipeline::to::<behind_loops>().run().await.expect("it is right");
    println!("{}", run.report());
    run.exit_code()
}

#[step]
fn handed_over() -> Vec<u64> {
    vec![1, 2]
}

#[step]
fn takes_it(handed_over: Vec<u64>) -> usize {
    handed_over.len()
}
