//! Policies written in code, for closures and instances; on a function, `#[step(…)]` writes them.

use std::borrow::Cow;
use std::time::Duration;

use super::{Backoff, Policy};
use crate::error::StepError;

impl Policy {
    /// A policy that says nothing: as [`Policy::NONE`].
    #[must_use]
    pub const fn new() -> Self {
        Policy::NONE
    }

    /// Sets how many more times to try after a failed attempt.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Sets how long to wait before each further attempt.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// Sets how long one attempt may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets how long all attempts may take together.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Lets an attempt start beside an earlier one that timed out and still runs.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Lets the run succeed although the step fails.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Says that what the step is for is an effect outside of the process: a run that is not to write skips it.
    #[must_use]
    pub fn writes(mut self) -> Self {
        self.writes = true;
        self
    }

    /// Stops the run when the step fails.
    #[must_use]
    pub fn fail_fast(mut self) -> Self {
        self.fail_fast = true;
        self
    }

    /// Calls a function with the error when the step has failed.
    #[must_use]
    pub fn on_failure(mut self, hook: fn(&StepError)) -> Self {
        self.on_failure = Some(hook);
        self
    }

    /// Needs so much of a named limit while the step runs.
    #[must_use]
    pub fn limit(mut self, name: impl Into<Cow<'static, str>>, amount: u32) -> Self {
        self.limits.to_mut().push((name.into(), amount));
        self
    }

    /// Runs beside nothing else of the run.
    #[must_use]
    pub fn exclusive(mut self) -> Self {
        self.exclusive = true;
        self
    }

    /// Runs one at a time with the steps of the same name, in plan order.
    #[must_use]
    pub fn sequential(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.sequential = Some(name.into());
        self
    }

    /// Declares how much memory the step needs, in bytes.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// Declares how many cores the step uses.
    #[must_use]
    pub fn cores(mut self, cores: u32) -> Self {
        self.cores = Some(cores);
        self
    }

    /// Goes before steps of a lower priority; 0 where nothing is said.
    #[must_use]
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }
}
