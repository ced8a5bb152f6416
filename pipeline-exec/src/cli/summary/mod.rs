//! The summary of a run that has ended: the table of steps, figures and advice, failures, and the command to retry.
//! Made from the report, and written in one piece.

mod ending;
mod failures;
mod figures;
mod letters;
mod notes;
mod table;

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use comfy_table::Table;

pub(super) use self::ending::ToResume;
use self::ending::{Known, ending};
use super::paint::Paint;
use crate::report::{CommandLine, RunReport};
use crate::runs::RunState;
use crate::stderr;
use crate::store::has_left;

/// Minimum width of a terminal: a narrower table of steps is not legible.
const LEAST_COLUMNS: usize = 80;
/// Maximum width of lines without a terminal.
const COLUMNS_OF_A_FILE: usize = 100;
/// Maximum width of the last lines without a terminal: they are not wrapped.
const LONGEST_LINE: usize = 4_000;

/// Maximum number of dead letters, with `-v` and without.
const MOST_LETTERS: usize = 100;
const FEW_LETTERS: usize = 5;

/// The level of detail of a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// What failed, how the run ended, and how to retry.
    Failures,
    /// The main figures, and a selection of many steps.
    Most,
    /// Every figure, and every step.
    All,
}

/// Prints the summary of a recorded run to standard output.
pub(super) fn print_recorded(report: &RunReport, state: RunState, extent: Extent) -> io::Result<()> {
    let store = report.settings.get("store").and_then(|store| store.as_str());
    let can_be_resumed = store.is_some_and(|store| has_left(Path::new(store), &report.run_id));
    let known = Known::Recorded { state, can_be_resumed };
    let width = Table::new().width().map_or(COLUMNS_OF_A_FILE, usize::from).max(LEAST_COLUMNS);
    let columns = if io::stdout().is_terminal() { width } else { COLUMNS_OF_A_FILE };
    let mut out = anstream::stdout().lock();
    out.write_all(text(report, columns, extent, known).as_bytes()).and_then(|()| out.flush())
}

/// Prints the summary of a run to standard error.
pub(super) fn print(
    report: &RunReport,
    extent: Extent,
    command_line: Option<&CommandLine>,
    to_resume: Option<&ToResume>,
) {
    let mut text = text(report, columns(), extent, Known::Whole(command_line, to_resume));
    if extent != Extent::Failures {
        // Separates it from the lines printed during the run.
        text.insert(0, '\n');
    }
    // Styles are removed without a terminal, and with NO_COLOR.
    let text =
        if Paint::of_stderr().is_on() { text } else { anstream::adapter::strip_str(&text).to_string() };
    stderr::write(&text);
}

/// Returns the width of the terminal of standard error.
fn columns() -> usize {
    if !io::stderr().is_terminal() {
        return COLUMNS_OF_A_FILE;
    }
    let width = Table::new().use_stderr().width().map_or(COLUMNS_OF_A_FILE, usize::from);
    width.max(LEAST_COLUMNS)
}

/// Returns the whole summary, with styles.
fn text(report: &RunReport, columns: usize, extent: Extent, known: Known<'_>) -> String {
    let mut text = match extent {
        Extent::Failures => String::new(),
        Extent::Most | Extent::All => table::table(report, columns, extent == Extent::All),
    };
    let mut part = |part: String| {
        if !part.is_empty() && !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&part);
    };
    if extent != Extent::Failures {
        part(figures::figures(report, columns, extent == Extent::All));
        part(notes::notes(report));
        let most = if extent == Extent::All { MOST_LETTERS } else { FEW_LETTERS };
        part(letters::dead_letters(report, most, matches!(known, Known::Recorded { .. })));
    }
    part(failures::failures(report));
    // The last lines stay whole in a log.
    let columns = if columns == COLUMNS_OF_A_FILE { LONGEST_LINE } else { columns };
    part(ending(report, columns, known));
    text
}

#[cfg(test)]
mod tests;
