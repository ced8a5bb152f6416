//! How does a step have several outputs? It returns a struct or a tuple, and each reader picks a field, without a copy.

#![allow(clippy::print_stdout, clippy::trivially_copy_pass_by_ref)]

use pipeline::prelude::*;

struct Split {
    valid: Vec<u64>,
    rejected: Vec<String>,
}

#[step]
fn split(#[param(default = "3 x 4 5 y")] text: String) -> Split {
    let mut split = Split { valid: Vec::new(), rejected: Vec::new() };
    for word in text.split_whitespace() {
        match word.parse() {
            Ok(number) => split.valid.push(number),
            Err(_) => split.rejected.push(word.to_owned()),
        }
    }
    split
}

#[step]
fn total(#[from(split.valid)] numbers: &[u64]) -> u64 {
    numbers.iter().sum()
}

#[step]
fn complaint(#[from(split.rejected)] words: &[String]) -> String {
    format!("not numbers: {}", words.join(", "))
}

/// Reads a tuple by position.
#[step]
fn range(#[from(split.valid)] numbers: &[u64]) -> (u64, u64) {
    let least = numbers.iter().copied().min().unwrap_or_default();
    (least, numbers.iter().copied().max().unwrap_or_default())
}

#[step]
fn width(#[from(range.0)] low: &u64, #[from(range.1)] high: &u64) -> u64 {
    high - low
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let run = Pipeline::to::<total>()
        .and::<complaint>()
        .and::<width>()
        .settings(Settings::load()?)
        .run_blocking()?;
    println!("total {}, width {}", run.output::<total>()?, run.output::<width>()?);
    println!("{}", run.output::<complaint>()?);
    Ok(())
}
