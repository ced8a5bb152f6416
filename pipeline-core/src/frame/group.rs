//! Inputs that need only some of their upstream steps: who completes them, and who is not needed any more.
//!
//! A group counts down successes to zero (enough), or failures below zero (never enough). With `k` of `n` needed, `k`
//! successes and `n - k + 1` failures cannot both happen, so exactly one member decides, and arrives at the step for
//! all of them.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};

use super::{Ended, Finished, Frame, GivenUp, Ready};
use crate::error::FailureKind;
use crate::frame::Attempt;
use crate::plan::{Group, Plan};

/// Where one group of a run is.
#[derive(Debug)]
pub(super) struct GroupState {
    /// How many successes are still needed.
    needed: AtomicI32,
    /// How many more failures leave enough members to succeed.
    spare: AtomicI32,
    /// The member that decided by its success; `NOBODY` until then.
    winner: AtomicU32,
}

const NOBODY: u32 = u32::MAX;

impl GroupState {
    fn new(group: &Group) -> Self {
        let count = |count: usize| i32::try_from(count).expect("invariant: a plan has fewer than 2^31 steps");
        let needed = count(group.needed as usize);
        GroupState {
            needed: AtomicI32::new(needed),
            spare: AtomicI32::new(count(group.members.len()) - needed),
            winner: AtomicU32::new(NOBODY),
        }
    }

    /// A member has ended. True for exactly one caller: the one that decides, either way.
    fn arrive(&self, member: u32, succeeded: bool) -> bool {
        if !succeeded {
            return self.spare.fetch_sub(1, Ordering::AcqRel) == 0;
        }
        let decides = self.needed.fetch_sub(1, Ordering::AcqRel) == 1;
        if decides {
            self.winner.store(member, Ordering::Release);
        }
        decides
    }
}

pub(super) fn states(plan: &Plan) -> Box<[GroupState]> {
    plan.groups().iter().map(GroupState::new).collect()
}

/// For each step, whether nobody needs it any more; nothing where no step can come to that.
pub(super) fn not_needed(plan: &Plan) -> Box<[AtomicBool]> {
    let count = if plan.groups().is_empty() { 0 } else { plan.len() };
    (0..count).map(|_| AtomicBool::new(false)).collect()
}

impl Frame {
    pub(super) fn arrive_in_group(&self, group: usize, member: u32, ready: &mut impl FnMut(Ready)) {
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

    /// The steps that nobody needs any more since this was last asked; whether they have started is not known.
    pub fn take_dismissed(&self) -> Vec<usize> {
        if self.groups.is_empty() {
            return Vec::new();
        }
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
        let winner = self
            .plan
            .group_at(step, parameter)
            .map(|group| self.groups[group].winner.load(Ordering::Acquire));
        let first = || {
            let mut sources = self.plan.sources(step, parameter).iter().copied();
            sources.find(|&source| self.status(source as usize).has_output())
        };
        winner.filter(|&winner| winner != NOBODY).or_else(first)
    }
}
