//! How a verb ends: with a text and an exit code, or with a refusal.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::Path;

use pipeline_core::{ProblemCode, Problems};
use serde::Serialize;

use super::program;
use crate::runs::StoreError;
use crate::stderr;
use crate::text::clean;

/// Exit code: every selected step succeeded. A run has further codes.
pub(super) const OK: u8 = 0;
/// Exit code: wrong use or an invalid graph; nothing ran.
pub(super) const INVALID: u8 = 2;
/// Exit code: at least one step failed, or something in the store is wrong.
pub(super) const FAILED: u8 = 1;
/// Exit code: a file could not be read or written.
pub(super) const ENVIRONMENT: u8 = 3;

/// Returns the exit code of a verb that was executed: what it could not write to standard error counts, unless a signal
/// has stopped it.
pub(super) fn of_verb(code: u8) -> u8 {
    if matches!(code, OK | FAILED) && stderr::failed().is_some() { ENVIRONMENT } else { code }
}

/// Why a command was not executed.
pub(super) enum Refusal {
    Problems(Problems),
    /// Wrong use that is found after the arguments were parsed.
    Usage(String),
    Environment(String),
}

impl Refusal {
    /// Prints the reason to standard error. Returns the exit code.
    pub(super) fn print(&self) -> u8 {
        let (message, mut codes, exit) = match self {
            Refusal::Problems(problems) => {
                let codes = problems.iter().map(|problem| problem.code);
                let is_invalid = codes.clone().any(|code| code != ProblemCode::Environment);
                let exit = if is_invalid { INVALID } else { ENVIRONMENT };
                let each: Vec<String> = problems.iter().map(ToString::to_string).collect();
                let all = format!("{}\nerror: {}", each.join("\n"), problems.heading());
                (all, codes.map(ProblemCode::name).collect(), exit)
            }
            Refusal::Environment(message) => {
                let code = ProblemCode::Environment.name();
                (format!("error[{code}]: {message}"), vec![code], ENVIRONMENT)
            }
            Refusal::Usage(message) => (format!("error: {message}"), Vec::new(), INVALID),
        };
        codes.dedup();
        to_stderr(&clean(&message));
        if let Some(more) = program::explain(&codes) {
            to_stderr(&clean(&more));
        }
        exit
    }
}

impl From<Problems> for Refusal {
    fn from(problems: Problems) -> Self {
        Refusal::Problems(problems)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Refusal::Environment(error.to_string())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        if error.is_wrong_use() {
            Refusal::Usage(error.to_string())
        } else {
            Refusal::Environment(error.to_string())
        }
    }
}

/// The refusal for a file that cannot be written.
pub(super) fn unwritable<'a>(what: &'a str, path: &'a Path) -> impl Fn(io::Error) -> Refusal + 'a {
    move |error| Refusal::Environment(format!("cannot write {what} to {}: {error}", path.display()))
}

/// Prints a text to standard output.
pub(super) fn print(text: &str) -> Result<u8, Refusal> {
    print_with(|out| out.write_all(text.strip_suffix('\n').unwrap_or(text).as_bytes()))
}

/// Prints what `fill` writes, and a line feed, like [`print`]: for what is too large to be put together in memory.
pub(super) fn print_with(
    fill: impl FnOnce(&mut BufWriter<StdoutLock<'_>>) -> io::Result<()>,
) -> Result<u8, Refusal> {
    let mut out = BufWriter::new(io::stdout().lock());
    written(fill(&mut out).and_then(|()| writeln!(out)).and_then(|()| out.flush()))
}

/// The end of a verb that has written to standard output. A reader that has closed the pipe (`| head`) is not an error.
pub(super) fn written(result: io::Result<()>) -> Result<u8, Refusal> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Refusal::Environment(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(OK),
    }
}

/// Writes lines to standard error. If that fails (the disk is full), the exit code is [`ENVIRONMENT`] in the end;
/// `eprintln!` would panic.
pub(super) fn to_stderr(text: &str) {
    stderr::write(&format!("{text}\n"));
}

/// Prints a document as JSON, indented.
pub(super) fn print_json(document: &impl Serialize) -> Result<u8, Refusal> {
    let json = serde_json::to_string_pretty(document);
    print(&json.map_err(|error| Refusal::Environment(error.to_string()))?)
}
