//! What is said of a run when it has ended: the table of steps, the figures, what to do next, what went wrong, and the
//! command to go on. Made in one piece from the report, and written at once.

mod failures;
mod figures;
mod fit;
mod notes;
mod table;

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use comfy_table::Table;
use owo_colors::OwoColorize;

use self::fit::paragraph;
use super::again;
use crate::report::{RunReport, RunStatus, clean};

/// A terminal that says less is taken for this wide: narrower than this, no table of steps is legible.
const LEAST_COLUMNS: usize = 80;
/// Where there is no terminal, the lines are at most so wide.
const COLUMNS_OF_A_FILE: usize = 100;

/// Says to standard output how a run ended that was recorded; every step where `all` is said.
pub(super) fn print_recorded(report: &RunReport, all: bool) -> io::Result<()> {
    let width = Table::new().width().map_or(COLUMNS_OF_A_FILE, usize::from).max(LEAST_COLUMNS);
    let columns = if io::stdout().is_terminal() { width } else { COLUMNS_OF_A_FILE };
    let mut out = anstream::stdout().lock();
    out.write_all(text(report, columns, all).as_bytes()).and_then(|()| out.flush())
}

/// Says to standard error how a run ended; every step where `all` is said.
pub(super) fn print(report: &RunReport, all: bool) {
    let text = text(report, columns(), all);
    // Styles are taken out where nobody sees them: no terminal, NO_COLOR.
    let mut out = anstream::stderr().lock();
    // There is nobody left to tell that standard error is gone.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// How wide the terminal of standard error is.
fn columns() -> usize {
    if !io::stderr().is_terminal() {
        return COLUMNS_OF_A_FILE;
    }
    let width = Table::new().use_stderr().width().map_or(COLUMNS_OF_A_FILE, usize::from);
    width.max(LEAST_COLUMNS)
}

/// All of it, with styles.
fn text(report: &RunReport, columns: usize, all: bool) -> String {
    let mut text = table::table(report, columns, all);
    let mut part = |heading: &str, part: String| {
        if !part.is_empty() {
            if !text.is_empty() {
                text.push('\n');
            }
            if !heading.is_empty() {
                let _ = writeln!(text, "{}", heading.bold());
            }
            text.push_str(&part);
        }
    };
    part("", figures::figures(report, columns));
    part("", notes::notes(report));
    part("what to do next", advice(report, columns));
    part("", failures::failures(report));
    part("", ending(report, columns));
    text
}

fn advice(report: &RunReport, columns: usize) -> String {
    report.advice.iter().map(|advice| paragraph("  -", &advice.text, 4, columns)).collect()
}

/// How the run ended, and how to go on.
fn ending(report: &RunReport, columns: usize) -> String {
    let outcome = report.outcome();
    let mut text = match report.status {
        RunStatus::Succeeded => format!("{}\n", outcome.green()),
        RunStatus::Failed => format!("{}\n", outcome.red()),
        RunStatus::Cancelled => format!("{}\n", outcome.yellow()),
    };
    if let Some(reason) = &report.stopped_because {
        let _ = writeln!(text, "stopped: {}", clean(reason));
    }
    if report.status != RunStatus::Succeeded {
        let again::Again { command, values_of } = again::command(report);
        let _ = writeln!(text, "to go on: {}", clean(&command));
        if !values_of.is_empty() {
            let names = format!("with the values that were given to {}", values_of.join(", "));
            text.push_str(&paragraph("", &names, 10, columns));
        }
    }
    if let Some(more) = again::explain(&failures::codes(report)) {
        let _ = writeln!(text, "{}", clean(&more));
    }
    text
}

#[cfg(test)]
mod tests;
