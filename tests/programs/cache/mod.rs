//! The verbs of the store, on a program with cached steps.

mod care;
mod lineage;
mod why;

use std::fs;
use std::path::PathBuf;

use crate::folder::Folder;
use crate::support::{Ran, command, ran};

/// A folder with an input file, in which the program runs.
struct Place(Folder);

impl Place {
    fn new() -> Self {
        let place = Place(Folder::new());
        place.write_input("one\ntwo\n");
        place
    }

    fn write_input(&self, text: &str) {
        fs::write(self.0.join("input.txt"), text).unwrap();
    }

    /// Calls the program with these arguments.
    fn call(&self, arguments: &str) -> Ran {
        ran(command("cache", &self.0)
            .env("PIPELINE_PARAM_input", "input.txt")
            .args(arguments.split_whitespace()))
    }

    /// Runs it. Returns the steps that were executed, sorted.
    #[track_caller]
    fn run(&self, arguments: &str) -> Vec<String> {
        let ran = self.call(&format!("run {arguments}")).exits(0);
        let mut executed: Vec<String> = ran.out.lines().map(str::to_owned).collect();
        executed.sort();
        executed
    }

    fn store(&self) -> PathBuf {
        self.0.join(".pipeline/store")
    }

    /// The files with bytes of values.
    fn blobs(&self) -> Vec<PathBuf> {
        let entries = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries(self.store().join("blobs")).flat_map(entries).collect()
    }
}

/// What a first run executes.
const ALL: [&str; 6] = ["numbers", "parity", "shown: 2 lines, 6", "summary", "text", "total"];

#[test]
fn completions_have_the_verbs_of_the_store_and_the_steps() {
    let script = Place::new().call("completions bash").exits(0).out;
    for verb in ["ls", "show", "why", "verify", "rm", "gc", "export"] {
        assert!(script.contains(&format!("cache__subcmd__cache__subcmd__{verb}")), "{verb}");
    }
    let of_rm = script.split("cache__subcmd__cache__subcmd__rm)").last().unwrap();
    assert!(of_rm.split(";;").next().unwrap().contains("summary"), "the steps are offered");
}
