//! After the run: its report, and outputs that are read from the store when somebody asks for them.

use std::any::Any;

use pipeline_core::Plan;

use super::{Caching, Decision, unpoisoned};
use crate::stored::{CachedFrom, ResumeReport, RunAgain, StoreReport};

impl Caching {
    /// Returns what the store did in the run.
    pub(crate) fn report(&self, plan: &Plan) -> StoreReport {
        StoreReport { resumed: self.resumes(plan), ..self.tally.report() }
    }

    /// Returns what the run takes over from the run that it resumes; `None` if it resumes none.
    pub(crate) fn resumes(&self, plan: &Plan) -> Option<ResumeReport> {
        let resumed = self.resumed.as_ref()?;
        let again = |(step, reason): &(usize, String)| RunAgain {
            step: plan.spec(*step).identity().into_owned(),
            reason: reason.clone(),
        };
        let again = resumed.again.iter().map(again).collect();
        Some(ResumeReport { run: resumed.run.clone(), done: resumed.done, again })
    }

    /// Returns where the output of a step comes from that was not run.
    pub(crate) fn cached_from(&self, step: usize) -> Option<&CachedFrom> {
        self.steps.get()?[step].from.get()
    }

    /// Reads an output that was left in the store, once; `None` if there is none of this type, or if it is damaged.
    pub(crate) fn late_output<T: 'static>(&self, plan: &Plan, step: usize) -> Option<&T> {
        let late = self.state(step).late.get_or_init(|| {
            let record = match &*unpoisoned(self.state(step).decision.lock()) {
                Decision::Unread(Some(record)) => record.clone(),
                _ => return None,
            };
            self.read(plan, step, &record).map(pipeline_core::frame::Given::into_value)
        });
        late.as_deref()?.downcast_ref()
    }

    /// Moves out an output that was left in the store.
    pub(crate) fn take_late_output<T: 'static>(&mut self, plan: &Plan, step: usize) -> Option<T> {
        self.late_output::<T>(plan, step)?;
        let value: Box<dyn Any> = self.states_mut()[step].late.take()??;
        // It cannot be read again.
        *unpoisoned(self.state(step).decision.lock()) = Decision::Run;
        value.downcast().ok().map(|value| *value)
    }

    /// Reports whether the output of a step was left in the store.
    pub(crate) fn has_late_output(&self, step: usize) -> bool {
        let state = self.steps.get().map(|states| &states[step]);
        state.is_some_and(|state| matches!(&*unpoisoned(state.decision.lock()), Decision::Unread(Some(_))))
    }
}
