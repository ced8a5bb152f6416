//! The end of a step: its status is published, its inputs are released, and its successors wait for one step less.

use std::sync::atomic::Ordering;

use super::{Attempt, Ended, Finished, Frame, GivenUp, Ready, Unread};
use crate::call::{Call, Failure, Why};
use crate::contain;
use crate::error::{FailureKind, StepError};
use crate::plan::{AWAY, SOLE};
use crate::step::{InputKind, Mode};
use crate::value::{STOPPED_CODE, Status};

impl Frame {
    /// Ends a step. `ready` receives every step that waits for no further step, the most urgent last.
    ///
    /// Outputs that had this step as their last reader are dropped here, before any successor can start, so that peak
    /// memory depends only on what is in flight. A panic in such a drop is contained and fails the step that made the
    /// output; the result is then `true`.
    #[allow(clippy::inline_always, reason = "measured: a tenth of the cost of a no-op step")]
    #[inline(always)]
    pub fn finish(&self, finished: Finished, ready: impl FnMut(Ready)) -> bool {
        self.finish_leaving(finished, ready, |unread| self.drop_unread(unread))
    }

    /// Ends a step as [`Frame::finish`] does, but leaves to `away` the outputs of steps on threads that have an async step as
    /// their last reader: a drop that blocks would panic on a thread that runs tasks. `away` hands each to
    /// [`Frame::drop_unread`], in place or later, and returns `true` if a drop has panicked.
    #[allow(clippy::inline_always, reason = "measured: a tenth of the cost of a no-op step")]
    #[inline(always)]
    pub fn finish_leaving(
        &self,
        finished: Finished,
        mut ready: impl FnMut(Ready),
        mut away: impl FnMut(Unread) -> bool,
    ) -> bool {
        let step = finished.step;
        assert!(finished.frame == self.id, "a token belongs to the frame that made it");
        self.publish(finished);
        let at_end = self.plan.hot[step as usize].at_end;
        if at_end.is_nothing() {
            return false;
        }
        let mut drop_panicked = false;
        if at_end.releases() {
            for &marked in self.plan.releases(step) {
                let (source, sole) = (marked & !(SOLE | AWAY), marked & SOLE != 0);
                if self.cells.any_given_up() && self.has_to_stay(source, step) {
                    continue;
                }
                if sole || self.cells.counters(source).release() {
                    drop_panicked |= match marked & AWAY {
                        0 => !self.drop_output(source),
                        _ => away(Unread { step: source, frame: self.id }),
                    };
                }
            }
        }
        if at_end.drops() {
            drop_panicked |= !self.drop_output(step);
        }
        if at_end.has_successors() {
            for &next in self.plan.successors(step) {
                let (next, sole) = (next & !SOLE, next & SOLE != 0);
                if sole || self.cells.counters(next).arrive() {
                    ready(self.ready(next));
                }
            }
        }
        if at_end.is_in_groups() {
            self.arrive_in_groups(step, &mut ready);
        }
        drop_panicked
    }

    /// Drops an output that no step will read any more. A panic in that drop is contained and fails the step that made the output;
    /// the result is then `true`.
    pub fn drop_unread(&self, unread: Unread) -> bool {
        assert!(unread.frame == self.id, "a token belongs to the frame that made it");
        !self.drop_output(unread.step)
    }

    /// Reports whether the frame still has an output of a step on a thread whose drop may block, because it may run code that
    /// is not the standard library's. O(steps).
    pub fn has_outputs_of_threads(&self) -> bool {
        self.plan.has_drops() && self.outputs_of_threads().next().is_some()
    }

    /// Drops these outputs: for an executor that drops a frame where a drop must not block. A panic is contained.
    pub fn drop_outputs_of_threads(&mut self) {
        for step in self.outputs_of_threads() {
            // No report can have a panic in this drop; the panic hook has printed it.
            let _ = contain::guard(|| self.cells.drop_value(step));
        }
    }

    fn outputs_of_threads(&self) -> impl Iterator<Item = u32> {
        let steps = 0..self.cells.len() as u32;
        steps.filter(|&step| !self.plan.lane(step as usize).is_async() && self.cells.drop_may_block(step))
    }

    /// Marks every step that has not ended as cancelled, and returns their number. For the end of a stopped run, when no
    /// step runs any more.
    pub fn cancel_rest(&self) -> usize {
        let all = (0..self.cells.len() as u32).map(|step| self.cells.counters(step));
        all.filter(|counters| counters.ended().is_none()).map(|counters| counters.end(STOPPED_CODE)).count()
    }

    #[inline]
    fn publish(&self, finished: Finished) {
        let Finished { step, result, .. } = finished;
        debug_assert!(self.cells.counters(step).ended().is_none(), "`{}` ends twice", self.plan.name(step));
        match result {
            Ok(()) => self.cells.counters(step).end(Status::Succeeded as u8),
            Err(ended) => self.publish_ended(step, ended),
        }
    }

    #[cold]
    fn publish_ended(&self, step: u32, ended: Ended) {
        match ended {
            Ended::Elsewhere(status) => self.cells.counters(step).end(status as u8),
            Ended::Unread => self.publish_unread(step),
            Ended::Failed(error) => self.publish_error(step, error),
            Ended::Skipped(cause) => {
                self.count_unsuccessful();
                self.cells.publish_cause(step, cause);
            }
        }
    }

    fn publish_error(&self, step: u32, error: Box<StepError>) {
        self.count_unsuccessful();
        self.cells.publish_error(step, error);
    }

