//! Checks the record of a run against the rules that hold for every run.

use std::collections::BTreeMap;

use pipeline_core::frame::Status;
use pipeline_core::{Lane, Plan};

use super::{Moment, What};
use crate::report::{RunReport, StepReport};
use crate::settings::Settings;

/// The indices of the start and end of a step in the history.
#[derive(Clone, Debug, Default)]
struct Seen {
    start: Option<usize>,
    end: Option<usize>,
    /// Number of failed attempts that were followed by another.
    failed: u32,
}

/// A check of the history of a run.
pub(super) struct Check<'a> {
    plan: &'a Plan,
    report: &'a RunReport,
    /// Steps with their events, in order.
    moments: Vec<(usize, What)>,
    seen: Vec<Seen>,
    violations: Vec<String>,
}

impl<'a> Check<'a> {
    pub(super) fn new(plan: &'a Plan, report: &'a RunReport, history: Vec<Moment>) -> Self {
        let seen = vec![Seen::default(); plan.len()];
        let mut check = Check { plan, report, moments: Vec::new(), seen, violations: Vec::new() };
        for Moment { step: name, what } in history {
            match plan.dag().find(&name).ok().and_then(|step| plan.position(step)) {
                Some(step) => check.moments.push((step, what)),
                None => check.say(format!("`{name}` is not part of the plan")),
            }
        }
        check
    }

    pub(super) fn violations(self) -> Vec<String> {
        self.violations
    }

    fn say(&mut self, what: String) {
        self.violations.push(what);
    }

