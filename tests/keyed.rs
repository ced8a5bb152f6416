//! A program with cached steps is edited, built and run again: what is a hit, and what is made again, for each identity
//! that code can have. `pipeline-build` has the whole table of what a trace sees.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "support/folder.rs"]
mod folder;
#[path = "support/process.rs"]
mod process;

use folder::Folder;
use process::LIMIT_OF_A_BUILD;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What becomes of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    Hit,
    Made,
    /// One of them: the compiler may write another program for code that does the same.
    Either,
}
use Is::{Either, Hit, Made};

/// A text of a file, the one in its place, and what the steps are by trace, program and version.
type Row = (&'static str, &'static str, &'static str, &'static str, [Is; 3]);

const MAIN: &str = "src/main.rs";

const TABLE: [Row; 11] = [
    ("a comment", MAIN, "// No trace knows it.", "// No trace\n    // knows it.", [Hit, Made, Hit]),
    ("a doc comment", MAIN, "/// What the steps return.", "/// What they return.", [Hit, Either, Hit]),
    ("formatting", MAIN, "{ count: near(count) as u32 }", "{count:near(count)  as u32}", [Hit, Either, Hit]),
    ("a function out of reach", MAIN, "    100\n", "    101\n", [Hit, Either, Hit]),
    ("a helper three calls away", MAIN, " + CONSTANT", " + 2 * CONSTANT", [Made, Made, Hit]),
    ("a constant", MAIN, "CONSTANT: u64 = 1", "CONSTANT: u64 = 5", [Made, Made, Hit]),
    ("a macro", MAIN, "$value + 1", "$value + 7", [Made, Made, Hit]),
    ("the impl of a trait", MAIN, "self * 1", "self * 3", [Made, Made, Hit]),
    ("the default of a parameter", MAIN, "default = 1", "default = 2", [Made, Made, Hit]),
    ("a file of `include_str!`", "src/text.txt", "text 1", "text 12", [Made, Made, Hit]),
    ("the type of a field of the output", MAIN, "count: u32,", "count: i64,", [Made, Made, Made]),
];

/// The program, in a folder of its own.
struct Program {
    folder: Folder,
}

impl Program {
    fn new() -> Self {
        let (folder, from) = (Folder::new(), Path::new(ROOT).join("tests/crates/keyed"));
        fs::create_dir(folder.join("src")).unwrap();
        for file in ["Cargo.toml", "build.rs", MAIN, "src/text.txt"] {
            let text = fs::read_to_string(from.join(file)).unwrap();
            fs::write(folder.join(file), text.replace("ROOT", ROOT)).unwrap();
        }
        fs::copy(Path::new(ROOT).join("tests/crates/Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        Program { folder }
    }

    /// Replaces a text, builds, and puts the text back. Returns a copy of the program.
    fn edited(&self, file: &str, old: &str, new: &str) -> PathBuf {
        let path = self.folder.join(file);
        let before = fs::read_to_string(&path).unwrap();
        // A field of another type needs another cast.
        let after = before
            .replacen(old, new, 1)
            .replace("as u32", if new.contains("i64") { "as i64" } else { "as u32" });
        assert!(old == new || before != after, "{old}");
        fs::write(&path, after).unwrap();
        let program = self.built();
        fs::write(path, before).unwrap();
        program
    }

    fn built(&self) -> PathBuf {
        let target = Path::new(ROOT).join("target/crates");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "-q"]).current_dir(&*self.folder);
        cargo.env("CARGO_TARGET_DIR", &target).env_remove("RUSTFLAGS");
        let output = process::output(&mut cargo, LIMIT_OF_A_BUILD);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        target.join("debug/keyed").with_extension(std::env::consts::EXE_EXTENSION)
    }

    /// What becomes of the steps in a run with this store and this run parameter.
    fn run(&self, program: &Path, store: &str, more: u64) -> [Is; 3] {
        let mut command = Command::new(program);
        command.arg(self.folder.join(store)).arg(more.to_string());
        let output = process::output(&mut command, process::LIMIT);
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut words = out.split_whitespace().map(|word| if word == "Cached" { Hit } else { Made });
        std::array::from_fn(|_| words.next().unwrap())
    }
}

#[test]
fn an_edit_makes_again_what_it_reaches_for_each_identity_of_code() {
    let program = Program::new();
    let before = program.built();
    assert_eq!(program.run(&before, "store", 1), [Made; 3]);
    assert_eq!(program.run(&before, "store", 1), [Hit; 3], "the same again");
    assert_eq!(program.run(&before, "store", 2), [Hit, Made, Made], "another run parameter");

    let mut wrong = Vec::new();
    for (what, file, old, new, wanted) in TABLE {
        let edited = program.edited(file, old, new);
        let found = program.run(&edited, "store", 1);
        if !found.iter().zip(wanted).all(|(found, wanted)| wanted == Either || *found == wanted) {
            wrong.push(format!("{what}: {found:?}, and {wanted:?} is right"));
        }
        assert_eq!(program.run(&edited, "store", 1), [Hit; 3], "{what}: the edited program again");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let version = program.edited(MAIN, "version = \"1\"", "version = \"2\"");
    let [_, _, by_version] = program.run(&version, "store", 1);
    assert_eq!(by_version, Made, "another version");
}
