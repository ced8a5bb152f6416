//! Times, amounts and texts, short enough for one line.

use std::time::Duration;

use pipeline_core::ProgressSoFar;

use super::tracker::Running;

/// An elapsed time in a short form: `4.2s`, `1m05s`, `2h03m`.
pub(in crate::cli) fn elapsed(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}.{}s", time.subsec_millis() / 100),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// An estimated time: whole seconds, and fewer digits for longer times.
pub(super) fn about(time: Duration) -> String {
    match time.as_secs() {
        0 => "less than 1s left".to_owned(),
        seconds @ 1..60 => format!("about {seconds}s left"),
        seconds @ 60..600 => format!("about {}m{:02}s left", seconds / 60, seconds % 60 / 10 * 10),
        seconds @ 600..3600 => format!("about {}m left", seconds / 60),
        seconds => format!("about {}h{:02}m left", seconds / 3600, seconds / 60 % 60),
    }
}

/// Which attempt of a step runs, or when it will; `None` for the first.
pub(super) fn attempt(row: &Running) -> Option<String> {
    let attempt = row.attempt;
    match row.in_attempt {
        None => Some(format!("attempt {attempt} in {}", elapsed(row.retry_in))),
        Some(_) => (attempt > 1).then(|| format!("attempt {attempt}")),
    }
}

/// The progress of a step: `120/1000  12%  31/s`; empty if it has none.
pub(super) fn progress(progress: &ProgressSoFar, since: Duration) -> String {
    let ProgressSoFar { done, total, .. } = progress;
    let mut text = match total {
        Some(total @ 1..) => {
            let percent = (u128::from(*done) * 100 / u128::from(*total)).min(100);
            format!("{done}/{total}  {percent}%")
        }
        Some(_) => format!("{done}/0"),
        None if *done > 0 => done.to_string(),
        None => return String::new(),
    };
    let seconds = since.as_secs_f64();
    if *done > 0 && seconds >= 0.5 {
        text.push_str(&rate(*done as f64 / seconds));
    }
    text
}

fn rate(per_second: f64) -> String {
    match per_second {
        r if r >= 1e9 => format!("  {:.1}G/s", r / 1e9),
        r if r >= 1e6 => format!("  {:.1}M/s", r / 1e6),
        r if r >= 1e4 => format!("  {:.0}k/s", r / 1e3),
        r if r >= 10.0 => format!("  {r:.0}/s"),
        r => format!("  {r:.1}/s"),
    }
}
