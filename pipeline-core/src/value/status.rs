//! The states of a step.

use std::fmt;

use crate::error::FailureKind;

/// The state of a step: pending, or one of the terminal states. Each step reaches exactly one of those.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
#[repr(u8)]
pub enum Status {
    /// Not ended: waiting for inputs, ready, or running.
    Pending = 0,
    /// Ended with an output.
    Succeeded = 1,
    /// Ended with an error or a panic.
    Failed = 2,
    /// Not started, because an input that it requires did not succeed.
    Skipped = 3,
    /// Stopped, or not started because the run was stopped.
    Cancelled = 4,
    /// Not run: its output comes from a store.
    Cached = 5,
    /// Ended because it took too long.
    #[serde(rename = "timed-out")]
    TimedOut = 8,
    /// Not run: its output was handed in by the caller.
    Given = 9,
}

impl Status {
    pub(crate) const fn from_code(code: u8) -> Status {
        match code {
            1 => Status::Succeeded,
            2 => Status::Failed,
            3 | NOT_MET_CODE => Status::Skipped,
            4 | STOPPED_CODE => Status::Cancelled,
            5 => Status::Cached,
            8 => Status::TimedOut,
            9 => Status::Given,
            _ => Status::Pending,
        }
    }

    /// Reports whether there is an output.
    pub const fn has_output(self) -> bool {
        matches!(self, Status::Succeeded | Status::Cached | Status::Given)
    }

    /// Reports whether the step was tried and did not succeed.
    pub const fn is_failure(self) -> bool {
        matches!(self, Status::Failed | Status::TimedOut)
    }

    /// Returns the status as written in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
            Status::Skipped => "skipped",
            Status::Cancelled => "cancelled",
            Status::Cached => "cached",
            Status::TimedOut => "timed-out",
            Status::Given => "given",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The status code of a step that never started because the run was stopped: cancelled, without an error.
pub(crate) const STOPPED_CODE: u8 = 6;

/// The status code of a step that was skipped for a reason other than its upstream steps: skipped, with an error.
pub(crate) const NOT_MET_CODE: u8 = 7;

/// Reports whether a slot holds an error, by the code of its step's status.
pub(crate) fn holds_error(code: u8) -> bool {
    matches!(Status::from_code(code), Status::Failed | Status::Cancelled | Status::TimedOut | Status::Skipped)
        && code != STOPPED_CODE
        && code != Status::Skipped as u8
}

/// Returns the status of a step that ended with an error.
pub(crate) fn status_of(kind: FailureKind) -> Status {
    Status::from_code(code_of(kind))
}

/// Returns the status code of a step that ended with an error.
pub(crate) fn code_of(kind: FailureKind) -> u8 {
    match kind {
        FailureKind::Cancelled | FailureKind::Unused => Status::Cancelled as u8,
        FailureKind::TimedOut => Status::TimedOut as u8,
        FailureKind::NotMet => NOT_MET_CODE,
        _ => Status::Failed as u8,
    }
}
