//! Notes on steps that did not fail: why they were skipped or stopped, and their fallbacks.

use std::fmt::Write;

use pipeline_core::frame::Status;

use crate::cli::wording::{counted, cut, listed, number};
use crate::report::{RunReport, StepReport, detached_attempts};

/// Maximum number of notes.
const MOST: usize = 8;

/// Returns a line for each note; steps with the same note share one.
pub(super) fn notes(report: &RunReport) -> String {
    let mut notes: Vec<(String, Vec<&str>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for step in &report.steps {
        for note in of(step) {
            let place = *places.entry(note.clone()).or_insert_with(|| {
                notes.push((note, Vec::new()));
                notes.len() - 1
            });
            notes[place].1.push(&step.name);
        }
    }
    for nested in report.nested.iter().filter(|nested| !nested.succeeded) {
        notes.push((format!("run in it: {}", cut(&nested.to_string(), 400)), vec![&nested.step]));
    }
    let more = notes.len().saturating_sub(MOST);
    let shown = notes.into_iter().take(MOST).map(|(note, names)| {
        let names = listed(names, MOST);
        format!("note: {names}: {note}\n")
    });
    let mut text: String = shown.collect();
    if report.left_out() > 0 {
        let (planned, kept) = (number(report.counts.planned as u64), counted(report.steps.len(), "step"));
        let _ = writeln!(
            text,
            "note: of {planned} steps, page, trace and history have {kept}: those that failed, the unusual and the \
             slowest ones; the report as JSON has all"
        );
    }
    if more > 0 {
        let _ = writeln!(text, "… and {} in the report as JSON", counted(more, "further note"));
    }
    text
}

fn of(step: &StepReport) -> Vec<String> {
    let mut notes = Vec::new();
    if !step.status.is_failure() {
        let why = step.error.as_ref().map(|error| cut(&error.message, 400));
        notes.extend(why.map(|why| format!("{}: {why}", step.status.name())));
        if step.status == Status::Skipped && step.error.is_none() && step.because.is_none() {
            notes.push("skipped".to_owned());
        }
        notes.extend(still_running(step));
        let instead = step.fallback_for.as_ref().map(|error| cut(&error.message, 200));
        notes.extend(instead.map(|error| format!("fallback used: {error}")));
    }
    notes
}

/// Returns the note on detached attempts of a step.
pub(super) fn still_running(step: &StepReport) -> Option<String> {
    (step.still_running > 0).then(|| detached_attempts(step.still_running))
}
