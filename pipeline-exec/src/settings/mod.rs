//! How many steps run at once, and what a run does besides running them.

mod build;
mod check;
mod defaults;
mod layers;
mod memory_text;
mod of_steps;
mod origins;
mod presets;
mod said;
mod table;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use pipeline_core::{Lane, Problem, ProblemCode, Problems};

pub use self::defaults::{StepDefaults, TagSettings};
#[cfg(feature = "cli")]
pub(crate) use self::layers::value_of_toml;
pub use self::layers::{ResolvedSettings, SettingInForce, SettingsStack};
pub(crate) use self::of_steps::cannot_be_retried;
pub(crate) use self::origins::Origins;
pub use self::presets::{PRESETS, Preset};
pub(crate) use self::said::Said;
pub use self::table::SettingKey;
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
    /// The same for the steps of each group, by name; wins over `defaults`. What a step says itself wins over both.
    pub groups: BTreeMap<String, StepDefaults>,
    /// Whether the steps of each tag run.
    pub tags: BTreeMap<String, TagSettings>,
    /// The same as `defaults` for single steps, by name or by a pattern such as `"shard_*"`; wins over what the step says
    /// itself. A name wins over a pattern, and a longer pattern over a shorter one.
    pub steps: BTreeMap<String, StepDefaults>,
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
    /// Whether steps that write (`#[step(writes)]`) are skipped, and with them what requires their outputs. Default false.
    pub no_write: bool,
    /// Whether what stands in for what goes wrong does so: fallbacks of steps, and fewer slots while the process comes near
    /// `memory_limit`. Default true.
    pub fallback: bool,
    /// Where report files and the history of runs go. Without one, a run writes none; on the command line, `.pipeline`.
    pub runs_dir: Option<PathBuf>,
    /// How many runs to keep there; the oldest beyond them are removed. All by default.
    pub keep_runs: Option<usize>,
    /// What code has set by a method, whatever its value: it wins over file, environment and flags.
    #[serde(skip)]
    pub(crate) said: Said,
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
            tags: BTreeMap::new(),
            steps: BTreeMap::new(),
            deadline: None,
            retry_budget: None,
            grace: None,
            max_detached: None,
            slow_poll: Some(Duration::from_millis(200)),
            memory_limit: None,
            sample_every: None,
            limits: BTreeMap::new(),
            conditional: true,
            no_write: false,
            fallback: true,
            runs_dir: None,
            keep_runs: None,
            said: Said::default(),
        }
    }
}

impl Settings {
    /// The settings that whoever runs the program has given: in `pipeline.toml` (`.yaml`, `.yml`) in the working directory,
    /// or the file that `PIPELINE_CONFIG` names, and in the environment. [`SettingsStack`] is the long form.
    ///
    /// # Errors
    /// All that is wrong with them, at once; a file that cannot be read is one of it.
    pub fn load() -> Result<Settings, Problems> {
        let stack = SettingsStack::of_process().map_err(|error| {
            Problem::new(ProblemCode::InvalidSetting, error.to_string())
                .hint("make it readable, or name another file with PIPELINE_CONFIG")
        })?;
        Ok(stack.resolve()?.settings().clone())
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
