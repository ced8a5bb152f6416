//! What does a run show on the terminal? Run it in one to see; `| cat` shows the plain lines.
//!
//! ```text
//! cargo run --features cli --example live
//! cargo run --features cli --example live -- -v
//! cargo run --features cli --example live -- -p broken=true
//! cargo run --features cli --example live -- --output json
//! cargo run --features cli --example live -- -p pace=5
//! ```
//! `pace` multiplies all times; 0 means no waiting. Steps report progress with `progress` and count with `count`.

#![allow(clippy::print_stdout, clippy::trivially_copy_pass_by_ref)]

use std::time::Duration;

use pipeline::prelude::*;

/// A number of milliseconds at this pace.
fn millis(millis: u64, pace: f64) -> Duration {
    Duration::from_millis(millis).mul_f64(pace.clamp(0.0, 1000.0))
}

/// Occupies the thread, as a computation or a file would.
fn nap(time: u64, pace: f64) {
    std::thread::sleep(millis(time, pace));
}

/// Pages of a service, one after another.
#[step(group = "sources")]
async fn orders(#[param(default = 1.0)] pace: f64, #[context] cx: &StepContext) -> Vec<u64> {
    let progress = cx.progress(40);
    let mut orders = Vec::new();
    for page in 1..=40 {
        tokio::time::sleep(millis(80, pace)).await;
        orders.extend((0..25).map(|n| page * 25 + n));
        progress.add(1);
        progress.note(format!("page {page}"));
        cx.count("rows_out", 25);
    }
    orders
}

/// A service that answers only the second request.
#[step(group = "sources", retries = 2, backoff = "300ms")]
async fn rates(#[param(default = 1.0)] pace: f64, #[context] cx: &StepContext) -> Result<Vec<f64>, String> {
    tokio::time::sleep(millis(900, pace)).await;
    if cx.attempt() == 1 {
        return Err("503 Service Unavailable".to_owned());
    }
    Ok(vec![1.0, 1.1, 0.85])
}

/// A slow service that reports no progress.
#[step(group = "sources")]
async fn customers(#[param(default = 1.0)] pace: f64) -> u64 {
    tokio::time::sleep(millis(2400, pace)).await;
    1200
}

/// A large file, read on a thread that may wait.
#[step(blocking, group = "sources")]
fn ledger(#[param(default = 1.0)] pace: f64, #[context] cx: &StepContext) -> u64 {
    let progress = cx.progress(None);
    for _ in 0..30 {
        nap(60, pace);
        progress.add(4096);
    }
    cx.count("bytes_read", 30 * 4096);
    30 * 4096
}

/// A file that is read at once.
#[step(blocking, group = "sources")]
fn calendar() -> u64 {
    365
}

/// Rejects impossible orders.
#[step(group = "clean")]
fn valid_orders(orders: &[u64], #[param(default = 1.0)] pace: f64, #[context] cx: &StepContext) -> Vec<u64> {
    let progress = cx.progress(orders.len() as u64);
    let mut valid = Vec::new();
    for batch in orders.chunks(100) {
        nap(70, pace);
        valid.extend(batch.iter().filter(|order| *order % 7 != 0));
        progress.add(batch.len() as u64);
    }
    cx.count("rejected", (orders.len() - valid.len()) as u64);
    println!("valid_orders: {} of {}", valid.len(), orders.len());
    valid
}

/// Compares the ledger with the customers; broken on request.
#[step(group = "clean")]
fn reconciled(
    ledger: &u64,
    customers: &u64,
    #[param(default = 1.0)] pace: f64,
    #[param(default = false)] broken: bool,
) -> Result<u64, String> {
    nap(600, pace);
    if broken { Err(format!("{ledger} bytes are not a multiple of {customers}")) } else { Ok(*ledger) }
}

/// Sets the day of each order.
#[step(group = "clean")]
fn days(calendar: &u64, valid_orders: &[u64]) -> u64 {
    calendar.min(&(valid_orders.len() as u64)).to_owned()
}

/// Orders in one currency.
#[step(group = "gold")]
fn revenue(
    valid_orders: &[u64],
    rates: &[f64],
    #[param(default = 1.0)] pace: f64,
    #[context] cx: &StepContext,
) -> f64 {
    let progress = cx.progress(rates.len() as u64);
    rates
        .iter()
        .map(|rate| {
            nap(500, pace);
            progress.add(1);
            rate * valid_orders.iter().sum::<u64>() as f64
        })
        .sum()
}

/// Sums by customer.
#[step(group = "gold")]
fn by_customer(valid_orders: &[u64], reconciled: &u64, #[param(default = 1.0)] pace: f64) -> u64 {
    nap(700, pace);
    valid_orders.len() as u64 + reconciled
}

/// Sums by day.
#[step(group = "gold")]
fn by_day(days: &u64, revenue: &f64) -> f64 {
    revenue / *days as f64
}

/// Writes the pages, as fast as the service allows.
#[step(blocking, group = "gold")]
fn published(by_customer: &u64, by_day: &f64, #[param(default = 1.0)] pace: f64) -> bool {
    nap(800, pace);
    *by_customer > 0 && *by_day > 0.0
}

fn main() -> std::process::ExitCode {
    pipeline::main()
}
