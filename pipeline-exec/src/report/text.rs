//! The report as plain text.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::time::Duration;

use pipeline_core::frame::Status;

use super::{RunReport, RunStatus};
use crate::stored::StoreReport;
use crate::text::{BRIEF, clean, counted, path, short_id, shortened, show};

impl fmt::Display for RunReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name_width =
            self.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or(4).clamp(4, 40);
        writeln!(
            f,
            "{:<name_width$}  {:<9}  {:<8}  {:>10}  {:>10}",
            "step", "status", "lane", "wait", "time"
        )?;
        let ended = self.ended_otherwise();
        for step in &self.steps {
            let (wait, time) = (show(step.wait), show(step.duration));
            let (status, lane) = (step.status.name(), step.lane.name());
            writeln!(
                f,
                "{:<name_width$}  {status:<9}  {lane:<8}  {wait:>10}  {time:>10}",
                clean(&shortened(&step.name))
            )?;
            if let Some(error) = &step.error {
                write!(f, "    {}: {}", error.kind.name(), clean(&error.message))?;
                // A report that was made of a journal does not have the places of its steps.
                if !step.location.is_empty() {
                    write!(f, " ({})", clean(&step.location))?;
                }
                writeln!(f)?;
                for cause in &error.causes {
                    writeln!(f, "    because {}", clean(cause))?;
                }
            }
            if step.optional && step.status.is_failure() {
                writeln!(f, "    optional: the run continues without it")?;
            }
            for attempt in &step.failed_attempts {
                writeln!(f, "    attempt {}: {}", attempt.attempt, clean(&attempt.error.message))?;
            }
            if let Some(error) = &step.fallback_for {
                writeln!(f, "    fallback used: {}", clean(&error.message))?;
            }
            if step.still_running > 0 {
                writeln!(f, "    {}", detached_attempts(step.still_running))?;
            }
            if let Some(time) = step.slow_poll {
                writeln!(
                    f,
                    "    blocked its thread for {}: make it a plain `fn`, which runs on a separate thread",
                    show(Some(time))
                )?;
            }
            if let Some(because) = &step.because {
                let what = ended.get(because.as_str()).copied().unwrap_or("failed");
                writeln!(f, "    because `{}` {what}", clean(because))?;
            }
        }
        for nested in &self.nested {
            writeln!(f, "run in `{}`: {nested}", clean(&nested.step))?;
        }
        self.totals(f)
    }
}

impl RunReport {
    /// How steps without an output ended that did not fail, in words.
    fn ended_otherwise(&self) -> HashMap<&str, &'static str> {
        let words = |status| match status {
            Status::TimedOut => Some("timed out"),
            Status::Skipped => Some("was skipped"),
            Status::Cancelled => Some("was cancelled"),
            _ => None,
        };
        self.steps.iter().filter_map(|step| Some((step.name.as_str(), words(step.status)?))).collect()
    }

    /// How the run ended, in one line.
    pub(crate) fn outcome(&self) -> String {
        let counts = &self.counts;
        let outcome = match self.status {
            RunStatus::Succeeded => "succeeded",
            RunStatus::Failed => "failed",
            RunStatus::Cancelled => "was stopped",
        };
        let mut text = format!("run {} {outcome}", clean(short_id(&self.run_id)));
        if self.wall > Duration::ZERO {
            let _ = write!(text, " in {}", show(Some(self.wall)));
        }
        let succeeded = counts.succeeded + counts.cached + counts.given;
        let _ = write!(text, ": {succeeded} of {} steps succeeded", counts.planned);
        if counts.cached > 0 {
            let _ = write!(text, " ({} from the store)", counts.cached);
        }
        let others = [
            (counts.failed, "failed"),
            (counts.timed_out, "timed out"),
            (counts.skipped, "skipped"),
            (counts.cancelled, "cancelled"),
        ];
        for (count, what) in others.iter().filter(|(count, _)| *count > 0) {
            let _ = write!(text, ", {count} {what}");
        }
        text
    }

    fn totals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = &self.figures;
        f.write_str(&self.outcome())?;
        if let Some(store) = self.store.as_ref().and_then(StoreReport::figures) {
            write!(f, "\nstore: {store}")?;
        }
        if let Some(reason) = &self.stopped_because {
            write!(f, "\nstopped: {}", clean(reason))?;
        }
        for reason in self.limited_by.iter().take(MOST_REASONS) {
            write!(f, "\nlimited: {}", clean(reason))?;
        }
        if let Some(first) = self.dead_letters.first() {
            let count = self.dead_letters.len();
            write!(
                f,
                "\n{} could not be processed, the first in `{}`: {}",
                counted(count, "item"),
                clean(&first.step),
                clean(&first.error)
            )?;
        }
        // A report that was made of a journal has no graph, and so none of these.
        if figures.total > Duration::ZERO && figures.levels > 0 {
            let steps: Vec<String> = figures.critical_steps.iter().map(|step| clean(step)).collect();
            write!(
                f,
                "\ncritical path {} of {} total ({}); ",
                show(Some(figures.critical_path)),
                show(Some(figures.one_at_a_time)),
                path(&steps),
            )?;
            // Of shorter times, these would be figures of the scheduler.
            if figures.one_at_a_time >= BRIEF {
                let (speed_up, efficiency) = (figures.speed_up, figures.schedule_efficiency);
                write!(f, "speed-up {speed_up:.2}, schedule efficiency {efficiency:.2}, ")?;
            }
            write!(f, "peak {} at once", figures.peak_concurrency)?;
        }
        Ok(())
    }
}

/// Maximum number of reasons in `limited_by` that are shown.
const MOST_REASONS: usize = 8;

/// The number of attempts that still run, in words.
pub(crate) fn detached_attempts(attempts: u32) -> String {
    let whose = if attempts == 1 { "its thread" } else { "their threads" };
    format!("still running: {}, detached on {whose}", counted(attempts as usize, "attempt"))
}
