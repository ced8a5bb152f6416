//! `list --check`: the libraries of steps that the program depends on, but that the linker left out.
//!
//! The linker drops a library that no code names, and its steps with it. The program cannot see them then, so cargo is asked
//! what the program depends on.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

use pipeline_core::{Problem, ProblemCode, Problems};
use serde::Deserialize;

use crate::cli::exit::Refusal;
use crate::cli::program::NAME;
use crate::cli::wording::one_line;

/// The packages of this framework that a crate with steps depends on.
const FRAMEWORK: [&str; 3] = ["pipeline", "pipeline-exec", "pipeline-core"];

/// What `cargo metadata` prints.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    /// `None` for a normal dependency.
    kind: Option<String>,
}

/// Returns a line for each library with steps that is part of this program.
///
/// # Errors
/// Returns a problem for each that is not, or why cargo cannot be asked.
pub(super) fn libraries() -> Result<String, Refusal> {
    let metadata = metadata()?;
    let linked = pipeline_core::packages();
    let (mut lines, mut problems) = (Vec::new(), Vec::new());
    for package in metadata.libraries_of(&NAME)? {
        let (name, version) = (package.name.as_str(), package.version.as_str());
        match linked.iter().find(|((of, in_version), _)| (*of, *in_version) == (name, version)) {
            Some((_, steps)) => lines.push(format!("{name} {version}: {steps} in this program\n")),
            None if has_steps(&package.sources()) => problems.push(not_linked(package)),
            None => {}
        }
    }
    Problems::check(problems)?;
    Ok(if lines.is_empty() {
        "this program depends on no library of steps\n".to_owned()
    } else {
        lines.concat()
    })
}

fn metadata() -> Result<Metadata, Refusal> {
    let refused = |why: String| {
        Refusal::Environment(format!(
            "`list --check` asks cargo for the dependencies of this program: {why}\nhint: run it in the folder of its package"
        ))
    };
    let cargo = |arguments: &[&str]| {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(program).args(arguments).output();
        let output = output.map_err(|error| refused(format!("cargo cannot be run: {error}")))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(refused(one_line(said.lines().next().unwrap_or("it failed"))))
    };
    // For all platforms, cargo would ask for packages that no build here has downloaded.
    let about = cargo(&["-Vv"])?;
    let host = String::from_utf8_lossy(&about)
        .lines()
        .find_map(|line| Some(line.strip_prefix("host: ")?.to_owned()));
    let platform = host.map(|host| ["--filter-platform".to_owned(), host]);
    let mut arguments = vec!["metadata", "--format-version", "1", "--offline"];
    arguments.extend(platform.iter().flatten().map(String::as_str));
    let answer = cargo(&arguments)?;
    serde_json::from_slice(&answer).map_err(|error| refused(format!("its answer cannot be read: {error}")))
}

impl Metadata {
    /// Returns the packages that depend on this framework, of those that the program depends on.
    fn libraries_of(&self, program: &str) -> Result<Vec<&Package>, Refusal> {
        let packages: HashMap<&str, &Package> =
            self.packages.iter().map(|package| (package.id.as_str(), package)).collect();
        let nodes: HashMap<&str, &Node> =
            self.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let mut members = self.workspace_members.iter().filter_map(|id| packages.get(id.as_str()));
        let is_program = |target: &&Target| target.name == program && !target.is("lib");
        let found = members.find_map(|package| Some((*package, package.targets.iter().find(is_program)?)));
        let Some((root, target)) = found else {
            let message = format!("`{}` is no target of the packages in this folder", one_line(program));
            return Err(Refusal::Environment(format!(
                "{message}\nhint: run `list --check` in the folder of its package"
            )));
        };
        let mut seen: BTreeMap<&str, &Package> = BTreeMap::new();
        let mut open = vec![root.id.as_str()];
        while let Some(id) = open.pop() {
            let with_dev = id == root.id && !target.is("bin");
            let deps = nodes.get(id).map_or(&[][..], |node| &node.deps);
            for dep in deps.iter().filter(|dep| dep.is_linked(with_dev)) {
                if let Some(package) = packages.get(dep.pkg.as_str())
                    && seen.insert(&package.id, package).is_none()
                {
                    open.push(&package.id);
                }
            }
        }
        let depends_on_us = |package: &&Package| {
            let deps = nodes.get(package.id.as_str()).map_or(&[][..], |node| &node.deps);
            let mut linked = deps.iter().filter(|dep| dep.is_linked(false));
            linked.any(|dep| packages.get(dep.pkg.as_str()).is_some_and(|of| FRAMEWORK.contains(&&*of.name)))
        };
        let others = seen.into_values().filter(|package| !FRAMEWORK.contains(&&*package.name));
        Ok(others.filter(depends_on_us).collect())
    }
}

impl Package {
    fn sources(&self) -> PathBuf {
        self.manifest_path.parent().unwrap_or(Path::new(".")).join("src")
    }
}

impl Target {
    fn is(&self, kind: &str) -> bool {
        self.kind.iter().any(|of| of == kind)
    }
}

impl Dependency {
    fn is_linked(&self, with_dev: bool) -> bool {
        let is_linked =
            |of: &DependencyKind| of.kind.is_none() || with_dev && of.kind.as_deref() == Some("dev");
        self.dep_kinds.iter().any(is_linked)
    }
}

/// Reports whether a source file below a folder has a step, by its text.
fn has_steps(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.filter_map(Result::ok).any(|entry| {
        let path = entry.path();
        if entry.file_type().is_ok_and(|ty| ty.is_dir()) {
            return has_steps(&path);
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        path.extension().is_some_and(|end| end == "rs")
            && ["#[step", "::step]", "::step("].iter().any(|step| text.contains(step))
    })
}

fn not_linked(package: &Package) -> Problem {
    let Package { name, version, .. } = package;
    let library = package.targets.iter().find(|target| target.is("lib")).map_or(name, |target| &target.name);
    let message = format!("the library {name} {version} has steps, but none of them is in this program");
    Problem::new(ProblemCode::NoSteps, message)
        .note(format!("its sources are in {}", one_line(&package.sources().display().to_string())))
        .hint(format!(
            "the linker drops a library that no code names: add `use {} as _;` to the program, or to the crate that depends on it",
            library.replace('-', "_")
        ))
}
