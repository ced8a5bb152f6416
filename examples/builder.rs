//! How do I build a graph at run time? `DagBuilder`: many instances of one function, closures, and a part included twice.

#![allow(clippy::print_stdout)]

use pipeline::prelude::*;
use pipeline::{DagBuilder, Handle};

/// One function; each instance has its own name and parameter.
#[step]
fn shard(#[param] n: u64) -> Vec<u64> {
    (0..=n).collect()
}

/// `#[input]` is bound where the step is instantiated; a fan-in takes any number of steps.
#[step]
fn merged(#[input] shards: Vec<&Vec<u64>>) -> Vec<u64> {
    shards.into_iter().flatten().copied().collect()
}

#[step]
fn kept(#[input] rows: &[u64], #[param] least: u64) -> Vec<u64> {
    rows.iter().copied().filter(|row| *row >= least).collect()
}

/// An edge by name, as always: inside a part, it reads the `kept` of that part.
#[step]
fn count(kept: &[u64]) -> usize {
    kept.len()
}

/// A part: a builder with an open input, `rows`.
fn part(least: u64) -> DagBuilder {
    let mut part = DagBuilder::new();
    let _ = part.add::<kept>().param("least", least);
    let _ = part.add::<count>();
    part
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut dag = DagBuilder::new();
    let shards: Vec<Handle<Vec<u64>>> =
        (0..10).map(|n| dag.add::<shard>().named(format!("shard_{n}")).param("n", n).handle()).collect();
    let rows = dag.add::<merged>().inputs("shards", shards).handle();

    let all = dag.include("all", part(0)).input("rows", rows).output::<count>();
    let high = dag.include("high", part(5)).input("rows", rows).output::<count>();
    dag.cpu("share", (all, high), |(all, high)| format!("{high} of {all} rows are at least 5"));

    let run = Pipeline::new(dag.build()?).settings(Settings::load()?).run_blocking()?;
    for step in &run.report().steps {
        println!("{}", step.name);
    }
    println!("{}", run.output_named::<String>("share")?);
    Ok(())
}
