//! How do I mark stages? With groups: they label, select and report, and never hold a step back. Does the schedule change
//! the answer? No: one step at a time and all at once give equal outputs. `-- --times` prints how long it took.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use pipeline::Dag;
use pipeline::graph::Format;
use pipeline::prelude::*;

#[step(group = "bronze")]
fn raw_orders() -> Vec<&'static str> {
    vec!["ann,30", "bob,x", "ann,12", "cid,7"]
}

#[step(group = "bronze")]
fn raw_refunds() -> Vec<&'static str> {
    vec!["ann,2"]
}

fn parse(lines: &[&str]) -> Vec<(String, i64)> {
    let row = |line: &&str| line.split_once(',').and_then(|(who, n)| Some((who.to_owned(), n.parse().ok()?)));
    lines.iter().filter_map(row).collect()
}

#[step(group = "silver")]
fn orders(raw_orders: &[&'static str]) -> Vec<(String, i64)> {
    parse(raw_orders)
}

#[step(group = "silver")]
fn refunds(raw_refunds: &[&'static str]) -> Vec<(String, i64)> {
    parse(raw_refunds)
}

#[step(group = "gold")]
fn revenue(orders: &[(String, i64)], refunds: &[(String, i64)]) -> i64 {
    orders.iter().map(|(_, n)| n).sum::<i64>() - refunds.iter().map(|(_, n)| n).sum::<i64>()
}

#[step(group = "gold")]
fn best_customer(orders: &[(String, i64)]) -> String {
    orders.iter().max_by_key(|(_, n)| *n).map(|(who, _)| who.clone()).unwrap_or_default()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The gold tables and what they need, by label rather than by name.
    let parallel = Pipeline::all().select(["group:gold"]).run_blocking()?;
    for step in &parallel.report().steps {
        println!("{:<7} {}", step.group.as_deref().unwrap_or_default(), step.name);
    }

    let sequential =
        Pipeline::all().select(["group:gold"]).settings(Settings::default().workers(1)).run_blocking()?;
    println!("at once when sequential: {}", sequential.report().figures.peak_concurrency);
    assert_eq!(parallel.output::<revenue>()?, sequential.output::<revenue>()?);
    assert_eq!(parallel.output::<best_customer>()?, sequential.output::<best_customer>()?);
    println!("equal: {} of {}", sequential.output::<revenue>()?, sequential.output::<best_customer>()?);
    print!("\n{}", Dag::registered()?.render(Format::Mermaid));
    if std::env::args().any(|argument| argument == "--times") {
        eprintln!("\n{}", parallel.report());
    }
    Ok(())
}