    /// Called before the successors become ready, so that the thread that starts one of them sees the failure.
    pub(super) fn count_unsuccessful(&self) {
        self.unsuccessful.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the step whose failure keeps this one from running.
    #[cold]
    pub(super) fn blocked_by(&self, step: u32) -> Option<u32> {
        if let Some(switch) = self.plan.branch_of(step as usize)
            && let Some(cause) = self.cells.cause_of(switch.step)
        {
            return Some(cause);
        }
        if let Some(cause) = self.plan.after(step as usize).find_map(|earlier| self.cells.cause_of(earlier)) {
            return Some(cause);
        }
        let inputs = &self.plan.spec(step as usize).def().inputs;
        for (parameter, input) in inputs.iter().enumerate() {
            let InputKind::Upstream { mode, source, quorum, .. } = &input.kind else { continue };
            if let Some(count) = quorum.count(*mode) {
                let sources = self.plan.sources(step, parameter);
                let succeeded = sources.iter().filter(|&&source| self.status(source as usize).has_output());
                if succeeded.count() < count as usize {
                    return sources.iter().find_map(|&source| self.cells.cause_of(source));
                }
                continue;
            }
            if !mode.is_required() {
                continue;
            }
            let one = [self.plan.source(step, parameter)];
            let sources = if source.is_many() { self.plan.sources(step, parameter) } else { &one };
            if let Some(cause) = sources.iter().find_map(|&source| self.cells.cause_of(source)) {
                return Some(cause);
            }
            // An output that a given-up attempt may still read cannot be moved out.
            if *mode == Mode::Take && self.cells.any_given_up() {
                let reader = sources.iter().find_map(|&source| self.cells.still_reads(source, step));
                if reader.is_some() {
                    return reader;
                }
            }
        }
        None
    }

    pub(super) fn failed(&self, step: u32, attempt: Attempt, failure: Failure) -> Finished {
        let spec = self.plan.spec(step as usize);
        let error = match *failure.0 {
            Why::Error { source, ty, may_retry } => {
                StepError::from_error(spec.name.clone(), spec.location, source, ty, may_retry)
            }
            Why::Panicked(panic) => return self.panicked(step, attempt, panic),
            Why::NotMet => {
                let condition = self.plan.policy(step as usize).when.unwrap_or_default();
                return self.not_met(step, format!("its condition `{condition}` does not hold"));
            }
        };
        self.finished(step, Err(Ended::Failed(Box::new(error.of_attempt(attempt.number())))))
    }

    pub(super) fn panicked(&self, step: u32, attempt: Attempt, panic: String) -> Finished {
        let error = self.panic_error(step, FailureKind::Panic, panic).of_attempt(attempt.number());
        self.finished(step, Err(Ended::Failed(Box::new(error))))
    }

    pub(super) fn cancelled(&self, step: u32, attempt: Attempt, why: GivenUp) -> Finished {
        let spec = self.plan.spec(step as usize);
        let number = attempt.number();
        let error = StepError::given_up(spec.name.clone(), spec.location, why.kind, number, why.note);
        self.finished(step, Err(Ended::Failed(Box::new(error))))
    }

    /// Ends a step that is skipped for a reason other than its upstream steps.
    fn not_met(&self, step: u32, reason: String) -> Finished {
        self.cancelled(step, Attempt::ONLY, GivenUp { kind: FailureKind::NotMet, note: reason })
    }

    /// Ends a step that cannot start, if there is a reason.
    #[cold]
    pub(super) fn not_started(&self, step: u32) -> Option<Finished> {
        self.assert_inputs_are_here(step);
        if let Some(why) = self.disabled.get(&step) {
            return Some(self.not_met(step, why.clone()));
        }
        let blocked = self.blocked_by(step).map(|cause| self.finished(step, Err(Ended::Skipped(cause))));
        // A branch that its switch did not choose is skipped for that reason, even if it is unused too.
        let not_chosen = || self.plan.hot[step as usize].is_branch.then(|| self.not_chosen(step)).flatten();
        blocked.or_else(not_chosen).or_else(|| self.cancelled_unused(step))
    }

    /// Ends a step that is disabled, or whose switch chose another branch or cannot choose.
    pub(super) fn not_chosen(&self, step: u32) -> Option<Finished> {
        if let Some(why) = self.plan.disabled(step as usize) {
            return Some(self.not_met(step, why.to_owned()));
        }
        let switch = self.plan.branch_of(step as usize)?;
        let code = self.plan.hot[switch.step as usize].code.callable();
        let call = Call::new(&self.cells, switch.step, Attempt::ONLY);
        match contain::guard(|| code.case(call)) {
            Ok(case) if case.is_some() && case == switch.case => None,
            Ok(_) => {
                let name = self.plan.name(switch.step);
                Some(self.not_met(step, format!("`{name}` chose another branch")))
            }
            Err(panic) => {
                let name = self.plan.name(switch.step);
                let panic = format!("the choice of switch `{name}` panicked: {panic}");
                Some(self.panicked(step, Attempt::ONLY, panic))
            }
        }
    }

    pub(super) fn panic_error(&self, step: u32, kind: FailureKind, message: String) -> StepError {
        let spec = self.plan.spec(step as usize);
        StepError::from_panic(spec.name.clone(), spec.location, kind, message)
    }

    /// Drops an output that no step will read any more. Returns `false` if that panicked.
    fn drop_output(&self, step: u32) -> bool {
        match contain::guard(|| self.cells.drop_value(step)) {
            Ok(()) => true,
            Err(panic) => {
                self.publish_error(step, Box::new(self.panic_error(step, FailureKind::DropPanic, panic)));
                false
            }
        }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        if !self.plan.has_drops() && *self.unsuccessful.get_mut() == 0 {
            return;
        }
        for step in 0..self.cells.len() as u32 {
            // No report can have a panic in this drop; the panic hook has printed it.
            let _ = contain::guard(|| self.cells.drop_left_over(step));
        }
    }
}
