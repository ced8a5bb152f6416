//! The guide: every page is compiled (as doctests of the facade), and every link has a target.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The pages below `docs`, by relative path.
fn pages() -> Vec<PathBuf> {
    let docs = Path::new(ROOT).join("docs");
    let (mut folders, mut pages) = (vec![docs.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path.strip_prefix(&docs).unwrap().to_owned());
            }
        }
    }
    pages.sort();
    pages
}

fn read(page: &Path) -> String {
    fs::read_to_string(Path::new(ROOT).join("docs").join(page)).unwrap()
}

/// The lines outside code blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// The link targets of a page, except those on other hosts.
fn links(text: &str) -> Vec<&str> {
    let links = prose(text).flat_map(|line| line.split("](").skip(1));
    let targets = links.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    targets.filter(|target| !target.contains("://")).collect()
}

/// The anchors of a page, made from its headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept =
            words.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
        kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_in_the_guide_has_a_target() {
    let mut dead = Vec::new();
    for page in pages() {
        let text = read(&page);
        for link in links(&text) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => Path::new(ROOT).join("docs").join(&page),
                path => Path::new(ROOT).join("docs").join(page.parent().unwrap()).join(path),
            };
            let is_there = target.exists()
                && (anchor.is_empty() || anchors(&fs::read_to_string(&target).unwrap()).contains(anchor));
            if !is_there {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
}

/// An error page is found by its code, every other page in the table of contents.
#[test]
fn every_page_is_in_the_table_of_contents() {
    let contents = read(Path::new("README.md"));
    for page in pages() {
        let name = page.to_str().unwrap().replace('\\', "/");
        let is_listed =
            name == "README.md" || name.starts_with("errors/") || contents.contains(&format!("({name})"));
        assert!(is_listed, "docs/README.md does not have {name}");
    }
}

/// M14: every page with Rust code is in the doctests.
#[test]
fn every_page_with_rust_is_compiled_and_run() {
    let sources = fs::read_to_string(Path::new(ROOT).join("src/doctests.rs")).unwrap();
    for page in pages().into_iter().filter(|page| !page.starts_with("errors")) {
        let name = page.to_str().unwrap().replace('\\', "/");
        let has_rust = read(&page).contains("```rust");
        assert!(
            !has_rust || sources.contains(&format!("docs/{name}")),
            "src/doctests.rs does not have docs/{name}"
        );
    }
}
