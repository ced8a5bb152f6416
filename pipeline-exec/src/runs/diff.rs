//! The differences between two runs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pipeline_core::frame::Status;
use serde::{Deserialize, Serialize};

use super::started::differently;
use crate::report::{Provenance, RunReport, RunStatus, StepReport};

/// The differences of a later run from an earlier one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunDiff {
    /// The ids of the runs, the earlier first.
    pub runs: [String; 2],
    /// Their statuses.
    pub statuses: [RunStatus; 2],
    /// Their durations.
    pub walls: [Duration; 2],
    /// The differences in graph, settings, run parameters, seed and versions. Empty if there are none.
    pub drift: Vec<String>,
    /// The differences of the command lines, A of the earlier run, B of the later: options, terms, names of run
    /// parameters, except those that `drift` names. Empty if there are none, or if one run was not started on a command
    /// line.
    #[serde(default)]
    pub started: Vec<String>,
    /// The steps that both have, the largest differences of duration first.
    pub steps: Vec<StepDiff>,
    /// The steps that only the later run has.
    pub added: Vec<String>,
    /// The steps that only the earlier run has.
    pub removed: Vec<String>,
    /// The counters that differ.
    pub counters: Vec<CounterDiff>,
}

/// A step in two runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepDiff {
    /// Its name.
    pub step: String,
    /// Its statuses, that of the earlier run first.
    pub statuses: [Status; 2],
    /// Its durations, if it ran.
    pub durations: [Option<Duration>; 2],
    /// The ratio of its duration in the later run to that in the earlier; `None` unless it ran in both.
    pub ratio: Option<f64>,
    /// Its numbers of attempts.
    pub attempts: [u32; 2],
}

/// A counter of a step, in two runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CounterDiff {
    /// The name of the step.
    pub step: String,
    /// The name of the counter.
    pub counter: String,
    /// Its values, that of the earlier run first; `None` if there is none.
    pub counts: [Option<u64>; 2],
}

impl RunReport {
    /// Compares this run with an earlier one. Steps are matched by [identity](StepReport::identity).
    pub fn diff(&self, earlier: &RunReport) -> RunDiff {
        fn by_identity(report: &RunReport) -> BTreeMap<&str, &StepReport> {
            report.steps.iter().map(|step| (step.identity(), step)).collect()
        }
        let (before, after) = (by_identity(earlier), by_identity(self));
        let pairs: Vec<(&StepReport, &StepReport)> =
            self.steps.iter().filter_map(|now| Some((*before.get(now.identity())?, now))).collect();
        let mut steps: Vec<StepDiff> = pairs.iter().map(|(before, now)| StepDiff::of(before, now)).collect();
        steps.sort_by_key(|step| std::cmp::Reverse(step.change()));
        // A report from a journal has only the steps that had begun, and no counters: a missing step means nothing.
        let has_all = |report: &RunReport| report.counts.planned == report.steps.len();
        let only_in = |report: &RunReport, other: &RunReport, others: &BTreeMap<&str, &StepReport>| {
            let steps = report.steps.iter().filter(|_| has_all(other));
            let missing = steps.filter(|step| !others.contains_key(step.identity()));
            missing.map(|step| step.name.clone()).collect()
        };
        let counted = |report: &RunReport| report.provenance != Provenance::default();
        let both_counted = counted(earlier) && counted(self);
        RunDiff {
            runs: [earlier.run_id.clone(), self.run_id.clone()],
            statuses: [earlier.status, self.status],
            walls: [earlier.wall, self.wall],
            drift: of_another(earlier, self)
                .into_iter()
                .chain(self.provenance.drift(&earlier.provenance))
                .collect(),
            started: started(earlier, self),
            steps,
            added: only_in(self, earlier, &before),
            removed: only_in(earlier, self, &after),
            counters: pairs
                .iter()
                .filter(|_| both_counted)
                .flat_map(|(before, now)| counters(before, now))
                .collect(),
        }
    }
}

/// Returns a sentence if the runs are of different programs, and one if they are of different pipelines.
fn of_another(earlier: &RunReport, later: &RunReport) -> Vec<String> {
    let name = |pipeline: &Option<String>| pipeline.clone().unwrap_or_else(|| "(without a name)".to_owned());
    let mut differ = Vec::new();
    if earlier.program != later.program {
        differ.push(format!("program {} → {}", earlier.program, later.program));
    }
    if earlier.pipeline != later.pipeline {
        differ.push(format!("pipeline {} → {}", name(&earlier.pipeline), name(&later.pipeline)));
    }
    differ
}

fn started(earlier: &RunReport, later: &RunReport) -> Vec<String> {
    let lines = earlier.command_line.as_ref().zip(later.command_line.as_ref());
    // `drift` names the parameters that only one of the runs had.
    let told = later.provenance.params_of_one(&earlier.provenance);
    lines.map_or_else(Vec::new, |(earlier, later)| differently(earlier, later, &told))
}

impl StepDiff {
    fn of(before: &StepReport, now: &StepReport) -> Self {
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64()).filter(|time| *time > 0.0);
        let ratio = seconds(before.duration).zip(seconds(now.duration)).map(|(before, now)| now / before);
        StepDiff {
            step: now.name.clone(),
            statuses: [before.status, now.status],
            durations: [before.duration, now.duration],
            ratio,
            attempts: [before.attempts, now.attempts],
        }
    }

    /// Returns the difference of its durations.
    pub fn change(&self) -> Duration {
        let [before, now] = self.durations;
        before.unwrap_or_default().abs_diff(now.unwrap_or_default())
    }
}

fn counters(before: &StepReport, now: &StepReport) -> Vec<CounterDiff> {
    let (old, new) = (&before.activity.counters, &now.activity.counters);
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differ = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
    differ
        .map(|name| CounterDiff {
            step: now.name.clone(),
            counter: name.clone(),
            counts: [old.get(name).copied(), new.get(name).copied()],
        })
        .collect()
}
