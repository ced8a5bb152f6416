//! A handle that stops a run.

use std::fmt::Debug;
use std::sync::{Arc, Weak};

/// A run that can be stopped, whatever executes it.
pub(crate) trait Stop: Debug + Send + Sync {
    /// Starts no further step, and drops the async steps that wait. The report names the reason, if there is one.
    fn stop(&self, reason: Option<&str>);
}

/// Stops a run from elsewhere; does nothing once the run has ended.
#[derive(Clone, Debug)]
pub struct Stopper {
    run: Weak<dyn Stop>,
}

impl Stopper {
    pub(crate) fn new(run: Weak<dyn Stop>) -> Self {
        Stopper { run }
    }

    /// Stops the run, as [`RunHandle::stop`](crate::RunHandle::stop) does.
    pub fn stop(&self) {
        if let Some(run) = self.run() {
            run.stop(None);
        }
    }

    /// The run, unless it has ended.
    pub(crate) fn run(&self) -> Option<Arc<dyn Stop>> {
        self.run.upgrade()
    }
}
