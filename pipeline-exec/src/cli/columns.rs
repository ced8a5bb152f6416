//! Text in columns.

use super::wording::{cut, fit, pad, width};

/// Aligns rows in columns, with two spaces between: to the right if `right` says so, otherwise to the left. Lines have
/// no trailing spaces. A column without any text is left out.
pub(super) fn columns<const N: usize>(rows: &[[String; N]], right: [bool; N]) -> String {
    let widest = |column: usize| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(widest);
    let mut text = String::new();
    for row in rows {
        let shown = row.iter().zip(widths).zip(right).filter(|((_, widest), _)| *widest > 0);
        let cells = shown.map(|((cell, widest), right)| {
            let gap = " ".repeat(widest.saturating_sub(width(cell)));
            if right { gap + cell } else { pad(cell, widest) }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Returns rows below a heading.
pub(super) fn headed<const N: usize>(
    heading: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Vec<[String; N]> {
    std::iter::once(heading.map(str::to_owned)).chain(rows).collect()
}

/// Shortens a name to the width of a column.
pub(super) fn name(name: &str) -> String {
    fit(name, 40)
}

/// Shortens a user's text to one line of the width of a column.
pub(super) fn cell(text: &str) -> String {
    cut(text, 60)
}
