//! What does a run leave behind for people? A page (`report.html`) and the same as data (`report.json`): when each step
//! waited and ran, what it counted, why it failed, and what was skipped because of it.
//!
//! `cargo run --features report --example report -- FOLDER` writes them there; without a folder, to the one for
//! temporary files.

#![allow(clippy::print_stdout)]

use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use pipeline::prelude::*;

#[derive(Clone, Debug)]
struct Order {
    country: &'static str,
    cents: u64,
}

/// Reads the orders of the day.
#[step(blocking, group = "bronze", tags("source"))]
fn orders(#[context] cx: &StepContext) -> Vec<Order> {
    sleep(Duration::from_millis(40));
    let orders: Vec<Order> = (0..1000)
        .map(|n| Order { country: ["DE", "FR", "PL"][n % 3], cents: (n as u64 * 37) % 9000 })
        .collect();
    cx.count("rows_in", orders.len() as u64);
    orders
}

/// Requests the exchange rates; the service is down the first time.
#[step(group = "bronze", tags("source"), retries = 3, backoff = "10ms")]
async fn rates(#[context] cx: &StepContext) -> Result<f64, std::io::Error> {
    tokio::time::sleep(Duration::from_millis(15)).await;
    match cx.attempt() {
        1 => Err(std::io::Error::other("connection refused by rates.example:443")),
        _ => Ok(1.08),
    }
}

/// Rejects impossible orders.
#[step(group = "silver")]
fn valid(orders: &[Order], #[context] cx: &StepContext) -> Vec<Order> {
    sleep(Duration::from_millis(25));
    let valid: Vec<Order> = orders.iter().filter(|order| order.cents > 0).cloned().collect();
    cx.count("rows_out", valid.len() as u64);
    cx.count("rows_rejected", (orders.len() - valid.len()) as u64);
    valid
}

#[step(group = "silver")]
fn converted(valid: &[Order], rates: &f64) -> Vec<f64> {
    sleep(Duration::from_millis(20));
    valid.iter().map(|order| order.cents as f64 * rates / 100.0).collect()
}

#[step(group = "gold")]
fn revenue(converted: &[f64]) -> f64 {
    sleep(Duration::from_millis(12));
    converted.iter().sum()
}

#[step(group = "gold")]
fn by_country(valid: &[Order]) -> std::collections::BTreeMap<&'static str, usize> {
    sleep(Duration::from_millis(30));
    valid.iter().fold(std::collections::BTreeMap::new(), |mut counts, order| {
        *counts.entry(order.country).or_default() += 1;
        counts
    })
}

/// The file of last year's prices is damaged.
#[step(blocking, group = "bronze", tags("source"))]
fn last_year() -> Result<f64, std::num::ParseFloatError> {
    sleep(Duration::from_millis(18));
    "12,5".parse()
}

#[step(group = "gold")]
fn growth(revenue: &f64, last_year: &f64) -> f64 {
    revenue / last_year
}

#[step(blocking, group = "gold")]
fn summary(revenue: &f64, by_country: &std::collections::BTreeMap<&'static str, usize>) -> String {
    sleep(Duration::from_millis(8));
    format!("{revenue:.2} in {} countries", by_country.len())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os()
        .nth(1)
        .map_or_else(|| std::env::temp_dir().join("pipeline-report"), PathBuf::from);
    std::fs::create_dir_all(&folder)?;
    let run = Pipeline::to::<summary>().and::<growth>().settings(Settings::load()?).run().await?;
    let report = run.report();
    std::fs::write(folder.join("report.html"), report.to_html())?;
    std::fs::write(folder.join("report.json"), report.to_json())?;
    println!("{} of {} steps succeeded", report.counts.succeeded, report.counts.planned);
    println!("wrote report.html and report.json");
    Ok(())
}
