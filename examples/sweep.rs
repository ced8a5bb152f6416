//! How do I run one pipeline for many parameter values? One run per value, several at once, each with its own parameters,
//! state and random numbers. `-- --times` prints how long it took.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::trivially_copy_pass_by_ref)]

use std::sync::{Mutex, PoisonError};

use pipeline::prelude::*;
use pipeline::run::Executor;

/// What the steps of one scenario record; each run has its own.
#[derive(Default)]
struct Ledger(Mutex<Vec<String>>);

#[step]
fn sample(#[param] size: usize, #[context] cx: &StepContext) -> Vec<f64> {
    let mut rng = cx.rng();
    (0..size).map(|_| rng.unit_f64()).collect()
}

#[step]
fn share(sample: &[f64], #[param] threshold: f64, #[resource] ledger: &Ledger) -> f64 {
    let above = sample.iter().filter(|value| **value >= threshold).count();
    let mut lines = ledger.0.lock().unwrap_or_else(PoisonError::into_inner);
    lines.push(format!("{above} of {} at or above {threshold}", sample.len()));
    above as f64 / sample.len() as f64
}

fn scenario(size: usize, threshold: f64, ledger: std::sync::Arc<Ledger>, settings: &Settings) -> Pipeline {
    let pipeline = Pipeline::to::<share>().param("size", size).param("threshold", threshold);
    // One seed for all: scenarios of one size then have the same sample, and differ only in the threshold.
    pipeline.resource(ledger).settings(Settings::default().seed(7)).settings(settings.clone())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let executor = Executor::new(4)?;
    let settings = Settings::load()?;
    let mut scenarios = Vec::new();
    for size in [100, 1000] {
        for threshold in [0.25, 0.5, 0.75] {
            let ledger = std::sync::Arc::<Ledger>::default();
            let pipeline = scenario(size, threshold, std::sync::Arc::clone(&ledger), &settings);
            let executor = executor.clone();
            let run = tokio::spawn(async move { executor.run(&pipeline).await });
            scenarios.push((size, threshold, ledger, run));
        }
    }
    // In the order of the requests, whichever ended first.
    for (size, threshold, ledger, run) in scenarios {
        let run = run.await??;
        let lines = ledger.0.lock().unwrap_or_else(PoisonError::into_inner).join("; ");
        println!("{size:>4} {threshold:.2}: {:.3} ({lines})", run.output::<share>()?);
        if std::env::args().any(|argument| argument == "--times") {
            eprintln!("\n{}", run.report());
        }
    }
    Ok(())
}
