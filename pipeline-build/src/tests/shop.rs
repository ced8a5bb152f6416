//! Harmless edits of a real program, and how many steps they reach.

use std::path::Path;

use super::{Sources, files_in};

fn shop() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/shop");
    let mut files = Vec::new();
    files_in(&folder.join("src"), &folder, &mut files);
    files
}

fn sources(files: &[(String, String)]) -> Sources {
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
    Sources::new(&files)
}

/// Edits that change no report: comments, formatting, order, and functions that no step needs.
const EDITS: [(&str, &str, &str); 20] = [
    ("src/sales.rs", "    let mut counts", "    // Counted by reason.\n    let mut counts"),
    ("src/sales.rs", "/// All amounts are US cents.", "/// Amounts are in US cents, all of them."),
    ("src/sales.rs", "const BATCH: usize = 1024;", "const BATCH: usize =\n    1024;"),
    ("src/main.rs", "mod answers;\nmod checksums;", "mod checksums;\nmod answers;"),
    (
        "src/main.rs",
        "fn main() -> ExitCode {",
        "fn main() -> ExitCode {\n    let _started = std::time::Instant::now();",
    ),
    ("src/values/mod.rs", "mod counts;", "mod unused {\n    pub fn nothing() {}\n}\nmod counts;"),
    ("src/values/ids.rs", "//! Finds rows by their id.", "//! Finds rows by id.\n//!\n//! Dense or sparse."),
    (
        "src/values/ids.rs",
        "fn check(ids: &[u32]) {",
        "fn check(ids: &[u32]) {\n        assert!(ids.len() < 10);",
    ),
    (
        "src/values/counts.rs",
        "#[derive(Debug, Clone, Serialize, Deserialize)]",
        "/// Counts.\n#[derive(Debug, Clone, Serialize, Deserialize)]",
    ),
    ("src/answers.rs", "use ", "// Imports.\nuse "),
    ("src/size.rs", "use ", "// Imports.\nuse "),
    ("src/generate/mod.rs", "use ", "fn never_called() -> u32 {\n    1\n}\n\nuse "),
    ("src/generate/random.rs", "#[derive(Clone, Copy)]", "#[derive(Clone, Copy, Debug)]"),
    ("src/output_file.rs", "use ", "const UNUSED: u32 = 3;\n\nuse "),
    (
        "src/input/csv.rs",
        "use ",
        "/// Not used.\nfn unused_here(x: &[u8]) -> usize {\n    x.len()\n}\n\nuse ",
    ),
    ("src/users.rs", "pub(crate) struct User {", "pub(crate) struct User\n{"),
    ("src/orders.rs", "use pipeline::step;", "use pipeline::step; // the framework"),
    ("src/fx.rs", "pub(crate) struct Fx {", "pub(crate) struct Fx { // rates"),
    (
        "src/sessions.rs",
        "use pipeline::step;",
        "struct Unused(u8);\n\nimpl Unused {\n    fn len(&self) -> usize {\n        0\n    }\n}\n\nuse pipeline::step;",
    ),
    (
        "src/reviews.rs",
        "use ",
        "impl Drop for NotUsed {\n    fn drop(&mut self) {}\n}\nstruct NotUsed;\n\nuse ",
    ),
];

#[test]
fn harmless_edits_of_the_shop_change_no_step() {
    let files = shop();
    let before = sources(&files).trace();
    let (mut needless, mut lines) = (0, Vec::new());
    for (file, from, to) in EDITS {
        let mut files = files.clone();
        let text = &mut files.iter_mut().find(|(name, _)| name == file).unwrap().1;
        assert!(text.contains(from), "`{from}` is in {file}");
        *text = text.replacen(from, to, 1);
        let after = sources(&files).trace();
        assert_eq!(before.steps.len(), after.steps.len());
        let changed: Vec<_> = before.steps.keys().filter(|step| before.of(step) != after.of(step)).collect();
        needless += changed.len();
        lines.push(format!("{file}: `{to}`: {changed:?}"));
    }
    assert!(needless <= before.steps.len(), "{needless} needless changes:\n{}", lines.join("\n"));
    println!("{needless} needless changes of {} steps in 20 edits", before.steps.len());
}

#[test]
fn a_typical_step_of_the_shop_reaches_few_of_its_items() {
    let trace = sources(&shop()).trace();
    let mut counts: Vec<usize> = trace.steps.keys().map(|step| trace.reached(step).len()).collect();
    counts.sort_unstable();
    let (median, most) = (counts[counts.len() / 2], counts[counts.len() - 1]);
    println!("{} steps reach {} to {most} items, the median {median}", counts.len(), counts[0]);
    assert!(trace.steps.values().all(|step| step.reason.is_none()), "each step has a trace");
    assert!(median <= 30, "the median step reaches {median} items: {counts:?}");
}
