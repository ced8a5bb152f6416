//! The reports are right, in parallel and one step at a time, and the program says so.

use std::path::PathBuf;
use std::process::{Command, Output};

/// Runs the program in a folder of this test.
fn shop(folder: &PathBuf, arguments: &[&str]) -> (i32, String, String) {
    std::fs::create_dir_all(folder).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    for (name, _) in std::env::vars_os() {
        if ["PIPELINE_", "SHOP_"].iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    let Output { status, stdout, stderr } = command.current_dir(folder).args(arguments).output().unwrap();
    let [out, err] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (status.code().unwrap(), out, err)
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

#[test]
fn the_shop_has_ten_correct_outputs_parallel_and_sequential() {
    let folder = folder("ten-outputs");
    for mode in [&[][..], &["--workers", "1"]] {
        let (code, out, err) = shop(&folder, &[&["run", "--pipeline", "tiny"], mode].concat());
        assert_eq!(code, 0, "{mode:?}: {out}\n{err}");
        assert!(out.starts_with("49 steps in "), "{mode:?}: {out}");
        assert!(out.ends_with(", 10 of 10 outputs match: target/shop/tiny/out\n"), "{mode:?}: {out}");
        assert!(err.contains("49 of 49 steps succeeded") && err.contains("report: .pipeline/"), "{err}");
        std::fs::remove_dir_all(folder.join("target/shop/tiny/out")).unwrap();
    }
    assert_eq!(shop(&folder, &["list", "--pipeline", "tiny"]).0, 0);
}

#[test]
fn a_report_that_differs_is_exit_code_1() {
    let folder = folder("differs");
    let (data, out) = (folder.join("target/shop/tiny"), "quality.csv");
    std::fs::create_dir_all(&data).unwrap();
    // The file is there, so it is not made; other checksums than those of the reports are not looked at.
    std::fs::write(data.join("reviews.jsonl"), "").unwrap();
    let (code, said, err) = shop(&folder, &["run", "--pipeline", "tiny"]);
    assert_eq!(code, 1, "{said}\n{err}");
    assert!(said.contains(&format!("  {out} differs\n")) && !said.contains("10 of 10"), "{said}\n{err}");
}

#[test]
fn the_same_run_again_runs_nothing_and_puts_back_a_report_that_is_missing() {
    let folder = folder("again");
    let cached = || {
        let (code, out, err) =
            shop(&folder, &["run", "--pipeline", "tiny", "--cache", "--report", "report.json"]);
        assert_eq!(code, 0, "{out}\n{err}");
        assert!(out.contains("10 of 10 outputs match"), "{out}");
        let report = std::fs::read(folder.join("report.json")).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
        report["counts"]["cached"].as_u64().unwrap()
    };
    assert_eq!(cached(), 0);
    assert_eq!(cached(), 49);
    std::fs::remove_dir_all(folder.join("target/shop/tiny/out")).unwrap();
    assert_eq!(cached(), 49);
}
