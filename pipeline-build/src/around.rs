//! What counts for every step of a package: dependencies, features, the compiler, the profile.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::hash::Hash;
use crate::manifest::Manifest;

/// The parts by their names, each with a hash.
#[derive(Debug, Default)]
pub(crate) struct Around {
    pub(crate) parts: BTreeMap<String, String>,
    /// The files and folders that were read.
    pub(crate) read: BTreeSet<PathBuf>,
    /// Why the dependencies are not known.
    pub(crate) reason: Option<String>,
}

impl Around {
    /// Reads the surroundings of the package; `variables` are those of the build script.
    pub(crate) fn read(manifest: &Manifest, variables: &BTreeMap<String, String>) -> Self {
        let mut around = Self::default();
        around.part("the compiler", |hash| hash.text(env!("PIPELINE_BUILD_RUSTC")));
        let features = variables.iter().filter(|(name, _)| name.starts_with("CARGO_FEATURE_"));
        let features: Vec<_> = features.map(|(name, _)| name.as_str()).collect();
        around.part("the features", |hash| features.iter().for_each(|name| hash.text(name)));
        let is_target = |name: &str| {
            name.starts_with("CARGO_CFG_") && name != "CARGO_CFG_FEATURE"
                || matches!(name, "TARGET" | "CARGO_ENCODED_RUSTFLAGS")
        };
        around.variables("the target", variables, is_target);
        let is_profile =
            |name: &str| matches!(name, "PROFILE" | "OPT_LEVEL") || name.starts_with("CARGO_PROFILE_");
        around.variables("the profile", variables, is_profile);

        let workspace = manifest.workspace();
        around.manifest("Cargo.toml", manifest);
        if let Some(workspace) = workspace.as_ref().filter(|workspace| workspace.folder != manifest.folder) {
            around.manifest("Cargo.toml of the workspace", workspace);
        }
        let lock =
            manifest.folder.ancestors().map(|folder| folder.join("Cargo.lock")).find(|lock| lock.is_file());
        around.files("Cargo.lock", lock);
        around.files("build.rs", Some(manifest.folder.join("build.rs")).filter(|file| file.is_file()));
        let configs = manifest
            .folder
            .ancestors()
            .flat_map(|folder| [".cargo/config.toml", ".cargo/config"].map(|name| folder.join(name)));
        around.files(".cargo/config.toml", configs.filter(|file| file.is_file()));

        let mut open: Vec<PathBuf> = manifest.path_dependencies(workspace.as_ref()).into_iter().collect();
        let mut seen: BTreeSet<PathBuf> = manifest.folder.canonicalize().into_iter().collect();
        while let Some(folder) = open.pop() {
            let Ok(folder) = folder.canonicalize() else { continue };
            if !seen.insert(folder.clone()) {
                continue;
            }
            let Some(dependency) = Manifest::read(&folder) else {
                around.reason = Some(format!("cannot read the path dependency in {}", folder.display()));
                continue;
            };
            around.dependency(&dependency, &manifest.folder);
            let workspace = dependency.workspace();
            open.extend(dependency.path_dependencies(workspace.as_ref()));
        }
        around
    }

    fn part(&mut self, name: &str, add: impl FnOnce(&mut Hash)) {
        let mut hash = Hash::default();
        add(&mut hash);
        self.parts.insert(name.to_owned(), hash.finish());
    }

    fn variables(
        &mut self,
        name: &str,
        variables: &BTreeMap<String, String>,
        is_part: impl Fn(&str) -> bool,
    ) {
        self.part(name, |hash| {
            for (name, value) in variables.iter().filter(|(name, _)| is_part(name)) {
                hash.text(name);
                hash.text(value);
            }
        });
    }

    fn manifest(&mut self, name: &str, manifest: &Manifest) {
        self.read.insert(manifest.folder.join("Cargo.toml"));
        self.part(name, |hash| hash.text(&manifest.meaning()));
    }

