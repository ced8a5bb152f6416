//! The table: a change, and whether the step `demo::total` runs again.

use super::Sources;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Same,
    Changed,
    /// The step has a reason in place of a hash.
    Unknown,
}
use Expected::{Changed, Same, Unknown};

const FILES: [(&str, &str); 8] = [
    ("src/main.rs", include_str!("fixture/main.rs")),
    ("src/helpers.rs", include_str!("fixture/helpers.rs")),
    ("src/shapes.rs", include_str!("fixture/shapes.rs")),
    ("src/prelude.rs", include_str!("fixture/prelude.rs")),
    ("src/inner.rs", include_str!("fixture/inner.rs")),
    ("src/unrelated.rs", include_str!("fixture/unrelated.rs")),
    ("src/words.txt", "some words"),
    ("Cargo.lock", "version = 4\n"),
];

const MAIN: &str = "src/main.rs";
const HELPERS: &str = "src/helpers.rs";
const SHAPES: &str = "src/shapes.rs";
const PRELUDE: &str = "src/prelude.rs";
const OTHER: &str = "src/unrelated.rs";

/// What is changed, in which file, from what to what.
type Row = (&'static str, &'static str, &'static str, &'static str, Expected);

const ROWS: &[Row] = &[
    // What the step reaches.
    ("the body of the step", MAIN, "let mut sum = Sum(0)", "let mut sum = Sum(1)", Changed),
    ("a closure in it", MAIN, "|x: u32| x * 2", "|x: u32| x * 3", Changed),
    ("a function in it", MAIN, "-> u32 { x + 1 }", "-> u32 { x + 2 }", Changed),
    ("the attribute of the step", MAIN, "retries = 3", "retries = 4", Changed),
    (
        "a function that an option names",
        MAIN,
        "fn is_wanted() -> bool {\n    true",
        "fn is_wanted() -> bool {\n    false",
        Changed,
    ),
    ("a helper three calls away", HELPERS, "a + 100", "a + 101", Changed),
    ("a helper two calls away", HELPERS, "one(a) + 1", "one(a) + 2", Changed),
    ("a constant", MAIN, "const LIMIT: usize = 5", "const LIMIT: usize = 6", Changed),
    ("a constant in a format string", MAIN, "\"hello\"", "\"bye\"", Changed),
    ("a constant by a glob import", PRELUDE, "LIMIT_OF_GLOB: u32 = 3", "LIMIT_OF_GLOB: u32 = 4", Changed),
    ("a static", MAIN, "[u32; 2] = [1, 2]", "[u32; 2] = [1, 3]", Changed),
    (
        "a const fn",
        MAIN,
        "fn twice(x: u32) -> u32 {\n    x * 2",
        "fn twice(x: u32) -> u32 {\n    x * 3",
        Changed,
    ),
    ("a macro", MAIN, "$x * in_macro()", "$x + in_macro()", Changed),
    (
        "a function that a macro names",
        MAIN,
        "fn in_macro() -> u32 {\n    1",
        "fn in_macro() -> u32 {\n    2",
        Changed,
    ),
    ("a macro that makes a function", MAIN, "12 + used_by_maker()", "13 + used_by_maker()", Changed),
    (
        "a function in what a macro makes",
        MAIN,
        "fn used_by_maker() -> u32 {\n    0",
        "fn used_by_maker() -> u32 {\n    1",
        Changed,
    ),
    ("a trait impl", MAIN, "const SIZE: usize = 8", "const SIZE: usize = 9", Changed),
    ("an operator impl", MAIN, "wrapping_add", "wrapping_sub", Changed),
    (
        "a Deref impl",
        MAIN,
        "fn deref(&self) -> &Target {\n        &self.0",
        "fn deref(&self) -> &Target {\n        &(self.0)",
        Changed,
    ),
    ("a method behind Deref", MAIN, "        11\n", "        12\n", Changed),
    ("a Drop impl", MAIN, "log(\"dropped\")", "log(\"gone\")", Changed),
    ("a function that Drop calls", MAIN, "let _ = text;", "drop(text);", Changed),
    ("an Iterator impl in a for loop", MAIN, "checked_sub(1)", "checked_sub(2)", Changed),
    ("a function behind Type::new", MAIN, "    99\n", "    98\n", Changed),
    (
        "the default of a parameter",
        MAIN,
        "fn least() -> u32 {\n    10",
        "fn least() -> u32 {\n    11",
        Changed,
    ),
    ("the type of a field", MAIN, "id: Id,", "id: Option<Id>,", Changed),
    ("the type of a field of a field", MAIN, "struct Id(u64)", "struct Id(u32)", Changed),
    ("a field behind an alias and a generic argument", MAIN, "field: u16", "field: u32", Changed),
    (
        "the type behind an alias",
        MAIN,
        "type Wide<T> = Outer<T, Marker>",
        "type Wide<T> = Outer<T, Sum>",
        Changed,
    ),
    ("a generic argument", MAIN, "Cell::<u8>", "Cell::<u16>", Changed),
    (
        "the derives of a type",
        MAIN,
        "#[derive(Clone, PartialEq)]\npub struct Id",
        "#[derive(Clone)]\npub struct Id",
        Changed,
    ),
    ("an import with another name", MAIN, "first as renamed", "fast as renamed", Changed),
    ("a function under another name", HELPERS, "Money { cents: a }", "Money { cents: a + 1 }", Changed),
    ("a method", HELPERS, "        self.cents\n", "        self.cents + 1\n", Changed),
    ("an impl of a trait for a foreign type", PRELUDE, "self * 2", "self * 3", Changed),
    ("a blanket impl", PRELUDE, "        21\n", "        22\n", Changed),
    ("a generic impl of Default", PRELUDE, "Self(T::default())", "Self(Default::default())", Changed),
    ("a trait behind dyn whose type is not named", SHAPES, "self.0 * self.0", "self.0 + self.0", Changed),
    ("a default method of a trait", SHAPES, "\"shape\"", "\"form\"", Changed),
    (
        "a type that the input has",
        MAIN,
        "pub struct Other {\n    value: u32",
        "pub struct Other {\n    value: u64",
        Changed,
    ),
    ("a file of include_str", "src/words.txt", "some", "other", Changed),
    ("Cargo.lock", "Cargo.lock", "4", "5", Changed),
    (
        "a dependency in Cargo.toml",
        "Cargo.toml",
        "[workspace]",
        "[dependencies]\nserde = \"1\"\n\n[workspace]",
        Changed,
    ),
    ("the edition", "Cargo.toml", "2024", "2021", Changed),
    (
        "a profile",
        "Cargo.toml",
        "[workspace]",
        "[profile.dev]\noverflow-checks = false\n\n[workspace]",
        Changed,
    ),
    (
        "an item that takes the place of a foreign one",
        MAIN,
        "fn main() {",
        "fn unknown_registry() {}\nfn main() {",
        Same,
    ),
    (
        "a new impl of Drop for a type in reach",
        MAIN,
        "struct Marker(Deep);",
        "struct Marker(Deep);\nimpl Drop for Marker { fn drop(&mut self) {} }",
        Changed,
    ),
    (
        "an impl in another function",
        OTHER,
        "pub fn nobody() -> u32 {",
        "pub fn nobody() -> u32 {\n impl Drop for crate::Marker { fn drop(&mut self) {} }",
        Changed,
    ),
    ("a moved helper", HELPERS, "mod deep {", "mod deep {\n    pub fn three_moved() {}", Same),
    // What nobody can know.
    ("env!", MAIN, "let closure", "let user = env!(\"USER_NAME\");\n    let closure", Unknown),
    ("option_env! in a helper", HELPERS, "a + 100", "option_env!(\"X\").map_or(a, |_| 0)", Unknown),
    ("include!", HELPERS, "a + 100", "include!(\"words.txt\")", Unknown),
    (
        "a generated file",
        MAIN,
        "include_str!(\"words.txt\")",
        "include_str!(concat!(env!(\"OUT_DIR\"), \"/x\"))",
        Unknown,
    ),
    ("a cfg of a build script", HELPERS, "a + 100", "if cfg!(special) { a } else { 0 }", Unknown),
    (
        "a foreign function",
        HELPERS,
        "fn one(a: u32) -> u32 {\n    a + 100\n}",
        "unsafe extern \"C\" { fn one(a: u32) -> u32; }",
        Unknown,
    ),
    ("line!", HELPERS, "a + 100", "a + line!()", Unknown),
    ("a module without a file", MAIN, "mod inner;", "mod inner;\nmod generated;", Unknown),
    ("source that is no Rust", OTHER, "pub fn nobody", "pub fn nobody(\" {", Unknown),
    // What does not count.
    ("a comment", MAIN, "// A comment.", "// Another comment. It's {long}: \"", Same),
    ("a doc comment", MAIN, "/// Doc of the step.", "/// Other doc.\n#[doc = \"more\"]", Same),
    ("spaces", MAIN, "fn total(rows: &Vec<Row>,", "fn total(\n        rows: &Vec<Row>,\n       ", Same),
    ("a comma at the end of arguments", MAIN, "other, &mut guard);", "other, &mut guard,\n    );", Same),
    ("a comma at the end of parameters", MAIN, "other: &Other)", "other: &Other,)", Same),
    ("a comma at the end of a list", MAIN, "= [1, 2];", "= [\n    1,\n    2,\n];", Same),
    ("a blank line in a helper", HELPERS, "one(a) + 1", "\n\n    one(a) + 1 // why", Same),
    ("an unrelated function", OTHER, "    1\n", "    2\n", Same),
    ("a new unrelated function", OTHER, "pub struct Lonely", "pub fn new() {}\npub struct Lonely", Same),
    ("a method of that name in an unrelated type", OTHER, "        5\n", "        6\n", Same),
    ("an unrelated Drop impl", OTHER, "fn drop(&mut self) {}", "fn drop(&mut self) { nobody(); }", Same),
    ("another step's body", MAIN, "    7\n", "    8\n", Same),
    ("the body of an upstream step", MAIN, "only_upstream() }", "only_upstream() + 1 }", Same),
    (
        "what only an upstream step reaches",
        MAIN,
        "fn only_upstream() -> u32 {\n    4",
        "fn only_upstream() -> u32 {\n    5",
        Same,
    ),
    (
        "a method of a type in reach that nobody calls",
        MAIN,
        "fn unused_method(&self) -> u32 {\n        1",
        "fn unused_method(&self) -> u32 {\n        2",
        Same,
    ),
    ("another method of a helper's type", HELPERS, "self.cents / 100", "self.cents / 10", Same),
    ("main", MAIN, "println!(\"main\")", "println!(\"other\")", Same),
    ("the order of modules", MAIN, "mod helpers;\nmod shapes;", "mod shapes;\nmod helpers;", Same),
    (
        "the order of functions",
        HELPERS,
        "fn two(a: u32) -> u32 {\n    one(a) + 1\n}\n\nfn one(a: u32) -> u32 {\n    a + 100\n}",
        "fn one(a: u32) -> u32 {\n    a + 100\n}\n\nfn two(a: u32) -> u32 {\n    one(a) + 1\n}",
        Same,
    ),
    (
        "the order of impls",
        MAIN,
        "struct Guard;\n\nimpl Drop for Guard {\n    fn drop(&mut self) {\n        log(\"dropped\");\n    }\n}",
        "impl Drop for Guard {\n    fn drop(&mut self) {\n        log(\"dropped\");\n    }\n}\nstruct Guard;",
        Same,
    ),
    (
        "the order of methods",
        HELPERS,
        "    pub fn cents(&self) -> u32 {\n        self.cents\n    }\n\n    pub fn euros(&self) -> u32 {\n        self.cents / 100\n    }",
        "    pub fn euros(&self) -> u32 {\n        self.cents / 100\n    }\n\n    pub fn cents(&self) -> u32 {\n        self.cents\n    }",
        Same,
    ),
    ("a comment in Cargo.toml", "Cargo.toml", "[workspace]", "# note\n[workspace]", Same),
    (
        "the description of the package",
        "Cargo.toml",
        "name = \"demo\"",
        "name = \"demo\"\ndescription = \"x\"",
        Same,
    ),
];

