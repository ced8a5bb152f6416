//! Many runs at once, bounded.

use std::sync::Arc;

use dashmap::DashMap;
use pipeline_core::{Problem, ProblemCode, Problems, RunScope};
use tokio::sync::Semaphore;

use crate::pipeline::Pipeline;
use crate::run::Run;
use crate::settings::MOST_SLOTS;

/// Runs many pipelines, at most so many at once, and knows which are under way. Clones share the bound.
#[derive(Clone, Debug)]
pub struct Executor {
    places: Arc<Semaphore>,
    live: Arc<DashMap<String, Arc<RunScope>>>,
}

impl Executor {
    /// An executor for at most `most_runs` runs at once; further ones wait in the order in which they came.
    ///
    /// # Errors
    /// Where the number is not from 1 to [`MOST_SLOTS`].
    pub fn new(most_runs: usize) -> Result<Self, Problems> {
        if !(1..=MOST_SLOTS).contains(&most_runs) {
            let message =
                format!("an executor's number of runs is {most_runs}, but has to be from 1 to {MOST_SLOTS}");
            return Err(Problem::new(ProblemCode::InvalidSetting, message)
                .hint("give a number in that range")
                .into());
        }
        Ok(Executor { places: Arc::new(Semaphore::new(most_runs)), live: Arc::default() })
    }

    /// Runs a pipeline as soon as there is a place.
    ///
    /// # Errors
    /// As [`Pipeline::run`].
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue, or stops the run.
    pub async fn run(&self, pipeline: &Pipeline) -> Result<Run, Problems> {
        let _place = self.places.acquire().await.expect("invariant: the semaphore is never closed");
        let handle = pipeline.start()?;
        let _listed = Listed::new(self, handle.scope());
        handle.wait().await
    }

    /// The ids of the runs under way, sorted.
    pub fn live(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.live.iter().map(|entry| entry.key().clone()).collect();
        ids.sort();
        ids
    }
}

/// A run in the list of those under way, until dropped.
struct Listed<'e> {
    executor: &'e Executor,
    id: String,
}

impl<'e> Listed<'e> {
    fn new(executor: &'e Executor, scope: Arc<RunScope>) -> Self {
        let id = scope.run_id().to_owned();
        executor.live.insert(id.clone(), scope);
        Listed { executor, id }
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.executor.live.remove(&self.id);
    }
}
