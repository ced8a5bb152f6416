//! The items that steps could not process.

use std::fmt::Write;

use crate::cli::wording::{counted, cut, fit};
use crate::report::RunReport;

/// Maximum width of an item and of a reason.
const MOST_OF_TEXT: usize = 200;

/// Returns at most `most` dead letters, a line each, below their number; empty if there is none. The items are values of
/// the user: they are shown on request only (`report`), not after each run.
pub(super) fn dead_letters(report: &RunReport, most: usize, with_items: bool) -> String {
    let count = report.dead_letters.len();
    if count == 0 {
        return String::new();
    }
    let mut text = format!("{} could not be processed:\n", counted(count, "item"));
    for letter in report.dead_letters.iter().take(most) {
        let (step, why) = (fit(&letter.step, 60), cut(&letter.error, MOST_OF_TEXT));
        let attempt =
            if letter.attempt > 1 { format!(", attempt {}", letter.attempt) } else { String::new() };
        let _ = write!(text, "    `{step}`{attempt}: {why}");
        let item = with_items.then(|| format!(": {}", cut(&letter.item.to_string(), MOST_OF_TEXT)));
        let _ = writeln!(text, "{}", item.unwrap_or_default());
    }
    if let Some(more) = count.checked_sub(most).filter(|more| *more > 0) {
        let _ = writeln!(text, "    … and {} in the report as JSON", counted(more, "further item"));
    } else if !with_items {
        text.push_str("    (`report` shows the items)\n");
    }
    text
}
