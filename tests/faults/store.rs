//! What is left of runs whose process is killed, and of several at once.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::program_under_test::{self, Ended, Program};

/// A folder of this test, in which programs run; removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("pipeline-faults-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn start(&self, arguments: &str) -> Program {
        Program::start_in(&self.0, "", &format!("{arguments} --runs-dir here"))
    }

    fn end(&self, arguments: &str) -> Ended {
        self.start(arguments).end()
    }

    fn runs(&self) -> Vec<Value> {
        self.end("runs --json --limit 10000").json().as_array().unwrap().clone()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn states(runs: &[Value]) -> Vec<&str> {
    runs.iter().map(|run| run["state"].as_str().unwrap()).collect()
}

#[test]
fn a_run_that_is_killed_was_running_and_is_interrupted_and_its_journal_tells_what_was_done() {
    let folder = Folder::new("killed");
    let program = folder.start("run stuck sibling");
    program.wait_for("stuck");
    program.wait_for("succeeded sibling");
    assert_eq!(states(&folder.runs()), ["running"]);
    let ended = folder.end("report");
    ended.exits(0).step("stuck", "pending").says(&[" is running: ", "have not ended\n", "the run goes on"]);
    assert!(!ended.said.contains("cancelled") && !ended.said.contains("to go on: "), "{}", ended.said);
    // The journal tells of it within a moment.
    let report = loop {
        let report = folder.end("report --json").json();
        if report["steps"].as_array().unwrap().iter().any(|step| step["status"] == "succeeded") {
            break report;
        }
    };
    program.send(Signal::KILL);
    program.end().was_killed_by(Signal::KILL);
    let runs = folder.runs();
    assert_eq!(states(&runs), ["interrupted"]);
    assert_eq!(runs[0]["run_id"], report["run_id"]);
    let ended = folder.end("report");
    ended.exits(0).step("sibling", "succeeded").step("stuck", "cancelled").says(&[
        " was interrupted: 1 of 2 steps succeeded, 1 had not ended; the last that was heard of it was after ",
        "the run was interrupted: its process ended before it did",
        "1 of 2 steps had ended, 1 was under way: `stuck`",
        "to go on: ",
        "run stuck --runs-dir here\n",
    ]);
    // Figures of a graph that the journal does not know would be made up.
    assert!(!ended.said.contains("critical path") && !ended.said.contains("0.00x"), "{}", ended.said);
    // It may have lived for long after that.
    folder.end("runs").exits(0).says(&["  interrupted  > "]);
    folder.end("run sibling --quiet").exits(0);
    assert_eq!(states(&folder.runs()), ["succeeded", "interrupted"]);
    folder.end("diff").exits(0).says(&["only in A\n  stuck"]);
    let ended = folder.end("diff latest -2");
    ended.exits(0).says(&["the later report does not say what its run came from"]);
    assert!(!ended.said.contains("has changed") && !ended.said.contains("crate "), "{}", ended.said);
}

/// A journal does not say where a step is.
#[test]
fn what_failed_in_a_run_that_is_killed_is_told_without_a_place_that_is_not_known() {
    let folder = Folder::new("killed-after-failure");
    let program = folder.start("run stuck fails_with_causes");
    program.wait_for("stuck");
    // The journal tells of it within a moment.
    while folder.end("report --json").json()["counts"]["failed"] != 1 {}
    program.send(Signal::KILL);
    program.end().was_killed_by(Signal::KILL);
    let ended = folder.end("report");
    ended.exits(0).says(&["error[PL0101]: step `fails_with_causes` failed\n    attempt 1\n    error: "]);
    assert!(!ended.said.contains(" at ,"), "{}", ended.said);
    let report: pipeline::RunReport = serde_json::from_str(&folder.end("report --json").said).unwrap();
    let told = report.to_string();
    assert!(told.contains("1 failed") && !told.contains("()"), "{told}");
}

#[test]
fn a_run_that_is_killed_during_a_backoff_tells_of_the_attempt_before_it() {
    let folder = Folder::new("killed-in-backoff");
    let program = folder.start("run backs_off");
    program.wait_for("attempt 1 of backs_off failed");
    let failed = |report: &Value| report["steps"][0]["failed_attempts"][0].clone();
    // The journal tells of it within a moment.
    while failed(&folder.end("report --json").json()).is_null() {}
    program.send(Signal::KILL);
    program.end().was_killed_by(Signal::KILL);
    let report = folder.end("report --json").json();
    let attempt = failed(&report);
    assert_eq!((&attempt["attempt"], &attempt["error"]["message"]), (&1.into(), &"planted: not yet".into()));
    assert_eq!(attempt["times"]["start"], report["steps"][0]["start"], "{report}");
    assert!(attempt["times"]["duration"].is_object(), "{report}");
    assert_eq!(
        (&report["steps"][0]["attempts"], &report["steps"][0]["last_attempt"]),
        (&1.into(), &Value::Null)
    );
    let ended = folder.end("report");
    ended
        .exits(0)
        .step("backs_off", "cancelled")
        .says(&["1 attempt failed: backs_off\n", "1 was under way: `backs_off`"]);
    assert!(!ended.said.contains("repeated"), "the next attempt never began: {}", ended.said);
}

#[test]
fn programs_killed_at_any_moment_leave_what_the_next_can_use() {
    let folder = Folder::new("killed-often");
    let mut at_least = 0;
    for round in 0..60_u64 {
        let program = folder.start("run sibling --quiet");
        // The moment is the fault: from before the first file to after the last.
        std::thread::sleep(Duration::from_micros(round * 500));
        program.send(Signal::KILL);
        let _ = program.end();
        if round % 10 == 9 {
            folder.end("run sibling --quiet").exits(0);
            at_least += 1;
            let runs = folder.runs();
            let states = states(&runs);
            assert!(states.iter().filter(|state| **state == "succeeded").count() >= at_least, "{states:?}");
            assert!(states.iter().all(|state| ["succeeded", "interrupted"].contains(state)), "{states:?}");
            folder.end("report").exits(0).step("sibling", "succeeded");
            folder.end("runs --steps").exits(0).says(&["sibling"]);
        }
    }
    let damaged = fs::read_dir(folder.0.join("here")).unwrap().map(|file| file.unwrap().file_name());
    assert_eq!(damaged.filter(|name| name.to_string_lossy().contains("damaged")).count(), 0);
}

#[test]
fn several_processes_record_to_one_directory_at_once() {
    let folder = Folder::new("at-once");
    let programs: Vec<Program> = (0..8).map(|_| folder.start("run sibling --quiet")).collect();
    for program in programs {
        let ended = program.end();
        ended.exits(0);
        assert_eq!(ended.said, "", "nobody is warned of anything");
    }
    assert_eq!(states(&folder.runs()), ["succeeded"; 8]);
}

#[test]
fn a_directory_that_cannot_be_written_to_is_exit_code_3_and_nothing_runs() {
    let folder = Folder::new("unwritable");
    fs::write(folder.0.join("here"), "a file").unwrap();
    let ended = folder.end("run sibling");
    ended.exits(3).says(&["error[PL0301]: cannot", "here"]);
    assert!(!ended.said.contains("succeeded"), "{}", ended.said);
    Program::start_in(&folder.0, "", "run sibling --no-report").end().exits(0);
}

/// Whatever it is that there are too many open files for, it is the environment's fault, and none is no fault.
#[test]
fn too_many_open_files_are_exit_code_3_whatever_they_are_missing_for() {
    let folder = Folder::new("open-files");
    let end = |limit: u32| {
        let line = format!("ulimit -n {limit}; exec \"$0\" run sibling --quiet --runs-dir here");
        let program = program_under_test::path();
        let mut command = Command::new("sh");
        command.arg("-c").arg(line).arg(program).current_dir(&folder.0).stdin(Stdio::null());
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    // With fewer than six the program itself cannot be loaded.
    let mut refused = 0;
    for limit in 6..=24 {
        let (code, said) = end(limit);
        assert!(matches!(code, Some(0 | 3)), "{limit}: {code:?}\n{said}");
        if code == Some(3) {
            refused += 1;
            assert!(
                said.contains("error[PL0301]: ") && said.contains("oo many open files"),
                "{limit}: {said}"
            );
        }
    }
    assert!((1..19).contains(&refused), "{refused} were refused");
}

#[test]
fn runs_that_are_not_there_are_exit_code_2() {
    let folder = Folder::new("nothing");
    folder.end("runs").exits(0).says(&["no run is recorded"]);
    folder.end("report").exits(2).says(&["no run is recorded in", "hint:"]);
    assert!(!folder.0.join("here").exists(), "looking makes nothing");
    folder.end("run sibling --quiet").exits(0);
    for run in ["../../etc/passwd", "'\u{1b}[2J", "00000000000", "-7"] {
        let ended = folder.end(&format!("report {run}"));
        ended.exits(2).says(&["is named", "there are 1", "hint:"]);
        assert!(!ended.said.contains('\u{1b}'), "{}", ended.said);
    }
    folder.end("diff").exits(2);
    folder.end("run sibling --quiet --set keep_runs=1").exits(0);
    for verb in ["diff", "report -2"] {
        folder.end(verb).exits(2).says(&["error: run ", " is no longer there: ", "hint: `keep_runs` says"]);
    }
    folder.end("runs no_such_step").exits(2).says(&["runs --steps"]);
    folder.end("runs --status sometimes").exits(2).says(&["one of running, interrupted"]);
    assert_eq!(folder.end("runs --status failed --json").json(), Value::Array(Vec::new()));
}

#[test]
fn the_trace_of_a_run_is_written_where_it_is_asked_for() {
    let folder = Folder::new("trace");
    folder.end("run sibling --quiet").exits(0);
    folder.end("report latest --trace out.json").exits(0);
    let trace: Value = serde_json::from_str(&fs::read_to_string(folder.0.join("out.json")).unwrap()).unwrap();
    assert!(trace["traceEvents"].as_array().unwrap().iter().any(|event| event["name"] == "sibling"));
    folder
        .end("report --trace no/such/folder.json")
        .exits(3)
        .says(&["cannot write the trace to no/such/folder.json"]);
    let path = folder.end("report --path").said;
    assert!(fs::exists(PathBuf::from(path.trim()).join("report.json")).unwrap(), "{path}");
}
