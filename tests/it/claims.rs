//! The acceptance list names tests that exist, where it says that they are.
//!
//! A cell of the list has segments, separated by `;`. A segment names a program of tests (`` `it` ``, `core`, …; without
//! one, that of the segment before) and then tests, separated by `,`: `module::name`, or `name` for one more in that module. `*`,
//! `…` and `{a,b}` stand for several. Words that name no test are skipped, but each name in them has to exist.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The programs of tests, each with the folder or file of its sources.
const PROGRAMS: [(&str, &str); 12] = [
    ("`it`", "tests/it"),
    ("`page`", "tests/page"),
    ("`programs`", "tests/programs"),
    ("`examples`", "tests/programs/examples.rs"),
    ("`faults`", "tests/programs/faults"),
    ("`canary`", "tests/programs/canary"),
    ("`crates`", "tests/crates.rs"),
    ("`keyed`", "tests/keyed.rs"),
    ("`answers`", "examples/shop/tests/answers.rs"),
    ("core ", "pipeline-core/src"),
    ("exec ", "pipeline-exec/src"),
    ("build ", "pipeline-build/src"),
];

#[test]
fn every_test_in_the_acceptance_list_exists_where_it_says() {
    let list = fs::read_to_string(Path::new(ROOT).join("tests/ACCEPTANCE.md")).unwrap();
    let tests: BTreeMap<&str, Vec<String>> = PROGRAMS
        .iter()
        .map(|(program, sources)| (*program, tests_of(&Path::new(ROOT).join(sources))))
        .collect();
    for (program, tests) in &tests {
        assert!(!tests.is_empty(), "the scan finds the tests of {program}");
    }
    let wrong = wrong_claims(&list, &tests);
    assert!(wrong.is_empty(), "tests/ACCEPTANCE.md:\n{}", wrong.join("\n"));
}

#[test]
fn a_claim_of_a_test_that_is_elsewhere_or_nowhere_is_refused() {
    let tests = BTreeMap::from([
        ("`it`", vec!["a::one_test".to_owned(), "a::another_test".to_owned(), "b::one_more_test".to_owned()]),
        ("core ", vec!["x::tests::holds".to_owned()]),
    ]);
    let wrong = |cell: &str| wrong_claims(&format!("| A01 | promise | {cell} |"), &tests).len();
    for right in [
        "`it` a::one_test, another_test; b::one_more_test",
        "`it` a::*; core x::tests, x::tests::*",
        "`it` a::{one,another}_test, a::one_…",
        "core x::tests (with a note, b::in_it); `it` b::* of a kind",
    ] {
        assert_eq!(wrong(right), 0, "{right}");
    }
    for claim in [
        "`it` a::one_more_test",
        "`it` a::one_test, one_more_test",
        "core a::one_test",
        "`it` one_test",
        "`it` a::missing_*",
        "`it` a::{one,no}_test",
        "`it` a::one",
        "`it` a::one_test, core x::tests",
        "core x::test",
        "a::one_test",
        "`other`, `it` a::one_test",
        "`other` with_an_unknown_program",
        "`it` a::one_test; `other` with_an_unknown_program",
        "`ui` no_such_golden",
        "example `no_such_example`",
    ] {
        assert_eq!(wrong(claim), 1, "{claim}");
    }
}

/// What is wrong in the last cell of each row.
fn wrong_claims(list: &str, tests: &BTreeMap<&str, Vec<String>>) -> Vec<String> {
    let rows = list.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| rows"));
    let cells = rows.map(|row| row.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap_or_default());
    let mut wrong = Vec::new();
    for cell in cells {
        let mut program = None;
        for segment in split(&without_notes(cell), ';') {
            let named = PROGRAMS.iter().find(|(label, _)| segment.starts_with(label));
            program = named.map(|(label, _)| *label).or(program);
            let claims = named.map_or(segment.as_str(), |(label, _)| &segment[label.len()..]);
            if let Some(golden) = segment.strip_prefix("`ui`") {
                wrong.extend(
                    split(golden, ',')
                        .iter()
                        .filter(|name| !is_golden(name))
                        .map(|name| format!("`ui` {name}")),
                );
            } else if let Some(example) = segment.strip_prefix("example ") {
                wrong.extend(
                    split(example, ',')
                        .iter()
                        .filter(|name| !is_example(name))
                        .map(|name| format!("example {name}")),
                );
            } else if let (None, Some(unknown)) = (named, program_in(&segment)) {
                wrong.push(format!("`{unknown}` is not a program of tests"));
            } else {
                let tests = program.and_then(|program| tests.get(program)).map_or(&[][..], Vec::as_slice);
                let of = program.unwrap_or("any program");
                wrong.extend(
                    missing(claims, tests)
                        .into_iter()
                        .map(|claim| format!("`{claim}` is not a test of {of}")),
                );
            }
        }
    }
    wrong
}

/// The name in the form of a program's that a segment starts with: `` `name` `` before more words.
fn program_in(segment: &str) -> Option<&str> {
    let (name, _) = segment.strip_prefix('`')?.split_once("` ")?;
    name.chars().all(|c| c.is_ascii_lowercase()).then_some(name)
}

