//! What is said of a run when it has ended: the table of steps, the telling figures and what to do about them, what went
//! wrong, and the command to go on. Made in one piece from the report, and written at once.

mod ending;
mod failures;
mod figures;
mod notes;
mod table;

use std::io::{self, IsTerminal, Write};

use comfy_table::Table;

use self::ending::{Known, ending};
use super::paint::Paint;
use crate::report::{CommandLine, RunReport};
use crate::stderr;
use crate::store::RunState;

/// A terminal that says less is taken for this wide: narrower than this, no table of steps is legible.
const LEAST_COLUMNS: usize = 80;
/// Where there is no terminal, the lines are at most so wide.
const COLUMNS_OF_A_FILE: usize = 100;
/// Of the lines there that are not wrapped.
const LONGEST_LINE: usize = 4_000;

/// How much of a summary is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// What failed, how the run ended, and how to go on.
    Failures,
    /// The telling figures, and the telling ones of many steps.
    Most,
    /// Every figure, and every step.
    All,
}

/// Says to standard output how a run ended that was recorded, or how far it is.
pub(super) fn print_recorded(report: &RunReport, state: RunState, extent: Extent) -> io::Result<()> {
    let width = Table::new().width().map_or(COLUMNS_OF_A_FILE, usize::from).max(LEAST_COLUMNS);
    let columns = if io::stdout().is_terminal() { width } else { COLUMNS_OF_A_FILE };
    let mut out = anstream::stdout().lock();
    out.write_all(text(report, columns, extent, Known::Recorded(state)).as_bytes()).and_then(|()| out.flush())
}

/// Says to standard error how a run ended.
pub(super) fn print(report: &RunReport, extent: Extent, command_line: Option<&CommandLine>) {
    let mut text = text(report, columns(), extent, Known::Whole(command_line));
    if extent != Extent::Failures {
        // Apart from what was told while it ran.
        text.insert(0, '\n');
    }
    // Styles are taken out where nobody sees them: no terminal, NO_COLOR.
    let text =
        if Paint::of_stderr().is_on() { text } else { anstream::adapter::strip_str(&text).to_string() };
    stderr::write(&text);
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
    }
    part(failures::failures(report));
    // Who looks for the last line in a log finds it whole.
    let columns = if columns == COLUMNS_OF_A_FILE { LONGEST_LINE } else { columns };
    part(ending(report, columns, known));
    text
}

#[cfg(test)]
mod tests;
