//! Tests of the store, over a folder, over memory, and over a storage that fails.

mod care;
mod commit;
mod damage;
mod faults;
mod hostile;
#[cfg(feature = "store-s3")]
mod s3;
mod shared;
mod system;

use std::io::Write;
use std::path::{Path, PathBuf};

use super::record::FORMAT;
use super::*;
use crate::timing::unique_id;

/// A folder that is removed at the end of the test.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        Dir(std::env::temp_dir().join(format!("pipeline-store-{}", unique_id())))
    }

    fn store(&self) -> ValueStore {
        ValueStore::open(&self.0).expect("the folder is a store")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(super) fn key(of: &str) -> Key {
    blake3::hash(of.as_bytes()).into()
}

/// The record of a step before its value is stored.
pub(super) fn record(step: &str, key: Key) -> Record {
    Record {
        format: FORMAT,
        key,
        step: step.to_owned(),
        run: "run".to_owned(),
        made_unix_ms: 1,
        took_ms: 2,
        program: "shop".to_owned(),
        code: RecordedCode { by: CodeBy::Version, hash: "3".to_owned() },
        output: RecordedType { name: "Rows".to_owned(), shape: "7".to_owned() },
        codec: "postcard".to_owned(),
        content: None,
        bytes: 0,
        stored_bytes: 0,
        compression: Compression::None,
        files: Vec::new(),
        placed: Vec::new(),
        inputs: vec![RecordedInput {
            name: "rows".to_owned(),
            steps: vec![RecordedSource {
                step: "load".to_owned(),
                content: Some(Content::of(b"x")),
                key: None,
            }],
        }],
        params: vec![RecordedParam { name: "day".to_owned(), digest: Content::of(b"1") }],
        own_key: None,
        partition: None,
        item: None,
    }
}

/// Stores a value in the cache, and returns its record.
fn commit(store: &ValueStore, step: &str, bytes: &[u8]) -> Record {
    try_commit(store, step, bytes).expect("nothing fails")
}

fn try_commit(store: &ValueStore, step: &str, bytes: &[u8]) -> Result<Record, ValueStoreError> {
    store.cache().commit(&key(step).to_string(), record(step, key(step)), bytes)
}

/// Finds and loads the value of a step in the cache.
fn found(store: &ValueStore, step: &str) -> Option<Vec<u8>> {
    let record = store.cache().find(&key(step).to_string())?;
    store.load(&record)
}

/// Says that something is not tested, because a tool is missing or does not work here. Fails if the tools are required, as
/// in CI.
fn missing(tool: &str) {
    let required = std::env::var_os("REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!required, "REQUIRE_TOOLS is set, and `{tool}` does not work");
    // Not by a macro, whose output is hidden in a passing test.
    let _ = std::io::stderr()
        .write_all(format!("\n*** NOT TESTED: `{tool}` does not work here ***\n").as_bytes());
}

/// Every file below a folder, without folders.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("it is a folder").map(|entry| entry.expect("it can be read")) {
        if entry.file_type().expect("it has a type").is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

/// Returns the file of a step's record in the cache.
fn record_file(dir: &Dir, step: &str) -> PathBuf {
    let key = key(step).to_string();
    dir.0.join("cache").join(&key[..2]).join(&key)
}

/// Returns the file of a step's bytes.
fn blob_file(dir: &Dir, record: &Record) -> PathBuf {
    dir.0.join(blobs::path_of(record.content.expect("it has a value"), record.compression))
}

/// Bytes that compress well, or not at all.
fn bytes(length: usize, compress: bool) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..length).map(|at| if compress { (at / 100) as u8 } else { next() }).collect()
}
