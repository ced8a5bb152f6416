//! Programs that tests start: each ends in time, or the test fails. Tools that tests look through.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long a test waits for a program before it fails instead of hanging: much longer than any takes on a busy machine.
#[allow(dead_code, reason = "a test that only builds has another limit")]
pub(crate) const LIMIT: Duration = Duration::from_mins(5);

/// The same for cargo, which may build everything.
#[allow(dead_code, reason = "not every test builds")]
pub(crate) const LIMIT_OF_A_BUILD: Duration = Duration::from_hours(1);

/// As [`Command::output`], without standard input.
///
/// # Panics
/// If the program has not ended within `limit`, or a program that it started keeps its output open. It is killed.
#[track_caller]
pub(crate) fn output(command: &mut Command, limit: Duration) -> Output {
    output_to(command, [Stdio::piped(), Stdio::piped()], limit)
}

/// As [`output`], with standard output and standard error as given; of one that is no pipe, the output is empty.
#[track_caller]
pub(crate) fn output_to(command: &mut Command, [stdout, stderr]: [Stdio; 2], limit: Duration) -> Output {
    let until = Instant::now() + limit;
    command.stdin(Stdio::null()).stdout(stdout).stderr(stderr);
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (read(child.stdout.take()), read(child.stderr.take()));
    let mut next = |output: mpsc::Receiver<Vec<u8>>| {
        output.recv_timeout(until.saturating_duration_since(Instant::now())).unwrap_or_else(|_| {
            let _ = child.kill();
            panic!("{command:?} has not ended in {limit:?}")
        })
    };
    let (stdout, stderr) = (next(stdout), next(stderr));
    Output { status: end(&mut child, until), stdout, stderr }
}

/// Waits until a program has ended; kills it if it has not by then.
#[track_caller]
pub(crate) fn end(child: &mut Child, until: Instant) -> ExitStatus {
    loop {
        if let Some(status) = child.try_wait().expect("the program can be waited for") {
            return status;
        }
        if Instant::now() > until {
            let _ = child.kill();
            panic!("the program has not ended in time");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Reads to the end on another thread: a program with much output would block on a full pipe.
fn read(stream: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.map(|mut stream| stream.read_to_end(&mut bytes));
        let _ = done.send(bytes);
    });
    is_done
}

/// Says that a test passes without running, because a tool is missing.
///
/// # Panics
/// If `REQUIRE_TOOLS` is 1, as in CI.
#[allow(dead_code, reason = "not every test needs a tool")]
pub(crate) fn missing(test: &str, tool: &str) {
    let required = std::env::var_os("REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!required, "{test}: REQUIRE_TOOLS is set, and there is no {tool}");
    // Not by a macro, whose output is hidden in a passing test.
    let text = format!("\n*** SKIPPED {test}: there is no {tool} ***\n");
    let _ = std::io::stderr().write_all(text.as_bytes());
}
