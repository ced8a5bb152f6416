//! How many cores a process may use: its affinity, and the quota of its control group. Each test starts itself as a child under
//! such a limit.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

use pipeline::*;

use crate::folder::Folder;
use crate::process::{LIMIT, missing, output};
use crate::support::run_in_time;

/// Set in a child, to the number of cores that it has to see.
const CHILD: &str = "PIPELINE_IT_CORES";

/// In a child: checks what it sees, and returns true.
fn is_child() -> bool {
    let Ok(cores) = std::env::var(CHILD) else { return false };
    let cores: usize = cores.parse().unwrap();
    assert_eq!((settings::cores(), Settings::default().cpu), (cores, cores));
    let mut dag = DagBuilder::new();
    dag.cpu("one", (), |()| ());
    dag.cpu("two", (), |()| ());
    let run = run_in_time(Pipeline::new(dag.build().unwrap()));
    let said = &run.report().limited_by;
    if cores == 1 {
        assert_eq!(*said, ["one CPU step at a time: the process may use one core"]);
    } else {
        assert_eq!(*said, Vec::<String>::new());
    }
    true
}

/// Runs a test of this program in a child that a tool starts.
fn run_child(tool: &mut Command, test: &str, cores: usize) {
    let child = tool
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads=1"])
        .env(CHILD, cores.to_string());
    let child = output(child, LIMIT);
    let said = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

/// Whether a command can be run and succeeds.
fn works(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// C04, C11: a process that is bound to one core computes one step at a time, and says so.
#[test]
fn a_process_bound_to_one_core_says_so() {
    const TEST: &str = "cores::a_process_bound_to_one_core_says_so";
    if is_child() {
        return;
    }
    if !works(Command::new("taskset").arg("--version")) {
        return missing(TEST, "`taskset`");
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim();
    let first = allowed.split(['-', ',']).next().unwrap();
    run_child(Command::new("taskset").args(["--cpu-list", first]), TEST, 1);
}

/// C04: the quota of the control group, or of one above it, is honoured, rounded down to whole cores. The child sees a file
/// system of control groups that the test has made.
#[test]
fn the_quota_of_a_control_group_is_honoured() {
    const TEST: &str = "cores::the_quota_of_a_control_group_is_honoured";
    if is_child() {
        return;
    }
    if !works(Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"])) {
        return missing(TEST, "`unshare` that may make a mount namespace");
    }
    let machine = settings::cores();
    let folder = Folder::new();
    for (quota, cores) in
        [("100000 100000", 1), ("150000 100000", 1), ("5000 100000", 1), ("max 100000", machine)]
    {
        for above in [false, true] {
            let group = if above { "job" } else { "job/step" };
            let script = format!(
                "mount -t tmpfs none /sys/fs/cgroup && mkdir -p /sys/fs/cgroup/job/step &&
                touch /sys/fs/cgroup/job/step/cgroup.controllers && echo '{quota}' >/sys/fs/cgroup/{group}/cpu.max &&
                echo 0::/job/step >own && mount --bind own /proc/$$/cgroup && exec \"$@\""
            );
            let mut unshare = Command::new("unshare");
            unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script, "sh"]);
            let here: &Path = &folder;
            run_child(unshare.current_dir(here), TEST, cores);
        }
    }
}
