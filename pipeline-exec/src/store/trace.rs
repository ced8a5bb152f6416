//! What the trace of a step is made of, and what differs between two.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use pipeline_core::StepDef;
use serde::{Deserialize, Serialize};

use super::framed::{framed, unframed};
use super::{ValueStore, unpoisoned};

/// Larger files are not read.
const MOST_BYTES: u64 = 64 << 20;

/// The format of `pipeline-trace.json`, which `pipeline-build` writes.
const FORMAT: u32 = 1;

/// An item of the package that a step reaches, or something that counts for every step, such as `Cargo.lock`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TracePart {
    /// Such as `shop::input::csv::fields`.
    pub(crate) name: String,
    /// Empty for what is no item.
    pub(crate) file: String,
    /// Zero for what is no item.
    pub(crate) line: usize,
    pub(crate) hash: String,
}

/// What one trace is made of. As JSON it can be kept under the hash of the trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TraceParts {
    /// The hash of them all: the trace of the step.
    pub(crate) trace: String,
    pub(crate) parts: Vec<TracePart>,
}

#[derive(Deserialize)]
struct Details {
    format: u32,
    parts: Vec<TracePart>,
    steps: BTreeMap<String, StepDetails>,
}

#[derive(Deserialize)]
struct StepDetails {
    trace: String,
    parts: Vec<usize>,
}

impl TraceParts {
    /// Reads what the trace of a step is made of. `None`: the file is gone, or is that of another build, in which the step
    /// has another trace.
    #[cfg(test)]
    pub(crate) fn read(details: &Path, step: &str, trace: &str) -> Option<Self> {
        Details::read(details)?.parts_of(step, trace)
    }

    /// As [`TraceParts::read`], but the file is read once in a process.
    pub(crate) fn read_once(details: &'static str, step: &str, trace: &str) -> Option<Self> {
        static READ: Mutex<BTreeMap<&str, Option<Arc<Details>>>> = Mutex::new(BTreeMap::new());
        let read = || Details::read(Path::new(details)).map(Arc::new);
        let found = unpoisoned(READ.lock()).entry(details).or_insert_with(read).clone();
        found?.parts_of(step, trace)
    }
}

impl Details {
    fn read(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        if !found.is_file() || found.len() > MOST_BYTES {
            return None;
        }
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    fn parts_of(&self, step: &str, trace: &str) -> Option<TraceParts> {
        let details = self;
        let step = details.steps.get(step).filter(|step| step.trace == trace && details.format == FORMAT)?;
        let parts = step.parts.iter().map(|part| details.parts.get(*part).cloned());
        Some(TraceParts { trace: step.trace.clone(), parts: parts.collect::<Option<_>>()? })
    }
}

/// The folder of what traces are made of, a file for each trace.
pub(super) const TRACES: &str = "traces";

impl ValueStore {
    /// Keeps what the trace of a step is made of, so that a later change can be named. Does nothing if that is unknown: then only
    /// less can be said.
    pub(crate) fn keep_trace(&self, step: &StepDef, trace: &str) {
        let path = format!("{TRACES}/{trace}");
        let is_kept = matches!(self.storage().length(&path), Ok(Some(_)));
        let Some(details) = step.trace_details.filter(|_| !is_kept) else { return };
        if let Some(parts) = TraceParts::read_once(details, &step.id(), trace) {
            _ = self.storage().put_new(&path, &framed(&parts), self.durability);
        }
    }

    /// Returns what an earlier trace was made of, if it was kept.
    #[cfg_attr(not(feature = "cli"), allow(dead_code))]
    pub(crate) fn kept_trace(&self, trace: &str) -> Option<TraceParts> {
        let (bytes, _) = self.read(&format!("{TRACES}/{trace}"), MOST_BYTES).ok()??;
        serde_json::from_slice(unframed(&bytes)?).ok()
    }
}

/// How a part of a trace differs from what it was.
#[cfg(any(test, feature = "cli"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartChange {
    /// It has another hash.
    Changed,
    /// The step did not reach it before.
    Added,
    /// The step reaches it no more.
    Removed,
}

