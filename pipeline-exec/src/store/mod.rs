//! The store: values of steps that survive the run.
//!
//! A value is found by its [`Key`]: what made it. It exists if and only if its record exists, and a record is written
//! after the bytes that it names.
//!
//! | path | has |
//! |---|---|
//! | `format` | `pipeline store 1`; a store with another text is refused |
//! | `lock` | locked shared by every process that uses the store, and alone by one that removes unused values |
//! | `tmp/` | incomplete files, removed by the next process that is alone |
//! | `blobs/ab/<content>[.zst]` | the bytes of a value, named by their [`Content`]; never replaced |
//! | `cache/ab/<key>` | the [`Record`] of a cached value |
//! | `runs/<run id>/<step>` | the record of a checkpoint, by which that run resumes |
//! | `done/<run id>` | the steps that have ended in that run |
//! | `memo/` | hashes of files that were read |
//! | `traces/<trace>` | what the trace of a step's code was made of |
//! | `damaged/` | files that were not what they should be |
//!
//! A record is a line with the BLAKE3 hash of the rest, and the rest: JSON. Of two writers, the first wins, and the other
//! gets the record of the first. A file that is damaged or foreign is a miss with one warning, and is moved to `damaged/`.

mod blobs;
mod care;
mod code;
mod error;
pub(crate) mod files;
mod framed;
mod gc;
mod key;
mod marks;
mod record;
mod records;
mod run;
mod storage;
#[cfg(test)]
mod tests;
mod trace;
mod value_store;

use std::sync::{LockResult, PoisonError};

pub use self::care::{GcRules, Removed, StepSize, StoredValue, Verified};
pub use self::error::ValueStoreError;
#[cfg(feature = "cli")]
pub(crate) use self::files::is_plain_path;
pub use self::files::{InputDir, InputFile, InputGlob, StoredDir, StoredFile};
pub use self::key::{Content, Key};
pub(crate) use self::marks::Mark;
pub use self::record::{
    CodeBy, Compression, Record, RecordedCode, RecordedInput, RecordedParam, RecordedPlace, RecordedSource,
    RecordedType,
};
pub(crate) use self::records::Records;
#[cfg(feature = "cli")]
pub(crate) use self::run::{
    Again, Explained, Outlook, explain, has_left, param_digest_of_file, why_not_cached,
};
pub(crate) use self::run::{Asked, Caching, Left, Lifetime, OfRun, Place};
pub use self::value_store::ValueStore;
use crate::settings::Durability;

/// What is wrong with a damaged file.
const HASH_IS_WRONG: &str = "its hash is wrong";

/// Ignores that a thread panicked while it held the lock.
fn unpoisoned<T>(locked: LockResult<T>) -> T {
    locked.unwrap_or_else(PoisonError::into_inner)
}
