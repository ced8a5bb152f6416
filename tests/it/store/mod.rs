//! What runs leave behind.

mod comparing;
mod damage;
mod history;
#[cfg(feature = "outputs")]
mod outputs;
mod recording;
mod trace;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use pipeline::*;

/// A folder of this test, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("pipeline-store-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn store(&self) -> RunStore {
        RunStore::open(&self.0).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Two steps, one after the other; the second fails where it is told to.
fn two_steps(fails: bool) -> Pipeline {
    let mut dag = DagBuilder::new();
    let one = dag.cpu("one", (), |()| 1_u64);
    let two = move |(one,): (&u64,)| if fails { Err("planted failure") } else { Ok(one + 1) };
    dag.try_cpu("two", (one,), two);
    Pipeline::new(dag.build().unwrap())
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