/// Returns the parts that differ, those that have another hash first.
#[cfg(any(test, feature = "cli"))]
pub(crate) fn changed<'t>(old: &'t TraceParts, new: &'t TraceParts) -> Vec<(PartChange, &'t TracePart)> {
    // Items that only a `cfg` tells apart have one name.
    fn by_name(parts: &TraceParts) -> BTreeMap<&str, Vec<&TracePart>> {
        let mut by_name: BTreeMap<&str, Vec<&TracePart>> = BTreeMap::new();
        for part in &parts.parts {
            by_name.entry(&part.name).or_default().push(part);
        }
        by_name
    }
    fn hashes<'h>(parts: &[&'h TracePart]) -> Vec<&'h str> {
        let mut hashes: Vec<&str> = parts.iter().map(|part| &*part.hash).collect();
        hashes.sort_unstable();
        hashes
    }
    let (before, after) = (by_name(old), by_name(new));
    let changed = after.iter().filter_map(|(name, parts)| match before.get(name) {
        None => Some((PartChange::Added, parts[0])),
        Some(old) => (hashes(old) != hashes(parts)).then_some((PartChange::Changed, parts[0])),
    });
    let removed = before.iter().filter(|(name, _)| !after.contains_key(*name));
    let removed = removed.map(|(_, parts)| (PartChange::Removed, parts[0]));
    let mut all: Vec<_> = changed.chain(removed).collect();
    all.sort_by_key(|(change, _)| *change as u8);
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic fails the test")]

    use super::*;

    const DETAILS: &str = r#"{"format":1,"parts":[
        {"name":"Cargo.lock","file":"","line":0,"hash":"aa"},
        {"name":"shop::total","file":"src/main.rs","line":7,"hash":"bb"},
        {"name":"shop::other","file":"src/main.rs","line":9,"hash":"cc"}],
        "steps":{"shop::total":{"trace":"11","parts":[0,1]},"shop::broken":{"trace":"22","parts":[9]}}}"#;

    fn part(name: &str, hash: &str) -> TracePart {
        TracePart { name: name.to_owned(), file: "src/main.rs".to_owned(), line: 1, hash: hash.to_owned() }
    }

    fn parts(parts: &[(&str, &str)]) -> TraceParts {
        let parts = parts.iter().map(|(name, hash)| part(name, hash)).collect();
        TraceParts { trace: String::new(), parts }
    }

    #[test]
    fn a_step_has_the_parts_of_its_own_trace_only() {
        let file = std::env::temp_dir().join(format!("pipeline-trace-{}.json", std::process::id()));
        fs::write(&file, DETAILS).unwrap();
        let read = |step, trace| TraceParts::read(&file, step, trace);
        let total = read("shop::total", "11").unwrap();
        let names: Vec<_> = total.parts.iter().map(|part| &*part.name).collect();
        assert_eq!(names, ["Cargo.lock", "shop::total"]);
        assert_eq!(read("shop::total", "12"), None, "the file is that of another build");
        assert_eq!(read("shop::broken", "22"), None, "a part is missing");
        assert_eq!(read("shop::none", "11"), None);
        fs::write(&file, DETAILS.replace("\"format\":1", "\"format\":2")).unwrap();
        assert_eq!(read("shop::total", "11"), None, "the format is newer");
        fs::remove_file(&file).unwrap();
        assert_eq!(read("shop::total", "11"), None, "there is no file");
    }

    #[test]
    fn what_changed_is_named_with_its_file() {
        let old = parts(&[("a", "1"), ("b", "2"), ("gone", "3"), ("twice", "4"), ("twice", "5")]);
        let new = parts(&[("a", "1"), ("b", "9"), ("new", "3"), ("twice", "5"), ("twice", "4")]);
        let found: Vec<_> =
            changed(&old, &new).into_iter().map(|(change, part)| (change, &*part.name)).collect();
        assert_eq!(
            found,
            [(PartChange::Changed, "b"), (PartChange::Added, "new"), (PartChange::Removed, "gone")]
        );
        assert_eq!(changed(&old, &old), []);
    }
}
