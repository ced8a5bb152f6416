//! A run as lines, one for each event: `15:04:05 started   orders [io]`.

use std::fmt::Write;
use std::time::Duration;

use pipeline_core::frame::Status;
use pipeline_core::{Format, StepActivity};

use super::columns::columns;
use super::output::{Form, Level, OutputOptions};
use super::paint::Paint;
use super::settings::rows;
use super::wording::{age, counted, cut, fit, number};
use crate::event::{Event, RunView};
use crate::report::LARGE as LARGE_RUN;
use crate::settings::SettingInForce;
use crate::stored::{CachedFrom, ResumeReport};
use crate::text::{short_id, show};

/// On a terminal, shorter steps leave no line.
const LONG: Duration = Duration::from_secs(1);
/// Maximum columns of names and messages; the report has the full texts.
const MOST_OF_NAME: usize = 200;
const MOST_OF_TEXT: usize = 500;
/// Maximum number of steps of a resumed run that are said to run again.
const MOST_AGAIN: usize = 10;
/// Maximum number of steps of a plan that is printed.
const LARGE: usize = 200;

/// The colour of the first word of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tone {
    Calm,
    Good,
    Odd,
    Bad,
}

/// Returns the line of an event; `None` if the options want none. `view` is the run's, once it has started; a verbose run
/// begins with `settings`.
pub(super) fn line(
    event: &Event<'_>,
    view: Option<&RunView>,
    settings: &[SettingInForce],
    options: OutputOptions,
) -> Option<String> {
    let is_large = view.is_some_and(|view| view.plan().len() > LARGE_RUN);
    if !is_wanted(event, options, is_large) {
        return None;
    }
    let (tone, word, text) = match event {
        Event::RunStarted { run_id, planned, view } => {
            let begin = if options.level >= Level::Verbose {
                let all = options.level == Level::All;
                beginning(view, settings.iter().filter(|setting| all || !setting.is_default()))
            } else {
                String::new()
            };
            let terse = if is_large && options.form == Form::Lines && options.level < Level::Verbose {
                format!("; those that succeed within {LONG:.0?} have no line (-v shows all)")
            } else {
                String::new()
            };
            let steps = counted(*planned, "step");
            (Tone::Calm, "run", format!("{}: {steps}{terse}{begin}", short_id(run_id)))
        }
        Event::StepStarted { step, lane, .. } => (Tone::Calm, "started", format!("{} [{lane}]", name(step))),
        Event::StepFinished { step, status: Status::Skipped, error, because, .. } => {
            let why = match (because, error) {
                (Some(because), _) => {
                    format!(" because {} {}", name(because.step), without_output(because.status))
                }
                (None, Some(error)) => format!(": {}", message(error.message())),
                (None, None) => String::new(),
            };
            (Tone::Odd, "skipped", name(step) + &why)
        }
        Event::StepFinished { step, cached_from: Some(from), .. } => {
            (Tone::Good, "cached", format!("{}, {}", name(step), made(from)))
        }
        Event::StepFinished { step, status: Status::Cached, .. } => (Tone::Good, "cached", name(step)),
        Event::StepFinished { step, status, duration, error, .. } => {
            let mut text = format!("{} in {}", name(step), show(Some(*duration)));
            if let Some(error) = error {
                let _ = write!(text, ": {}", message(error.message()));
            }
            if options.level == Level::All
                && let Some(view) = view
            {
                text.push_str(&counters(&view.activity(step)));
            }
            (tone(*status), status.name(), text)
        }
        Event::AttemptFailed { step, attempt, error, retry_in, .. } => {
            let (error, retrying) = (message(error.message()), retrying(*retry_in));
            let text = format!("attempt {attempt} of {} failed, {retrying}: {error}", name(step));
            (Tone::Odd, "retry", text)
        }
        Event::FallbackUsed { step, error, .. } => {
            (Tone::Odd, "fallback", format!("{}: {}", name(step), message(error.message())))
        }
        Event::SlowPoll { step, time, .. } => (
            Tone::Odd,
            "warning",
            format!(
                "async step `{}` has blocked its thread for {}; make it a plain `fn`, which runs on a separate thread",
                name(step),
                show(Some(*time))
            ),
        ),
        Event::NestedRunFinished { nested, .. } => {
            let tone = if nested.succeeded { Tone::Good } else { Tone::Bad };
            (tone, "nested", format!("run in {}, {}", name(&nested.step), message(&nested.to_string())))
        }
        Event::SlotsChanged { reason, .. } => (Tone::Odd, "slots", message(reason)),
        // The line of the failed attempt before it has announced it.
        Event::AttemptStarted { .. } | Event::RunFinished { .. } => return None,
    };
    Some(stamped(tone, word, &text, options.paint))
}

/// Returns the line of a heartbeat: `15:04:05 running   …`.
pub(super) fn heartbeat(text: &str, paint: Paint) -> String {
    stamped(Tone::Calm, "running", text, paint)
}

