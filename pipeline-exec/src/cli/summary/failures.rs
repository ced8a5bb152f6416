//! The failures, a block for each; equal failures share one.

use std::collections::HashMap;
use std::fmt::Write;

use owo_colors::{OwoColorize, Style};
use pipeline_core::FailureKind;
use pipeline_core::frame::Status;

use crate::cli::wording::{block, counted, cut, fit, listed, number, retried};
use crate::report::{ErrorReport, InputOrigin, RunReport, StepReport};

/// Maximum numbers of blocks, of names in a line, and of attempts and inputs in a block.
const MOST_BLOCKS: usize = 20;
const MOST_NAMES: usize = 8;
const MOST_LINES: usize = 8;

/// Steps that failed in the same way.
struct Alike<'r> {
    first: &'r StepReport,
    error: &'r ErrorReport,
    others: Vec<&'r StepReport>,
}

/// Returns every failure of the run, including optional steps'; empty if there is none.
pub(super) fn failures(report: &RunReport) -> String {
    let alike = grouped(report);
    let victims = Victims::of(report);
    let blocks: Vec<String> =
        alike.iter().take(MOST_BLOCKS).map(|alike| failure(report, alike, &victims)).collect();
    let mut text = blocks.join("\n");
    if let Some(more) = alike.len().checked_sub(MOST_BLOCKS).filter(|more| *more > 0) {
        let _ = writeln!(text, "… and {} of another kind", counted(more, "further failure"));
    }
    text
}

/// Returns the codes of all failures, in order, each once.
pub(super) fn codes(report: &RunReport) -> Vec<&'static str> {
    let failed = report.steps.iter().filter(|step| step.status.is_failure());
    let mut codes: Vec<&str> =
        failed.filter_map(|step| step.error.as_ref()).map(|error| error.kind.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn grouped(report: &RunReport) -> Vec<Alike<'_>> {
    let mut all: Vec<Alike<'_>> = Vec::new();
    let mut places = HashMap::new();
    let failed = report.steps.iter().filter(|step| step.status.is_failure());
    for (step, error) in failed.filter_map(|step| Some((step, step.error.as_ref()?))) {
        let key = (step.optional, step.status, error.kind, &error.message, &error.causes);
        let place = *places.entry(key).or_insert(all.len());
        match all.get_mut(place) {
            Some(alike) => alike.others.push(step),
            None => all.push(Alike { first: step, error, others: Vec::new() }),
        }
    }
    all
}

fn failure(report: &RunReport, alike: &Alike<'_>, victims: &Victims<'_>) -> String {
    let Alike { first: step, error, others } = alike;
    let (label, style) =
        if step.optional { ("warning", Style::new().yellow()) } else { ("error", Style::new().red()) };
    // A report from a journal does not have the locations of steps.
    let at =
        if step.location.is_empty() { String::new() } else { format!("at {}, ", cut(&step.location, 200)) };
    let mut lines = vec![at + &attempt(step)];
    lines.push(format!("{}: {}", error.kind.name(), block(&error.message, "    ")));
    lines.extend(
        error.causes.iter().take(MOST_LINES).map(|cause| format!("because {}", block(cause, "    "))),
    );
    lines.extend(more(error.causes.len(), "cause"));
    let earlier = step.failed_attempts.iter().take(MOST_LINES);
    lines.extend(earlier.map(|attempt| {
        format!(
            "attempt {}: {} ({})",
            attempt.attempt,
            cut(&attempt.error.message, 200),
            retried(attempt.retried_after)
        )
    }));
    lines.extend(more(step.failed_attempts.len(), "earlier attempt"));
    lines.extend(
        step.inputs
            .iter()
            .take(MOST_LINES)
            .map(|input| format!("input `{}`: {}", fit(&input.name, 60), origin(report, &input.origin))),
    );
    lines.extend(more(step.inputs.len(), "input"));
    lines.extend(victims.note(step, others));
    lines.extend(dead_letters(report, step));
    if step.optional {
        lines.push("optional: the run continues without it".to_owned());
    }
    lines.extend(super::notes::still_running(step));
    let also = also(others);
    let head = format!("{label}[{}]", error.kind.code());
    let mut text = format!("{}: {}{also}\n", head.style(style.bold()), what(step, error.kind).bold());
    for line in lines {
        let _ = writeln!(text, "    {line}");
    }
    text
}

