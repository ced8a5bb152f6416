//! Small crates outside the workspace, built and run as a user would.

use std::path::Path;
use std::process::{Command, Output};

#[path = "support/process.rs"]
mod process;

use process::LIMIT_OF_A_BUILD;

const CRATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/crates");

/// Runs cargo in one of the small crates, with a separate target folder beside the workspace's.
fn cargo(folder: &str, arguments: &[&str]) -> Output {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/crates");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(arguments)
        .current_dir(Path::new(CRATES).join(folder))
        .env("CARGO_TARGET_DIR", target)
        .env_remove("RUSTFLAGS")
        .env("RUSTDOCFLAGS", "-D warnings");
    process::output(&mut cargo, LIMIT_OF_A_BUILD)
}

/// Returns standard output of a cargo command that succeeds.
fn succeeds(folder: &str, arguments: &[&str]) -> String {
    let output = cargo(folder, arguments);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "cargo {arguments:?} failed in {folder}:\n{out}\n{err}");
    out.into_owned()
}

#[test]
fn a_renamed_dependency_works_with_the_crate_option() {
    assert_eq!(succeeds("renamed", &["run", "-q"]), "two = 2\n");
}

#[test]
fn an_unlinked_library_is_reported_with_a_hint() {
    let out = succeeds("unlinked", &["run", "-q", "--bin", "unnamed"]);
    assert!(out.contains("error[PL0014]: no step is registered"), "{out}");
    assert_eq!(out.matches("use that_crate as _;").count(), 2, "{out}");
    let out = succeeds("unlinked", &["run", "-q", "--bin", "named"]);
    assert_eq!(out, "ran [\"from_the_library\"]\n");
}

/// The program has a step of its own, so nothing but cargo knows what is missing.
#[test]
fn a_library_that_is_left_out_beside_other_steps_is_found_by_list_check() {
    let output = cargo("unlinked", &["run", "-q", "--bin", "partly", "--", "list", "--check"]);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{err}");
    for part in ["error[PL0014]: the library steps-lib 0.0.0 has steps", "`use steps_lib as _;`"] {
        assert!(err.contains(part), "{part}\n{err}");
    }
    let out = succeeds("unlinked", &["run", "-q", "--bin", "wholly", "--", "list", "--check"]);
    assert_eq!(out, "steps-lib 0.0.0: 1 in this program\n");
}

#[test]
fn the_core_alone_draws_graphs_and_has_no_tokio_in_its_tree() {
    let out = succeeds("core-only", &["run", "-q"]);
    assert!(out.starts_with("digraph") && out.contains("->"), "{out}");
    let tree = succeeds("core-only", &["tree", "-p", "core-only", "-e", "normal", "--prefix", "none"]);
    assert!(tree.contains("pipeline-core") && !tree.contains("tokio"), "{tree}");
}

#[test]
fn expansions_stay_quiet_under_hostile_lints_and_taken_names() {
    succeeds("hostile", &["clippy", "-q"]);
    succeeds("hostile", &["run", "-q"]);
}

#[test]
fn the_documentation_of_a_step_is_that_of_its_function() {
    let out = succeeds("documented", &["test", "-q", "--doc"]);
    assert!(out.contains("running 1 test") && out.contains("1 passed"), "{out}");
    succeeds("documented", &["test", "-q", "--lib"]);
    succeeds("documented", &["doc", "-q", "--no-deps"]);
}

#[test]
fn two_versions_of_the_core_in_one_build_are_refused() {
    let output = cargo("two-cores", &["metadata", "--format-version", "1"]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "cargo accepted two registries");
    assert!(message.contains("links to the native library `pipeline-core`"), "{message}");
}

#[test]
fn same_named_types_of_two_crate_versions_are_distinguished() {
    let out = succeeds("two-frames", &["run", "-q"]);
    assert!(out.contains("[PL0002]") && out.contains("cargo tree -d"), "{out}");
    assert!(out.contains("their crate `frames` is in the build in versions 1.0.0 and 2.0.0"), "{out}");
    assert!(out.contains("`cargo tree -i frames` names the versions"), "{out}");
}

#[test]
fn the_atomic_protocols_hold_under_every_interleaving() {
    let out = succeeds("loom", &["test", "-q"]);
    assert!(out.contains("14 passed"), "{out}");
}

#[test]
fn a_program_whose_panics_abort_gets_one_warning_and_aborts() {
    let output = cargo("aborts", &["run", "-q", "--profile", "aborts"]);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((output.status.success(), &*out), (false, "ran: true\nran: true\n"), "{err}");
    assert_eq!(err.matches("warning: this program is built with `panic = \"abort\"`").count(), 1, "{err}");
    assert!(err.contains("planted"), "{err}");
}
