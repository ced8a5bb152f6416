//! What the runs of a pipeline ask of a store.

use pipeline_core::{Plan, Problem, ProblemCode, Problems};

use super::Pipeline;
use crate::settings::ResumeMode;
use crate::store::{Asked, Lifetime, ValueStore};

impl Pipeline {
    /// Uses a store: what is stored there of cached steps (`#[step(cache)]`) is not run again, and a run that does not
    /// succeed can leave what another needs to go on ([`Settings::resume`](crate::Settings::resume)).
    pub fn store(mut self, store: &ValueStore) -> Self {
        self.values = Some(store.clone());
        self
    }

    /// Goes on where an earlier run of this pipeline ended, named by its whole id: what it has stored is not run again. A step whose
    /// code, parameters or inputs differ from then runs again, and the report names it.
    pub fn resume_from(mut self, run: impl Into<String>) -> Self {
        self.resume_from = Some(run.into());
        self
    }

    /// Runs a step even if its output is stored, and stores the new one. Named as a target.
    pub fn fresh(mut self, step: impl Into<String>) -> Self {
        self.fresh.push(step.into());
        self
    }

    /// Returns what a run of this plan asks of the store; `None` without one.
    pub(super) fn asked(&self, plan: &Plan) -> Result<Option<Asked>, Problems> {
        let Some(store) = &self.values else {
            let needs_one = self.settings.resume == ResumeMode::Always || self.resume_from.is_some();
            return if needs_one { Err(without_store().into()) } else { Ok(None) };
        };
        let mut fresh = Vec::new();
        let mut problems = Vec::new();
        for name in &self.fresh {
            match plan.dag().find(name) {
                Ok(step) => fresh.extend(plan.position(step)),
                Err(problem) => problems.push(problem),
            }
        }
        Problems::check(problems)?;
        fresh.sort_unstable();
        let cache = (0..plan.len()).map(|step| plan.policy(step).cache.map(|cache| Lifetime(cache.ttl)));
        let cache: Vec<Option<Lifetime>> = cache.collect();
        let any = cache.iter().any(Option::is_some);
        Ok(Some(Asked {
            store: store.clone(),
            cache: if any { cache } else { Vec::new() },
            fresh,
            resume: self.settings.resume,
            resume_from: self.resume_from.clone(),
        }))
    }
}

fn without_store() -> Problem {
    Problem::new(ProblemCode::InvalidSetting, "the run is to be stored or resumed, and there is no store")
        .hint("use `.store(&store)`, or set `store` (`--store DIR`)")
}
