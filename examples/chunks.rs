//! How do I process a large input in chunks? One instance of a step per chunk, and a fan-in that gets the results in order,
//! whichever ended first. 10 000 records, 1000 in each chunk, 4 at once. `-- --times` prints how long it took.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::trivially_copy_pass_by_ref)]

use pipeline::prelude::*;
use pipeline::{DagBuilder, Handle};

const CHUNK: usize = 1000;

#[step]
fn records(#[param] count: u64) -> Vec<u64> {
    (0..count).collect()
}

/// Squares one chunk, borrowed from the records: splitting copies nothing. Later chunks are less work and end first.
#[step]
fn processed(#[input] records: &[u64], #[param] number: usize, #[context] cx: &StepContext) -> Vec<u64> {
    let chunk = records.chunks(CHUNK).nth(number).unwrap_or_default();
    let rounds = 20_usize.saturating_sub(2 * number);
    let work = |record: &u64| (0..rounds).fold(*record, |value, _| std::hint::black_box(value)) * 3;
    cx.count("records", chunk.len() as u64);
    chunk.iter().map(work).collect()
}

#[step]
fn restored(#[input] chunks: Vec<&Vec<u64>>) -> Vec<u64> {
    chunks.into_iter().flatten().copied().collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count = 10_000_u64;
    let mut dag = DagBuilder::new();
    let all = dag.add::<records>().param("count", count).handle();
    let chunks: Vec<Handle<Vec<u64>>> = (0..usize::try_from(count)?.div_ceil(CHUNK))
        .map(|n| {
            let chunk = dag.add::<processed>().named(format!("chunk_{n}")).param("number", n);
            chunk.input("records", all).handle()
        })
        .collect();
    let _ = dag.add::<restored>().inputs("chunks", chunks);

    let run = Pipeline::new(dag.build()?)
        .settings(Settings::default().workers(4))
        .settings(Settings::load()?)
        .run_blocking()?
        .into_result()?;
    let whole = run.output_named::<Vec<u64>>("restored")?;
    let in_order = whole.iter().copied().eq((0..count).map(|record| record * 3));
    println!("records: {}, in the order of the input: {in_order}", whole.len());
    println!("at most 4 at once: {}", run.report().figures.peak_concurrency <= 4);
    for step in run.report().steps.iter().filter(|step| !step.activity.counters.is_empty()) {
        println!("{}: {} records", step.name, step.activity.counters["records"]);
    }
    if std::env::args().any(|argument| argument == "--times") {
        eprintln!("\n{}", run.report());
    }
    Ok(())
}
