//! How many steps run at once, and what a run does besides running them.

mod check;
mod defaults;
mod memory_text;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use pipeline_core::{Backoff, Lane};

pub use self::defaults::StepDefaults;
use crate::engine::{CORES, MEMORY};
use crate::limits::{LimitSettings, Limits};

/// How a run is executed. Zero configuration is a good one: every field has a default from the machine.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "each is one setting, on its own")]
#[non_exhaustive]
pub struct Settings {
    /// Async steps under way at once, waiting ones included. Default 256.
    pub io: usize,
    /// CPU steps at once. Default: the cores that the process may use (affinity and cgroup quota).
    pub cpu: usize,
    /// Steps of the blocking lane at once. Default 64.
    pub blocking: usize,
    /// Steps at once over all lanes; no limit by default. The slots of the lanes hold beside it: [`Settings::workers()`] sets
    /// them too.
    pub workers: Option<usize>,
    /// Whether the first failure of a step that is not `optional` stops the run. By default what is independent goes on.
    pub fail_fast: bool,
    /// Whether starts and ends are timed, for the report. Default true.
    pub timings: bool,
    /// The seed from which each step's random numbers come. Without one, each run has a fresh one. The report has the
    /// seed of the run in any case, so that every run can be repeated.
    pub seed: Option<u64>,
    /// Whether the report is to be the same, to the byte, whenever graph, parameters and seed are the same: with any
    /// number of slots, in any schedule. Then it has no times, threads or slots, and the id of the run is made from
    /// seed, graph and configuration: two such runs have the same one. Without a seed, the seed is 0. Default false.
    ///
    /// It asks nothing of the schedule: a run that is stopped while it goes on, by [`Settings::fail_fast`] too, or an
    /// input that takes whoever is first, ends as the schedule happened to be.
    pub deterministic: bool,
    /// For tests: picks among the steps that are ready by this seed instead of by urgency, to try other schedules.
    pub shuffle: Option<u64>,
    /// What holds for steps that do not say it themselves.
    pub defaults: StepDefaults,
    /// The same for the steps of each group, by name; wins over `defaults`.
    pub groups: BTreeMap<String, StepDefaults>,
    /// How long the whole run may take. Then async steps are dropped, steps on threads are left behind, and what has
    /// not started is cancelled. No limit by default.
    #[serde(with = "humantime_serde")]
    pub deadline: Option<Duration>,
    /// How many retries all steps of the run may use together; no limit by default. A step that fails when they are used
    /// up has failed.
    pub retry_budget: Option<u32>,
    /// How long a run that is asked to stop waits for steps on threads, before it leaves them behind. By default it
    /// waits until they end; on the command line, 10 s.
    #[serde(with = "humantime_serde")]
    pub grace: Option<Duration>,
    /// How many attempts that were left behind on their threads may be running at once, before the run is stopped.
    /// Default: as many as there are CPU slots.
    pub max_detached: Option<usize>,
    /// An async step that keeps its thread this long without waiting is named in a warning. Default 200 ms.
    #[serde(with = "humantime_serde")]
    pub slow_poll: Option<Duration>,
    /// How much memory the run may use, in bytes or as text (`"4 GiB"`): what steps declare with `memory` is counted
    /// against it, and slots shrink while the process comes near it. No limit by default.
    #[serde(with = "memory_text")]
    pub memory_limit: Option<u64>,
    /// How often memory and processor are sampled for the report; `memory_limit` samples every 250 ms by itself. By
    /// default nothing is sampled.
    #[serde(with = "humantime_serde")]
    pub sample_every: Option<Duration>,
    /// The named limits of the run. A name that steps need and that is not here has a capacity of 1. The names `cores` and
    /// `memory` are what steps declare: `cpu` and `memory_limit` are their capacities, unless they are here. Limits that
    /// are shared ([`Pipeline::limits`](crate::Pipeline::limits)) take the place of these.
    pub limits: BTreeMap<String, LimitSettings>,
    /// Whether steps with `parallel_if` may run beside others; otherwise they run alone. Default true.
    pub conditional: bool,
    /// Where report files and the history of runs go. Without one, a run writes none; on the command line, `.pipeline`.
    pub runs_dir: Option<PathBuf>,
    /// How many runs to keep there; the oldest beyond them are removed. All by default.
    pub keep_runs: Option<usize>,
}

