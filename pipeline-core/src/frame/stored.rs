//! Outputs and a store: steps that end without an output because it is in a store, and the inputs of steps that are about to
//! be looked up, or that did not succeed.

use super::{Attempt, Ended, Finished, Frame, Ready, Status};
use crate::call::Call;
use crate::contain;
use crate::step::{InputKind, Mode};
use crate::value::StepOutput;

impl Frame {
    /// Ends a step that is ready as [`Status::Cached`], without an output: no step that reads it may be started. Hand the
    /// result to [`Frame::finish`].
    pub fn finish_unread(&self, ready: Ready) -> Finished {
        assert!(ready.frame() == self.id, "a token belongs to the frame that made it");
        self.finished(ready.index(), Err(Ended::Unread))
    }

    pub(super) fn publish_unread(&self, step: u32) {
        // From now on each step is checked before it starts: see `assert_inputs_are_here`.
        self.count_unsuccessful();
        self.cells.counters(step).mark_gone();
        self.cells.counters(step).end(Status::Cached as u8);
    }

    /// Nothing reads an empty slot.
    ///
    /// # Panics
    /// If a step is started that reads the output of a step that ended without one.
    pub(super) fn assert_inputs_are_here(&self, step: u32) {
        self.each_source(step, |source, _| {
            let is_here =
                !self.status(source as usize).has_output() || !self.cells.counters(source).is_gone();
            assert!(
                is_here,
                "`{}` starts without the output of `{}`",
                self.plan.name(step),
                self.plan.name(source)
            );
        });
    }

    /// Returns the own part of the key of a step that is ready; `None` if it has none, or will not run.
    ///
    /// # Errors
    /// Returns the message of a panic.
    pub fn key_of(&self, ready: &Ready) -> Result<Option<String>, String> {
        assert!(ready.frame() == self.id, "a token belongs to the frame that made it");
        let step = ready.index();
        // Its code reads the inputs as the step's does, so what keeps the step from running keeps it from being called.
        if !self.plan.policy(step as usize).has_key || self.will_skip(ready) {
            return Ok(None);
        }
        self.assert_inputs_are_here(step);
        let call = Call::new(&self.cells, step, Attempt::ONLY);
        let code = self.plan.hot[step as usize].code.callable();
        contain::guard(|| code.key(call))
    }

    /// Returns the output of a step that feeds a step which is ready; `None` if it has none.
    ///
    /// # Panics
    /// If the ready step does not read `source`.
    pub fn input_of<'a>(&'a self, ready: &'a Ready, source: usize) -> Option<StepOutput<'a>> {
        assert!(ready.frame() == self.id, "a token belongs to the frame that made it");
        // The token exists once, and is borrowed: the step, which has not released its inputs, does not start meanwhile.
        self.read_by(ready.index(), source as u32)?;
        self.held(source as u32)
    }

    /// Returns the output of a step that feeds a step which has ended; `None` if it has none, or if the step may have
    /// taken it.
    ///
    /// # Panics
    /// If the step that ended does not read `source`.
    pub fn input_left<'a>(&'a self, finished: &'a Finished, source: usize) -> Option<StepOutput<'a>> {
        assert!(finished.frame == self.id, "a token belongs to the frame that made it");
        // The token exists once, and is borrowed: the step releases its inputs only when it is finished. An attempt that
        // was given up may be about to take its input.
        let mode = self.read_by(finished.step, source as u32)?;
        if mode == Mode::Take && self.cells.was_given_up(finished.step) {
            return None;
        }
        self.held(source as u32)
    }

    /// Returns the output of a step; `None` if it has none any more. No step of the run can be under way: each would hold
    /// the frame.
    pub fn output_left(&mut self, step: usize) -> Option<StepOutput<'_>> {
        self.held(step as u32)
    }

    fn held(&self, source: u32) -> Option<StepOutput<'_>> {
        let is_here = self.status(source as usize).has_output() && !self.cells.counters(source).is_gone();
        let codec = self.plan.spec(source as usize).def().codec;
        is_here.then(|| self.cells.fresh(source, codec.write))
    }

    /// Returns how a step reads another.
    ///
    /// # Panics
    /// If it does not.
    fn read_by(&self, step: u32, source: u32) -> Option<Mode> {
        let mut found = None;
        self.each_source(step, |other, mode| {
            if other == source && found != Some(Mode::Take) {
                found = Some(mode);
            }
        });
        assert!(found.is_some(), "`{}` does not read `{}`", self.plan.name(step), self.plan.name(source));
        found
    }

    /// Calls `each` with the position of each step that feeds an input of a step, and how it is read.
    fn each_source(&self, step: u32, mut each: impl FnMut(u32, Mode)) {
        for (parameter, input) in self.plan.spec(step as usize).def().inputs.iter().enumerate() {
            let InputKind::Upstream { mode, source, .. } = &input.kind else { continue };
            if source.is_many() {
                self.plan.sources(step, parameter).iter().for_each(|&source| each(source, *mode));
            } else {
                each(self.plan.source(step, parameter), *mode);
            }
        }
    }
}
