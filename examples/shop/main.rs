//! A shop's half-year: seven input files, ten reports.
//!
//! ```text
//! cargo run --release --example shop                         # makes its input, a tenth of the full size
//! cargo run --release --example shop -- --size full --check
//! cargo run --release --example shop -- --data DIR --out DIR # any data set in this format
//! ```
//! Each file is named after the output of its steps; `--plan` shows how the steps depend on each other.

#![allow(clippy::pedantic, reason = "a program; the workspace's lints are those of a library")]

mod checksums;
mod cohorts;
mod events;
mod fx;
mod generate;
mod input;
mod orders;
mod output_file;
mod outputs;
mod product_stats;
mod products;
mod quality;
mod reviews;
mod sales;
mod sales_reports;
mod sessions;
mod shipments;
mod size;
mod users;
mod values;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use pipeline::graph::Format;
use pipeline::{Pipeline, Run, Settings};

use crate::sales_reports::{Summary, summary};
use crate::size::Size;

/// Turns a shop's half-year of orders, shipments, events and reviews into ten reports.
#[derive(Parser)]
struct Arguments {
    /// How much data to make, and which checksums to compare with.
    #[arg(long, value_enum, default_value = "small")]
    size: Size,
    /// Where the input files are; those missing are made. [default: target/shop/SIZE]
    #[arg(long)]
    data: Option<PathBuf>,
    /// Where the reports go. [default: target/shop/SIZE/out]
    #[arg(long)]
    out: Option<PathBuf>,
    /// Compare the reports with the checksums they should have.
    #[arg(long)]
    check: bool,
    /// Show the steps in order, and run none.
    #[arg(long)]
    plan: bool,
    /// Run one step at a time.
    #[arg(long)]
    sequential: bool,
    /// Show how long each step took.
    #[arg(long)]
    times: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  caused by: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    let size = arguments.size;
    let default_data = Path::new("target/shop").join(size.name());
    let data = arguments.data.clone().unwrap_or(default_data);
    let out = arguments.out.clone().unwrap_or_else(|| data.join("out"));

    let mut pipeline = Pipeline::all().keep::<summary>().param("data", &data).param("out", &out);
    if arguments.sequential {
        pipeline = pipeline.settings(Settings::default().workers(1));
    }
    if arguments.plan {
        println!("{}", pipeline.check()?.dag().render(Format::Text));
        return Ok(ExitCode::SUCCESS);
    }
    generate::missing_files(&data, size)?;
    let run = pipeline.run_blocking()?;
    if arguments.times {
        println!("{}", run.report());
    }
    let run: Run = run.into_result()?;
    print_summary(run.output::<summary>()?);
    println!("10 reports in {}", out.display());
    Ok(if arguments.check { check(&out, size) } else { ExitCode::SUCCESS })
}

fn print_summary(summary: &Summary) {
    let Summary { orders, units, gross, net, margin, customers, sessions, delivered, late } = summary;
    let dollars = |cents: &i64| *cents as f64 / 100.0;
    println!("{orders} orders of {units} units by {customers} customers; {sessions} sessions");
    println!("${:.2} gross, ${:.2} net, ${:.2} margin", dollars(gross), dollars(net), dollars(margin));
    println!("{delivered} delivered, {late} of them late");
}

fn check(out: &Path, size: Size) -> ExitCode {
    let (files, mismatches) = (size.output_checksums().len(), size.output_checksums().mismatches(out));
    println!("{} of {files} outputs match", files - mismatches.len());
    for name in &mismatches {
        println!("  {name} differs");
    }
    if mismatches.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
