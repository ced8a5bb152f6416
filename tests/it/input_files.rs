//! Files as run parameters: how they are given and read, and what is reported before any step runs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use pipeline::Step;
use pipeline::graph::{InputKind, Problem, ProblemCode};
use pipeline::prelude::*;
use pipeline::store::{InputDir, InputFile, InputGlob};
use serde::Deserialize;

use crate::folder::Folder;

#[step]
fn read_all(
    #[param] file: InputFile,
    #[param] dir: &InputDir,
    #[param] glob: &InputGlob,
) -> io::Result<String> {
    let names = |files: Vec<PathBuf>, root: &Path| {
        let name = |file: &PathBuf| file.strip_prefix(root).unwrap().display().to_string();
        files.iter().map(name).collect::<Vec<_>>().join(" ")
    };
    let root = dir.path();
    Ok(format!("{}|{}|{}", file.read_to_string()?, names(dir.files()?, root), names(glob.files()?, root)))
}

fn folder() -> Folder {
    let folder = Folder::new();
    fs::create_dir(folder.join("deep")).unwrap();
    for name in ["b.csv", "a.csv", "deep/c.csv", "notes.txt"] {
        fs::write(folder.join(name), name).unwrap();
    }
    folder
}

#[test]
fn files_are_given_as_text_and_read_by_steps() {
    let folder = folder();
    let pipeline = Pipeline::to::<read_all>()
        .param("file", folder.join("a.csv"))
        .param_text("dir", folder.to_str().unwrap())
        .param("glob", InputGlob::new(format!("{}/**/*.csv", folder.display())));
    let run = pipeline.run_blocking().unwrap();
    assert_eq!(
        run.output::<read_all>().unwrap(),
        "a.csv|a.csv b.csv deep/c.csv notes.txt|a.csv b.csv deep/c.csv"
    );
}

/// What is missing is one problem per value, before any step runs.
#[test]
fn what_cannot_be_read_is_reported_before_any_step_runs() {
    static RAN: AtomicU32 = AtomicU32::new(0);
    #[derive(Deserialize)]
    struct Inside {
        _files: Vec<InputFile>,
    }
    #[step]
    fn first() -> u32 {
        RAN.fetch_add(1, Ordering::Relaxed)
    }
    #[step]
    fn second(first: &u32, #[param] file: InputFile, #[param] inside: &Inside) -> u32 {
        let _ = (file, inside);
        *first
    }
    #[step]
    fn third(
        second: &u32,
        #[param] file: &InputFile,
        #[param(default = "no/such/*")] rest: InputGlob,
    ) -> u32 {
        let _ = (file, rest);
        *second
    }
    let folder = folder();
    let missing = folder.join("missing.csv");
    let pipeline = Pipeline::to::<third>()
        .param("file", &missing)
        .param("inside", serde_json::json!({"_files": [folder.join("a.csv"), folder.join("deep")]}));
    let problems = pipeline.run_blocking().unwrap_err();
    let shown: Vec<(String, String)> =
        problems.iter().map(|problem: &Problem| (problem.message.clone(), problem.notes.join("|"))).collect();
    let expected =
        |name: &str, note: String| (format!("run parameter `{name}` names what cannot be read"), note);
    let absent = "No such file or directory (os error 2)|given by";
    assert_eq!(
        shown,
        [
            expected("file", format!("{}: {absent} the program's code", missing.display())),
            expected(
                "inside",
                format!(
                    "{}: it is a folder, not a file; `InputDir` reads folders|given by the program's code",
                    folder.join("deep").display()
                )
            ),
            expected("rest", format!("no/such: {absent} its default")),
        ]
    );
    assert!(problems.has(ProblemCode::InvalidParam));
    assert_eq!(RAN.load(Ordering::Relaxed), 0);
}

#[test]
fn an_empty_path_and_a_pattern_that_is_none_do_not_fit() {
    let folder = folder();
    let pipeline = Pipeline::to::<read_all>()
        .param("file", "")
        .param("dir", &*folder)
        .param("glob", format!("{}/[a", folder.display()));
    let problems = pipeline.run_blocking().unwrap_err().to_string();
    for part in
        ["`file` does not fit `InputFile`", "the path is empty", "`glob` does not fit", "it is no pattern"]
    {
        assert!(problems.contains(part), "{part}: {problems}");
    }
}

#[test]
fn a_disabled_step_needs_no_files() {
    #[step]
    fn off(#[param] file: InputFile) -> bool {
        file.path().exists()
    }
    let off_by = |settings| Pipeline::to::<off>().param("file", "no/such").settings(settings).run_blocking();
    assert!(off_by(Settings::default().step("off", pipeline::StepDefaults::new().enabled(false))).is_ok());
    assert!(off_by(Settings::default()).is_err());
}

/// Paths are shown and recorded as those of other parameters, whose types serde reads as text.
#[test]
fn files_are_no_secrets() {
    #[derive(Deserialize)]
    struct Inside {
        _file: InputFile,
        _more: Option<InputDir>,
    }
    #[step]
    fn reads(#[param] file: InputFile, #[param] glob: Vec<InputGlob>, #[param] inside: Inside) -> bool {
        let _ = (file, glob, inside);
        true
    }
    for input in &*reads::def().inputs {
        let InputKind::Param(param) = &input.kind else { panic!("{input:?}") };
        assert!(!param.is_secret(), "{param:?}");
    }
}
