//! How many steps run at once, and what a run does besides running them.

use std::num::NonZero;
use std::sync::OnceLock;

use pipeline_core::{Lane, Problem, ProblemCode};

/// How a run is executed. Zero configuration is a good one: every field has a default from the machine.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// Async steps under way at once, waiting ones included. Default 256.
    pub io: usize,
    /// CPU steps at once. Default: the cores that the process may use (affinity and cgroup quota).
    pub cpu: usize,
    /// Steps of the blocking lane at once. Default 64.
    pub blocking: usize,
    /// Steps at once over all lanes; no limit by default.
    pub workers: Option<usize>,
    /// Whether the first failure stops the run. By default what is independent goes on.
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
}

/// No lane can be given more slots than this: each slot of the CPU and blocking lanes can need a thread.
pub const MOST_SLOTS: usize = 4096;

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

    pub(crate) fn problems(&self) -> Vec<Problem> {
        let lanes = [("io", self.io), ("cpu", self.cpu), ("blocking", self.blocking)];
        // `workers` sets the lanes too: its own value is told once.
        let lanes = lanes.into_iter().filter(|(_, slots)| Some(*slots) != self.workers);
        let all = lanes.chain(self.workers.map(|workers| ("workers", workers)));
        all.filter(|(_, value)| !(1..=MOST_SLOTS).contains(value))
            .map(|(name, value)| {
                let message = format!("setting `{name}` is {value}, but has to be from 1 to {MOST_SLOTS}");
                Problem::new(ProblemCode::InvalidSetting, message).hint("leave it out for the default")
            })
            .collect()
    }
}
