//! One change at a time: what each step reaches, and whether its hash changes.

#![allow(clippy::unwrap_used, reason = "a panic fails the test")]

mod shop;
mod small;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::trace::Trace;

/// A package in a folder of its own, removed at the end.
struct Sources {
    folder: PathBuf,
    variables: BTreeMap<String, String>,
}

impl Sources {
    fn new(files: &[(&str, &str)]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("pipeline-build-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        let sources = Self { folder: std::env::temp_dir().join(name), variables: BTreeMap::new() };
        sources.write("Cargo.toml", "[package]\nname = \"demo\"\nedition = \"2024\"\n\n[workspace]\n");
        for (file, text) in files {
            sources.write(file, text);
        }
        sources
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn trace(&self) -> Trace {
        Trace::read(&self.folder, "demo", &self.variables)
    }
}

impl Drop for Sources {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Trace {
    /// The hash of a step, or `!` and the reason.
    #[track_caller]
    fn of(&self, step: &str) -> String {
        let step =
            self.steps.get(step).unwrap_or_else(|| panic!("no step `{step}` in {:?}", self.steps.keys()));
        step.reason.as_ref().map_or_else(|| step.hash.clone(), |reason| format!("!{reason}"))
    }

    /// The items that a step reaches, without what counts for all.
    fn reached(&self, step: &str) -> Vec<&str> {
        let parts = self.steps[step].parts.iter().map(|part| &self.parts[*part]);
        let mut names: Vec<&str> = parts.filter(|part| part.line > 0).map(|part| &*part.name).collect();
        names.sort_unstable();
        names
    }
}

/// The files below a folder, with their texts.
fn files_in(folder: &Path, below: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_in(&path, below, files);
        } else if let Ok(text) = fs::read_to_string(&path) {
            files.push((path.strip_prefix(below).unwrap().display().to_string(), text));
        }
    }
}
