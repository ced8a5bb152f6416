//! A program that `tests/programs/stored` kills: ten steps, of which some are cached and all are stored for resuming.
//!
//! `stored STORE LOG INPUT [--power] [--resume RUN]` appends the name of each step that is executed to LOG, and prints the
//! output of the last one.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;

use pipeline::prelude::*;
use pipeline::settings::{Durability, ResumeMode};
use pipeline::store::{InputFile, ValueStore};

static LOG: OnceLock<PathBuf> = OnceLock::new();

/// Notes that a step is executed.
fn note(step: &str) {
    let path = LOG.get().expect("set in main");
    let mut log = OpenOptions::new().append(true).create(true).open(path).expect("it can be written");
    log.write_all(format!("{step}\n").as_bytes()).expect("it can be written");
}

#[step(cache, version = "1")]
fn numbers(#[param] input: &InputFile) -> Result<Vec<u64>, Box<dyn std::error::Error + Send + Sync>> {
    note("numbers");
    Ok(input.read_to_string()?.lines().map(str::parse).collect::<Result<_, _>>()?)
}

#[step(cache, version = "1")]
fn doubled(numbers: &[u64]) -> Vec<u64> {
    note("doubled");
    numbers.iter().map(|number| number * 2).collect()
}

#[step(version = "1")]
fn squares(numbers: &[u64]) -> Vec<u64> {
    note("squares");
    numbers.iter().map(|number| number * number).collect()
}

/// Compresses well.
#[step(cache, version = "1")]
fn big(numbers: &[u64]) -> Vec<u8> {
    note("big");
    numbers.iter().flat_map(|number| vec![*number as u8; 1000]).collect()
}

/// Does not compress.
#[step(version = "1")]
fn noise(squares: &[u64]) -> Vec<u8> {
    note("noise");
    let mut state = squares.iter().sum::<u64>();
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..20_000).map(|_| next()).collect()
}

#[step(cache, version = "1")]
async fn waits(doubled: &[u64]) -> u64 {
    note("waits");
    tokio::task::yield_now().await;
    doubled.iter().sum()
}

/// Takes the squares from their other readers.
#[step(version = "1")]
fn merged(squares: Vec<u64>, doubled: &[u64]) -> Vec<u64> {
    note("merged");
    squares.into_iter().zip(doubled).map(|(square, doubled)| square + doubled).collect()
}

#[step(version = "1", retries = 1)]
fn counted(big: &[u8], noise: &[u8]) -> usize {
    note("counted");
    big.iter().zip(noise).filter(|(big, noise)| big > noise).count()
}

/// An effect, which nobody reads.
#[step(version = "1", after(counted))]
fn told(merged: &[u64]) {
    note("told");
    assert!(!merged.is_empty());
}

#[step(cache, version = "1", after(told))]
fn report(merged: &[u64], counted: &usize, waits: &u64) -> String {
    note("report");
    format!("{merged:?} {counted} {waits}")
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("stored STORE LOG INPUT [--power] [--resume RUN]");
    let (store, log, input) = (next(), next(), next());
    LOG.set(log.into()).expect("set once");
    let mut store = ValueStore::open(store).unwrap_or_else(|error| panic!("{error}"));
    let mut resumed = None;
    while let Some(option) = arguments.next() {
        match option.as_str() {
            "--power" => store = store.durability(Durability::Power),
            _ => resumed = arguments.next(),
        }
    }
    let mut pipeline = Pipeline::to::<report>()
        .store(&store)
        .settings(Settings::default().workers(2).resume(ResumeMode::Always))
        .param("input", InputFile::new(input));
    if let Some(run) = resumed {
        pipeline = pipeline.resume_from(run);
    }
    let run = pipeline.run_blocking().unwrap_or_else(|problems| panic!("{problems}"));
    println!("{}", run.output::<report>().unwrap_or_else(|error| panic!("{error}")));
}
