//! Runs with a store that are killed, and the runs after them.
//!
//! After a kill at any instant, the next run gives the answer of a run that nobody disturbed, executes no step again
//! whose output was recorded, leaves nothing incomplete, and needs nothing to be unlocked or repaired.

mod calls;
mod instants;
mod many;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::folder::Folder;
use crate::process::{self, LIMIT};
use crate::support::path;

/// A folder with a store, an input, and the logs of what is executed.
struct Runs {
    folder: Folder,
}

/// A run that has ended by itself.
struct Ended {
    out: String,
    /// The steps that were executed, in order.
    executed: Vec<String>,
}

impl Runs {
    fn new() -> Self {
        let folder = Folder::new();
        let lines: Vec<String> = (0..40).map(|number| number.to_string()).collect();
        fs::write(folder.join("input"), lines.join("\n")).unwrap();
        Runs { folder }
    }

    fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    /// The program, which writes what it executes to the log of this name.
    fn arguments(&self, log: &str) -> Vec<PathBuf> {
        vec![path("stored"), self.store(), self.folder.join(log), self.folder.join("input")]
    }

    fn command(&self, log: &str) -> Command {
        let arguments = self.arguments(log);
        let mut command = Command::new(&arguments[0]);
        command.args(&arguments[1..]);
        command
    }

    /// Runs it to its end. Nothing may be wrong.
    #[track_caller]
    fn end(&self, log: &str, resumed: Option<&str>) -> Ended {
        let mut command = self.command(log);
        command.args(resumed.iter().flat_map(|run| ["--resume", run]));
        let output = process::output(&mut command, LIMIT);
        let (out, err) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success() && err.is_empty(), "{out}\n{err}");
        let log = fs::read_to_string(self.folder.join(log)).unwrap_or_default();
        Ended { out, executed: log.lines().map(str::to_owned).collect() }
    }

    /// The runs that left something by which they can be resumed.
    fn left(&self) -> Vec<String> {
        let runs = self.store().join("runs");
        names(&runs).into_iter().filter(|run| !files(&runs.join(run)).is_empty()).collect()
    }

    /// The steps whose outputs are recorded. Every record is whole.
    #[track_caller]
    fn recorded(&self) -> BTreeSet<String> {
        let step = |path: PathBuf| {
            let text = fs::read_to_string(&path).unwrap();
            let (_, record) = text.split_once('\n').unwrap_or_else(|| panic!("{}: {text}", path.display()));
            let record: Value =
                serde_json::from_str(record).unwrap_or_else(|error| panic!("{error}: {text}"));
            record["step"].as_str().unwrap().rsplit("::").next().unwrap().to_owned()
        };
        let records = [self.store().join("cache"), self.store().join("runs")];
        records.iter().flat_map(|folder| files(folder)).map(step).collect()
    }

    /// Runs the program after one was killed, and asserts that the kill is not seen.
    #[track_caller]
    fn check_after_a_kill(&self, undisturbed: &str, case: &str) {
        let recorded = self.recorded();
        let left = self.left();
        assert!(left.len() <= 1, "{case}: {left:?}");
        let after = self.end("after", left.first().map(String::as_str));
        assert_eq!(after.out, undisturbed, "{case}");
        let executed: BTreeSet<String> = after.executed.iter().cloned().collect();
        assert_eq!(executed.len(), after.executed.len(), "{case}: {:?}", after.executed);
        let again: Vec<&String> = executed.intersection(&recorded).collect();
        assert!(again.is_empty(), "{case}: executed although recorded: {again:?}");
        assert_eq!(self.left(), Vec::<String>::new(), "{case}");
        self.check_whole(case);
    }

    /// Asserts that nothing incomplete or damaged is left.
    #[track_caller]
    fn check_whole(&self, case: &str) {
        let known = ["format", "lock", "blobs", "cache", "memo", "marks"];
        for path in files(&self.store()) {
            let name = path.strip_prefix(self.store()).unwrap();
            assert!(known.iter().any(|known| name.starts_with(known)), "{case}: {}", name.display());
        }
    }
}

/// The answer of a run that nobody disturbs, how many milliseconds it takes, and that the next run executes nothing
/// that is cached.
fn undisturbed() -> (String, u64) {
    let runs = Runs::new();
    // Builds the program, if this is the first test.
    runs.command("first");
    let begin = Instant::now();
    let first = runs.end("first", None);
    let took = begin.elapsed();
    assert_eq!(first.executed.len(), 10, "{:?}", first.executed);
    let second = runs.end("second", None);
    assert_eq!(second.out, first.out);
    for cached in ["numbers", "doubled", "big", "waits", "report"] {
        assert!(!second.executed.iter().any(|step| step == cached), "{:?}", second.executed);
    }
    runs.check_whole("undisturbed");
    (first.out, took.as_millis() as u64)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
