//! Rules of the house, checked by scanning the sources: how many names the facade has, how long a file may be, and that the
//! acceptance list names existing tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn the_facades_root_has_at_most_forty_names() {
    let names = public_names(&fs::read_to_string(Path::new(ROOT).join("src/lib.rs")).unwrap());
    assert!(
        names.len() <= 40,
        "src/lib.rs exports {} names, more than 40: move some to a module of the facade: {names:?}",
        names.len()
    );
    assert!(
        names.contains("Pipeline") && names.contains("report"),
        "the scan finds types and modules: {names:?}"
    );
}

#[test]
fn every_test_named_in_the_acceptance_list_exists() {
    let list = fs::read_to_string(Path::new(ROOT).join("tests/ACCEPTANCE.md")).unwrap();
    let sources: String = sources().iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    // Test names are the words with at least three underscores; those with `*`, `…` or `{a,b}` stand for several tests.
    let words = list.split(|c| !is_of_name(c) && c != '*' && c != '…');
    let mut names = words
        .filter(|word| word.matches('_').count() >= 3 && !word.starts_with('_') && !word.contains(['*', '…']))
        .peekable();
    assert!(names.peek().is_some(), "the scan finds names");
    let missing: Vec<&str> = names.filter(|name| !sources.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "tests/ACCEPTANCE.md names tests that do not exist: {missing:#?}");
}

#[test]
fn no_source_file_has_more_than_800_lines() {
    for file in sources() {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 800, "{} has {lines} lines: split it by concept", shown(&file));
    }
}

/// Every source file of the repository.
fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in ["src", "pipeline-core", "pipeline-exec", "pipeline-macros", "tests", "benches", "examples"]
    {
        collect(&Path::new(ROOT).join(folder), &mut files);
    }
    files
}

/// The names that a crate's root exports, without hidden ones.
fn public_names(root: &str) -> BTreeSet<String> {
    let code: String = root.lines().filter(|line| !line.starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for statement in code.split(';').filter(|statement| !statement.contains("#[doc(hidden)]")) {
        if let Some((_, module)) = statement.split_once("pub mod ") {
            found.insert(first_name(module));
        } else if let Some((_, path)) = statement.split_once("pub use ") {
            let names =
                path.split(['{', '}', ',']).map(|item| item.rsplit([':', ' ']).next().unwrap_or(item).trim());
            found.extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
        }
    }
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn shown(file: &Path) -> String {
    file.strip_prefix(ROOT).unwrap_or(file).display().to_string()
}

fn first_name(text: &str) -> String {
    text.chars().take_while(|c| is_of_name(*c)).collect()
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
