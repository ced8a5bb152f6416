//! Rules of the house, checked by scanning the sources: which module may import which, how many names the facade has, how
//! long a file may be. The acceptance list: `claims`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The layers of `pipeline-exec`, lowest first. A module imports only from lower ones.
const LAYERS: [&str; 7] = ["record", "report", "event", "engine", "run", "pipeline", "cli"];

/// A use of one top-level module of a crate in another.
struct Import {
    from: String,
    to: String,
    place: String,
}

#[test]
fn no_module_of_the_executor_imports_a_higher_layer() {
    let imports = imports("pipeline-exec");
    let rank = |module: &str| LAYERS.iter().position(|layer| *layer == module);
    for layer in LAYERS {
        assert!(
            imports.iter().any(|import| import.from == layer),
            "there is no layer `{layer}`: update LAYERS"
        );
    }
    let upward =
        imports.iter().filter(|import| rank(&import.from).zip(rank(&import.to)).is_some_and(|(a, b)| a < b));
    let upward: Vec<String> = upward
        .map(|import| format!("{} imports `{}`, a layer above `{}`", import.place, import.to, import.from))
        .collect();
    assert!(
        upward.is_empty(),
        "{}\norder, lowest first: {}\nmove what both need to the lower layer, or pass it as an argument or hook",
        upward.join("\n"),
        LAYERS.join(" < ")
    );
}

#[test]
fn no_modules_of_the_core_import_each_other_in_a_circle() {
    refuse_circles("pipeline-core");
}

#[test]
fn no_modules_of_the_executor_import_each_other_in_a_circle() {
    refuse_circles("pipeline-exec");
}

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
fn no_source_file_has_more_than_800_lines() {
    for file in sources() {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 800, "{} has {lines} lines: split it by concept", shown(&file));
    }
}

#[test]
fn the_scan_reads_every_form_of_import() {
    let text =
        "use crate::{a::{B, C}, d};\nuse super::super::e::F;\nuse super::g;\nfn f() { $crate::h::i() }";
    let names: Vec<String> = root_names(text, 2).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["a", "d", "h", "e"]);
    let exports = exports("pub use a::{B, c::D};\n#[cfg(x)]\npub use e::F;");
    assert_eq!(["B", "D", "F"].map(|name| exports[name].as_str()), ["a", "a", "e"]);
}

#[track_caller]
fn refuse_circles(package: &str) {
    let mut imports = imports(package);
    imports.sort_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to)));
    imports.dedup_by(|a, b| a.from == b.from && a.to == b.to);
    let circle = imports.iter().filter_map(|import| circle(import, &imports)).min_by_key(Vec::len);
    if let Some(circle) = circle {
        let arrows = circle.iter().map(|import| format!("{} imports `{}`", import.place, import.to));
        let arrows = arrows.collect::<Vec<_>>().join("\n");
        panic!(
            "modules of {package} import each other in a circle:\n{arrows}\nmove what they share to a module below"
        );
    }
}

/// Every source file of the repository.
fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in [
        "src",
        "pipeline-build",
        "pipeline-core",
        "pipeline-exec",
        "pipeline-macros",
        "tests",
        "benches",
        "examples",
    ] {
        collect(&Path::new(ROOT).join(folder), &mut files);
    }
    files
}

/// The shortest circle that begins with this import.
fn circle<'a>(first: &'a Import, imports: &'a [Import]) -> Option<Vec<&'a Import>> {
    let mut paths = VecDeque::from([vec![first]]);
    let mut seen = BTreeSet::new();
    while let Some(path) = paths.pop_front() {
        let end = &path[path.len() - 1].to;
        if *end == first.from {
            return Some(path);
        }
        if seen.insert(end) {
            let next = imports.iter().filter(|import| import.from == *end);
            paths.extend(next.map(|import| [path.as_slice(), &[import]].concat()));
        }
    }
    None
}

