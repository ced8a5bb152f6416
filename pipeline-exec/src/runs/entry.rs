//! A run in the history.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::report::{Counts, RunReport, RunStatus};
use crate::text::short_id;

/// A run in the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunEntry {
    /// The id, the same in events, report, trace and history. Deterministic runs of the same graph, parameters and seed
    /// share one.
    pub run_id: String,
    /// The program that ran it, by the name of its file.
    pub program: String,
    /// The name of its pipeline, in a program of several.
    pub pipeline: Option<String>,
    /// How it ended, if it has.
    pub state: RunState,
    /// When it began, in milliseconds since 1970.
    pub started_unix_ms: u64,
    /// Its duration, or that until its last known event.
    pub wall: Duration,
    /// Number of steps by status.
    pub counts: Counts,
    /// The fingerprint of its graph; empty if that is unknown.
    pub graph_fingerprint: String,
    /// The fingerprint of the values of its run parameters, without secret ones.
    pub params_fingerprint: String,
    /// The folder of its files, unless they were removed.
    pub dir: PathBuf,
}

/// How a run ended, if it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RunState {
    /// Its process lives and has not ended it.
    Running,
    /// Its process ended before it did.
    Interrupted,
    /// As [`RunStatus::Succeeded`].
    Succeeded,
    /// As [`RunStatus::Failed`].
    Failed,
    /// As [`RunStatus::Cancelled`].
    Cancelled,
}

impl RunState {
    /// Every state.
    pub const ALL: [RunState; 5] = [
        RunState::Running,
        RunState::Interrupted,
        RunState::Succeeded,
        RunState::Failed,
        RunState::Cancelled,
    ];

    /// Returns the state as printed, and as written in the history.
    pub const fn name(self) -> &'static str {
        match self {
            RunState::Running => "running",
            RunState::Interrupted => "interrupted",
            RunState::Succeeded => "succeeded",
            RunState::Failed => "failed",
            RunState::Cancelled => "cancelled",
        }
    }

    /// Returns the state of this name. A name from a later version is not a success.
    pub(super) fn named(name: &str) -> Self {
        RunState::ALL.into_iter().find(|state| state.name() == name).unwrap_or(RunState::Failed)
    }
}

impl From<RunStatus> for RunState {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Succeeded => RunState::Succeeded,
            RunStatus::Failed => RunState::Failed,
            RunStatus::Cancelled => RunState::Cancelled,
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl RunEntry {
    /// Returns the last eight characters of the id, which differ between runs. (Ids begin with the time, so runs of the
    /// same minute begin alike.)
    pub fn short_id(&self) -> &str {
        short_id(&self.run_id)
    }

    pub(super) fn of(report: &RunReport, state: RunState, started_unix_ms: u64, dir: PathBuf) -> Self {
        RunEntry {
            run_id: report.run_id.clone(),
            program: report.program.clone(),
            pipeline: report.pipeline.clone(),
            state,
            started_unix_ms,
            wall: report.wall,
            counts: report.counts,
            graph_fingerprint: report.provenance.graph_fingerprint.clone(),
            params_fingerprint: report.provenance.params_fingerprint(),
            dir,
        }
    }
}
