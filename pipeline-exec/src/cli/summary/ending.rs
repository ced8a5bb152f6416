//! The last lines of a summary: how the run ended, and how to retry it.

use std::fmt::Write as _;
use std::time::Duration;

use owo_colors::OwoColorize;

use super::failures;
use crate::cli::again::{Again, again, resume};
use crate::cli::program::explain;
use crate::cli::wording::{counted, listed, paragraph};
use crate::report::{CommandLine, RunReport, RunStatus};
use crate::runs::RunState;
use crate::text::{clean, short_id, show};

/// Maximum number of steps that are named.
const MOST_NAMES: usize = 12;

/// What is known besides the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known<'a> {
    /// This process ran it, and has all of its command line, if it has this one; and what a run has to do that resumes it, if
    /// that is possible.
    Whole(Option<&'a CommandLine>, Option<&'a ToResume>),
    /// Its state in the runs directory, and whether the store still has what another run needs to resume it.
    Recorded { state: RunState, can_be_resumed: bool },
}

/// What a run has to do that resumes this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct ToResume {
    /// Number of steps that it runs.
    pub(in crate::cli) steps: usize,
    /// The names of the steps among them that had succeeded, each with the reason.
    pub(in crate::cli) again: Vec<(String, &'static str)>,
    /// The run parameters whose values were not recorded, because they are or may be secret.
    pub(in crate::cli) values_of: Vec<String>,
}

/// How the run ended, or how far it is, and how to retry it.
pub(super) fn ending(report: &RunReport, columns: usize, known: Known<'_>) -> String {
    let mut text = match known {
        Known::Recorded { state: state @ (RunState::Running | RunState::Interrupted), .. } => {
            let outcome = paragraph("", &by_its_journal(report, state), 0, columns);
            let reason = report.stopped_because.as_deref().unwrap_or_default();
            format!("{}\n{}", outcome.trim_end().yellow(), paragraph("", reason, 0, columns))
        }
        _ => ended(report, columns),
    };
    let is_running = matches!(known, Known::Recorded { state: RunState::Running, .. });
    if report.status != RunStatus::Succeeded && !is_running {
        to_retry(report, columns, known, &mut text);
    }
    if let Some(more) = explain(&failures::codes(report)) {
        let _ = writeln!(text, "{}", clean(&more));
    }
    text
}

fn ended(report: &RunReport, columns: usize) -> String {
    let outcome = paragraph("", &report.outcome(), 0, columns);
    let outcome = outcome.trim_end();
    let mut text = match report.status {
        RunStatus::Succeeded => format!("{}\n", outcome.green()),
        RunStatus::Failed => format!("{}\n", outcome.red()),
        RunStatus::Cancelled => format!("{}\n", outcome.yellow()),
    };
    if let Some(reason) = &report.stopped_because {
        text.push_str(&paragraph("stopped:", reason, 9, columns));
    }
    text
}

/// The outcome of a run without an end, whose other steps were not cancelled.
fn by_its_journal(report: &RunReport, state: RunState) -> String {
    let counts = &report.counts;
    let ended = [
        (counts.succeeded, "succeeded"),
        (counts.failed, "failed"),
        (counts.timed_out, "timed out"),
        (counts.skipped, "skipped"),
    ];
    let left = counts.planned.saturating_sub(ended.iter().map(|(count, _)| count).sum());
    let (is, verb) = match state {
        RunState::Running => ("is running", "have"),
        _ => ("was interrupted", "had"),
    };
    let mut text = format!("run {} {is}", clean(short_id(&report.run_id)));
    let _ = write!(text, ": {} of {} steps succeeded", counts.succeeded, counts.planned);
    for (count, what) in ended.into_iter().skip(1).filter(|(count, _)| *count > 0) {
        let _ = write!(text, ", {count} {what}");
    }
    let _ = write!(text, ", {left} {verb} not ended");
    // Its journal has the time of its last event.
    if state == RunState::Interrupted && report.wall > Duration::ZERO {
        let _ = write!(text, "; last sign of life at {}", show(Some(report.wall)));
    }
    text
}

/// The command that retries the run, on a separate line that can be copied, and what it leaves out.
fn to_retry(report: &RunReport, columns: usize, known: Known<'_>, text: &mut String) {
    let line = match known {
        Known::Whole(line, _) => line,
        Known::Recorded { .. } => report.command_line.as_ref(),
    };
    // A program with its own arguments has another command line.
    let Some(line) = line else { return };
    match known {
        Known::Whole(_, Some(left)) => return to_resume(report, columns, line, left, text),
        Known::Recorded { can_be_resumed: true, .. } if line.verb == "run" => {
            let _ = writeln!(text, "to resume: {}", clean(&resume(report, line)));
            return;
        }
        _ => {}
    }
    let Again { command, values_of, left, repeated } = again(report, line);
    let _ = writeln!(text, "to retry: {}", clean(&command));
    let mut parts = Vec::new();
    // Which steps a selection of a large run lacks is not known.
    if report.left_out() == 0 {
        // A report from a journal lacks the steps that had not begun.
        let unknown = report.counts.planned.saturating_sub(report.steps.len());
        let others = if unknown == 0 { String::new() } else { format!(", and {unknown} that had not begun") };
        let count = counted(left.len() + unknown, "step");
        parts.push(format!("{count} left: {}{others}", listed(&left, MOST_NAMES)));
        if !repeated.is_empty() {
            let count = counted(repeated.len(), "step");
            parts.push(format!("runs {count} again: {}", listed(&repeated, MOST_NAMES)));
        }
    }
    if !values_of.is_empty() {
        let values: Vec<String> = values_of.iter().map(|name| format!("`-p {name}=…`")).collect();
        parts.push(format!("add {}", values.join(", ")));
    }
    if !parts.is_empty() {
        text.push_str(&paragraph("", &clean(&format!("({})", parts.join("; "))), 10, columns));
    }
}

/// The command that goes on with the run, and what it runs again.
fn to_resume(report: &RunReport, columns: usize, line: &CommandLine, left: &ToResume, text: &mut String) {
    let _ = writeln!(text, "to resume: {}", clean(&resume(report, line)));
    let mut parts = vec![format!("runs {} of {}", counted(left.steps, "step"), report.counts.planned)];
    let mut reasons: Vec<&str> = left.again.iter().map(|(_, reason)| *reason).collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        let of_reason = left.again.iter().filter(|(_, of)| *of == reason);
        let names: Vec<String> = of_reason.map(|(name, _)| name.clone()).collect();
        parts.push(format!("again {}, {reason}", listed(&names, MOST_NAMES)));
    }
    if !left.values_of.is_empty() {
        let values: Vec<String> = left.values_of.iter().map(|name| format!("`-p {name}=…`")).collect();
        parts.push(format!("add {}", values.join(", ")));
    }
    text.push_str(&paragraph("", &clean(&format!("({})", parts.join("; "))), 11, columns));
}
