//! The trace of a package: a hash for each step, what it is made of, and the instructions for Cargo.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::around::Around;
use crate::hash::Hash;
use crate::manifest::Manifest;
use crate::names::Names;
use crate::package::Package;
use crate::reach::Reach;

/// Changes when the rules of this crate change.
const FORMAT: &str = "pipeline trace 1";

/// What one step is made of.
#[derive(Debug)]
pub(crate) struct StepTrace {
    /// Why the hash does not count.
    pub(crate) reason: Option<String>,
    pub(crate) hash: String,
    /// The parts, as indices into [`Trace::parts`].
    pub(crate) parts: Vec<usize>,
}

/// An item or a file, with its hash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// Empty for what is no item.
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) hash: String,
}

#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) steps: BTreeMap<String, StepTrace>,
    pub(crate) parts: Vec<Part>,
    read: BTreeSet<PathBuf>,
}

impl Trace {
    /// Reads a package in a folder.
    pub(crate) fn read(folder: &Path, name: &str, variables: &BTreeMap<String, String>) -> Self {
        let Some(manifest) = Manifest::read(folder) else {
            panic!("cannot read {}", folder.join("Cargo.toml").display());
        };
        let around = Around::read(&manifest, variables);
        let package = Package::read(folder, &manifest.targets(name));
        let names = Names::new(&package);
        let mut reach = Reach::new(&package, &names);
        let mut read: BTreeSet<PathBuf> = package.files.iter().map(|file| file.path.clone()).collect();
        read.extend(around.read.iter().cloned());
        // A new file in these can be a new program, example or test.
        let folders = ["src/bin", "examples", "tests", "benches"].map(|name| folder.join(name));
        read.extend(folders.into_iter().filter(|folder| folder.is_dir()));

        let mut parts: Vec<Part> = Vec::new();
        for (name, hash) in &around.parts {
            parts.push(Part { name: name.clone(), file: String::new(), line: 0, hash: hash.clone() });
        }
        let common = 0..parts.len();
        let mut part_of_item: BTreeMap<usize, usize> = BTreeMap::new();
        let mut part_of_file: BTreeMap<PathBuf, usize> = BTreeMap::new();
        let mut steps = BTreeMap::new();
        for (identity, step) in reach.steps() {
            let mut reason = around.reason.clone().or(step.reason);
            let mut own: Vec<usize> = common.clone().collect();
            for item in step.items {
                own.push(*part_of_item.entry(item).or_insert_with(|| {
                    let hash = reach.hash(item);
                    let (span, attributes) = {
                        let item = &package.tree.items[item];
                        (&item.span, item.attributes.end)
                    };
                    parts.push(Part {
                        name: reach.label_of(item).to_owned(),
                        file: package.shown(&package.files[span.file].path),
                        line: package.line(span.file, attributes),
                        hash,
                    });
                    parts.len() - 1
                }));
            }
            for file in step.files {
                if let Some(part) = part_of_file.get(&file) {
                    own.push(*part);
                    continue;
                }
                match fs::read(&file) {
                    Ok(bytes) => {
                        let mut hash = Hash::default();
                        hash.bytes(&bytes);
                        let name = package.shown(&file);
                        parts.push(Part { file: name.clone(), name, line: 0, hash: hash.finish() });
                        part_of_file.insert(file.clone(), parts.len() - 1);
                        own.push(parts.len() - 1);
                        read.insert(file);
                    }
                    Err(error) => {
                        reason
                            .get_or_insert_with(|| format!("cannot read {}: {error}", package.shown(&file)));
                    }
                }
            }
            for name in step.variables {
                let mut hash = Hash::default();
                hash.text(variables.get(&name).map_or("", String::as_str));
                parts.push(Part { name, file: String::new(), line: 0, hash: hash.finish() });
                own.push(parts.len() - 1);
            }
            let mut hashed: Vec<(&str, &str)> =
                own.iter().map(|part| (&*parts[*part].name, &*parts[*part].hash)).collect();
            hashed.sort_unstable();
            let mut hash = Hash::default();
            hash.text(FORMAT);
            for (name, part) in hashed {
                hash.text(name);
                hash.text(part);
            }
            steps.insert(identity, StepTrace { reason, hash: hash.finish(), parts: own });
        }
        Self { steps, parts, read }
    }

    /// The instructions for Cargo: a variable for each step, the path of the details, and the files to watch.
    pub(crate) fn instructions(&self, details: &Path) -> String {
        let mut text = String::new();
        for (identity, step) in &self.steps {
            let value = match &step.reason {
                None => step.hash.clone(),
                Some(reason) => format!("!{}", reason.replace(['\n', '\r'], " ")),
            };
            let _ = writeln!(text, "cargo::rustc-env=PIPELINE_TRACE_{identity}={value}");
        }
        let _ = writeln!(text, "cargo::rustc-env=PIPELINE_TRACE_DETAILS={}", details.display());
        let _ = writeln!(text, "cargo::rerun-if-changed=build.rs");
        for file in &self.read {
            let _ = writeln!(text, "cargo::rerun-if-changed={}", file.display());
        }
        text
    }

    /// The parts of each step, as JSON.
    pub(crate) fn details(&self) -> String {
        let mut json = String::from("{\"format\":1,\"parts\":[");
        for (index, part) in self.parts.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(
                json,
                "{comma}\n{{\"name\":{},\"file\":{},\"line\":{},\"hash\":\"{}\"}}",
                quoted(&part.name),
                quoted(&part.file),
                part.line,
                part.hash
            );
        }
        json.push_str("],\"steps\":{");
        for (index, (identity, step)) in self.steps.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(
                json,
                "{comma}\n{}:{{\"trace\":\"{}\",\"parts\":{:?}}}",
                quoted(identity),
                step.hash,
                step.parts
            );
        }
        json.push_str("}}\n");
        json
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", letter as u32);
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
