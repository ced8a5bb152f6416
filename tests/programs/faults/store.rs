//! What killed runs leave behind, and several processes at once.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::program_under_test::{Ended, Program};
use crate::folder::Folder;
use crate::support::{Ran, clean, path, ran};

/// A folder in which programs run, recorded in `here`.
struct Store(Folder);

impl Store {
    fn new() -> Self {
        Store(Folder::new())
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

fn states(runs: &[Value]) -> Vec<&str> {
    runs.iter().map(|run| run["state"].as_str().unwrap()).collect()
}

#[test]
fn a_killed_run_is_interrupted_and_its_journal_has_what_was_done() {
    let store = Store::new();
    let program = store.start("run stuck sibling");
    program.wait_for("stuck");
    program.wait_for("succeeded sibling");
    assert_eq!(states(&store.runs()), ["running"]);
    let ended = store.end("report");
    ended.exits(0).step("stuck", "pending").says(&[
        " is running: ",
        "have not ended\n",
        "the run is under way",
    ]);
    assert!(!ended.said.contains("cancelled") && !ended.said.contains("to retry: "), "{}", ended.said);
    // The journal has it within a moment.
    let report = loop {
        let report = store.end("report --json").json();
        if report["steps"].as_array().unwrap().iter().any(|step| step["status"] == "succeeded") {
            break report;
        }
    };
    program.send(Signal::KILL);
    program.end().was_killed_by(Signal::KILL);
    let runs = store.runs();
    assert_eq!(states(&runs), ["interrupted"]);
    assert_eq!(runs[0]["run_id"], report["run_id"]);
    let ended = store.end("report");
    ended.exits(0).step("sibling", "succeeded").step("stuck", "cancelled").says(&[
        " was interrupted: 1 of 2 steps succeeded, 1 had not ended; last sign of life at ",
        "the run was interrupted: its process ended before it did",
        "1 of 2 steps had ended, 1 was under way: `stuck`",
        "to retry: ",
        "run stuck --runs-dir here\n",
    ]);
    // The journal does not contain the graph, so these figures would be made up.
    assert!(!ended.said.contains("critical path") && !ended.said.contains("0.00x"), "{}", ended.said);
    // It may have lived long after that.
    store.end("runs").exits(0).says(&["  interrupted  > "]);
    store.end("run sibling --quiet").exits(0);
    assert_eq!(states(&store.runs()), ["succeeded", "interrupted"]);
    store.end("diff").exits(0).says(&["only in A\n  stuck"]);
    let ended = store.end("diff latest -2");
    ended.exits(0).says(&["the later report has no provenance"]);
    assert!(!ended.said.contains("has changed") && !ended.said.contains("crate "), "{}", ended.said);
}

/// A journal does not contain the locations of steps.
#[test]
fn a_failure_in_a_killed_run_is_shown_without_a_location() {
    let store = Store::new();
    let program = store.start("run stuck fails_with_causes");
    program.wait_for("stuck");
    // The journal has it within a moment.
    while store.end("report --json").json()["counts"]["failed"] != 1 {}
    program.send(Signal::KILL);
    program.end().was_killed_by(Signal::KILL);
    let ended = store.end("report");
    ended.exits(0).says(&["error[PL0101]: step `fails_with_causes` failed\n    attempt 1\n    error: "]);
    assert!(!ended.said.contains(" at ,"), "{}", ended.said);
    let report: pipeline::RunReport = serde_json::from_str(&store.end("report --json").said).unwrap();
    let told = report.to_string();
    assert!(told.contains("1 failed") && !told.contains("()"), "{told}");
}

#[test]
fn a_run_killed_during_a_backoff_has_the_attempt_before_it() {
    let store = Store::new();
    let program = store.start("run backs_off");
    program.wait_for("attempt 1 of backs_off failed");
    let failed = |report: &Value| report["steps"][0]["failed_attempts"][0].clone();
    // The journal has it within a moment.
    while failed(&store.end("report --json").json()).is_null() {}
    program.send(Signal::KILL);
    program.end().was_killed_by(Signal::KILL);
    let report = store.end("report --json").json();
    let attempt = failed(&report);
    assert_eq!((&attempt["attempt"], &attempt["error"]["message"]), (&1.into(), &"planted: not yet".into()));
    assert_eq!(attempt["times"]["start"], report["steps"][0]["start"], "{report}");
    assert!(attempt["times"]["duration"].is_object(), "{report}");
    assert_eq!(
        (&report["steps"][0]["attempts"], &report["steps"][0]["last_attempt"]),
        (&1.into(), &Value::Null)
    );
    let ended = store.end("report");
    ended
        .exits(0)
        .step("backs_off", "cancelled")
        .says(&["1 attempt failed: backs_off\n", "1 was under way: `backs_off`"]);
    assert!(!ended.said.contains("repeated"), "the next attempt never began: {}", ended.said);
}

#[test]
fn programs_killed_at_any_moment_leave_a_usable_store() {
    let store = Store::new();
    let mut at_least = 0;
    for round in 0..60_u64 {
        let program = store.start("run sibling --quiet");
        // The moment is the fault: from before the first file to after the last.
        std::thread::sleep(Duration::from_micros(round * 500));
        program.send(Signal::KILL);
        let _ = program.end();
        if round % 10 == 9 {
            store.end("run sibling --quiet").exits(0);
            at_least += 1;
            let runs = store.runs();
            let states = states(&runs);
            assert!(states.iter().filter(|state| **state == "succeeded").count() >= at_least, "{states:?}");
            assert!(states.iter().all(|state| ["succeeded", "interrupted"].contains(state)), "{states:?}");
            store.end("report").exits(0).step("sibling", "succeeded");
            store.end("runs --steps").exits(0).says(&["sibling"]);
        }
    }
    let damaged = fs::read_dir(store.0.join("here")).unwrap().map(|file| file.unwrap().file_name());
    assert_eq!(damaged.filter(|name| name.to_string_lossy().contains("damaged")).count(), 0);
}

#[test]
fn several_processes_record_to_one_directory_at_once() {
    let store = Store::new();
    let programs: Vec<Program> = (0..8).map(|_| store.start("run sibling --quiet")).collect();
    for program in programs {
        let ended = program.end();
        ended.exits(0);
        assert_eq!(ended.said, "", "no warning");
    }
    assert_eq!(states(&store.runs()), ["succeeded"; 8]);
}

#[test]
fn a_directory_that_cannot_be_written_to_is_exit_code_3_and_nothing_runs() {
    let store = Store::new();
    fs::write(store.0.join("here"), "a file").unwrap();
    let ended = store.end("run sibling");
    ended.exits(3).says(&["error[PL0301]: cannot", "here"]);
    assert!(!ended.said.contains("succeeded"), "{}", ended.said);
    Program::start_in(&store.0, "", "run sibling --no-report").end().exits(0);
}

/// Too many open files are the environment's fault, whatever opens them; enough of them are no fault.
#[test]
fn too_many_open_files_are_exit_code_3() {
    let store = Store::new();
    let end = |limit: u32| {
        let line = format!("ulimit -n {limit}; exec \"$0\" run sibling --quiet --runs-dir here");
        let mut command = Command::new("sh");
        clean(&mut command);
        command.arg("-c").arg(line).arg(path("faults")).current_dir(&*store.0).stdin(Stdio::null());
        ran(&mut command)
    };
    // With fewer than six the program itself cannot be loaded.
    let mut refused = 0;
    for limit in 6..=24 {
        let Ran { code, err, .. } = end(limit);
        assert!(matches!(code, 0 | 3), "{limit}: {code}\n{err}");
        if code == 3 {
            refused += 1;
            assert!(err.contains("error[PL0301]: ") && err.contains("oo many open files"), "{limit}: {err}");
        }
    }
    assert!((1..19).contains(&refused), "{refused} were refused");
}

#[test]
fn missing_runs_are_exit_code_2() {
    let store = Store::new();
    store.end("runs").exits(0).says(&["no run of this program is recorded"]);
    store.end("report").exits(2).says(&["no run of this program is recorded in", "hint:"]);
    assert!(!store.0.join("here").exists(), "reading creates nothing");
    store.end("run sibling --quiet").exits(0);
    for run in ["../../etc/passwd", "'\u{1b}[2J", "00000000000", "-7"] {
        let ended = store.end(&format!("report {run}"));
        ended.exits(2).says(&["is named", "there are 1", "hint:"]);
        assert!(!ended.said.contains('\u{1b}'), "{}", ended.said);
    }
    store.end("diff").exits(2);
    store.end("run sibling --quiet --set keep_runs=1").exits(0);
    for verb in ["diff", "report -2"] {
        store.end(verb).exits(2).says(&["error: run ", " is no longer there: ", "hint: `keep_runs` says"]);
    }
    store.end("runs no_such_step").exits(2).says(&["runs --steps"]);
    store.end("runs --status sometimes").exits(2).says(&["one of running, interrupted"]);
    assert_eq!(store.end("runs --status failed --json").json(), Value::Array(Vec::new()));
}

#[test]
fn the_trace_of_a_run_is_written_to_the_given_file() {
    let store = Store::new();
    store.end("run sibling --quiet").exits(0);
    store.end("report latest --trace out.json").exits(0);
    let trace: Value = serde_json::from_str(&fs::read_to_string(store.0.join("out.json")).unwrap()).unwrap();
    assert!(trace["traceEvents"].as_array().unwrap().iter().any(|event| event["name"] == "sibling"));
    store
        .end("report --trace no/such/store.json")
        .exits(3)
        .says(&["cannot write the trace to no/such/store.json"]);
    let path = store.end("report --path").said;
    assert!(fs::exists(PathBuf::from(path.trim()).join("report.json")).unwrap(), "{path}");
}

/// With a limit of its memory that is far below the size of the files.
#[test]
fn files_of_any_size_are_not_read_into_memory() {
    let store = Store::new();
    store.end("run sibling --quiet").exits(0);
    let run = PathBuf::from(store.end("report --path").said.trim());
    fs::remove_file(store.0.join("here/history.db")).unwrap();
    let zeros = |name: &str, size: u64, after: &[u8]| {
        let file = fs::File::options().append(true).create(true).open(run.join(name)).unwrap();
        file.set_len(after.len() as u64).unwrap();
        file.set_len(size).unwrap();
    };
    let journal = fs::read(run.join("events.jsonl")).unwrap();
    let end = |what: &str| {
        let line = format!("ulimit -v 1000000; exec \"$0\" {what} --runs-dir here");
        let mut command = Command::new("sh");
        clean(&mut command);
        command.arg("-c").arg(line).arg(path("faults")).current_dir(&*store.0).stdin(Stdio::null());
        ran(&mut command)
    };
    // One line of zeros behind those of the run, and a report of zeros: the journal up to there is what is left.
    zeros("events.jsonl", 900 << 20, &journal);
    zeros("report.json", 900 << 20, b"");
    let Ran { code, out, err } = end("runs");
    assert!(code == 0 && out.contains(" succeeded "), "{code}\n{out}\n{err}");
    assert!(err.contains("report.json cannot be read: expected value at line 1 column 1"), "{err}");
    fs::remove_file(store.0.join("here/history.db")).unwrap();
    for name in ["events.jsonl", "report.json"] {
        zeros(name, 3 << 30, b"");
    }
    let Ran { code, out, err } = end("runs");
    assert!(code == 0 && out.contains("no run of this program is recorded"), "{code}\n{out}\n{err}");
    for name in ["report.json cannot be read: it has 3221225472 bytes", "events.jsonl cannot be read: it has"]
    {
        assert!(err.contains(name), "{err}");
    }
    // It is why there is no such run.
    for asked in ["report", "diff", "run --again latest", "step sibling --inputs-from -1"] {
        let Ran { code, err, .. } = end(asked);
        assert!(code != 0 && err.contains("events.jsonl cannot be read: it has"), "{asked}: {code}\n{err}");
    }
}

#[test]
fn a_run_does_not_need_the_history() {
    let store = Store::new();
    store.end("run sibling --quiet").exits(0);
    let history = rusqlite::Connection::open(store.0.join("here/history.db")).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'no room'); END";
    history.execute_batch(refuse).unwrap();
    // The second one finds the first missing in the history.
    for _ in 0..2 {
        store.end("run sibling").exits(0).says(&["could not be recorded wholly", "no room"]);
    }
}

/// A file that a user named is whole or as it was; a link is followed, and a device is written as it is.
#[test]
fn a_report_in_a_named_file_is_written_whole() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let store = Store::new();
    let (file, link) = (store.0.join("out.json"), store.0.join("link.json"));
    fs::write(&file, "the report of an earlier run").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let reader = fs::File::open(&file).unwrap();
    symlink(&file, &link).unwrap();
    store.end("run sibling --quiet --report link.json").exits(0);
    // Who had opened it still reads the earlier one.
    assert_eq!(std::io::read_to_string(reader).unwrap(), "the report of an earlier run");
    let report: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(report["status"], "succeeded");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    // Through a link to a file that does not exist yet, too.
    fs::remove_file(&file).unwrap();
    fs::remove_file(&link).unwrap();
    symlink("out.json", &link).unwrap();
    store.end("run sibling --quiet --report link.json").exits(0);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink() && file.is_file());
    store.end("run sibling --quiet --report /dev/null").exits(0);
    store.end("run sibling --report here").exits(3).says(&["cannot write the report to here"]);
    for verb in ["run", "step"] {
        let ended = store.end(&format!("{verb} sibling --report no/such.json"));
        ended.exits(3).says(&["cannot write the report to no/such.json"]);
        assert!(!ended.said.contains("succeeded"), "{}", ended.said);
    }
    let names =
        fs::read_dir(&*store.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = names.filter(|name| !["here", "out.json", "link.json"].contains(&&**name)).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The check before the run does not open the pipe: its reader would take that for the whole report.
#[test]
fn a_report_in_a_named_pipe_reaches_its_reader() {
    let store = Store::new();
    let pipe = store.0.join("pipe");
    ran(Command::new("mkfifo").arg(&pipe)).exits(0);
    for verb in ["run", "step"] {
        let read = std::thread::scope(|scope| {
            let reader = scope.spawn(|| ran(Command::new("cat").arg(&pipe)));
            store.end(&format!("{verb} sibling --quiet --report pipe")).exits(0);
            reader.join().unwrap()
        });
        assert_eq!(read.exits(0).json()["status"], "succeeded", "{verb}");
    }
}

#[test]
fn a_second_run_of_a_pipeline_is_announced_or_refused() {
    let store = Store::new();
    let first = store.start("run stuck");
    first.wait_for("stuck");
    let second = store.end("run sibling");
    second
        .exits(0)
        .says(&["of the same pipeline is under way since ", "`--exclusive-run` refuses a second one"]);
    let refused = store.end("run sibling --exclusive-run");
    refused.exits(2).says(&["error[PL0302]: ", "of the same pipeline is under way, and records in "]);
    assert!(!refused.said.contains("since"), "{}", refused.said);
    drop(first);
    store.end("run sibling --exclusive-run").exits(0);
}
