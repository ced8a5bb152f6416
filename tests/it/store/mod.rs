//! What runs record on disk.

mod comparing;
mod damage;
mod history;
mod large;
mod links;
#[cfg(feature = "outputs")]
mod outputs;
mod owners;
mod recording;
mod sweeping;
mod trace;

use std::fs;
use std::path::{Path, PathBuf};

use pipeline::*;

use crate::folder::Folder;

/// Two steps, one after the other; with `fails`, the second fails.
fn two_steps(fails: bool) -> Pipeline {
    let mut dag = DagBuilder::new();
    let one = dag.cpu("one", (), |()| 1_u64);
    let two = move |(one,): (&u64,)| if fails { Err("planted failure") } else { Ok(one + 1) };
    dag.try_cpu("two", (one,), two);
    Pipeline::new(dag.build().unwrap())
}

impl Folder {
    fn store(&self) -> RunStore {
        RunStore::open(&**self).unwrap()
    }
}

/// Runs it, recorded, and gives the folder of the run.
fn record(pipeline: Pipeline, store: &RunStore) -> (Run, PathBuf) {
    let run = pipeline.record_to(store).run_blocking().unwrap();
    let dir = run.recorded().unwrap().unwrap().to_owned();
    (run, dir)
}

fn read_json(path: impl AsRef<Path>) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}
