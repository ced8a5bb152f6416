//! How a verb ends: with a text and an exit code, or with a refusal.

use std::io::{self, Write};
use std::path::Path;

use pipeline_core::{ProblemCode, Problems};
use serde::Serialize;

use super::program;
use crate::stderr;
use crate::store::StoreError;
use crate::text::clean;

/// Every selected step succeeded. What a run that did not exits with is the run's to say.
pub(super) const OK: u8 = 0;
/// Wrong use, or an invalid graph; nothing ran.
pub(super) const INVALID: u8 = 2;
/// The environment failed: a file could not be read or written.
pub(super) const ENVIRONMENT: u8 = 3;

/// Why a command was not carried out.
pub(super) enum Refusal {
    Problems(Problems),
    /// Wrong use that only shows later than the arguments do.
    Usage(String),
    Environment(String),
}

impl Refusal {
    /// Says so on standard error; what the process exits with.
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
        tell(&clean(&message));
        if let Some(more) = program::explain(&codes) {
            tell(&clean(&more));
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

/// Writes a whole text; a reader that has gone away (`| head`) is not an error.
pub(super) fn print(text: &str) -> Result<u8, Refusal> {
    let mut out = io::stdout().lock();
    match out
        .write_all(text.as_bytes())
        .and_then(|()| if text.ends_with('\n') { Ok(()) } else { writeln!(out) })
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(OK),
    }
}

/// Writes lines to standard error. Where it takes nothing any more (closed, a full disk) there is nobody left to tell, and the
/// exit code stays what it is: `eprintln!` would panic.
pub(super) fn tell(text: &str) {
    stderr::write(&format!("{text}\n"));
}

/// Prints a document as JSON, indented.
pub(super) fn print_json(document: &impl Serialize) -> Result<u8, Refusal> {
    let json = serde_json::to_string_pretty(document);
    print(&json.map_err(|error| Refusal::Environment(error.to_string()))?)
}
