//! The states of a step.

use std::fmt;

/// Where a step is: pending and running, or one of the terminal states, of which each step reaches exactly one.
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
    /// Not started, because an input it requires did not succeed.
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
            3 | super::value::NOT_MET_CODE => Status::Skipped,
            4 | super::value::STOPPED_CODE => Status::Cancelled,
            5 => Status::Cached,
            8 => Status::TimedOut,
            9 => Status::Given,
            _ => Status::Pending,
        }
    }

    /// Whether there is an output.
    pub const fn has_output(self) -> bool {
        matches!(self, Status::Succeeded | Status::Cached | Status::Given)
    }

    /// Whether the step was tried and did not succeed.
    pub const fn is_failure(self) -> bool {
        matches!(self, Status::Failed | Status::TimedOut)
    }

    /// The status as written in reports.
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
