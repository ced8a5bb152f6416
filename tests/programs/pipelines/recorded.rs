//! The recorded runs of a program of several pipelines: which of them the command line means, and which pipeline repeats
//! one.

use serde_json::Value;

use super::{TOKEN, run_in};
use crate::folder::Folder;

const NIGHTLY: &str = "prepared\norders of 30 days\narchive of 30 days\n";

/// Runs a pipeline, and returns the id of the run.
fn recorded(folder: &Folder, arguments: &str) -> String {
    run_in(folder, &[TOKEN], &format!("run {arguments} --report r.json")).exits(0);
    let text = std::fs::read_to_string(folder.join("r.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["run_id"].as_str().unwrap().to_owned()
}

#[track_caller]
fn refused(folder: &Folder, arguments: &str, parts: &[&str]) {
    let output = run_in(folder, &[TOKEN], arguments).exits(2);
    assert_eq!(output.out, "", "{arguments}");
    for part in parts {
        assert!(output.err.contains(part), "{arguments}: {part}:\n{}", output.err);
    }
}

#[test]
fn a_run_is_repeated_by_its_own_pipeline() {
    let folder = Folder::new();
    let nightly = recorded(&folder, "--pipeline nightly");
    recorded(&folder, "-p days=4");
    recorded(&folder, "--pipeline sweep");
    let again = |arguments: &str| run_in(&folder, &[TOKEN], arguments).exits(0).out;
    assert_eq!(again("run --again latest"), "best of 3\n");
    // The run that repeats one is of the same pipeline.
    assert_eq!(again("run --again latest"), "best of 3\n");
    assert_eq!(again("run --again -4"), "orders of 4 days\n");
    assert_eq!(again(&format!("--again {nightly}")), NIGHTLY);
    assert_eq!(again(&format!("run --again {nightly} --pipeline nightly")), NIGHTLY);
    assert_eq!(again("run --again -2 --pipeline nightly"), NIGHTLY);
    let plan = again(&format!("plan --again {nightly}"));
    assert!(plan.contains("archive") && !plan.contains("checked"), "{plan}");
    for verb in ["run", "plan"] {
        let other = format!("{verb} --again {nightly} --pipeline hourly");
        refused(
            &folder,
            &other,
            &["was of pipeline `nightly`, and `--pipeline hourly` asks for another", "hint:"],
        );
    }
}

#[test]
fn a_run_of_a_pipeline_without_a_name_is_repeated_by_the_one_that_is_asked_for() {
    let folder = Folder::new();
    run_in(&folder, &[], "--own").exits(0);
    let hint = "`--pipeline NAME` says which pipeline repeats it: hourly, nightly, sweep";
    refused(&folder, "run --again latest", &["was of a pipeline without a name", hint]);
    let report = run_in(&folder, &[], "report --json").exits(0).json();
    let id = report["run_id"].as_str().unwrap();
    let again = run_in(&folder, &[], &format!("run --again {id} --pipeline hourly")).exits(0);
    assert_eq!(again.out, "orders of 2 days\n");
}

#[test]
fn runs_are_those_of_the_program_or_of_the_pipeline_that_is_asked_for() {
    let folder = Folder::new();
    let hourly = recorded(&folder, "");
    let sweep = recorded(&folder, "--pipeline sweep");
    let ids = |arguments: &str| {
        let runs = run_in(&folder, &[], &format!("runs --json {arguments}")).exits(0).json();
        let runs = runs.as_array().unwrap().iter();
        runs.map(|run| run["run_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(""), [&*sweep, &*hourly]);
    assert_eq!(ids("--pipeline hourly"), [&*hourly]);
    assert_eq!(ids("--pipeline sweep --all"), [&*sweep]);
    assert_eq!(ids("--pipeline nightly"), Vec::<String>::new());
    let none = run_in(&folder, &[], "runs --pipeline nightly").exits(0).out;
    assert!(none.contains("no run of pipeline `nightly` is recorded"), "{none}");

    let reported = |arguments: &str| {
        let report = run_in(&folder, &[], &format!("report --json {arguments}")).exits(0).json();
        report["run_id"].as_str().unwrap().to_owned()
    };
    assert_eq!([reported(""), reported("-2")], [&*sweep, &*hourly]);
    assert_eq!([reported("--pipeline hourly"), reported("--pipeline sweep -1")], [&*hourly, &*sweep]);
    // An id names any run.
    assert_eq!(reported(&format!("{sweep} --pipeline hourly")), sweep);
    let diff = run_in(&folder, &[], "diff latest latest --pipeline hourly").exits(0).out;
    assert!(diff.starts_with("A  ") && diff.contains(&hourly[hourly.len() - 8..]), "{diff}");

    let one = "no run of pipeline `hourly` in ";
    let none = "no run of pipeline `nightly` is recorded in ";
    for verb in ["report -2", "diff", "run --again -2", "plan --again -2", "step checked --inputs-from -2"] {
        refused(&folder, &format!("{verb} --pipeline hourly"), &[one, " is named `-2`; there are 1"]);
    }
    for verb in ["report", "diff", "run --again latest"] {
        refused(&folder, &format!("{verb} --pipeline nightly"), &[none]);
    }
    // Durations are compared within one pipeline.
    refused(&folder, "runs best", &["in a recorded run of pipeline `hourly`"]);
}

#[test]
fn inputs_are_those_of_the_program_or_of_the_pipeline_that_is_asked_for() {
    let folder = Folder::new();
    recorded(&folder, "--save-outputs");
    let of_nightly = "step archive --inputs-from latest --pipeline nightly";
    let output = run_in(&folder, &[TOKEN], of_nightly).exits(2);
    assert!(output.err.contains("no run of pipeline `nightly` has saved an output"), "{}", output.err);
    let nightly = recorded(&folder, "orders --pipeline nightly --save-outputs");
    let from = format!("orders from run {}", &nightly[nightly.len() - 8..]);
    for step in [of_nightly, "step checked --inputs-from latest"] {
        let output = run_in(&folder, &[TOKEN], step).exits(0);
        assert!(output.out.contains(&from), "{step}: {from}:\n{}", output.out);
    }
    let output = run_in(&folder, &[], "step checked --inputs-from latest --pipeline hourly").exits(0);
    assert!(output.out.contains("orders from run") && !output.out.contains(&from), "{}", output.out);
}
