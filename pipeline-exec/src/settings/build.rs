//! Settings from code: a method for each, which remembers that it was called.

use std::path::PathBuf;
use std::time::Duration;

use pipeline_core::Backoff;

use super::{Settings, StepDefaults, TagSettings, cores};
use crate::limits::LimitSettings;

impl Settings {
    /// Sets the number of async steps under way at once.
    #[must_use]
    pub fn io(mut self, slots: usize) -> Self {
        self.said.add("io");
        self.io = slots;
        self
    }

    /// Sets the number of CPU steps at once.
    #[must_use]
    pub fn cpu(mut self, slots: usize) -> Self {
        self.said.add("cpu");
        self.cpu = slots;
        self
    }

    /// Leaves some cores to others: as many CPU slots as the remaining ones, at least 1.
    #[must_use]
    pub fn reserve_cores(mut self, reserved: usize) -> Self {
        self.said.add("cpu");
        self.cpu = cores().saturating_sub(reserved).max(1);
        self
    }

    /// Sets the number of blocking steps at once.
    #[must_use]
    pub fn blocking(mut self, slots: usize) -> Self {
        self.said.add("blocking");
        self.blocking = slots;
        self
    }

    /// Sets the number of steps at once over all lanes, and opens every lane that far.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        for key in ["workers", "io", "cpu", "blocking"] {
            self.said.add(key);
        }
        self.workers = Some(workers);
        (self.io, self.cpu, self.blocking) = (workers, workers, workers);
        self
    }

    /// Sets whether the first failure stops the run.
    #[must_use]
    pub fn fail_fast(mut self, on: bool) -> Self {
        self.said.add("fail_fast");
        self.fail_fast = on;
        self
    }

    /// Sets whether starts and ends are timed.
    #[must_use]
    pub fn timings(mut self, on: bool) -> Self {
        self.said.add("timings");
        self.timings = on;
        self
    }

    /// Sets how long one attempt of a step may take, for steps that do not say it themselves.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.said.add("defaults.timeout");
        self.defaults.timeout = Some(timeout);
        self
    }

    /// Sets how many more times to try a step that failed, for steps that do not say it themselves.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.said.add("defaults.retries");
        self.defaults.retries = Some(retries);
        self
    }

    /// Sets how long to wait before a further attempt, for steps that do not say it themselves.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.said.add("defaults.backoff");
        self.defaults.backoff = Some(backoff);
        self
    }

    /// Sets what holds for the steps of a group that do not say it themselves.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>, defaults: StepDefaults) -> Self {
        self.groups.insert(name.into(), defaults);
        self
    }

    /// Sets what holds for single steps, by name or by a pattern such as `"shard_*"`, whatever they say themselves.
    #[must_use]
    pub fn step(mut self, name: impl Into<String>, settings: StepDefaults) -> Self {
        self.steps.insert(name.into(), settings);
        self
    }

    /// Sets whether the steps of a tag run.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, settings: TagSettings) -> Self {
        self.tags.insert(name.into(), settings);
        self
    }

    /// Sets how long the whole run may take.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.said.add("deadline");
        self.deadline = Some(deadline);
        self
    }

    /// Sets how many retries all steps of the run may use together.
    #[must_use]
    pub fn retry_budget(mut self, retries: u32) -> Self {
        self.said.add("retry_budget");
        self.retry_budget = Some(retries);
        self
    }

    /// Sets how long a run that is asked to stop waits for steps on threads.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.said.add("grace");
        self.grace = Some(grace);
        self
    }

    /// Sets how many attempts that were left behind on their threads may be running at once.
    #[must_use]
    pub fn max_detached(mut self, most: usize) -> Self {
        self.said.add("max_detached");
        self.max_detached = Some(most);
        self
    }

    /// Sets how long an async step may keep its thread without waiting before it is named in a warning.
    #[must_use]
    pub fn slow_poll(mut self, after: Option<Duration>) -> Self {
        self.said.add("slow_poll");
        self.slow_poll = after;
        self
    }

    /// Sets how much memory the run may use, in bytes.
    #[must_use]
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.said.add("memory_limit");
        self.memory_limit = Some(bytes);
        self
    }

    /// Sets how often memory and processor are sampled for the report.
    #[must_use]
    pub fn sample_every(mut self, time: Duration) -> Self {
        self.said.add("sample_every");
        self.sample_every = Some(time);
        self
    }

    /// Configures a named limit.
    #[must_use]
    pub fn limit(mut self, name: impl Into<String>, limit: LimitSettings) -> Self {
        self.limits.insert(name.into(), limit);
        self
    }

    /// Sets whether steps that write are skipped.
    #[must_use]
    pub fn no_write(mut self, on: bool) -> Self {
        self.said.add("no_write");
        self.no_write = on;
        self
    }

    /// Sets whether steps with `parallel_if` may run beside others.
    #[must_use]
    pub fn conditional(mut self, on: bool) -> Self {
        self.said.add("conditional");
        self.conditional = on;
        self
    }

    /// Sets whether fallbacks of steps, and fewer slots near the memory limit, stand in for what goes wrong.
    #[must_use]
    pub fn fallback(mut self, on: bool) -> Self {
        self.said.add("fallback");
        self.fallback = on;
        self
    }

    /// Sets where report files and the history of runs go.
    #[must_use]
    pub fn runs_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.said.add("runs_dir");
        self.runs_dir = Some(folder.into());
        self
    }

    /// Sets how many runs are kept in [`Settings::runs_dir`].
    #[must_use]
    pub fn keep_runs(mut self, most: usize) -> Self {
        self.said.add("keep_runs");
        self.keep_runs = Some(most);
        self
    }

    /// Sets the seed from which each step's random numbers come.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.said.add("seed");
        self.seed = Some(seed);
        self
    }

    /// Sets whether the report is to be the same whenever graph, parameters and seed are.
    #[must_use]
    pub fn deterministic(mut self, on: bool) -> Self {
        self.said.add("deterministic");
        self.deterministic = on;
        self
    }

    /// For tests: sets the seed by which ready steps are picked.
    #[must_use]
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.said.add("shuffle");
        self.shuffle = Some(seed);
        self
    }
}
