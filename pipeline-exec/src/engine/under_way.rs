//! The runs under way in this process, by the number of their frame: the way from a step's context to its run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::Engine;

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

/// Returns the run of a frame, while it is under way.
pub(super) fn find(frame: u32) -> Option<Arc<Engine>> {
    runs().get(&frame).and_then(Weak::upgrade)
}