#[test]
fn each_change_counts_for_the_steps_that_reach_it() {
    let sources = Sources::new(&FILES);
    let before = sources.trace().of("demo::total");
    assert!(!before.starts_with('!'), "{before}");
    assert_eq!(before, Sources::new(&FILES).trace().of("demo::total"), "another folder is no change");
    let mut wrong = Vec::new();
    for (what, file, from, to, expected) in ROWS {
        let (_, text) =
            FILES.iter().chain(&[("Cargo.toml", MANIFEST)]).find(|(name, _)| name == file).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{what}: `{from}` is in {file} once");
        let sources = Sources::new(&FILES);
        sources.write(file, &text.replacen(from, to, 1));
        let after = sources.trace().of("demo::total");
        let found = if after.starts_with('!') {
            Unknown
        } else if after == before {
            Same
        } else {
            Changed
        };
        if found != *expected {
            wrong.push(format!("{what}: {found:?}, not {expected:?} ({after})"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), ROWS.len(), wrong.join("\n"));
}

const MANIFEST: &str = "[package]\nname = \"demo\"\nedition = \"2024\"\n\n[workspace]\n";

#[test]
fn features_the_profile_and_the_target_count_for_each_step() {
    let mut sources = Sources::new(&FILES);
    let mut seen = vec![sources.trace().of("demo::plain")];
    let variables = [("CARGO_FEATURE_FAST", "1"), ("PROFILE", "release"), ("CARGO_CFG_TARGET_OS", "none")];
    for (name, value) in variables {
        sources.variables.insert(name.to_owned(), value.to_owned());
        let trace = sources.trace().of("demo::plain");
        assert!(!seen.contains(&trace), "{name} counts");
        seen.push(trace);
    }
}

#[test]
fn a_step_that_reaches_nothing_is_only_itself() {
    let trace = Sources::new(&FILES).trace();
    assert_eq!(trace.reached("demo::plain"), ["demo::plain_step"]);
    assert_eq!(trace.reached("demo::upstream"), ["demo::Other", "demo::only_upstream", "demo::upstream"]);
}
