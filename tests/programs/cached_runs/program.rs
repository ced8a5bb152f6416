//! A program with cached steps, of which `tests/programs/cached_runs` looks at what a person sees.

use std::path::PathBuf;
use std::process::ExitCode;

use pipeline::Program;
use pipeline::prelude::*;

#[step(cache)]
fn source(#[param(default = 10)] rows: u64) -> Vec<u64> {
    // Long enough to be shown.
    std::thread::sleep(std::time::Duration::from_millis(2));
    (0..rows).collect()
}

#[step(cache)]
fn halves(source: &[u64]) -> Vec<u64> {
    source.iter().map(|row| row / 2).collect()
}

/// Fails if it is told to.
#[step]
fn fragile(halves: &[u64], #[param(default = false)] fail: bool) -> Result<u64, String> {
    if fail { Err("planted: no connection".to_owned()) } else { Ok(halves.iter().sum()) }
}

#[step]
fn report(fragile: &u64, halves: &[u64]) -> String {
    format!("{fragile} of {}", halves.len())
}

/// Serde does not know it.
struct Opaque(u64);

#[step(cache, tags("refused"))]
fn opaque(source: &[u64]) -> Opaque {
    Opaque(source.len() as u64)
}

/// The content of its file does not count.
#[step(cache, tags("refused"))]
fn plain_path(#[param(default = "table.csv".into())] table: PathBuf, opaque: &Opaque) -> u64 {
    table.as_os_str().len() as u64 + opaque.0
}

fn main() -> ExitCode {
    Program::new()
        .pipeline("reports", Pipeline::to::<report>())
        .pipeline("refused", Pipeline::all().select(["tag:refused"]))
        .main()
}
