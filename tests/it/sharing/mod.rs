//! What steps share: named limits, the company of others, an order, a rate, a breaker; and what becomes of those that
//! wait for it when the run is stopped, paused or resized.

mod alone;
mod breaker;
mod limits;
mod needs;
mod order;
mod parked;
#[cfg(feature = "rate")]
mod rate;

use std::sync::mpsc;
use std::time::Duration;

use pipeline::*;

use crate::support::{Clock, LIMIT, Slept};

/// Sleeps so many virtual milliseconds, and says when.
async fn nap(clock: &Clock, millis: u64) -> Slept {
    let from = clock.now();
    tokio::time::sleep(Duration::from_millis(millis)).await;
    Slept { from, to: clock.now() }
}

/// When the steps slept whose names start like this, in plan order.
fn spans(run: &Run, prefix: &str) -> Vec<Slept> {
    let names = run.available().into_iter().filter(|name| name.starts_with(prefix));
    names.map(|name| *run.output_named::<Slept>(name).unwrap()).collect()
}

/// Whether no two of these overlap.
fn are_apart(spans: &[Slept]) -> bool {
    let mut spans = spans.to_vec();
    spans.sort_by_key(|span| (span.from, span.to));
    spans.windows(2).all(|pair| pair[0].to <= pair[1].from)
}

/// Runs a pipeline in a thread of its own: what hangs fails.
fn run_in_time(pipeline: Pipeline) -> Run {
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || done.send(pipeline.run_blocking().unwrap()));
    ended.recv_timeout(LIMIT).expect("the run ends")
}

/// So many instances of a step, named after it and their number.
fn many<S: Step>(dag: &mut DagBuilder, prefix: &str, count: usize) -> Vec<Handle<S::Output>> {
    (0..count).map(|n| dag.add::<S>().named(format!("{prefix}_{n}")).handle()).collect()
}
