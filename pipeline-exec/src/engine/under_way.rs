//! The runs under way in this process, by the number of their frame: the way from a step's context to its run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

#[cfg(feature = "cli")]
use pipeline_core::frame::Status;

use super::Engine;
#[cfg(feature = "cli")]
use super::Parent;

static RUNS: Mutex<BTreeMap<u32, Weak<Engine>>> = Mutex::new(BTreeMap::new());

fn runs() -> MutexGuard<'static, BTreeMap<u32, Weak<Engine>>> {
    RUNS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run's entry, which its engine holds.
#[derive(Debug)]
pub(super) struct UnderWay(u32);

impl UnderWay {
    /// Enters a run by the number of its frame.
    pub(super) fn enter(frame: u32, engine: &Weak<Engine>) -> Self {
        runs().insert(frame, Weak::clone(engine));
        UnderWay(frame)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        runs().remove(&self.0);
    }
}

/// Returns how many steps of the runs within a step have ended, and of how many; `None` if none runs. O(steps): for displays.
#[cfg(feature = "cli")]
pub(crate) fn steps_within(run_id: &str, step: usize) -> Option<(usize, usize)> {
    let all: Vec<Arc<Engine>> = runs().values().filter_map(Weak::upgrade).collect();
    let is_outer = |outer: &Arc<Engine>| outer.frame.scope().run_id() == run_id;
    let is_within = |engine: &&Arc<Engine>| {
        let parent = engine.parent.as_ref().filter(|parent| parent.step() == step);
        parent.and_then(Parent::engine).is_some_and(|outer| is_outer(&outer))
    };
    let (mut ended, mut planned) = (0, 0);
    for engine in all.iter().filter(is_within) {
        let steps = engine.frame.plan().len();
        ended += (0..steps).filter(|&step| engine.frame.status(step) != Status::Pending).count();
        planned += steps;
    }
    (planned > 0).then_some((ended, planned))
}

/// Returns the run of a frame, while it is under way.
pub(super) fn find(frame: u32) -> Option<Arc<Engine>> {
    runs().get(&frame).and_then(Weak::upgrade)
}
