//! How a step is to be run when things go wrong, or when others run beside it: as data.
//!
//! A [`Policy`] says what was written on the step; what was not written is `None` (or `false`), and follows the group's
//! and the run's defaults. Nothing here executes anything: the executor reads it, and the frame keeps the rules that
//! concern order and memory.

mod backoff;
mod build;

use std::borrow::Cow;
use std::time::Duration;

pub use self::backoff::Backoff;
use crate::error::StepError;

/// How a step is to be run; see each field. `Policy::NONE` is a step about which nothing was said.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools, reason = "each is one flag of the attribute, on its own")]
pub struct Policy {
    /// How many more times to try after a failed attempt.
    pub retries: Option<u32>,
    /// How long to wait before each further attempt.
    pub backoff: Option<Backoff>,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// How long all attempts may take together, the waits between them included.
    pub deadline: Option<Duration>,
    /// Whether an attempt may start while an earlier, timed-out one still runs on its thread.
    pub idempotent: bool,
    /// Whether a failure of the step lets the run succeed all the same.
    pub optional: bool,
    /// Whether a failure of the step stops the run.
    pub fail_fast: bool,
    /// Whether the step's future is left to run to its end, instead of being dropped by a deadline, by a stop, or because
    /// nobody needs the step any more.
    pub no_cancel: bool,
    /// Called once with the error when the step has failed, after its last attempt.
    pub on_failure: Option<fn(&StepError)>,
    /// Named limits that the step needs a share of while it runs: name and amount.
    pub limits: Cow<'static, [(Cow<'static, str>, u32)]>,
    /// Whether nothing else of the run may run beside the step.
    pub exclusive: bool,
    /// The steps of one such name run one at a time, in plan order.
    pub sequential: Option<Cow<'static, str>>,
    /// Memory that the step needs while it runs, in bytes.
    pub memory: Option<u64>,
    /// Cores that the step uses while it runs.
    pub cores: Option<u32>,
    /// Steps of a higher priority go first, whatever the length of their path. 0 where nothing is said.
    pub priority: i32,
    /// Asked before the step starts: where it says `false`, the step runs as an exclusive one.
    pub parallel_if: Option<fn() -> bool>,
    /// The text of the step's condition (`when = …`); the condition itself is part of the step's code.
    pub when: Option<&'static str>,
    /// Whether what the step is for is an effect outside of the process: a run that is not to write skips it.
    pub writes: bool,
    /// Whether the step's code has a fallback for its output.
    pub has_fallback: bool,
}

impl Policy {
    /// A step about which nothing was said.
    pub const NONE: Policy = Policy {
        retries: None,
        backoff: None,
        timeout: None,
        deadline: None,
        idempotent: false,
        optional: false,
        fail_fast: false,
        no_cancel: false,
        on_failure: None,
        limits: Cow::Borrowed(&[]),
        exclusive: false,
        sequential: None,
        memory: None,
        cores: None,
        priority: 0,
        parallel_if: None,
        when: None,
        writes: false,
        has_fallback: false,
    };
}

impl Policy {
    /// Whether nothing was said that an executor would have to look at while a run goes on.
    pub fn is_plain(&self) -> bool {
        self.retries.is_none()
            && self.backoff.is_none()
            && !self.idempotent
            && self.timeout.is_none()
            && self.deadline.is_none()
            && !self.fail_fast
            && !self.no_cancel
            && self.on_failure.is_none()
            && self.limits.is_empty()
            && !self.exclusive
            && self.memory.is_none()
            && self.cores.is_none()
            && self.parallel_if.is_none()
            && !self.has_fallback
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy::NONE
    }
}