/// Returns what a run takes over from the run that it resumes, and why steps run again that had ended in that run.
pub(super) fn resumed(resumed: &ResumeReport, planned: usize, paint: Paint) -> Vec<String> {
    let (id, planned) = (short_id(&resumed.run), counted(planned, "step"));
    let done = number(resumed.done as u64);
    let mut lines =
        vec![stamped(Tone::Calm, "resumes", &format!("run {id}: {done} of {planned} are done"), paint)];
    for again in resumed.again.iter().take(MOST_AGAIN) {
        let text = format!("{}: {}", name(&again.step), message(&again.reason));
        lines.push(stamped(Tone::Odd, "again", &text, paint));
    }
    if resumed.again.len() > MOST_AGAIN {
        let more = number((resumed.again.len() - MOST_AGAIN) as u64);
        lines.push(stamped(Tone::Odd, "again", &format!("and {more} more; the report has all"), paint));
    }
    lines
}

/// Returns where a stored output comes from: `made in 33.6 ms by run 1a2b3c4d, 2 h ago`.
fn made(from: &CachedFrom) -> String {
    let took = from.took().map_or_else(String::new, |took| format!("in {} ", show(Some(took))));
    format!("made {took}by run {}, {} ago", message(short_id(&from.run)), age(from.made_unix_ms))
}

/// Returns a warning: `15:04:05 warning   …`.
pub(super) fn warning(text: &str, paint: Paint) -> String {
    stamped(Tone::Odd, "warning", text, paint)
}

/// Whether an event has a line. In a [large](LARGE_RUN) run, short steps have none, as on a terminal: writing two lines for
/// each of a million steps takes longer than the steps.
fn is_wanted(event: &Event<'_>, options: OutputOptions, is_large: bool) -> bool {
    let is_terse = options.form != Form::Lines || is_large;
    match event {
        Event::StepFinished { status, .. } if status.is_failure() => true,
        Event::NestedRunFinished { nested, .. } if !nested.succeeded => true,
        _ if options.level == Level::Quiet => false,
        Event::RunStarted { .. } if options.form == Form::Lines => true,
        _ if !is_terse || options.level >= Level::Verbose => true,
        // On a terminal, the rows show the rest.
        Event::StepFinished { status, duration, .. } => *status == Status::Succeeded && *duration >= LONG,
        Event::NestedRunFinished { nested, .. } => nested.wall >= LONG,
        Event::RunStarted { .. } | Event::StepStarted { .. } | Event::AttemptFailed { .. } => false,
        _ => true,
    }
}

fn tone(status: Status) -> Tone {
    match status {
        Status::Failed | Status::TimedOut => Tone::Bad,
        Status::Succeeded | Status::Cached | Status::Given => Tone::Good,
        _ => Tone::Odd,
    }
}

fn stamped(tone: Tone, word: &str, text: &str, paint: Paint) -> String {
    let time = jiff::Zoned::now().strftime("%H:%M:%S").to_string();
    let word = format!("{word:<9}");
    let word = match tone {
        Tone::Calm => paint.dim(&word),
        Tone::Good => paint.green(&word),
        Tone::Odd => paint.yellow(&word),
        Tone::Bad => paint.red(&word),
    };
    format!("{} {word} {text}", paint.dim(&time))
}

/// Returns how a step ended whose output is missing.
fn without_output(status: Status) -> &'static str {
    match status {
        Status::Failed => "failed",
        Status::TimedOut => "timed out",
        Status::Skipped => "was skipped",
        Status::Cancelled => "was cancelled",
        _ => "has no output",
    }
}

/// Returns when the next attempt follows.
fn retrying(wait: Duration) -> String {
    if wait.is_zero() { "retrying at once".to_owned() } else { format!("retrying in {}", show(Some(wait))) }
}

fn name(step: &str) -> String {
    fit(step, MOST_OF_NAME)
}

fn message(text: &str) -> String {
    cut(text, MOST_OF_TEXT)
}

/// `; rows_in 1200, rejected 3`
fn counters(activity: &StepActivity) -> String {
    let counters: Vec<String> =
        activity.counters.iter().map(|(name, count)| format!("{} {count}", fit(name, 40))).collect();
    if counters.is_empty() { String::new() } else { format!("; {}", counters.join(", ")) }
}

/// Returns settings and plan, which a verbose run begins with.
fn beginning<'s>(view: &RunView, settings: impl Iterator<Item = &'s SettingInForce>) -> String {
    let mut text = String::new();
    for line in columns(&rows(settings), [false; 3]).lines() {
        let _ = write!(text, "\n    {line}");
    }
    let plan = view.plan();
    if plan.len() > LARGE {
        let _ = write!(text, "\n  the plan has {} steps: `plan` shows them", plan.len());
        return text;
    }
    for line in plan.sub_dag().render(Format::Text).lines() {
        let _ = write!(text, "\n  {line}");
    }
    text
}
