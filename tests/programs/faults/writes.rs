//! What a verb owes the user and cannot write is exit code 3; a reader that goes away is not an error.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use crate::folder::Folder;
use crate::support::{Ran, command, ran_with};

/// Every verb, in every form of its output. The text says what is written where: `o` to standard output, `e` to standard error.
const ALL: [(&str, &str); 31] = [
    ("o", "--help"),
    ("o", "--version"),
    ("o", "help"),
    ("o", "help run"),
    ("o", "run --help"),
    ("o", "list"),
    ("o", "list --json"),
    ("o", "plan"),
    ("o", "plan --json"),
    ("o", "graph"),
    ("o", "graph -f dot"),
    ("o", "graph -f json"),
    ("o", "graph -f html"),
    ("o", "info"),
    ("o", "info --json"),
    ("o", "completions bash"),
    ("o", "explain"),
    ("o", "explain PL0011"),
    ("o", "runs"),
    ("o", "runs --json"),
    ("o", "runs --steps"),
    ("o", "report"),
    ("o", "report --json"),
    ("o", "report --path"),
    ("o", "diff -2 -1"),
    ("e", "run"),
    ("e", "run -v"),
    ("e", "run --output plain"),
    ("o", "run --output json"),
    ("oe", "run --json"),
    ("o", "step revenue"),
];

fn run_in(folder: &Path, arguments: &str, out: Stdio, err: Stdio) -> Ran {
    let mut command = command("cli", folder);
    ran_with(command.args(arguments.split_whitespace()), [out, err])
}

fn with_runs() -> Folder {
    let folder = Folder::new();
    for _ in 0..2 {
        run_in(&folder, "run -q", Stdio::piped(), Stdio::piped()).exits(0);
    }
    folder
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_exit_code_3() {
    let folder = with_runs();
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    for (streams, arguments) in ALL {
        let good = run_in(&folder, arguments, Stdio::piped(), Stdio::piped());
        assert_eq!(good.code, 0, "{arguments}: {}", good.err);
        if streams.contains('o') {
            let ran = run_in(&folder, arguments, full(), Stdio::piped());
            assert_eq!(ran.code, 3, "{arguments}: {}", ran.err);
            assert!(
                ran.err.contains("cannot write") && ran.err.contains("to standard output"),
                "{arguments}: {}",
                ran.err
            );
        }
        if streams.contains('e') {
            let ran = run_in(&folder, arguments, Stdio::piped(), full());
            assert_eq!(ran.code, 3, "{arguments}");
        }
    }
    // A failed run too; what a refusal cannot say does not change its code.
    for (arguments, out, err, code) in [
        ("run --output json -p refunds.amount=much", full(), Stdio::piped(), 3),
        ("run -p refunds.amount=much", full(), Stdio::piped(), 1),
        ("run -p refunds.amount=much", Stdio::piped(), full(), 3),
        ("run -p nothing=1", full(), full(), 2),
        ("nothing", full(), full(), 2),
        ("--nothing", full(), full(), 2),
    ] {
        assert_eq!(run_in(&folder, arguments, out, err).code, code, "{arguments}");
    }
    for arguments in ["run --report /dev/full", "report --trace /dev/full", "graph -o /dev/full"] {
        let ran = run_in(&folder, arguments, Stdio::piped(), Stdio::piped());
        assert_eq!(ran.code, 3, "{arguments}: {}", ran.err);
    }
}

#[test]
fn a_reader_that_has_closed_the_pipe_is_no_error() {
    let folder = with_runs();
    for (_, arguments) in ALL {
        let closed = || Stdio::from(std::io::pipe().unwrap().1);
        let ran = run_in(&folder, arguments, closed(), closed());
        assert_eq!(ran.code, 0, "{arguments}");
    }
}
