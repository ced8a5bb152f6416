//! A bounded number of runs at once.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pipeline_core::{Problem, ProblemCode, Problems};
use tokio::sync::Semaphore;

use crate::pipeline::Pipeline;
use crate::run::Run;
use crate::settings::MOST_SLOTS;

/// Runs pipelines, a bounded number at once. Clones share the bound.
///
/// ```
/// # use pipeline_core::{DagBuilder, Problems};
/// # use pipeline_exec::{Executor, Pipeline};
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let mut dag = DagBuilder::new();
/// # dag.cpu("one", (), |()| 1_u64);
/// # let pipeline = Pipeline::new(dag.build()?);
/// let executor = Executor::new(2)?;
/// let (first, second) = tokio::join!(executor.run(&pipeline), executor.run(&pipeline));
/// assert!(first?.succeeded() && second?.succeeded());
/// assert!(executor.live().is_empty());
/// # Ok::<(), Problems>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Executor {
    places: Arc<Semaphore>,
    /// The ids of the current runs.
    live: Arc<Mutex<BTreeSet<String>>>,
}

impl Executor {
    /// Makes an executor for at most `most_runs` runs at once. Others wait in order of arrival.
    ///
    /// # Errors
    /// If the number is not from 1 to [`MOST_SLOTS`].
    pub fn new(most_runs: usize) -> Result<Self, Problems> {
        if !(1..=MOST_SLOTS).contains(&most_runs) {
            let message =
                format!("an executor's number of runs is {most_runs}, but must be from 1 to {MOST_SLOTS}");
            return Err(Problem::new(ProblemCode::InvalidSetting, message)
                .hint("give a number in that range")
                .into());
        }
        Ok(Executor { places: Arc::new(Semaphore::new(most_runs)), live: Arc::default() })
    }

    /// Runs a pipeline as soon as the bound allows it.
    ///
    /// # Errors
    /// As [`Pipeline::run`].
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue, or stops the run.
    pub async fn run(&self, pipeline: &Pipeline) -> Result<Run, Problems> {
        let _place = self.places.acquire().await.expect("invariant: the semaphore is never closed");
        let handle = pipeline.start()?;
        let id = handle.id().to_owned();
        self.ids().insert(id.clone());
        let _listed = Listed { executor: self, id };
        Ok(handle.wait().await)
    }

    /// Returns the ids of the current runs, sorted.
    pub fn live(&self) -> Vec<String> {
        self.ids().iter().cloned().collect()
    }

    fn ids(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entry of a current run; dropping it removes the run from the list.
struct Listed<'e> {
    executor: &'e Executor,
    id: String,
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.executor.ids().remove(&self.id);
    }
}
