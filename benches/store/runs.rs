//! Whole runs with a store: all cached, all misses, and a run that succeeds with resuming on.
//!
//! Cases that are compared take turns, and the best of each counts, so that a busy machine disturbs both alike. The ratios
//! and the figures a step are checked against twice their bounds.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pipeline::prelude::*;
use pipeline::settings::ResumeMode;
use pipeline::store::ValueStore;
use pipeline::{DagBuilder, Handle};
use pipeline::{Run, Status};

#[step(cache, version = "1")]
fn first(#[param] start: u64) -> u64 {
    start
}

#[step(cache, version = "1")]
fn next(#[input] before: &u64) -> u64 {
    before + 1
}

/// 64 KiB that do not compress.
#[step(cache, version = "1")]
fn block(#[param] start: u64, #[param] number: u64) -> Vec<u64> {
    let mut state = start ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state | 1 << 63
    };
    (0..8192).map(|_| next()).collect()
}

#[step(version = "1")]
fn plain_first(#[param] start: u64) -> u64 {
    start
}

#[step(version = "1")]
fn plain_next(#[input] before: &u64) -> u64 {
    before + 1
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pipeline-bench-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A chain of this many steps.
fn chain<F, N>(steps: u64) -> (Pipeline, String)
where
    F: pipeline::Step<Output = u64>,
    N: pipeline::Step<Output = u64>,
{
    let mut dag = DagBuilder::new();
    let mut last: Handle<u64> = dag.add::<F>().handle();
    for step in 1..steps {
        last = dag.add::<N>().named(format!("step_{step}")).input("before", last).handle();
    }
    let dag = dag.build().expect("a chain is a graph");
    let last = format!("step_{}", steps - 1);
    (Pipeline::new(dag).target(&last), last)
}

fn run(pipeline: &Pipeline) -> (Run, Duration) {
    let begin = Instant::now();
    let run = pipeline.run_blocking().expect("nothing is wrong");
    let took = begin.elapsed();
    assert!(run.succeeded());
    (run, took)
}

pub(crate) fn show(is_quick: bool) {
    let rounds = if is_quick { 3 } else { 7 };
    println!("\nruns with a store, the best of {rounds}");
    for (steps, bound) in [(10_000_u64, Duration::from_micros(60)), (49, Duration::from_millis(10) / 49)] {
        all_cached(steps, bound, rounds);
    }
    resuming_on(if is_quick { 10_000 } else { 50_000 }, rounds);
    all_misses(if is_quick { 200 } else { 1000 }, rounds);
}

/// Everything that a new process does but its start: opens the store, makes the graph, looks up, reads the last output.
fn all_cached(steps: u64, bound: Duration, rounds: u32) {
    let folder = Folder::new("cached");
    let once = || {
        let begin = Instant::now();
        let store = ValueStore::open(&folder.0).expect("it is a store");
        let (pipeline, last) = chain::<first, next>(steps);
        let run = pipeline.store(&store).param("start", 1).run_blocking().expect("nothing is wrong");
        assert_eq!(run.output_named::<u64>(&last), Ok(&steps));
        (run.status(&last).expect("it is a step"), begin.elapsed())
    };
    assert_eq!(once().0, Status::Succeeded);
    let best = (0..rounds).map(|_| once()).inspect(|(status, _)| assert_eq!(*status, Status::Cached));
    let best = best.map(|(_, took)| took).min().expect("there is a round");
    let each = best / steps as u32;
    println!("  all {steps} steps cached: {best:.2?}, {each:.2?} a step (bound {bound:.0?})");
    assert!(each <= bound * 2, "{each:?} a step, and twice the bound is {:?}", bound * 2);
}

/// A run that succeeds pays nothing for resuming.
fn resuming_on(steps: u64, rounds: u32) {
    let folder = Folder::new("resuming");
    let store = ValueStore::open(&folder.0).expect("it is a store");
    let before = bytes_in(&folder.0);
    let without = chain::<plain_first, plain_next>(steps).0.param("start", 1);
    let with = chain::<plain_first, plain_next>(steps).0.param("start", 1).store(&store);
    let with = with.settings(Settings::default().resume(ResumeMode::OnFailure));
    let [mut off, mut on] = [Duration::MAX; 2];
    for _ in 0..rounds * 3 {
        off = off.min(run(&without).1);
        on = on.min(run(&with).1);
    }
    let (written, ratio) = (bytes_in(&folder.0) - before, on.as_secs_f64() / off.as_secs_f64());
    println!(
        "  {steps} steps, resume = on-failure: {ratio:.2} x off ({on:.2?}, {off:.2?}), {written} bytes written"
    );
    assert_eq!(written, 0);
    assert!(ratio <= 2.0, "{ratio:.2}");
}

/// All misses, against no cache and a plain writer of the same bytes.
fn all_misses(steps: u64, rounds: u32) {
    let blocks = |start: u64| {
        let mut dag = DagBuilder::new();
        for number in 0..steps {
            let _ = dag.add::<block>().named(format!("block_{number}")).param("number", number);
        }
        Pipeline::new(dag.build().expect("it is a graph")).param("start", start)
    };
    let [mut off, mut on, mut plain] = [Duration::MAX; 3];
    let mut bytes = 0;
    for round in 0..u64::from(rounds) {
        off = off.min(run(&blocks(round)).1);
        let folder = Folder::new("misses");
        let store = ValueStore::open(&folder.0).expect("it is a store");
        on = on.min(run(&blocks(round).store(&store)).1);
        bytes = bytes_in(&folder.0.join("blobs"));
        assert!(bytes >= steps * 8192 * 8, "{bytes}");
        plain = plain.min(write_plainly(&Folder::new("plain").0, steps, bytes / steps));
    }
    let ratio = on.as_secs_f64() / (off + plain).as_secs_f64();
    let megabytes = bytes as f64 / 1e6;
    println!(
        "  {steps} misses of {megabytes:.0} MB: {on:.2?}; off {off:.2?}, a plain writer {plain:.2?}: {ratio:.2} x both"
    );
}

/// Writes as many files of as many bytes, each by a new name and a rename.
fn write_plainly(folder: &Path, files: u64, length: u64) -> Duration {
    fs::create_dir_all(folder).expect("it can be made");
    let bytes = vec![7_u8; length as usize];
    let begin = Instant::now();
    for file in 0..files {
        let (part, name) = (folder.join("part"), folder.join(file.to_string()));
        File::create(&part).and_then(|mut file| file.write_all(&bytes)).expect("it can be written");
        fs::rename(part, name).expect("it can be renamed");
    }
    let took = begin.elapsed();
    fs::remove_dir_all(folder).expect("it can be removed");
    took
}

fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("it can be read"));
    entries
        .map(|entry| {
            if entry.path().is_dir() {
                bytes_in(&entry.path())
            } else {
                entry.metadata().map_or(0, |it| it.len())
            }
        })
        .sum()
}
