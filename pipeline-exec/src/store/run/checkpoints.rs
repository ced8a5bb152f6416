//! Checkpoints: what a run that did not succeed leaves, so that the next one goes on where it ended.

#[cfg(feature = "cli")]
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use pipeline_core::frame::{Finished, Frame};
use pipeline_core::{FailureKind, Plan, StepError};

use super::keys;
use super::look_up::Encoded;
use super::{Caching, Decision, before, unpoisoned};
use crate::settings::ResumeMode;
use crate::store::Mark;
#[cfg(feature = "cli")]
use crate::store::value_store::{DONE, RUNS};

/// What a run that did not succeed left for the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Left {
    /// The number of steps that a run which resumes it has to run.
    pub(crate) steps: usize,
    /// The names of the steps among them that had succeeded, with the reason.
    pub(crate) again: Vec<(String, Again)>,
}

/// Why a step that had succeeded has to run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// Its output was moved into a step that did not succeed, or was dropped.
    Gone,
    /// Its output cannot be stored.
    CannotBeStored,
}

impl Again {
    /// The reason, as the end of a sentence.
    #[cfg(feature = "cli")]
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Again::Gone => "whose output was moved or dropped",
            Again::CannotBeStored => "whose output cannot be stored",
        }
    }
}

/// Reports whether the store in a folder has what a run left for the next one. Opens and makes nothing.
#[cfg(feature = "cli")]
pub(crate) fn has_left(store: &Path, run: &str) -> bool {
    [RUNS, DONE].iter().any(|folder| store.join(folder).join(run).exists())
}

impl Caching {
    /// Whether every output is stored when it is made.
    pub(super) fn keeps_all(&self) -> bool {
        self.resume == ResumeMode::Always
    }

    /// Stores the outputs that a step which did not succeed would have read, before they are dropped. If its condition did not
    /// hold, or if it was unused, nothing went wrong.
    pub(crate) fn keep_inputs(&self, frame: &Frame, finished: &Finished) {
        if self.resume == ResumeMode::Off {
            return;
        }
        let of_cause = || frame.error(finished.skipped_because()?);
        let kind = finished.error().or_else(of_cause).map(StepError::kind);
        if matches!(kind, Some(FailureKind::NotMet | FailureKind::Unused)) || self.place.get().is_none() {
            return;
        }
        let plan = frame.plan();
        self.make_states(plan, frame.params(), false);
        for source in keys::sources(plan, finished.step()) {
            if self.is_stored(source) {
                continue;
            }
            if let Some(output) = frame.input_left(finished, source)
                && let Some(output) = self.encode(plan, source, output)
            {
                self.checkpoint(plan, source, &output);
            }
        }
    }

    /// Whether the output of a step is a checkpoint of this run already, or has no key as one.
    fn is_stored(&self, step: usize) -> bool {
        let state = self.state(step);
        state.lineage.is_none() || state.is_checkpoint.get().is_some()
    }

    pub(super) fn checkpoint(&self, plan: &Plan, step: usize, output: &Encoded) {
        let state = self.state(step);
        let Some(lineage) = state.lineage else { return };
        if state.is_checkpoint.set(()).is_err() {
            return;
        }
        let Some(record) = self.record(plan, step, lineage) else { return };
        let identity = plan.spec(step).identity();
        let record = output.store_files(self.store(), record);
        self.has_checkpoints.store(true, Ordering::Relaxed);
        let committed = record.and_then(|record| self.checkpoints().commit(&identity, record, &output.bytes));
        self.stored(plan, step, committed);
    }