/// The claims of a segment that no test has.
fn missing(claims: &str, tests: &[String]) -> Vec<String> {
    let mut module = String::new();
    let mut missing = Vec::new();
    for claim in split(claims, ',') {
        // Of a phrase, the first word can be a test: "pressure::* of the test's own".
        let words = split(&claim, ' ');
        let Some(first) = words.first().filter(|first| is_name(first)).cloned() else {
            // A name behind another word would not be checked.
            missing.extend(words.into_iter().filter(|word| is_name(word) && word.contains("::")));
            continue;
        };
        if first != claim && !first.contains("::") && first.matches('_').count() < 3 {
            continue;
        }
        let full = match first.rsplit_once("::") {
            Some((of, _)) => {
                of.clone_into(&mut module);
                first.clone()
            }
            None if module.is_empty() => first,
            None => format!("{module}::{first}"),
        };
        let has =
            |name: &str| tests.iter().any(|test| fits(name, test) || test.starts_with(&format!("{name}::")));
        missing.extend(alternatives(&full).into_iter().filter(|name| !has(name)));
    }
    missing
}

fn is_name(text: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "_:*…{}, ".contains(c);
    !text.is_empty() && text.chars().all(is_of_name) && text.contains(['_', ':'])
}

fn is_golden(name: &str) -> bool {
    let exists = |folder: &str| Path::new(ROOT).join(format!("tests/ui/{folder}/{name}.rs")).is_file();
    !is_name(name) && name.contains(' ') || exists("fail") || exists("pass")
}

fn is_example(name: &str) -> bool {
    let name = name.split(' ').next().unwrap_or_default().trim_matches('`');
    let folder = Path::new(ROOT).join("examples");
    folder.join(name).with_extension("rs").is_file() || folder.join(name).is_dir()
}

/// Splits at a separator outside of braces; without spaces at the ends, and without what is empty.
fn split(text: &str, separator: char) -> Vec<String> {
    let mut depth = 0;
    let parts = text.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == separator && depth == 0
    });
    parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// Removes what is in parentheses and in bold.
fn without_notes(cell: &str) -> String {
    let mut depth = 0;
    let outside = cell.chars().filter(|&c| {
        depth += i32::from(c == '(');
        let keeps = depth == 0;
        depth -= i32::from(c == ')');
        keeps
    });
    outside.collect()
}

/// `a_{b,c}` as `a_b` and `a_c`.
fn alternatives(name: &str) -> Vec<String> {
    let Some((before, rest)) = name.split_once('{') else { return vec![name.to_owned()] };
    let (choices, after) = rest.split_once('}').unwrap_or_else(|| panic!("`{name}`: a brace is open"));
    choices.split(',').map(|choice| format!("{before}{}{after}", choice.trim())).collect()
}

/// Whether a name with `*` and `…` fits a test.
fn fits(name: &str, test: &str) -> bool {
    let pieces: Vec<&str> = name.split(['*', '…']).collect();
    let [first, middle @ .., last] = pieces.as_slice() else { return name == test };
    let Some(rest) = test.strip_prefix(first) else { return false };
    let found = middle.iter().try_fold(rest, |rest, piece| Some(&rest[rest.find(piece)? + piece.len()..]));
    found.is_some_and(|rest| rest.ends_with(last))
}

/// The tests below a folder, or in a file, by module and name.
fn tests_of(sources: &Path) -> Vec<String> {
    let mut tests = Vec::new();
    scan(sources, &[], &mut tests);
    tests
}

fn scan(path: &Path, module: &[String], tests: &mut Vec<String>) {
    if path.is_file() {
        return scan_file(&fs::read_to_string(path).unwrap(), module, tests);
    }
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        let is_source = path.is_dir() || path.extension().is_some_and(|extension| extension == "rs");
        if is_source {
            let is_root = path.is_file() && ["main", "lib", "mod"].contains(&stem.as_str());
            let below: Vec<String> = module.iter().cloned().chain((!is_root).then_some(stem)).collect();
            scan(&path, &below, tests);
        }
    }
}

/// Reads modules and tests by their indentation: the sources are formatted.
fn scan_file(text: &str, module: &[String], tests: &mut Vec<String>) {
    let mut inside: Vec<(usize, &str)> = Vec::new();
    let mut is_test = false;
    for line in text.lines() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if code == "}" && inside.last().is_some_and(|(of, _)| *of == indent) {
            inside.pop();
        } else if let Some(name) = code.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(" {")) {
            inside.push((indent, name));
        } else if code.starts_with("#[test]") || code.starts_with("#[tokio::test") {
            is_test = true;
        } else if let (true, Some((_, rest))) = (is_test, code.split_once("fn ")) {
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            let names = module.iter().map(String::as_str).chain(inside.iter().map(|(_, name)| *name));
            tests.push(names.chain([name]).collect::<Vec<_>>().join("::"));
            is_test = false;
        }
    }
}
