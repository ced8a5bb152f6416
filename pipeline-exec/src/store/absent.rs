//! Without the feature `report`, no run is recorded.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::engine::Engine;
use crate::report::RunReport;

/// No runs directory.
#[derive(Clone, Debug)]
pub(crate) enum RunStore {}

/// No recording.
#[derive(Debug)]
pub(crate) enum Recording {}

/// No error.
pub(crate) type StoreError = std::convert::Infallible;

impl RunStore {
    pub(crate) fn begin(&self, _: &str, _: usize, _: SystemTime) -> Result<Recording, StoreError> {
        match *self {}
    }
}

impl Recording {
    pub(crate) fn watch(&mut self, _: &Arc<Engine>) {
        match *self {}
    }

    pub(crate) fn finish(self, _: &Engine, _: &RunReport, _: Duration) -> Result<PathBuf, StoreError> {
        match self {}
    }
}