    fn files(&mut self, name: &str, files: impl IntoIterator<Item = PathBuf>) {
        let files: Vec<_> = files.into_iter().collect();
        if files.is_empty() {
            return;
        }
        let mut hash = Hash::default();
        for file in &files {
            match fs::read(file) {
                Ok(bytes) => hash.bytes(&bytes),
                Err(error) => self.reason = Some(format!("cannot read {}: {error}", file.display())),
            }
        }
        self.parts.insert(name.to_owned(), hash.finish());
        self.read.extend(files);
    }

    /// The sources of a path dependency, and what they include.
    fn dependency(&mut self, dependency: &Manifest, package: &Path) {
        let library = dependency.library();
        let source = library.parent().unwrap_or(&dependency.folder).to_owned();
        let mut files = BTreeSet::new();
        // A library beside its manifest has no separate folder.
        if source.canonicalize().ok().as_deref() == Some(&dependency.folder) {
            self.reason = Some(format!("{} has no folder of sources", shown(&dependency.folder, package)));
        } else if let Err(error) = collect(&source, &mut files) {
            self.reason = Some(format!("cannot read {}: {error}", source.display()));
        }
        files.extend(Some(dependency.folder.join("build.rs")).filter(|file| file.is_file()));
        let mut hash = Hash::default();
        hash.text(&dependency.meaning());
        let mut included = BTreeSet::new();
        for file in &files {
            match fs::read(file) {
                Ok(bytes) => {
                    hash.text(&file.strip_prefix(&dependency.folder).unwrap_or(file).display().to_string());
                    hash.bytes(&bytes);
                    includes(file, &bytes, &mut included);
                }
                Err(error) => self.reason = Some(format!("cannot read {}: {error}", file.display())),
            }
        }
        for file in included.difference(&files) {
            if let Ok(bytes) = fs::read(file) {
                hash.bytes(&bytes);
                self.read.insert(file.clone());
            }
        }
        self.read.insert(dependency.folder.join("Cargo.toml"));
        self.read.insert(source);
        self.read.extend(files.iter().filter(|file| file.ends_with("build.rs")).cloned());
        self.parts.insert(format!("the package in {}", shown(&dependency.folder, package)), hash.finish());
    }
}

/// A path from the package on: the same on every machine.
fn shown(folder: &Path, package: &Path) -> String {
    let package = package.canonicalize().unwrap_or_else(|_| package.to_owned());
    let common = folder.components().zip(package.components()).take_while(|(a, b)| a == b).count();
    let up = package.components().count() - common;
    let path: PathBuf = std::iter::repeat_n(Path::new(".."), up).collect();
    path.join(folder.components().skip(common).collect::<PathBuf>()).display().to_string()
}

/// All files in a folder and those in it.
fn collect(folder: &Path, files: &mut BTreeSet<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if fs::metadata(&path)?.is_dir() {
            // A folder that a link leads to could be around this one.
            if !entry.file_type()?.is_symlink() {
                collect(&path, files)?;
            }
        } else {
            files.insert(path);
        }
    }
    Ok(())
}

/// The files that `include_str!("…")` and the like name.
fn includes(file: &Path, source: &[u8], included: &mut BTreeSet<PathBuf>) {
    let Ok(source) = std::str::from_utf8(source) else { return };
    for (at, _) in source.match_indices("include") {
        let rest = source[at..].get(..200).unwrap_or(&source[at..]);
        let name = rest.split_once("!(").and_then(|(_, rest)| rest.trim_start().strip_prefix('"'));
        if let Some((name, _)) = name.and_then(|name| name.split_once('"')) {
            let path = file.parent().unwrap_or(file).join(name);
            included.extend(Some(path).filter(|path| path.is_file()));
        }
    }
}

/// The variables that Cargo gives to a build script.
pub(crate) fn build_variables() -> BTreeMap<String, String> {
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
