//! The table of steps: all, or a selection of many.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Table, Width,
};
use pipeline_core::frame::Status;

use crate::cli::wording::{fit, number};
use crate::report::{RunReport, StepReport};
use crate::stored::CachedFrom;
use crate::text::show;

/// Maximum number of rows; above it, a selection is shown.
const MOST_ROWS: usize = 30;
/// Maximum number of failed steps in a selection.
const MOST_FAILED: usize = 20;
/// Width of the columns other than the name, with the gaps.
const OTHERS: usize = 58;
/// Maximum width of names: on a wide terminal, the figures stay close.
const MOST_NAME: usize = 60;

/// Returns the table, every line at most `columns` wide; all steps if `all`.
pub(super) fn table(report: &RunReport, columns: usize, all: bool) -> String {
    let (rows, rest) = chosen(report, all);
    if rows.is_empty() {
        return String::new();
    }
    let critical: HashSet<&str> = report.figures.critical_steps.iter().map(String::as_str).collect();
    let name_columns = columns.saturating_sub(OTHERS).clamp(12, MOST_NAME);
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .enforce_styling()
        .set_header(["step", "status", "lane", "attempts", "wait", "time", ""].map(heading));
    let has_cached = rows.iter().any(|step| step.cached_from.as_ref().and_then(CachedFrom::took).is_some());
    for step in rows {
        table.add_row(row(step, name_columns, critical.contains(step.name.as_str())));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if index == 6 { 0 } else { 2 }));
        if (3..=5).contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        if index == 1 {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(11)));
        }
    }
    let mut text = String::new();
    for line in table.lines() {
        let _ = writeln!(text, "{}", line.trim_end());
    }
    if !rest.is_empty() {
        let counts: Vec<String> = rest
            .iter()
            .map(|(status, count)| {
                let (count, status) = (number(*count as u64), Status::name(*status));
                format!("{count} more {status}")
            })
            .collect();
        let where_all = if report.left_out() > 0 { "report --json" } else { "-v" };
        let _ = writeln!(text, "… and {} ({where_all} shows all)", counts.join(", "));
    }
    if !critical.is_empty() {
        text.push_str("* on the critical path\n");
    }
    if has_cached {
        text.push_str("(…) time of the run that made the stored output\n");
    }
    text
}

fn heading(text: &str) -> Cell {
    let cell = Cell::new(text);
    if text.is_empty() { cell } else { cell.add_attribute(Attribute::Bold) }
}

fn row(step: &StepReport, name_columns: usize, critical: bool) -> Vec<Cell> {
    let status = Cell::new(step.status.name());
    let status = match step.status {
        Status::Succeeded | Status::Cached | Status::Given => status.fg(Color::DarkGreen),
        Status::Failed | Status::TimedOut if !step.optional => status.fg(Color::DarkRed),
        _ => status.fg(Color::DarkYellow),
    };
    let attempts = if step.attempts == 0 { "-".to_owned() } else { number(u64::from(step.attempts)) };
    vec![
        Cell::new(fit(&step.name, name_columns)),
        status,
        Cell::new(step.lane.name()),
        Cell::new(attempts),
        Cell::new(show(step.wait)),
        Cell::new(time(step)),
        Cell::new(if critical { "*" } else { "" }),
    ]
}

/// Returns how long a step took; in brackets, how long it took when its stored output was made.
fn time(step: &StepReport) -> String {
    match step.cached_from.as_ref().and_then(CachedFrom::took) {
        Some(took) => format!("({})", show(Some(took))),
        None => show(step.duration),
    }
}

/// Returns the steps to show, and the number of the others by status. Of many steps, it selects the failed ones, then
/// the slowest; equal ones in plan order.
fn chosen(report: &RunReport, all: bool) -> (Vec<&StepReport>, BTreeMap<Status, usize>) {
    if (all && report.left_out() == 0) || report.steps.len() <= MOST_ROWS {
        return (report.steps.iter().collect(), BTreeMap::new());
    }
    let failed = |step: &&StepReport| step.status.is_failure();
    let mut rows: Vec<&StepReport> = report.steps.iter().filter(failed).take(MOST_FAILED).collect();
    let mut others: Vec<&StepReport> = report.steps.iter().filter(|step| !failed(step)).collect();
    others.sort_by_key(|step| std::cmp::Reverse(step.work()));
    rows.extend(others.into_iter().take(MOST_ROWS - rows.len()));
    let mut rest = by_status(report);
    for shown in &rows {
        rest.entry(shown.status).and_modify(|count| *count -= 1);
    }
    rest.retain(|_, count| *count > 0);
    (rows, rest)
}

/// The number of steps by status, those that are not in the report's list included.
fn by_status(report: &RunReport) -> BTreeMap<Status, usize> {
    if report.left_out() > 0 {
        return report.counts.by_status().into_iter().collect();
    }
    let mut all: BTreeMap<Status, usize> = BTreeMap::new();
    report.steps.iter().for_each(|step| *all.entry(step.status).or_default() += 1);
    all
}
