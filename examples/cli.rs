//! How does a pipeline get a command line? With `pipeline::main()`, behind the feature `cli`.
//!
//! ```text
//! cargo run --features cli --example cli -- list
//! cargo run --features cli --example cli -- plan +revenue
//! cargo run --features cli --example cli -- graph --format mermaid
//! cargo run --features cli --example cli -- run revenue -p rate=2
//! ```
//! `--help` shows the rest. The exit code is 0 if every step succeeded, 1 if one failed, 2 if the command line or the
//! graph is wrong (nothing ran), 3 if a file could not be read or written, and 130 or 143 after a signal.

#![allow(clippy::trivially_copy_pass_by_ref)]

use pipeline::prelude::*;

/// The amount of each order.
#[step(group = "bronze", tags("source"))]
fn orders(#[param(default = 3)] count: i64) -> Vec<i64> {
    (1..=count).map(|n| n * 10).collect()
}

/// The amount of each refund.
#[step(group = "bronze", tags("source"))]
async fn refunds(#[param(default = "5")] amount: String) -> Result<i64, std::num::ParseIntError> {
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    amount.parse()
}

/// Orders minus refunds, in the wanted currency.
#[step(group = "gold")]
fn revenue(orders: &[i64], refunds: &i64, #[param(default = 1)] rate: i64) -> i64 {
    (orders.iter().sum::<i64>() - refunds) * rate
}

/// Writes the report if a path is given.
#[step(blocking, writes, group = "gold")]
fn report(revenue: &i64, #[param] path: Option<std::path::PathBuf>) -> Result<(), std::io::Error> {
    path.map_or(Ok(()), |path| std::fs::write(path, format!("revenue: {revenue}\n")))
}

fn main() -> std::process::ExitCode {
    pipeline::main()
}
