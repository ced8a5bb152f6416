//! What the runs of a pipeline ask of a store.

use pipeline_core::{Plan, Problem, ProblemCode, Problems};

use super::Pipeline;
use crate::store::{Asked, Lifetime, Place, ValueStore, ValueStoreError};

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

    /// Returns the steps of a plan that ask for a cache; none without a store. Opens nothing.
    #[cfg(feature = "cli")]
    pub(crate) fn cached(&self, plan: &Plan) -> Vec<usize> {
        if self.values.is_none() && self.settings.store.is_none() {
            return Vec::new();
        }
        let lifetimes = self.settings.lifetimes(plan).into_iter().enumerate();
        lifetimes.filter_map(|(step, lifetime)| Lifetime::of(lifetime).map(|_| step)).collect()
    }

    /// Returns what a run of this plan asks of the store; `None` without one.
    pub(super) fn asked(&self, plan: &Plan) -> Result<Option<Asked>, Problems> {
        let settings = &self.settings;
        let place = match (&self.values, &settings.store) {
            (Some(store), _) => Place::of(store.clone()),
            (None, Some(dir)) => Place::new(dir.clone(), settings.durability),
            (None, None) if self.resume_from.is_some() => return Err(without_store().into()),
            (None, None) => return Ok(None),
        };
        let mut problems = Vec::new();
        let mut fresh = Vec::new();
        for name in &self.fresh {
            let found = plan.dag().find(name).map(|step| fresh.extend(plan.position(step)));
            problems.extend(found.err());
        }
        fresh.sort_unstable();
        let cache = settings.lifetimes(plan).into_iter().map(Lifetime::of);
        let (resume, resume_from) = (settings.resume, self.resume_from.clone());
        let asked = Asked { place, cache: cache.collect(), fresh, resume, resume_from };
        if asked.is_involved() {
            problems.extend(asked.place.open().err().map(|error| cannot_open(&error)));
        }
        Problems::check(problems)?;
        Ok(Some(asked))
    }
}

fn cannot_open(error: &ValueStoreError) -> Problem {
    Problem::new(ProblemCode::Environment, error.to_string())
        .hint("give another store (`--store DIR`), or run without one (`--store none`)")
}

fn without_store() -> Problem {
    Problem::new(
        ProblemCode::InvalidSetting,
        "the run is to go on where another ended, and there is no store",
    )
    .hint("use `.store(&store)`, or set `store` (`--store DIR`)")
}
