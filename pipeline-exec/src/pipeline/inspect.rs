//! What a person asks about stored values: what a run would find, and a value itself.

use std::io::{self, Write};
use std::sync::Arc;

use pipeline_core::frame::Frame;
use pipeline_core::{Params, Plan, PlanOptions, Problems, Resources, RunScope};

use super::{Pipeline, Purpose};
use crate::store::{Explained, OfRun, Record, ValueStore, explain, files};

/// An output that was read from a store.
pub(crate) struct ReadOutput {
    frame: Frame,
    step: usize,
}

impl Pipeline {
    /// Says what a run of this plan would find of a step, by position in the plan. `newest` is its newest stored value.
    ///
    /// # Panics
    /// If the pipeline has no store.
    pub(crate) fn explain(
        &self,
        plan: &Plan,
        step: usize,
        newest: Option<Record>,
    ) -> Result<Explained, Problems> {
        let bound = self.bind(plan, Purpose::Run);
        let bound = bound
            .map_err(|found| Problems::check(found).expect_err("invariant: what failed was reported"))?;
        let asked = self.asked(plan)?.expect("invariant: the caller has set a store");
        let of_run = OfRun { run: "", program: "", disabled: &bound.disabled };
        Ok(explain(plan, &bound.params, asked, &of_run, step, newest))
    }

    /// Reads the bytes of a stored value as the output of its step.
    ///
    /// # Errors
    /// Why this program cannot read it.
    pub(crate) fn read_stored(
        &self,
        record: &Record,
        store: &ValueStore,
        bytes: &[u8],
    ) -> Result<ReadOutput, String> {
        let dag = self.dag().map_err(|problems| problems.to_string())?;
        let step = dag.find(&record.step).map_err(|_| "this program has no such step".to_owned())?;
        let options = PlanOptions {
            targets: vec![step],
            keep: vec![step],
            given: vec![step],
            ..PlanOptions::default()
        };
        let plan = Plan::new(dag, &options).map_err(|problems| problems.to_string())?;
        let step = plan.position(step).expect("invariant: a target is part of the plan");
        let form = plan.spec(step).def().codec.stored();
        let form = form.ok_or_else(|| "its type is not `Serialize` and `Deserialize` now".to_owned())?;
        if form.shape().to_string() != record.output.shape {
            return Err("it was stored by another version of its type".to_owned());
        }
        let given =
            files::reading_from(store, || form.decode(step, bytes)).map_err(|error| error.to_string())?;
        // Nothing runs, so nothing is needed.
        let params = plan.bind_params(&Params::default(), |_, _| false).unwrap_or_default();
        let resources = plan.bind_resources(&Resources::default(), |_| false).unwrap_or_default();
        let frame = Frame::new(Arc::new(plan), params, resources, Arc::new(RunScope::new("")), vec![given]);
        Ok(ReadOutput { frame, step })
    }
}

impl ReadOutput {
    /// Borrows the output, if it is a `T`.
    pub(crate) fn output<T: 'static>(&self) -> Option<&T> {
        self.frame.output(self.step)
    }

    /// Writes the output as JSON; `None` if its type is not `Serialize`.
    pub(crate) fn write_json(&mut self, out: &mut dyn Write) -> Option<io::Result<()>> {
        self.frame.output_left(self.step)?.write_json(out)
    }
}
