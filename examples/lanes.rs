//! Which lane does a step run on? `async fn` waits on the IO lane, `fn` computes on the CPU lane, and
//! `#[step(blocking)]` waits in a separate thread. One run uses all three; docs/lanes.md explains which to choose.

#![allow(clippy::print_stdout, clippy::trivially_copy_pass_by_ref)]

use std::time::Duration;

use pipeline::prelude::*;

/// IO: it awaits. Hundreds of such steps wait at once, without a thread each.
#[step]
async fn quotes() -> Vec<u64> {
    tokio::time::sleep(Duration::from_millis(5)).await;
    vec![108, 127, 94]
}

/// Blocking: it waits in its thread, here for the disk.
#[step(blocking)]
fn weights() -> Result<Vec<u64>, std::io::Error> {
    let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))?;
    Ok(vec![2, 1, u64::from(manifest.contains("[package]"))])
}

/// CPU: it computes. It starts when both inputs are ready.
#[step]
fn weighted(quotes: &[u64], weights: &[u64]) -> u64 {
    quotes.iter().zip(weights).map(|(quote, weight)| quote * weight).sum()
}

/// IO again: the output of a step is read the same way on every lane.
#[step]
async fn sent(weighted: &u64) -> Result<String, std::io::Error> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(format!("sent {weighted}"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // How many of each lane run at once; the defaults are rarely wrong.
    let settings = Settings::default().io(64).blocking(8);
    let run = Pipeline::to::<sent>().settings(settings).settings(Settings::load()?).run().await?;
    for step in &run.report().steps {
        println!("{} {} on the {} lane", step.name, step.status, step.lane);
    }
    println!("{}", run.output::<sent>()?);
    Ok(())
}
