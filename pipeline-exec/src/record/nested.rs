//! Runs within the steps of a run, as the outer run remembers them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use pipeline_core::frame::Status;
use serde::{Deserialize, Serialize};

use super::{ErrorReport, RunRecord};
use crate::text::{clean, counted, show};

/// Maximum number of nested runs that a run remembers; the others are counted.
const MOST_KEPT: usize = 1000;
/// Maximum number of failures that are kept of a nested run.
const MOST_FAILURES: usize = 8;

/// A run [within](crate::Pipeline::within) a step of another run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NestedReport {
    /// The step of the outer run in which it ran.
    pub step: String,
    /// The id of the nested run. Empty in the report of a deterministic run.
    pub run_id: String,
    /// Whether nothing went wrong.
    pub succeeded: bool,
    /// Time from the start of the outer run to its start. 0 in a deterministic run.
    pub start: Duration,
    /// Time from its start to the end of its last step. 0 in a deterministic run.
    pub wall: Duration,
    /// Number of its steps.
    pub planned: usize,
    /// Number of its steps that ended in each state, without those of which there is none.
    pub counts: BTreeMap<Status, usize>,
    /// Its first failures, in plan order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<NestedFailure>,
    /// The runs within its own steps, at most 1,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nested: Vec<NestedReport>,
    /// Number of further runs within its own steps.
    #[serde(default, skip_serializing_if = "is_none")]
    pub more_nested: usize,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_none(more: &usize) -> bool {
    *more == 0
}

/// A step of a nested run that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NestedFailure {
    /// The name of the step.
    pub step: String,
    /// Why.
    pub error: ErrorReport,
}

/// The nested runs that have ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct NestedRuns {
    /// In the order in which they ended, each with the position of the outer step.
    kept: Vec<(usize, NestedReport)>,
    /// Number of those that are not kept.
    pub(crate) more: usize,
}

impl NestedReport {
    /// The report of a run within the step `step` of `outer`.
    pub(crate) fn of(run: &RunRecord, wall: Duration, outer: &RunRecord, step: usize) -> Self {
        let (frame, plan, nested) = (&run.frame, run.frame.plan(), run.nested_runs());
        let mut counts: BTreeMap<Status, usize> = BTreeMap::new();
        let mut failures = Vec::new();
        for step in 0..plan.len() {
            let status = frame.status(step);
            *counts.entry(status).or_default() += 1;
            if let Some(error) = frame.error(step).filter(|_| status.is_failure())
                && failures.len() < MOST_FAILURES
            {
                let step = plan.spec(step).name().to_owned();
                failures.push(NestedFailure { step, error: ErrorReport::of(error) });
            }
        }
        NestedReport {
            step: outer.frame.plan().spec(step).name().to_owned(),
            run_id: frame.scope().run_id().to_owned(),
            succeeded: run.succeeded(),
            start: run.began.at.saturating_duration_since(outer.began.at),
            wall,
            planned: plan.len(),
            counts,
            failures,
            more_nested: nested.more,
            nested: nested.in_order(false),
        }
    }

    /// Removes what differs between two runs of the same.
    fn untimed(mut self) -> Self {
        (self.start, self.wall) = (Duration::ZERO, Duration::ZERO);
        self.run_id.clear();
        self.nested = self.nested.into_iter().map(NestedReport::untimed).collect();
        self
    }
}

/// `40 steps in 1.20 s: 38 succeeded, 1 failed, 1 skipped; `load` failed: no route to host`
impl fmt::Display for NestedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts.iter().map(|(status, count)| format!("{count} {status}"));
        let counts = counts.collect::<Vec<_>>().join(", ");
        write!(f, "{} in {}: {counts}", counted(self.planned, "step"), show(Some(self.wall)))?;
        for NestedFailure { step, error } in &self.failures {
            write!(f, "; `{}` failed: {}", clean(step), clean(&error.message))?;
        }
        Ok(())
    }
}

impl NestedRuns {
    pub(super) fn add(&mut self, step: usize, report: NestedReport) {
        if self.kept.len() < MOST_KEPT { self.kept.push((step, report)) } else { self.more += 1 }
    }

    /// The nested runs by the plan order of their steps, then in the order in which they began. Of a deterministic run,
    /// without times, and in an order that does not depend on them.
    pub(crate) fn in_order(mut self, is_deterministic: bool) -> Vec<NestedReport> {
        self.kept.sort_by_key(|(step, report)| (*step, report.start));
        let in_order = self.kept.into_iter();
        if !is_deterministic {
            return in_order.map(|(_, report)| report).collect();
        }
        let mut untimed: Vec<_> = in_order.map(|(step, report)| (step, report.untimed())).collect();
        untimed
            .sort_by_cached_key(|(step, report)| (*step, serde_json::to_string(report).unwrap_or_default()));
        untimed.into_iter().map(|(_, report)| report).collect()
    }
}
