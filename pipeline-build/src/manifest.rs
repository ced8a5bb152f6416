//! What a `Cargo.toml` says about targets, path dependencies and profiles: its lines, without a parser of TOML.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::package::Target;

pub(crate) struct Manifest {
    pub(crate) folder: PathBuf,
    pub(crate) text: String,
}

/// A line of a manifest, and the section that it is in.
struct Line<'m> {
    section: &'m str,
    key: &'m str,
    value: &'m str,
}

impl Manifest {
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
        Some(Self { folder: folder.to_owned(), text })
    }

    /// The manifest of the workspace; the same folder if the package is the root.
    pub(crate) fn workspace(&self) -> Option<Self> {
        let mut folders = self.folder.ancestors();
        folders.find_map(|folder| Self::read(folder).filter(|manifest| manifest.has_section("workspace")))
    }

    fn has_section(&self, name: &str) -> bool {
        self.text.lines().any(|line| {
            let section = line.trim().strip_prefix('[').and_then(|line| line.split(']').next());
            section.is_some_and(|section| section == name || section.starts_with(&format!("{name}.")))
        })
    }

    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let mut section = "";
        self.text.lines().filter_map(move |line| {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                return None;
            }
            if let Some(name) = line.strip_prefix('[').filter(|_| !line.contains('=')) {
                section = name
                    .trim_matches(|letter: char| letter == '[' || letter == ']' || letter.is_whitespace());
                return Some(Line { section, key: "", value: "" });
            }
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            Some(Line { section, key: key.trim(), value: value.trim() })
        })
    }

    /// The lines that can change what the code does: without the description and the lints of the package.
    pub(crate) fn meaning(&self) -> String {
        let mut kept = String::new();
        for Line { section, key, value } in self.lines() {
            let is_about = section == "package" && key != "edition" && key != "links";
            let is_other = ["lints", "badges", "workspace.lints", "package.metadata", "workspace.metadata"];
            if is_about || section == "workspace.package" && key != "edition" {
                continue;
            }
            if is_other.iter().any(|other| section.starts_with(other)) || section == "workspace" {
                continue;
            }
            kept.push_str(&[section, "|", key, "|", value, "\n"].concat());
        }
        kept
    }

    /// The crates of the package: those that the manifest names, and those in the usual places.
    pub(crate) fn targets(&self, package: &str) -> BTreeSet<Target> {
        let krate = |name: &str| name.replace('-', "_");
        let mut targets = BTreeSet::new();
        let mut add = |name: &str, file: PathBuf| {
            if file.is_file() {
                targets.insert(Target { name: krate(name), file });
            }
        };
        let lib_name = self.value("lib", "name").unwrap_or_else(|| package.to_owned());
        let lib_path = self.value("lib", "path").unwrap_or_else(|| "src/lib.rs".to_owned());
        add(&lib_name, self.folder.join(lib_path));
        add(package, self.folder.join("src/main.rs"));
        for folder in ["src/bin", "examples", "tests", "benches"] {
            let Ok(entries) = fs::read_dir(self.folder.join(folder)) else { continue };
            for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
                let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
                if path.extension().is_some_and(|extension| extension == "rs") {
                    add(name, path.clone());
                } else {
                    add(name, path.join("main.rs"));
                }
            }
        }
        // `[[bin]]` and the like, with their paths.
        let mut written: Vec<(String, String)> = Vec::new();
        for Line { section, key, value } in self.lines() {
            if !matches!(section, "bin" | "example" | "test" | "bench") {
                continue;
            }
            if key.is_empty() {
                written.push((String::new(), String::new()));
            }
            if let (Some(target), Some(text)) = (written.last_mut(), unquoted(value)) {
                match key {
                    "name" => text.clone_into(&mut target.0),
                    "path" => text.clone_into(&mut target.1),
                    _ => {}
                }
            }
        }
        for (name, path) in written {
            let places = match path.as_str() {
                "" => vec![
                    format!("src/bin/{name}.rs"),
                    "src/main.rs".into(),
                    format!("src/bin/{name}/main.rs"),
                ],
                _ => vec![path],
            };
            for place in places {
                add(&name, self.folder.join(place));
            }
        }
        targets
    }

    fn value(&self, section: &str, key: &str) -> Option<String> {
        let mut lines = self.lines();
        let line = lines.find(|line| line.section == section && line.key == key)?;
        unquoted(line.value).map(str::to_owned)
    }

    /// The file of the library.
    pub(crate) fn library(&self) -> PathBuf {
        self.folder.join(self.value("lib", "path").unwrap_or_else(|| "src/lib.rs".to_owned()))
    }

    /// The folders of path dependencies: its own, and those of the workspace that it names.
    pub(crate) fn path_dependencies(&self, workspace: Option<&Self>) -> BTreeSet<PathBuf> {
        let own = self.lines().filter_map(|line| path_in(&line).map(|path| self.folder.join(path)));
        let mut folders: BTreeSet<PathBuf> = own.collect();
        if let Some(workspace) = workspace {
            let names: BTreeSet<&str> = self.lines().map(|line| first_key(line.key)).collect();
            let sections: BTreeSet<&str> =
                self.lines().filter_map(|line| line.section.rsplit('.').next()).collect();
            for line in workspace.lines() {
                let named = |name: &str| names.contains(name) || sections.contains(name);
                let last = line.section.rsplit('.').next().unwrap_or("");
                let is_named = named(first_key(line.key)) || named(last) || line.section.starts_with("patch");
                if let (Some(path), true) = (path_in(&line), is_named) {
                    folders.insert(workspace.folder.join(path));
                }
            }
        }
        folders.into_iter().filter(|folder| folder.join("Cargo.toml").is_file()).collect()
    }
}

/// `name` in `name.workspace`, without quotes.
fn first_key(key: &str) -> &str {
    key.split('.').next().unwrap_or(key).trim_matches('"')
}

/// The path in `path = "…"` or `name = { path = "…" }`.
fn path_in<'m>(line: &Line<'m>) -> Option<&'m str> {
    if line.key.rsplit('.').next() == Some("path") {
        return unquoted(line.value);
    }
    let at = line.value.find("path")?;
    let before = line.value[..at].trim_end();
    let rest = line.value[at + 4..].trim_start().strip_prefix('=')?;
    if before.ends_with(['{', ',']) { unquoted(rest.trim_start()) } else { None }
}

/// The text between the first two quotes.
fn unquoted(value: &str) -> Option<&str> {
    let quote = value.chars().next().filter(|letter| matches!(letter, '"' | '\''))?;
    value[1..].split(quote).next()
}
