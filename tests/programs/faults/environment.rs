//! What the environment holds and where it stands: variables of other programs, the clock, the working directory.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::folder::Folder;
use crate::support::{command, ran};

fn cli(folder: &Path, arguments: &str) -> Command {
    let mut command = command("cli", folder);
    command.args(arguments.split_whitespace());
    command
}

#[test]
fn variables_of_other_programs_stop_no_run() {
    let folder = Folder::new();
    for section in
        ["TAGS", "STEPS", "GROUPS", "LIMITS", "DEFAULTS", "PARAMS", "PIPELINES", "TAG", "STEP", "RUN_ID"]
    {
        let name = format!("PIPELINE_{section}");
        let run = ran(cli(&folder, "run -q").env(&name, "v1")).exits(0);
        assert_eq!(run.err, "", "{name}");
        let run = ran(cli(&folder, "run").env(&name, "3")).exits(0);
        let warning = format!("warning: environment variable {name} is ignored: no setting has this name");
        assert!(run.err.contains(&warning), "{}", run.err);
    }
    // As build servers set one for an input that was not given.
    for name in
        ["RUNS_DIR", "WORKERS", "SEED", "PRESET", "DEFAULTS__TIMEOUT", "CONFIG", "OUTPUT", "TAGS", "WORKRES"]
    {
        let run = ran(cli(&folder, "run").env(format!("PIPELINE_{name}"), "")).exits(0);
        assert!(!run.err.contains("warning"), "{name}: {}", run.err);
    }
    assert!(folder.join(".pipeline/runs").is_dir());
}

/// With a part below, a section is ours: the problem says what it takes.
#[test]
fn a_section_that_is_no_table_is_refused_in_words() {
    let folder = Folder::new();
    let run = ran(cli(&folder, "run -q").env("PIPELINE_STEPS__ORDERS", "3")).exits(2);
    assert!(run.err.contains("setting `steps.orders` is `3`, but takes a table of settings"), "{}", run.err);
    assert!(run.err.contains("`steps.orders` is set by PIPELINE_STEPS__ORDERS"), "{}", run.err);
    for (text, key) in [
        ("tags = 3", "tags"),
        ("steps = \"x\"", "steps"),
        ("groups = [1]", "groups"),
        ("defaults = true", "defaults"),
        ("limits = 5", "limits"),
        ("[limits]\ndb = 5", "limits.db"),
        ("[tags]\nslow = false", "tags.slow"),
    ] {
        fs::write(folder.join("settings.toml"), text).unwrap();
        let run = ran(&mut cli(&folder, "run -q --config settings.toml")).exits(2);
        let told = format!("setting `{key}` is ");
        assert!(
            run.err.contains(&told) && run.err.contains("but takes a table of settings"),
            "{text}: {}",
            run.err
        );
        assert!(!run.err.contains("expected"), "{text}: {}", run.err);
    }
    fs::write(folder.join("settings.toml"), "params = 3").unwrap();
    let run = ran(&mut cli(&folder, "run -q --config settings.toml")).exits(2);
    assert!(run.err.contains("`params` in settings.toml is not a table"), "{}", run.err);
    fs::write(folder.join("settings.toml"), "[tags]\n[steps]\n[limits]\n[groups.gold]\n[defaults]\n")
        .unwrap();
    ran(&mut cli(&folder, "run -q --config settings.toml")).exits(0);
}

/// As under cron: the run is not where the user thinks.
#[test]
fn the_file_of_settings_that_was_looked_for_is_named() {
    let folder = Folder::new();
    let here = fs::canonicalize(&*folder).unwrap();
    let absent = format!(
        "no file of settings: looked for pipeline.toml, pipeline.yaml, pipeline.yml in {}",
        here.display()
    );
    let run = ran(&mut cli(&folder, "run -v")).exits(0);
    assert!(run.err.contains(&absent), "{}", run.err);
    assert!(!ran(&mut cli(&folder, "run")).exits(0).err.contains("no file of settings"));
    fs::write(folder.join("pipeline.toml"), "").unwrap();
    assert!(!ran(&mut cli(&folder, "run -v")).exits(0).err.contains("no file of settings"));
    // The folder is removed while a shell stands in it.
    let gone = folder.join("gone");
    fs::create_dir(&gone).unwrap();
    let mut shell = Command::new("sh");
    shell.current_dir(&gone).args(["-c", r#"rmdir "$PWD" && exec "$0" run -v --no-report"#]);
    crate::support::clean(&mut shell);
    let run = ran(shell.arg(crate::support::path("cli"))).exits(0);
    assert!(run.err.contains("in the working directory, which cannot be found"), "{}", run.err);
}

/// Answers for the wall clock, from before 1970 or from far in the future.
#[cfg(target_os = "linux")]
const CLOCK: &str = "
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_REALTIME) now->tv_sec = atoll(getenv(\"CLOCK\"));
    return result;
}
";

#[cfg(target_os = "linux")]
#[test]
fn the_clock_may_stand_anywhere() {
    let folder = Folder::new();
    fs::write(folder.join("clock.c"), CLOCK).unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o", "clock.so", "clock.c"]).current_dir(&*folder);
    ran(&mut cc).exits(0);
    for seconds in ["-1", "-1000000000", "0", "4102444800", "99999999999"] {
        let at = |arguments: &str| {
            let mut command = cli(&folder, arguments);
            command.env("LD_PRELOAD", folder.join("clock.so")).env("CLOCK", seconds);
            let run = ran(&mut command).exits(0);
            assert!(!run.err.contains("panicked"), "{seconds} {arguments}: {}", run.err);
            run
        };
        at("run -vv --save-outputs");
        let last = at("run --output json");
        let id = last.out.lines().last().unwrap();
        let id =
            serde_json::from_str::<serde_json::Value>(id).unwrap()["run_id"].as_str().unwrap().to_owned();
        for verb in
            ["runs", "runs --json", "runs --steps", "report", "report --json", "plan", "diff -2 -1", "info"]
        {
            at(verb);
        }
        at("report --trace trace.json");
        at("step revenue --inputs-from latest");
        if seconds.starts_with('-') {
            // All runs began in one moment: they are in the order in which they ended.
            let latest = at("report -2 --json").json();
            assert_eq!(latest["run_id"], id.as_str(), "{seconds}");
        }
    }
}
