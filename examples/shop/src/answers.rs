//! What a run achieved, in one line after its summary, and whether the reports are right.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use pipeline::{Event, RunReport};

use crate::checksums::Checksums;

/// What there is to say of the run, once it has ended.
#[derive(Clone, Default)]
pub(crate) struct Answers(Arc<OnceLock<Answer>>);

struct Answer {
    line: String,
    /// The reports that are missing or differ.
    wrong: Vec<&'static str>,
}

impl Answers {
    /// Returns an observer that compares the reports when all have been written.
    pub(crate) fn observer(
        &self,
        checksums: Option<Checksums>,
        out: PathBuf,
    ) -> impl Fn(&Event<'_>) + Send + Sync + 'static {
        let answers = Arc::clone(&self.0);
        move |event| {
            if let Event::RunFinished { succeeded: true, end, .. } = event {
                let _ = answers.set(Answer::of(end.report(), checksums, &out));
            }
        }
    }

    /// Prints the line, if a run succeeded. Returns whether no report is wrong.
    pub(crate) fn print(&self) -> bool {
        let Some(Answer { line, wrong }) = self.0.get() else { return true };
        println!("{line}");
        wrong.iter().for_each(|name| println!("  {name} differs"));
        wrong.is_empty()
    }
}

impl Answer {
    /// `49 steps in 0.7 s, 1.9 × faster than one at a time, 10 of 10 outputs match: target/shop/small/out`
    fn of(report: &RunReport, checksums: Option<Checksums>, out: &Path) -> Self {
        let (steps, seconds) = (report.counts.planned, report.wall.as_secs_f64());
        let mut line = format!("{steps} steps in {seconds:.1} s");
        // A few small steps are not faster at once.
        if report.figures.speed_up >= 1.05 {
            line += &format!(", {:.1} × faster than one at a time", report.figures.speed_up);
        }
        let is_report = |name: &&str| report.step(&name.replace('.', "_")).is_some();
        let wrong = checksums.map(|checksums| {
            let written = checksums.names().filter(is_report).count();
            let mut wrong = checksums.mismatches(out);
            wrong.retain(is_report);
            line += &format!(", {} of {written} outputs match", written - wrong.len());
            wrong
        });
        line += &format!(": {}", out.display());
        Answer { line, wrong: wrong.unwrap_or_default() }
    }
}