/// The imports between the top-level modules of a crate, without those of its tests.
fn imports(package: &str) -> Vec<Import> {
    let source = Path::new(ROOT).join(package).join("src");
    let root = fs::read_to_string(source.join("lib.rs")).unwrap();
    let exports = exports(&root);
    let mut files = Vec::new();
    collect(&source, &mut files);
    let tests: Vec<PathBuf> = files.iter().flat_map(|file| test_modules(file)).collect();
    files.retain(|file| {
        !tests.iter().any(|test| file.starts_with(test) || *file == test.with_extension("rs"))
    });
    let modules: BTreeSet<String> = files.iter().map(|file| module_path(&source, file)[0].clone()).collect();
    let mut found = Vec::new();
    for file in files.iter().filter(|file| !file.ends_with("src/lib.rs")) {
        let text = code(file);
        let path = module_path(&source, file);
        for (at, name) in root_names(&text, path.len()) {
            let to = if modules.contains(&name) { Some(&name) } else { exports.get(&name) };
            if let Some(to) = to.filter(|to| **to != path[0]) {
                let line = text[..at].matches('\n').count() + 1;
                let place = format!("{}:{line}", shown(file));
                found.push(Import { from: path[0].clone(), to: to.clone(), place });
            }
        }
    }
    assert!(found.len() > 50, "{package}: {} imports were found", found.len());
    found
}

/// The names that follow `crate::`, or as many `super::` as lead to the crate's root, with their positions.
fn root_names(text: &str, depth: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for prefix in ["crate::".to_owned(), "super::".repeat(depth)] {
        for (at, _) in text.match_indices(&prefix) {
            let before = text[..at].chars().next_back().unwrap_or(' ');
            if is_of_name(before) || text[..at].ends_with("super::") {
                continue;
            }
            let rest = &text[at + prefix.len()..];
            let mut names = Vec::new();
            match rest.strip_prefix('{') {
                None => names.push(first_name(rest)),
                Some(group) => {
                    let mut level = 0;
                    let mut starts = true;
                    for (index, c) in group.char_indices() {
                        match c {
                            '{' => level += 1,
                            '}' if level == 0 => break,
                            '}' => level -= 1,
                            ',' if level == 0 => starts = true,
                            c if starts && is_of_name(c) => {
                                names.push(first_name(&group[index..]));
                                starts = false;
                            }
                            _ => {}
                        }
                    }
                }
            }
            found.extend(names.into_iter().map(|name| (at, name)));
        }
    }
    found
}

/// The module that each name of `pub use module::…` in a crate's root comes from.
fn exports(root: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for statement in root.split(';') {
        if let Some((_, path)) = statement.rsplit_once("use ") {
            let module = first_name(path);
            let names = path.split(|c| !is_of_name(c)).filter(|name| !name.is_empty() && *name != module);
            found.extend(names.map(|name| (name.to_owned(), module.clone())));
        }
    }
    found
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

/// The folders of modules that exist in tests only (`#[cfg(test)] mod name;`), by their path without an extension.
fn test_modules(file: &Path) -> Vec<PathBuf> {
    let folder = match file.file_name().and_then(|name| name.to_str()) {
        Some("mod.rs" | "lib.rs") => file.parent().unwrap().to_owned(),
        _ => file.with_extension(""),
    };
    let text = fs::read_to_string(file).unwrap();
    let after_attribute =
        text.split("#[cfg(").skip(1).filter(|rest| rest.starts_with("test)") || rest.starts_with("all(test"));
    after_attribute.filter_map(|rest| Some(folder.join(first_name(rest.split_once(")]\nmod ")?.1)))).collect()
}

/// The text of a file without comments and tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// `report/page/data.rs` is `[report, page, data]`.
fn module_path(source: &Path, file: &Path) -> Vec<String> {
    let path = file.strip_prefix(source).unwrap().with_extension("");
    let names = path.iter().map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| name != "mod").collect()
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
