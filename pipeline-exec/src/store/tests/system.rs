//! What the operating system does for the store, and what it refuses.

use std::io;
use std::process::{Command, Output};

use super::*;

/// Set for the test that runs as the program of a child process: the folder of the store.
const FOLDER: &str = "PIPELINE_TEST_STORE_FOLDER";

/// Runs one of the tests below as a program, through another one, with the store in `dir`.
fn run(through: &[&str], test: &str, dir: &Path) -> io::Result<Output> {
    Command::new(through[0])
        .args(&through[1..])
        .arg(std::env::current_exe().expect("it is known"))
        .args(["--exact", &format!("store::tests::system::{test}"), "--nocapture"])
        .env(FOLDER, dir)
        .output()
}

/// As [`run`]; `None` if there is no such program, or it cannot do this here.
fn run_if_possible(through: &[&str], test: &str, dir: &Path) -> Option<Output> {
    let has_begun = |output: &Output| String::from_utf8_lossy(&output.stdout).contains("running 1 test");
    let output = run(through, test, dir).ok().filter(has_begun);
    if output.is_none() {
        missing(through[0]);
    }
    output
}

/// Runs a test in a new file system.
fn run_mounted(mount: &str, test: &str, dir: &Path) {
    let script = format!("{mount} && exec \"$0\" \"$@\"");
    let through = ["unshare", "--map-root-user", "--mount", "sh", "-c", &script];
    if let Some(output) = run_if_possible(&through, test, dir) {
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_child_stores_a_value_for_ever() {
    let Some(dir) = std::env::var_os(FOLDER) else { return };
    let store = ValueStore::open(dir).expect("it is a store").durability(Durability::Power);
    commit(&store, "step", &bytes(10, false));
}

/// The calls that make a stored value survive a power failure, in their order.
#[cfg(target_os = "linux")]
#[test]
fn with_durability_power_bytes_names_and_folders_are_on_the_disk_before_the_next_step() {
    let dir = Dir::new();
    std::fs::create_dir(&dir.0).expect("it can be made");
    let (folder, trace) = (dir.0.join("store"), dir.0.join("trace"));
    let calls = "trace=openat,write,fsync,fdatasync,link,linkat,rename,renameat,unlink";
    let through = ["strace", "-f", "-y", "-e", calls, "-o", trace.to_str().expect("it is a plain path")];
    let child = "a_child_stores_a_value_for_ever";
    let Some(output) = run_if_possible(&through, child, &folder) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let trace = std::fs::read_to_string(trace).expect("strace wrote it");
    // What each call does, from the first file in `tmp/` on.
    let mut done: Vec<String> = Vec::new();
    let prefix = format!("{}/", folder.display());
    for line in trace.lines().filter(|line| line.contains(&prefix)) {
        let call = line.split_whitespace().nth(1).unwrap_or_default().split('(').next().unwrap_or_default();
        let path = |at: usize| line.split(&prefix).nth(at).unwrap_or_default();
        // The folder: `cache` of `cache/ab/cd…`.
        let top = |at: usize| path(at).split(['/', '>', '"']).next().unwrap_or_default().to_owned();
        match call {
            "write" if top(1) == "tmp" => done.push("write".to_owned()),
            "fsync" | "fdatasync" if top(1) == "tmp" => done.push("sync file".to_owned()),
            // The first attempt fails if its folder is not there yet.
            "link" | "linkat" if line.ends_with("= 0") => done.push(format!("link {}", top(2))),
            "fsync" | "fdatasync" if path(1).contains('/') => done.push(format!("sync {}/ab", top(1))),
            "fsync" | "fdatasync" => done.push(format!("sync {}", top(1))),
            _ => {}
        }
    }
    let start = done.iter().position(|call| call == "write").expect("something is written");
    let each = |top: &str| {
        ["write", "sync file", &format!("link {top}"), &format!("sync {top}/ab"), &format!("sync {top}")]
            .map(str::to_owned)
    };
    assert_eq!(done[start..], [each("blobs"), each("cache")].concat(), "{trace}");
}

/// A process is killed at each call that changes files.
#[cfg(target_os = "linux")]
#[test]
fn a_process_killed_at_any_call_leaves_the_value_or_none_and_nothing_incomplete() {
    const CALLS: [&str; 8] = ["mkdir", "openat", "write", "fdatasync", "linkat", "unlink", "fsync", "flock"];
    let (child, dir) = ("a_child_stores_a_value_for_ever", Dir::new());
    if run_if_possible(&["strace", "-f", "-o", "/dev/null"], child, &dir.0).is_none() {
        return;
    }
    let value = bytes(10, false);
    for call in CALLS {
        let mut kills = 0;
        for at in 1.. {
            let dir = Dir::new();
            let (trace, inject) = (format!("trace={call}"), format!("inject={call}:signal=KILL:when={at}"));
            let through = ["strace", "-f", "-o", "/dev/null", "-e", &trace, "-e", &inject];
            if run(&through, child, &dir.0).expect("strace was run").status.success() {
                break;
            }
            kills += 1;
            let store = dir.store();
            let case = format!("{call} {at}");
            assert!(found(&store, "step").is_none_or(|found| found == value), "{case}");
            commit(&store, "step", &value);
            assert_eq!(found(&store, "step").as_ref(), Some(&value), "{case}");
            assert_eq!(store.take_warnings(), Vec::<String>::new(), "{case}");
            let is_known = |path: &PathBuf| {
                let rest = path.strip_prefix(&dir.0).expect("it is in the folder");
                ["format", "lock", "blobs", "cache"].iter().any(|known| rest.starts_with(known))
            };
            let left: Vec<PathBuf> = files(&dir.0).into_iter().filter(|path| !is_known(path)).collect();
            assert_eq!(left, Vec::<PathBuf>::new(), "{case}");
        }
        assert!(kills > 0, "{call}");
    }
}

#[test]
fn a_child_fills_the_disk() {
    let Some(dir) = std::env::var_os(FOLDER) else { return };
    let dir = Dir(dir.into());
    let store = dir.store();
    commit(&store, "small", b"value");
    let large = bytes(2 << 20, false);
    for _ in 0..3 {
        let error = try_commit(&store, "large", &large).expect_err("the disk is full").to_string();
        assert!(error.contains("No space left on device") && error.contains("\nhint: free"), "{error}");
        assert_eq!(found(&store, "large"), None);
        assert_eq!(found(&store, "small").as_deref(), Some(&b"value"[..]));
    }
    assert_eq!(files(&dir.0.join("tmp")), Vec::<PathBuf>::new());
    commit(&store, "next", b"value");
    assert_eq!(store.take_warnings(), Vec::<String>::new());
    std::mem::forget(dir);
}

#[test]
fn a_full_disk_is_an_error_and_the_store_stays_right() {
    let dir = Dir::new();
    std::fs::create_dir(&dir.0).expect("it can be made");
    let mount = format!("mount -t tmpfs -o size=1m,mode=700 none {}", dir.0.display());
    run_mounted(&mount, "a_child_fills_the_disk", &dir.0);
}

#[test]
fn a_child_cannot_write() {
    let Some(dir) = std::env::var_os(FOLDER) else { return };
    let error = ValueStore::open(dir).expect_err("it cannot be written").to_string();
    assert!(error.contains("Read-only file system") && error.contains("\nhint: choose a folder"), "{error}");
}

#[test]
fn a_store_that_cannot_be_written_is_an_error_at_the_start() {
    let dir = Dir::new();
    commit(&dir.store(), "step", b"value");
    let mount = format!("mount --bind -o ro {0} {0} && mount -o remount,ro,bind {0}", dir.0.display());
    run_mounted(&mount, "a_child_cannot_write", &dir.0);
}