    /// Copies what was used of the resumed run, so that this one can be resumed in its turn.
    pub(super) fn carry_over(&self, plan: &Plan) {
        let Some(resumed) = &self.resumed else { return };
        let mut done = Vec::new();
        let earlier = self.store().checkpoints(&resumed.run);
        for (step, state) in self.steps.get().into_iter().flatten().enumerate() {
            let is_used =
                matches!(&*unpoisoned(state.decision.lock()), Decision::Unread(_) | Decision::Read(_));
            let Some(lineage) = state.lineage.filter(|_| is_used) else { continue };
            let identity = plan.spec(step).identity();
            match earlier.find(&identity).filter(|record| record.key == lineage) {
                Some(record) => {
                    if self.checkpoints().commit_mark(&identity, record).is_ok() {
                        _ = state.is_checkpoint.set(());
                    }
                }
                None => done.push(Mark { step: identity.into_owned(), key: lineage }),
            }
        }
        if !done.is_empty() {
            self.mark(&done);
        }
    }

    fn mark(&self, done: &[Mark]) {
        if let Err(error) = self.checkpoints().set_marks(done) {
            self.store().warn(format!("what was done cannot be recorded for resuming: {error}"));
        }
    }

    /// Stores, at the end of a run that did not succeed, what is left in memory.
    pub(crate) fn keep_rest(&self, frame: &mut Frame) {
        if self.resume == ResumeMode::Off || self.place.get().is_none() {
            return;
        }
        let plan = Arc::clone(frame.plan());
        self.make_states(&plan, frame.params(), false);
        for step in 0..plan.len() {
            if frame.status(step).has_output()
                && !self.is_stored(step)
                && let Some(output) = frame.output_left(step)
                && let Some(output) = self.encode(&plan, step, output)
            {
                self.checkpoint(&plan, step, &output);
            }
        }
    }

    /// Marks what was done in a run that did not succeed.
    pub(crate) fn leave(&self, frame: &Frame) -> Option<Left> {
        if self.resume == ResumeMode::Off || self.place.get().is_none() {
            return None;
        }
        let plan = frame.plan();
        self.make_states(plan, frame.params(), false);
        let done: Vec<Mark> = (0..plan.len())
            .filter(|&step| frame.status(step).has_output() && self.state(step).is_checkpoint.get().is_none())
            .filter_map(|step| {
                Some(Mark { step: plan.spec(step).identity().into_owned(), key: self.state(step).lineage? })
            })
            .collect();
        if !done.is_empty() {
            self.mark(&done);
        }
        Some(self.left(plan, frame))
    }

    /// What a run that resumes this one will have to run.
    fn left(&self, plan: &Plan, frame: &Frame) -> Left {
        let has_ended = |step: usize| frame.status(step).has_output();
        let has_value = |step: usize| self.state(step).is_checkpoint.get().is_some();
        let mut runs: Vec<bool> =
            (0..plan.len()).map(|step| !has_ended(step) || self.state(step).lineage.is_none()).collect();
        before::needed_values(plan, &mut runs, has_value);
        let mut again = Vec::new();
        for step in (0..plan.len()).filter(|&step| has_ended(step) && runs[step]) {
            let can_be_stored = plan.spec(step).def().codec.stored().is_some();
            let why = if can_be_stored { Again::Gone } else { Again::CannotBeStored };
            again.push((plan.spec(step).name().to_owned(), why));
        }
        Left { steps: runs.iter().filter(|runs| **runs).count(), again }
    }

    /// Removes the checkpoints of a run that succeeded, and those of the run that it resumed.
    pub(crate) fn forget(&self, plan: &Plan) {
        // Also if only an optional step failed.
        if !self.has_checkpoints.load(Ordering::Relaxed) && self.resumed.is_none() {
            return;
        }
        let resumed = self.resumed.as_ref().map(|resumed| self.store().checkpoints(&resumed.run));
        for records in resumed.iter().chain([&self.checkpoints()]) {
            // The last steps first: after a kill in between, every record that is left still has those before it.
            let mut steps = (0..plan.len()).rev();
            let removed = steps.try_for_each(|step| records.remove(&plan.spec(step).identity()));
            if let Err(error) =
                removed.and_then(|()| records.remove_all()).and_then(|()| records.remove_marks())
            {
                self.store().warn(format!("the checkpoints of an earlier run could not be removed: {error}"));
            }
        }
    }
}
