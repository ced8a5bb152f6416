//! Text in columns.

/// Rows with their cells below each other, two spaces between; the columns named by `right` end alike, the others begin
/// so. Nothing follows the last cell of a row.
pub(super) fn columns<const N: usize>(rows: &[[String; N]], right: [bool; N]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).zip(right).map(|((cell, width), right)| {
            if right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
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

/// A name that fits into a column: of a longer one, its begin.
pub(super) fn name(name: &str) -> String {
    const WIDEST: usize = 40;
    let clean = crate::report::clean(name).replace('\n', "\\n");
    if clean.chars().count() <= WIDEST {
        return clean;
    }
    clean.chars().take(WIDEST - 1).chain(['…']).collect()
}
