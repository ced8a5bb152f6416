//! Inputs that need only some of their upstream steps: which step completes them, and which become unused.
//!
//! A member that ends is counted in its group's [`Tally`](crate::cells::Tally). The member that decides arrives at the
//! step on behalf of all.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Ended, Finished, Frame, GivenUp, Ready};
use crate::error::FailureKind;
use crate::frame::Attempt;
use crate::plan::Plan;

/// For each step, whether it is unused; empty if no step can become unused.
pub(super) fn unused(plan: &Plan) -> Box<[AtomicBool]> {
    let count = if plan.groups().is_empty() { 0 } else { plan.len() };
    (0..count).map(|_| AtomicBool::new(false)).collect()
}

impl GivenUp {
    /// Makes the reason for which an unused step is cancelled.
    pub fn unused() -> GivenUp {
        GivenUp { kind: FailureKind::Unused, note: "its readers have what they need".to_owned() }
    }
}

impl Frame {
    /// Counts a step that has ended in the groups that it is a member of.
    #[cold]
    pub(super) fn arrive_in_groups(&self, member: u32, ready: &mut dyn FnMut(Ready)) {
        for &group in self.plan.groups_of(member) {
            self.arrive_in_group(group as usize, member, ready);
        }
    }

    fn arrive_in_group(&self, group: usize, member: u32, ready: &mut dyn FnMut(Ready)) {
        let succeeded = self.status(member as usize).has_output();
        if !self.cells.tally(group).arrive(member, succeeded) {
            return;
        }
        let of_plan = &self.plan.groups()[group];
        if succeeded {
            self.mark_unused(&of_plan.unused_after);
        }
        if self.cells.counters(of_plan.step).arrive() {
            ready(self.ready(of_plan.step));
        }
    }

    /// Marks the steps that no step needs any more.
    fn mark_unused(&self, steps: &[u32]) {
        let running: Vec<u32> =
            steps.iter().copied().filter(|&step| self.cells.counters(step).ended().is_none()).collect();
        if running.is_empty() {
            return;
        }
        self.count_unsuccessful();
        running.iter().for_each(|&step| self.unused[step as usize].store(true, Ordering::Release));
        self.newly_unused.lock().unwrap_or_else(PoisonError::into_inner).extend(running);
    }

    /// Reports whether steps can become unused in this run.
    #[inline]
    pub fn may_have_unused(&self) -> bool {
        self.plan.has_groups()
    }

    /// Returns the steps that became unused since the last call, started or not.
    pub fn take_unused(&self) -> Vec<usize> {
        let mut unused = self.newly_unused.lock().unwrap_or_else(PoisonError::into_inner);
        unused.drain(..).map(|step| step as usize).collect()
    }

    /// Reports whether a step is unused: its readers have what they need.
    pub fn is_unused(&self, step: usize) -> bool {
        self.unused.get(step).is_some_and(|unused| unused.load(Ordering::Acquire))
    }

    pub(super) fn cancelled_unused(&self, step: u32) -> Option<Finished> {
        self.is_unused(step as usize).then(|| {
            // It was not tried, so there is no attempt to name.
            let finished = self.cancelled(step, Attempt::new(0, false, false), GivenUp::unused());
            debug_assert!(matches!(finished.result, Err(Ended::Failed(_))));
            finished
        })
    }
}