/// No lane can be given more slots than this: each slot of the CPU and blocking lanes can need a thread.
pub const MOST_SLOTS: usize = 4096;

/// Longer times are as good as none, and would be beyond what a clock can tell.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

/// A time that can be added to a moment.
pub(crate) fn in_reach(time: Duration) -> Duration {
    time.min(LONGEST)
}

/// How many cores this process may use at once: affinity mask and cgroup quota taken into account, at least 1.
///
/// Read once: it takes the operating system longer to say than a small run takes.
pub fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZero::get))
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            io: 256,
            cpu: cores(),
            blocking: 64,
            workers: None,
            fail_fast: false,
            timings: true,
            seed: None,
            deterministic: false,
            shuffle: None,
            defaults: StepDefaults::default(),
            groups: BTreeMap::new(),
            deadline: None,
            retry_budget: None,
            grace: None,
            max_detached: None,
            slow_poll: Some(Duration::from_millis(200)),
            memory_limit: None,
            sample_every: None,
            limits: BTreeMap::new(),
            conditional: true,
            runs_dir: None,
            keep_runs: None,
        }
    }
}

impl Settings {
    /// For a machine that has nothing else to do: more IO and blocking slots.
    pub fn high_performance() -> Self {
        Settings { io: 1024, blocking: 256, ..Settings::default() }
    }

    /// For a machine that is shared: half the cores, few waiting steps.
    pub fn conservative() -> Self {
        Settings { io: 16, cpu: cores().div_ceil(2), blocking: 4, ..Settings::default() }
    }

    /// One step at a time, over all lanes.
    pub fn sequential() -> Self {
        Settings { workers: Some(1), ..Settings::default() }
    }

    /// The preset of a name: `default`, `high-performance`, `conservative` or `sequential`.
    pub fn preset(name: &str) -> Option<Self> {
        match name {
            "default" => Some(Settings::default()),
            "high-performance" => Some(Settings::high_performance()),
            "conservative" => Some(Settings::conservative()),
            "sequential" => Some(Settings::sequential()),
            _ => None,
        }
    }

    /// Sets the number of async steps under way at once.
    #[must_use]
    pub fn io(mut self, slots: usize) -> Self {
        self.io = slots;
        self
    }

    /// Sets the number of CPU steps at once.
    #[must_use]
    pub fn cpu(mut self, slots: usize) -> Self {
        self.cpu = slots;
        self
    }

    /// Leaves some cores to others: as many CPU slots as the remaining ones, at least 1.
    #[must_use]
    pub fn reserve_cores(mut self, reserved: usize) -> Self {
        self.cpu = cores().saturating_sub(reserved).max(1);
        self
    }

    /// Sets the number of blocking steps at once.
    #[must_use]
    pub fn blocking(mut self, slots: usize) -> Self {
        self.blocking = slots;
        self
    }

