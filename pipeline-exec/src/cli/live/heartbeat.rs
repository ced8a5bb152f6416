//! The running steps in one line, for the log of a long run.

use std::time::Duration;

use super::tracker::{Running, Snapshot, Tracked};
use super::{picture, words};
use crate::cli::paint::Paint;
use crate::cli::wording::fit;

/// Maximum number of steps that are named.
const MOST_NAMED: usize = 8;

/// `37 of 120 ended, 2 failed, about 1m20s left: prices 34.1s 120/1000  12%  4/s, … and 3 more`
pub(super) fn text(run: &Tracked, snapshot: &Snapshot, left: Option<Duration>) -> String {
    let ended = format!("{} of {} ended", snapshot.ended.all, snapshot.planned);
    let endings = picture::endings(snapshot, Paint::default());
    let mut parts = vec![ended, endings, left.map(words::about).unwrap_or_default()];
    parts.retain(|part| !part.is_empty());
    let mut named: Vec<String> =
        snapshot.running.iter().take(MOST_NAMED).map(|running| of_step(run, running)).collect();
    match snapshot.running.len().checked_sub(MOST_NAMED) {
        Some(more @ 1..) => named.push(format!("… and {more} more")),
        _ if named.is_empty() => named.push("no step".to_owned()),
        _ => {}
    }
    format!("{}: {}", parts.join(", "), named.join(", "))
}

/// `prices 34.1s (attempt 2) 120/1000  12%  4/s`
fn of_step(run: &Tracked, row: &Running) -> String {
    let name = run.name(row.step);
    let mut parts = vec![fit(name, 60), words::elapsed(row.elapsed)];
    parts.extend(words::attempt(row).map(|attempt| format!("({attempt})")));
    if let (Some(in_attempt), Some(progress)) = (row.in_attempt, run.view.activity(name).progress) {
        parts.push(words::progress(&progress, in_attempt));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}