    fn name(&self, step: usize) -> &'a str {
        self.plan.spec(step).name()
    }

    /// Checks each step by itself: one start, then failed attempts, then one end, which is that of the report.
    pub(super) fn each_step_alone(&mut self) {
        for (at, (step, what)) in self.moments.clone().into_iter().enumerate() {
            let (name, seen) = (self.name(step), self.seen[step].clone());
            match what {
                What::Started => {
                    if seen.start.is_some() {
                        self.say(format!("`{name}` started twice"));
                    }
                    self.seen[step].start = Some(at);
                }
                What::AttemptStarted(attempt) => {
                    if seen.start.is_none() || seen.end.is_some() || attempt != seen.failed + 1 {
                        self.say(format!("attempt {attempt} of `{name}` started out of turn"));
                    }
                }
                What::AttemptFailed(attempt) => {
                    if seen.start.is_none() || seen.end.is_some() || attempt != seen.failed + 1 {
                        self.say(format!("attempt {attempt} of `{name}` failed out of turn"));
                    }
                    self.seen[step].failed += 1;
                }
                What::Finished(status) => {
                    if seen.end.is_some() {
                        self.say(format!("`{name}` ended twice"));
                    }
                    self.seen[step].end = Some(at);
                    self.end_is_reported(step, status);
                }
            }
        }
        for step in 0..self.plan.len() {
            let (name, Seen { start, end, .. }) = (self.name(step), self.seen[step].clone());
            let Some(reported) = self.report.steps.get(step) else {
                self.say(format!("`{name}` is not in the report"));
                continue;
            };
            if end.is_some() && start > end
                || end.is_some() && start.is_none() && !may_end_unstarted(reported)
            {
                self.say(format!("`{name}` ended before it started"));
            }
            let never_ran = matches!(reported.status, Status::Given | Status::Cancelled);
            if end.is_none() && !never_ran {
                self.say(format!("`{name}` is {} in the report, and has not ended", reported.status));
            }
        }
    }

    fn end_is_reported(&mut self, step: usize, status: Status) {
        let Some(reported) = self.report.steps.get(step) else { return };
        // The drop of an output may fail its step later.
        let is_late = status == Status::Succeeded && reported.status == Status::Failed;
        if reported.status != status && !is_late {
            self.violations.push(format!(
                "`{}` ended {status}, and is {} in the report",
                reported.name, reported.status
            ));
        }
    }

    /// Checks that no step starts before all steps that it waits for have ended.
    pub(super) fn order(&mut self) {
        for step in 0..self.plan.len() {
            let Some(start) = self.seen[step].start else { continue };
            for earlier in self.plan.waits_for(step) {
                if self.seen[earlier].end.is_none_or(|end| end > start) {
                    let (name, earlier) = (self.name(step), self.name(earlier));
                    self.say(format!("`{name}` started before `{earlier}` ended"));
                }
            }
        }
    }

    /// Checks that the number of planned steps is the sum of the terminal states.
    pub(super) fn counts(&mut self) {
        let counts = &self.report.counts;
        let sum = counts.succeeded
            + counts.failed
            + counts.timed_out
            + counts.skipped
            + counts.cancelled
            + counts.cached
            + counts.given;
        if counts.planned != sum || counts.planned != self.plan.len() {
            self.say(format!("{} steps were planned, but {sum} have ended", counts.planned));
        }
    }

    /// Checks steps that run at once: an exclusive step is alone, steps of one sequence follow each other, and no more is in
    /// use than the settings allow.
    ///
    /// A step counts while an attempt of it runs; in a sequence, until its end.
    pub(super) fn concurrency(&mut self, settings: Option<&Settings>) {
        let mut active: Vec<usize> = Vec::new();
        let mut sequences: BTreeMap<&str, usize> = BTreeMap::new();
        for (step, what) in self.moments.clone() {
            let sequence = self.plan.policy(step).sequential.as_deref();
            if !matches!(what, What::Started | What::AttemptStarted(_)) {
                active.retain(|other| *other != step);
                if let (What::Finished(_), Some(sequence)) = (&what, sequence) {
                    sequences.remove(sequence);
                }
                continue;
            }
            if active.contains(&step) {
                // A step whose first attempts were refused starts with a later one.
                continue;
            }
            let other = sequence.and_then(|sequence| sequences.insert(sequence, step));
            if let Some(other) = other.filter(|other| *other != step) {
                self.say(format!("`{}` started before `{}` ended", self.name(step), self.name(other)));
            }
            for &other in &active {
                if self.plan.policy(step).exclusive || self.plan.policy(other).exclusive {
                    self.say(format!("`{}` started beside `{}`", self.name(step), self.name(other)));
                }
            }
            active.push(step);
            if let Some(settings) = settings {
                self.limits(&active, settings);
            }
        }
    }

    fn limits(&mut self, active: &[usize], settings: &Settings) {
        let mut check = |what: &str, used: u64, most: u64| {
            if used > most {
                let names: Vec<&str> = active.iter().map(|step| self.plan.spec(*step).name()).collect();
                let names = names.join("`, `");
                self.violations.push(format!("{used} of {most} {what} are in use, by `{names}`"));
            }
        };
        if let Some(workers) = settings.workers {
            check("workers", active.len() as u64, workers as u64);
        }
        for lane in Lane::ALL {
            let used = active.iter().filter(|step| self.plan.lane(**step) == lane).count();
            check(&format!("slots of lane `{lane}`"), used as u64, settings.slots(lane) as u64);
        }
        let all = active.iter().map(|step| self.plan.policy(*step));
        if let Some(most) = settings.memory_limit {
            check(
                "bytes",
                all.clone().filter_map(|policy| policy.memory).map(|need| need.min(most)).sum(),
                most,
            );
        }
        for (name, limit) in &settings.limits {
            let needs = all.clone().flat_map(|policy| policy.limits.iter());
            let of_name = needs.filter(|(needed, _)| needed == name);
            // A step that needs more than the capacity gets the whole capacity.
            let used = of_name.map(|(_, amount)| u64::from(*amount).min(limit.capacity)).sum();
            check(&format!("`{name}`"), used, limit.capacity);
        }
    }
}

/// Reports whether a step may end without a start: skipped, or refused or cancelled while it waited.
fn may_end_unstarted(reported: &StepReport) -> bool {
    use pipeline_core::FailureKind;
    let refused = reported.error.as_ref().is_some_and(|error| error.kind == FailureKind::CircuitOpen);
    refused || matches!(reported.status, Status::Skipped | Status::Cancelled)
}
