//! A program with cached steps, whose store `tests/programs/cache` looks at.
//!
//! Each line on standard output is the name of a step that was executed.

use std::error::Error;

use pipeline::prelude::*;
use pipeline::store::{InputFile, StoredFile};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Summary {
    lines: usize,
    total: u64,
}

#[step(cache, version = "1")]
fn numbers(#[param(default = 3)] count: u64) -> Vec<u64> {
    println!("numbers");
    (1..=count).collect()
}

#[step(cache, version = "1")]
fn total(numbers: &[u64], #[param(default = 1)] times: u64) -> u64 {
    println!("total");
    numbers.iter().sum::<u64>() * times
}

#[step(cache)]
fn text(#[param] input: &InputFile) -> Result<String, Box<dyn Error + Send + Sync>> {
    println!("text");
    Ok(input.read_to_string()?)
}

#[step(cache = "30d", version = "1")]
fn summary(text: &str, total: &u64) -> Summary {
    println!("summary");
    Summary { lines: text.lines().count(), total: *total }
}

/// Runs each time.
#[step]
fn shown(summary: &Summary) {
    println!("shown: {} lines, {}", summary.lines, summary.total);
}

/// Its own key is read when its input is there.
#[step(cache, version = "1", key = |total| (total % 2).to_string())]
fn parity(total: &u64) -> bool {
    println!("parity");
    total.is_multiple_of(2)
}

/// A file as output.
#[step(cache, version = "1", tags("more"))]
fn file() -> std::io::Result<StoredFile> {
    StoredFile::create(|out| out.write_all(b"a,b\n"))
}

/// Serde does not know it.
struct Opaque;

#[step(tags("more"))]
fn opaque(#[param] input: &InputFile) -> Opaque {
    _ = input;
    Opaque
}

#[step(writes, tags("more"))]
fn written(file: &StoredFile, opaque: &Opaque) -> u64 {
    _ = opaque;
    file.len()
}

fn main() -> std::process::ExitCode {
    pipeline::main()
}
