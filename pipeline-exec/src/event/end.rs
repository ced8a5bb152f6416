//! The end of a run, as its observers see it.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use crate::record::RunRecord;
use crate::report::RunReport;

/// A run that has ended, in [`Event::RunFinished`](super::Event::RunFinished). Its report is made when it is first asked for,
/// and [`Run::report`](crate::Run::report) returns the same one later.
pub struct RunEnd<'a> {
    record: &'a RunRecord,
    duration: Duration,
    report: &'a OnceLock<RunReport>,
}

impl<'a> RunEnd<'a> {
    pub(crate) fn new(record: &'a RunRecord, duration: Duration, report: &'a OnceLock<RunReport>) -> Self {
        RunEnd { record, duration, report }
    }

    /// Returns the report of the run. O(steps) for the first call, nothing for others.
    pub fn report(&self) -> &'a RunReport {
        self.report.get_or_init(|| RunReport::of(self.record, self.duration))
    }
}

impl fmt::Debug for RunEnd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunEnd").field("duration", &self.duration).finish_non_exhaustive()
    }
}
