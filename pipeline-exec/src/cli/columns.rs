//! Text in columns.

use super::wording::{cut, fit, pad, width};

/// Rows with their cells below each other, two spaces between; the columns named by `right` end alike, the others begin
/// so. Nothing follows the last cell of a row.
pub(super) fn columns<const N: usize>(rows: &[[String; N]], right: [bool; N]) -> String {
    let widest = |column: usize| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(widest);
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).zip(right).map(|((cell, widest), right)| {
            let gap = " ".repeat(widest.saturating_sub(width(cell)));
            if right { gap + cell } else { pad(cell, widest) }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A row of texts that are written here.
pub(super) fn head<const N: usize>(cells: [&str; N]) -> [String; N] {
    cells.map(str::to_owned)
}

/// A name that fits into a column.
pub(super) fn name(name: &str) -> String {
    fit(name, 40)
}

/// A text of the user's on one line that fits into a column.
pub(super) fn cell(text: &str) -> String {
    cut(text, 60)
}
