//! Without the feature `report`, no run is recorded.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pipeline_core::{ParamValue, ProblemCode};

use crate::event::{Event, Observer};
use crate::record::{CommandLine, RunOwner, RunRecord};
use crate::report::RunReport;

/// A type without values.
#[derive(Clone, Copy, Debug)]
enum Never {}

/// No runs directory.
#[derive(Clone, Debug)]
pub(crate) struct RunStore(Never);

/// No recording.
#[derive(Debug)]
pub(crate) struct Recording(Never);

/// Nothing is saved.
#[derive(Debug)]
pub(crate) struct Saving(Never);

impl Observer for Saving {
    fn on_event(&self, _: &Event<'_>) {
        match self.0 {}
    }
}

/// The directory cannot be opened.
#[derive(Debug)]
pub(crate) struct StoreError;

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings have a `runs_dir`, and this program is built without the feature `report`")
    }
}

impl StoreError {
    pub(crate) const PROBLEM: ProblemCode = ProblemCode::InvalidSetting;

    #[allow(clippy::unused_self, reason = "the same as with the feature `report`")]
    pub(crate) fn is_of_another_run(&self) -> bool {
        false
    }
}

impl RunStore {
    pub(crate) fn open(_: &Path) -> Result<Self, StoreError> {
        Err(StoreError)
    }

    pub(crate) fn keeping(self, _: Option<usize>) -> Self {
        self
    }

    pub(crate) fn begin(
        &self,
        _: &str,
        _: &RunOwner,
        _: bool,
        _: usize,
        _: SystemTime,
        _: Option<Arc<CommandLine>>,
    ) -> Result<Recording, StoreError> {
        match self.0 {}
    }
}

impl Recording {
    pub(crate) fn saving(&self) -> Option<Arc<Saving>> {
        match self.0 {}
    }

    pub(crate) fn record(&self, _: BTreeMap<String, ParamValue>) -> Result<(), StoreError> {
        match self.0 {}
    }

    pub(crate) fn watch(&mut self, _: &Arc<RunRecord>) {
        match self.0 {}
    }

    pub(crate) fn finish(self, _: &RunRecord, _: &RunReport, _: Duration) -> Result<PathBuf, StoreError> {
        match self.0 {}
    }
}
