//! How do I run many pipelines at once? Each run has its own outputs; an `Executor` bounds the number of runs.

#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pipeline::prelude::*;
use pipeline::run::Executor;

/// A resource shared by all runs: how many of them are inside a step now, and the most so far.
#[derive(Default)]
struct Gauge {
    now: AtomicUsize,
    peak: AtomicUsize,
}

#[step]
async fn fetched(#[param] customer: u64, #[resource] gauge: &Gauge) -> Vec<u64> {
    let now = gauge.now.fetch_add(1, Ordering::SeqCst) + 1;
    gauge.peak.fetch_max(now, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(10)).await;
    gauge.now.fetch_sub(1, Ordering::SeqCst);
    (1..=customer).collect()
}

#[step]
fn invoice(fetched: &[u64]) -> u64 {
    fetched.iter().sum()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gauge = Arc::new(Gauge::default());
    let settings = Settings::load()?;
    let executor = Executor::new(4)?;
    let runs = (1..=20_u64).map(|customer| {
        // One pipeline for each parameter; the graph behind them is the same.
        let pipeline = Pipeline::to::<invoice>()
            .param("customer", customer)
            .resource(Arc::clone(&gauge))
            .settings(settings.clone());
        let executor = executor.clone();
        tokio::spawn(async move { executor.run(&pipeline).await })
    });
    let mut invoices = Vec::new();
    for run in runs.collect::<Vec<_>>() {
        invoices.push(*run.await??.output::<invoice>()?);
    }
    println!("{} invoices: {invoices:?}", invoices.len());
    println!("at most 4 at once: {}", gauge.peak.load(Ordering::SeqCst) <= 4);
    println!("still running: {}", executor.live().len());

    // One pipeline, run several times at once: it is planned once.
    let pipeline = Pipeline::to::<invoice>().with_output::<fetched>(vec![4, 5]).settings(settings.clone());
    let (a, b, c) = tokio::join!(pipeline.run(), pipeline.run(), pipeline.run());
    println!("{} {} {}", a?.output::<invoice>()?, b?.output::<invoice>()?, c?.output::<invoice>()?);
    Ok(())
}