    /// Sets the number of steps at once over all lanes, and opens every lane that far.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        (self.io, self.cpu, self.blocking) = (workers, workers, workers);
        self
    }

    /// Sets whether the first failure stops the run.
    #[must_use]
    pub fn fail_fast(mut self, on: bool) -> Self {
        self.fail_fast = on;
        self
    }

    /// Sets whether starts and ends are timed.
    #[must_use]
    pub fn timings(mut self, on: bool) -> Self {
        self.timings = on;
        self
    }

    /// Sets how long one attempt of a step may take, for steps that do not say it themselves.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.defaults.timeout = Some(timeout);
        self
    }

    /// Sets how many more times to try a step that failed, for steps that do not say it themselves.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.defaults.retries = Some(retries);
        self
    }

    /// Sets how long to wait before a further attempt, for steps that do not say it themselves.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.defaults.backoff = Some(backoff);
        self
    }

    /// Sets what holds for the steps of a group that do not say it themselves.
    #[must_use]
    pub fn group(mut self, name: impl Into<String>, defaults: StepDefaults) -> Self {
        self.groups.insert(name.into(), defaults);
        self
    }

    /// Sets how long the whole run may take.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets how many retries all steps of the run may use together.
    #[must_use]
    pub fn retry_budget(mut self, retries: u32) -> Self {
        self.retry_budget = Some(retries);
        self
    }

    /// Sets how long a run that is asked to stop waits for steps on threads.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    /// Sets how many attempts that were left behind on their threads may be running at once.
    #[must_use]
    pub fn max_detached(mut self, most: usize) -> Self {
        self.max_detached = Some(most);
        self
    }

    /// Sets how long an async step may keep its thread without waiting before it is named in a warning.
    #[must_use]
    pub fn slow_poll(mut self, after: Option<Duration>) -> Self {
        self.slow_poll = after;
        self
    }

    /// Sets how much memory the run may use, in bytes.
    #[must_use]
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = Some(bytes);
        self
    }

    /// Sets how often memory and processor are sampled for the report.
    #[must_use]
    pub fn sample_every(mut self, time: Duration) -> Self {
        self.sample_every = Some(time);
        self
    }

    /// Configures a named limit.
    #[must_use]
    pub fn limit(mut self, name: impl Into<String>, limit: LimitSettings) -> Self {
        self.limits.insert(name.into(), limit);
        self
    }

    /// The limits as a run uses them.
    pub(crate) fn make_limits(&self) -> Limits {
        let machine =
            self.machine_limits().fold(Limits::new(), |limits, (name, limit)| limits.limit(name, limit));
        self.limits.iter().fold(machine, |limits, (name, limit)| limits.limit(name, limit.clone()))
    }

    /// The limits that the cores and the memory declared by steps count against.
    pub(crate) fn machine_limits(&self) -> impl Iterator<Item = (&'static str, LimitSettings)> {
        let memory = self.memory_limit.map(|bytes| (MEMORY, LimitSettings::new(bytes)));
        memory.into_iter().chain([(CORES, LimitSettings::new(self.cpu as u64))])
    }

    /// Sets whether steps with `parallel_if` may run beside others.
    #[must_use]
    pub fn conditional(mut self, on: bool) -> Self {
        self.conditional = on;
        self
    }

    /// Sets where report files and the history of runs go.
    #[must_use]
    pub fn runs_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.runs_dir = Some(folder.into());
        self
    }

    /// Sets how many runs are kept in [`Settings::runs_dir`].
    #[must_use]
    pub fn keep_runs(mut self, most: usize) -> Self {
        self.keep_runs = Some(most);
        self
    }

    /// Sets the seed from which each step's random numbers come.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets whether the report is to be the same whenever graph, parameters and seed are.
    #[must_use]
    pub fn deterministic(mut self, on: bool) -> Self {
        self.deterministic = on;
        self
    }

    /// For tests: sets the seed by which ready steps are picked.
    #[must_use]
    pub fn shuffle(mut self, seed: u64) -> Self {
        self.shuffle = Some(seed);
        self
    }

    pub(crate) fn with_slots(mut self, lane: Lane, slots: usize) -> Self {
        match lane {
            Lane::Io => self.io = slots,
            Lane::Cpu => self.cpu = slots,
            _ => self.blocking = slots,
        }
        self
    }

    /// The slots of a lane.
    pub fn slots(&self, lane: Lane) -> usize {
        match lane {
            Lane::Io => self.io,
            Lane::Cpu => self.cpu,
            _ => self.blocking,
        }
    }

    /// The slots of a lane, as far as the limit over all lanes leaves it some.
    pub(crate) fn width(&self, lane: Lane) -> usize {
        self.workers.map_or(self.slots(lane), |workers| workers.min(self.slots(lane)))
    }
}