fn what(step: &StepReport, kind: FailureKind) -> String {
    let name = fit(&step.name, 60);
    match kind {
        FailureKind::Panic => format!("step `{name}` panicked"),
        FailureKind::DropPanic => format!("dropping the output of step `{name}` panicked"),
        FailureKind::TimedOut => format!("step `{name}` timed out"),
        FailureKind::CircuitOpen => format!("step `{name}` was not tried"),
        _ => format!("step `{name}` failed"),
    }
}

fn also(others: &[&StepReport]) -> String {
    match others.len() {
        0 => String::new(),
        count => {
            let names = others.iter().map(|step| step.name.as_str());
            format!(", and {} more like it: {}", number(count as u64), listed(names, MOST_NAMES))
        }
    }
}

fn attempt(step: &StepReport) -> String {
    match (step.attempts, step.most_attempts) {
        (0, _) => "not started".to_owned(),
        (attempt, most) if most < attempt => format!("attempt {attempt}"),
        (attempt, most) => format!("attempt {attempt} of {most}"),
    }
}

fn more(count: usize, what: &str) -> Option<String> {
    let more = count.checked_sub(MOST_LINES).filter(|more| *more > 0)?;
    Some(format!("… and {}", counted(more, &format!("further {what}"))))
}

/// Returns the source of an input, never its value.
fn origin(report: &RunReport, origin: &InputOrigin) -> String {
    match origin {
        InputOrigin::Steps(steps) => {
            let names: Vec<&str> =
                steps.iter().filter_map(|&step| Some(report.steps.get(step)?.name.as_str())).collect();
            match names.len() {
                0 => "from no step of this run".to_owned(),
                1 => format!("from step {}", listed(names, 1)),
                count => {
                    format!("from {}: {}", counted(count, "step"), listed(names, MOST_NAMES))
                }
            }
        }
        InputOrigin::Param(origin) => format!("a run parameter, from {}", cut(origin, 120)),
        InputOrigin::Resource(ty) => format!("a resource given to the run, `{}`", fit(ty, 80)),
    }
}

fn dead_letters(report: &RunReport, step: &StepReport) -> Option<String> {
    let count = report.dead_letters.iter().filter(|letter| letter.step == step.name).count();
    (count > 0).then(|| format!("{} could not be processed before that", counted(count, "item")))
}

/// The skipped steps, by the step that first caused it.
struct Victims<'r>(HashMap<&'r str, Vec<&'r str>>);

impl<'r> Victims<'r> {
    fn of(report: &'r RunReport) -> Self {
        let mut root: HashMap<&str, &str> = HashMap::new();
        let mut victims: HashMap<&str, Vec<&str>> = HashMap::new();
        // Steps are in plan order, so the cause of a step has its own cause already.
        for step in report.steps.iter().filter(|step| step.status == Status::Skipped) {
            let Some(because) = step.because.as_deref() else { continue };
            let because = root.get(because).copied().unwrap_or(because);
            root.insert(&step.name, because);
            victims.entry(because).or_default().push(&step.name);
        }
        Victims(victims)
    }

    fn note(&self, first: &StepReport, others: &[&StepReport]) -> Option<String> {
        let steps = std::iter::once(&first).chain(others);
        let all: Vec<&str> =
            steps.filter_map(|step| self.0.get(step.name.as_str())).flatten().copied().collect();
        let who = if others.is_empty() {
            let ended = if first.status == Status::TimedOut { "timed out" } else { "failed" };
            format!("because `{}` {ended}", fit(&first.name, 60))
        } else {
            "because of these".to_owned()
        };
        let verb = if all.len() == 1 { "was" } else { "were" };
        let count = counted(all.len(), "step");
        (!all.is_empty()).then(|| format!("{count} {verb} skipped {who}: {}", listed(all, MOST_NAMES)))
    }
}
