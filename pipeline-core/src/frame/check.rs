//! Checks of what has to hold for every run.
//!
//! Debug builds check each start and each end, so every run of every test is checked.

use super::{Frame, Status};
use crate::error::FailureKind;
use crate::step::InputKind;

impl Frame {
    /// Returns the contradictions of a run in which every step has ended (see [`Frame::cancel_rest`]), in words. A
    /// correct run has none.
    ///
    /// Each step has one terminal state. A step that succeeded had every input that it requires. A skipped step has a
    /// reason: an upstream step without an output, or an error that says why.
    ///
    /// # Complexity
    /// O(steps + edges).
    pub fn contradictions(&self) -> Vec<String> {
        (0..self.cells.len()).filter_map(|step| self.contradiction(step)).collect()
    }

    fn contradiction(&self, step: usize) -> Option<String> {
        let name = self.plan.spec(step).name();
        match self.status(step) {
            Status::Pending => Some(format!("`{name}` has not ended")),
            Status::Succeeded => {
                let missing = self.missing_input(step)?;
                Some(format!("`{name}` succeeded without what it requires of `{}`", self.plan.name(missing)))
            }
            Status::Skipped => {
                let by_itself = || self.error(step).is_some_and(|error| error.kind() == FailureKind::NotMet);
                let has_reason = self.skipped_because(step).map_or_else(by_itself, |cause| {
                    !self.status(cause).has_output() || self.was_given_up(cause)
                });
                (!has_reason).then(|| format!("`{name}` was skipped for no reason"))
            }
            _ => None,
        }
    }

    /// Returns an upstream step that a step requires and that has no output. An output that was lost after it had been
    /// read does not count.
    fn missing_input(&self, step: usize) -> Option<u32> {
        let position = step as u32;
        if let Some(earlier) = self.plan.after(step).find(|&earlier| self.cells.cause_of(earlier).is_some()) {
            return Some(earlier);
        }
        let inputs = self.plan.spec(step).def().inputs.iter().enumerate();
        for (parameter, input) in inputs {
            let InputKind::Upstream { mode, source, quorum, .. } = &input.kind else { continue };
            let one = [self.plan.source(position, parameter)];
            let sources = if source.is_many() { self.plan.sources(position, parameter) } else { &one };
            let mut lost = sources.iter().copied().filter(|&source| self.cells.cause_of(source).is_some());
            let spare = match quorum.count(*mode) {
                Some(count) => sources.len().saturating_sub(count as usize),
                None if mode.is_required() => 0,
                None => continue,
            };
            // One more than allowed.
            if let Some(missing) = lost.nth(spare) {
                return Some(missing);
            }
        }
        None
    }

    /// Reports whether a step may start: all steps that it waits for have ended, and it has not.
    pub(super) fn may_start(&self, step: u32) -> bool {
        let has_ended = |step: usize| self.cells.counters(step as u32).ended().is_some();
        !has_ended(step as usize) && self.plan.waits_for(step as usize).all(has_ended)
    }
}
