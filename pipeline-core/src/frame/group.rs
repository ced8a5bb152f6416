//! Inputs that need only some of their upstream steps: who completes them, and who is not needed any more.
//!
//! A member that ends is counted in its group's [`Tally`]; the one that decides arrives at the step for all of them.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use super::tally::Tally;
use super::{Ended, Finished, Frame, GivenUp, Ready};
use crate::error::FailureKind;
use crate::frame::Attempt;
use crate::plan::Plan;

pub(super) fn tallies(plan: &Plan) -> Box<[Tally]> {
    plan.groups().iter().map(|group| Tally::new(group.members.len(), group.needed)).collect()
}

/// For each step, whether nobody needs it any more; nothing where no step can come to that.
pub(super) fn not_needed(plan: &Plan) -> Box<[AtomicBool]> {
    let count = if plan.groups().is_empty() { 0 } else { plan.len() };
    (0..count).map(|_| AtomicBool::new(false)).collect()
}

impl Frame {
    /// A step has ended that some inputs need only as one of several.
    #[cold]
    pub(super) fn arrive_in_groups(&self, member: u32, ready: &mut dyn FnMut(Ready)) {
        for &group in self.plan.groups_of(member) {
            self.arrive_in_group(group as usize, member, ready);
        }
    }

    fn arrive_in_group(&self, group: usize, member: u32, ready: &mut dyn FnMut(Ready)) {
        let succeeded = self.status(member as usize).has_output();
        if !self.groups[group].arrive(member, succeeded) {
            return;
        }
        let of_plan = &self.plan.groups()[group];
        if succeeded {
            self.dismiss(&of_plan.dispensable);
        }
        if self.cells[of_plan.step as usize].counters.arrive() {
            ready(self.ready(of_plan.step));
        }
    }

    /// Marks steps that nobody needs any more.
    fn dismiss(&self, steps: &[u32]) {
        let running: Vec<u32> = steps
            .iter()
            .copied()
            .filter(|&step| self.cells[step as usize].counters.ended().is_none())
            .collect();
        if running.is_empty() {
            return;
        }
        self.count_unsuccessful();
        running.iter().for_each(|&step| self.not_needed[step as usize].store(true, Ordering::Release));
        self.dismissed.lock().unwrap_or_else(PoisonError::into_inner).extend(running);
    }

    /// Whether a step can come to be one that nobody needs any more.
    #[inline]
    pub fn may_dismiss(&self) -> bool {
        self.plan.has_groups()
    }

    /// The steps that nobody needs any more since this was last asked; whether they have started is not known.
    pub fn take_dismissed(&self) -> Vec<usize> {
        let mut dismissed = self.dismissed.lock().unwrap_or_else(PoisonError::into_inner);
        dismissed.drain(..).map(|step| step as usize).collect()
    }

    /// Whether nobody needs a step any more.
    pub fn is_dismissed(&self, step: usize) -> bool {
        self.not_needed.get(step).is_some_and(|not_needed| not_needed.load(Ordering::Acquire))
    }

    /// Why a step is cancelled that nobody needs any more.
    pub fn dismissal() -> GivenUp {
        GivenUp { kind: FailureKind::NotNeeded, note: "whoever reads it has what it needs".to_owned() }
    }

    pub(super) fn dismissed(&self, step: u32) -> Option<Finished> {
        self.is_dismissed(step as usize).then(|| {
            // It was not tried: there is no attempt to name.
            let finished = self.cancelled(step, Attempt::new(0, false, false), Frame::dismissal());
            debug_assert!(matches!(finished.result, Err(Ended::Failed(_))));
            finished
        })
    }

    /// The upstream step whose output an input of one value out of several gets.
    pub(crate) fn chosen(&self, step: u32, parameter: usize) -> Option<u32> {
        let group = self.plan.group_at(step, parameter);
        let winner = group.and_then(|group| self.groups[group].winner());
        let first = || {
            let mut sources = self.plan.sources(step, parameter).iter().copied();
            sources.find(|&source| self.status(source as usize).has_output())
        };
        winner.or_else(first)
    }
}
