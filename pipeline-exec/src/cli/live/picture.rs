//! The picture of a run at one moment: a line for each running step, and one for the whole run.

use std::time::Duration;

use console::{measure_text_width, truncate_str};

use super::expectation::TimeLeft;
use super::tracker::{Running, Snapshot, Tracked};
use super::words;
use crate::cli::paint::Paint;
use crate::cli::wording::{counted, cut, fit, pad};
use crate::engine::steps_within;

/// A step gets a line after this time: lines that appear and vanish at once are noise.
const SETTLED: Duration = Duration::from_millis(300);
/// After this time without progress, the picture says what the run waits for.
const STILL: Duration = Duration::from_secs(10);
/// Names take at most this part of the line.
const NAME_PART: usize = 3;
/// Maximum width of the bar.
const BAR_WIDTH: usize = 24;
/// Minimum width of the bar.
const LEAST_BAR: usize = 6;

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) lines: usize,
    pub(super) columns: usize,
}

/// What is drawn besides the snapshot.
pub(super) struct Moment<'a> {
    /// The usual durations of steps.
    pub(super) time_left: &'a TimeLeft,
    /// The remaining time of the run, if it can be estimated.
    pub(super) left: Option<Duration>,
    /// Time since a step started, ended or reported progress.
    pub(super) still_for: Duration,
}

/// Draws one run repeatedly.
pub(super) struct Picture {
    paint: Paint,
    /// The widest name so far: the columns stay in place when steps start and end.
    name_width: usize,
}

impl Picture {
    pub(super) fn new(paint: Paint) -> Self {
        Picture { paint, name_width: 0 }
    }

    /// Returns the lines, top to bottom; none is wider than the terminal.
    pub(super) fn draw(
        &mut self,
        run: &Tracked,
        snapshot: &Snapshot,
        moment: &Moment<'_>,
        size: Size,
    ) -> Vec<String> {
        let paint = self.paint;
        // The last column stays empty: some terminals wrap a line that fills it.
        let width = size.columns.saturating_sub(1).max(10);
        let rows: Vec<&Running> =
            snapshot.running.iter().filter(|running| running.elapsed >= SETTLED).collect();
        // At most half of the terminal: earlier output stays visible.
        let most = (size.lines / 2).max(2);
        let shown = if rows.len() > most { most - 1 } else { rows.len() };
        let names: Vec<String> =
            rows[..shown].iter().map(|row| fit(run.name(row.step), width / NAME_PART)).collect();
        let widest = names.iter().map(|name| measure_text_width(name)).max().unwrap_or(0);
        self.name_width = self.name_width.max(widest);
        let name_width = self.name_width.min(width / NAME_PART);
        let row = |(row, name): (&&Running, &String)| {
            let usual = moment.time_left.usual(&run.identity(row.step));
            row_of(run, row, &pad(name, name_width), usual, paint)
        };
        let mut lines: Vec<String> = rows.iter().zip(&names).map(row).collect();
        if rows.len() > shown {
            lines.push(paint.dim(&format!("… and {} more running", rows.len() - shown)));
        }
        lines.extend(still(run, snapshot, moment).map(|line| paint.yellow(&line)));
        lines.push(bar(run, snapshot, moment, width, paint));
        lines.iter().map(|line| truncate_str(line, width, "…").into_owned()).collect()
    }
}

/// `name  lane  4.2s  attempt 2  120/1000  12%  31/s  note`
fn row_of(run: &Tracked, row: &Running, name: &str, usual: Option<Duration>, paint: Paint) -> String {
    let lane = run.view.plan().lane(row.step).name();
    let lane = paint.dim(&format!("{lane:<8}"));
    let mut parts = vec![format!("{name}  {lane}  {:>6}", words::elapsed(row.elapsed))];
    if let Some(usual) = usual.filter(|usual| row.elapsed > SETTLED.max(*usual * 2)) {
        parts.push(paint.yellow(&format!("usually {}", words::elapsed(usual))));
    }
    if let Some(attempt) = words::attempt(row) {
        parts.push(paint.yellow(&attempt));
    }
    let progress = run.view.activity(run.name(row.step)).progress;
    if let (Some(in_attempt), Some(progress)) = (row.in_attempt, progress) {
        let note = cut(&progress.note, 200);
        parts.push(words::progress(&progress, in_attempt));
        parts.push(if note.is_empty() { note } else { paint.dim(&note) });
    }
    if let Some((ended, planned)) = steps_within(run.view.run_id(), row.step) {
        parts.push(format!("{ended}/{planned} steps within"));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("  ")
}

/// `[=====>      ]  37/120 steps  2 failed, 5 skipped  1m05s, about 2m left`
fn bar(run: &Tracked, snapshot: &Snapshot, moment: &Moment<'_>, columns: usize, paint: Paint) -> String {
    let (all, planned) = (snapshot.ended.all, snapshot.planned);
    let elapsed = words::elapsed(snapshot.elapsed);
    let time = match moment.left {
        _ if run.view.is_stopped() => format!("{elapsed}, {}", paint.yellow("stopping")),
        Some(left) => format!("{elapsed}, {}", words::about(left)),
        None => elapsed,
    };
    let mut parts = vec![format!("{all}/{planned} steps"), endings(snapshot, paint), time];
    parts.retain(|part| !part.is_empty());
    let text = parts.join("  ");
    // The bar gets narrower if the text is long.
    let room = columns.saturating_sub(measure_text_width(&text) + "[]  ".len());
    let width = (columns * 3 / 10).min(BAR_WIDTH).min(room).max(LEAST_BAR);
    let done = (width * all / planned.max(1)).min(width);
    let head = if done < width { ">" } else { "" };
    let rest = " ".repeat(width - done - head.len());
    let line = paint.green(&format!("{}{head}", "=".repeat(done)));
    format!("[{line}{rest}]  {text}")
}

/// Returns the numbers of steps that did not succeed: `2 failed, 5 skipped`; empty if all did.
pub(super) fn endings(snapshot: &Snapshot, paint: Paint) -> String {
    let ended = snapshot.ended;
    let parts: Vec<String> = [
        (ended.failed, paint.red(&format!("{} failed", ended.failed))),
        (ended.skipped, paint.yellow(&format!("{} skipped", ended.skipped))),
        (ended.cancelled, paint.yellow(&format!("{} cancelled", ended.cancelled))),
    ]
    .into_iter()
    .filter_map(|(count, text)| (count > 0).then_some(text))
    .collect();
    parts.join(", ")
}

/// Returns what the run waits for, if there was no progress for a while.
fn still(run: &Tracked, snapshot: &Snapshot, moment: &Moment<'_>) -> Option<String> {
    if moment.still_for < STILL {
        return None;
    }
    let since = format!("no progress for {}", words::elapsed(moment.still_for));
    let behind = snapshot.planned.saturating_sub(snapshot.ended.all + snapshot.running.len());
    let Some(first) = snapshot.running.first() else {
        let waiting = if behind == 1 { "1 step waits".to_owned() } else { format!("{behind} steps wait") };
        return Some(format!("{since}; {waiting} for a limit, memory or an approval"));
    };
    let name = fit(run.name(first.step), 60);
    let others = match snapshot.running.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let waiting = match behind {
        0 => String::new(),
        _ => format!("; {} not started yet", counted(behind, "step")),
    };
    Some(format!("{since}: waiting for {name}{others}{waiting}"))
}
