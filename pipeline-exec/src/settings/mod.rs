//! Settings of a run: the table of all, and how those of several sources become one.

mod check;
mod explicit;
mod layers;
mod of_steps;
mod origins;
mod presets;
pub(crate) mod row;
mod step_defaults;
mod stored;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use pipeline_core::{Lane, Problem, ProblemCode, Problems};

use self::explicit::{Explicit, Remember};
pub(crate) use self::layers::Named;
pub use self::layers::{ResolvedSettings, SettingInForce, SettingsStack};
#[cfg(feature = "cli")]
pub(crate) use self::layers::{value_of_json, value_of_toml};
pub(crate) use self::of_steps::cannot_be_retried;
use self::origins::Origins;
#[cfg(feature = "cli")]
pub(crate) use self::presets::{PRESETS, Preset};
use self::row::settings;
pub use self::step_defaults::{StepCache, StepDefaults, TagSettings};
pub use self::stored::{CacheMode, Durability, ResumeMode};
use crate::limits::{CORES, LimitSettings, Limits, MEMORY};
use crate::quantity;

settings! {
    /// How a run is executed. Every setting has a default from the machine.
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(default, deny_unknown_fields)]
    #[allow(clippy::struct_excessive_bools, reason = "each is one setting, on its own")]
    #[non_exhaustive]
    pub struct Settings {
        /// Maximum number of steps at once, over all lanes. Lanes with fewer slots are opened that far, unless the same or a
        /// later source sets them.
        workers: Option<usize> = None, Slots, default "no limit", flag "-w, --workers <N>";
        /// Maximum number of async steps under way at once, waiting ones included.
        io: usize = 256, Slots(8), flag "--io <N>";
        /// Maximum number of CPU steps at once. By default, the cores that the process may use (affinity and cgroup quota).
        cpu: usize = cores(), Slots(4), default "the cores of the process", flag "--cpu <N>";
        /// Maximum number of blocking steps at once.
        blocking: usize = 64, Slots(16), flag "--blocking <N>";
        /// Stop the run at the first failure of a step that is not `optional`. By default, independent steps still run.
        fail_fast: bool = false, Switch(true), flag "--fail-fast";
        /// Time limit of the whole run. Then async steps are dropped, running steps on threads are detached, and steps that
        /// have not started are cancelled.
        #[serde(with = "quantity::optional_time")]
        deadline: Option<Duration> = None, Time(Duration::from_secs(3600)), flag "--deadline <TIME>";
        /// Time that a stopped run waits for steps on threads, before it detaches them. By default, it waits until they end.
        #[serde(with = "quantity::optional_time")]
        grace: Option<Duration> = None, TimeOrZero(Duration::from_secs(5)), default "none; 10s on the command line",
            flag "--grace <TIME>";
        /// Memory that the run may use, in bytes or as text. The `memory` that steps declare counts against it, and fewer steps
        /// run at once while the process comes near it.
        #[serde(with = "quantity::memory")]
        memory_limit: Option<u64> = None, Memory(4 << 30), flag "--memory-limit <SIZE>";
        /// Skip steps that write (`#[step(writes)]`), and the steps that require their outputs.
        no_write: bool = false, Switch(true), flag "--no-write";
        /// Seed of the random numbers of steps. The report has the seed of each run.
        seed: Option<u64> = None, Count(7), default "another for each run", flag "--seed <N>";
        /// Allows steps with `parallel_if` to run beside others. Otherwise they run alone.
        conditional: bool = true, Switch(false);
        /// Allows fallbacks of steps, and fewer slots near `memory_limit`.
        fallback: bool = true, Switch(false);
        /// Asks the pipeline's own validators before the first step. The graph itself is always checked.
        validate: bool = true, Switch(false);
        /// Number of retries that all steps of the run may use together. Then a step that fails has failed.
        retry_budget: Option<u32> = None, Count(100), default "no limit";
        /// Number of detached attempts that may run at once. One more stops the run.
        max_detached: Option<usize> = None, Count(2), default "as many as CPU slots";
        /// Time for which an async step may keep its thread without waiting. A step that keeps it longer is named in a warning;
        /// `"none"` disables it.
        #[serde(with = "quantity::optional_time")]
        slow_poll: Option<Duration> = Some(Duration::from_millis(200)), Time(Duration::from_millis(20));
        /// Interval at which memory and processor are sampled for the report. `memory_limit` samples every 250 ms by itself.
        #[serde(with = "quantity::optional_time")]
        sample_every: Option<Duration> = None, Time(Duration::from_secs(1));
        /// Records when steps start and end, for the report.
        timings: bool = true, Switch(false);
        /// Makes the report the same, to the byte, for the same graph, parameters and seed.
        ///
        /// Such a report has no times, threads or slots. The id of the run is made from seed, graph and configuration: two such
        /// runs have the same one. Without a seed, the seed is 0.
        ///
        /// The schedule is not fixed: a run that is stopped (also by `fail_fast`), or an input that takes the first of several
        /// outputs, depends on it.
        deterministic: bool = false, Switch(true);
        /// For tests: seed that picks among ready steps, in place of urgency.
        shuffle: Option<u64> = None, Count(1);
        /// Directory of reports and of the history of runs.
        ///
        /// In code, use `Pipeline::record_to`.
        runs_dir: Option<PathBuf> = None, Path, default "none; `.pipeline` on the command line", flag "--runs-dir <DIR>";
        /// Number of runs that are kept there. Older ones are removed.
        keep_runs: Option<usize> = None, AtLeastOne, default "all";
        /// Records the values of run parameters there, for `run --again`, except those that are or may hold a secret.
        record_params: bool = true, Switch(false);
        /// Refuses the run if another run of the pipeline that records there is under way. Otherwise both run.
        exclusive_run: bool = false, Switch(true), flag "--exclusive-run";
        /// Directory of the store, which keeps outputs of steps for later runs (feature `store`).
        ///
        /// In code, use `Pipeline::store`.
        store: Option<PathBuf> = None, Path, default "none; `.pipeline/store` on the command line", flag "--store <DIR>";
        /// Steps that use the store: `"marked"` (those with `#[step(cache)]` or a `cache` of theirs), `"all"` whose outputs can be
        /// stored, or `"off"`.
        cache: CacheMode = CacheMode::Marked, Cache(CacheMode::All);
        /// What the run leaves in the store so that another can go on where it ended: `"off"`, `"on-failure"` (the outputs that the
        /// rest of it needs), `"always"` (every output that can be stored, when it is made).
        resume: ResumeMode = ResumeMode::Off, Resume(ResumeMode::OnFailure), default "off; on-failure on the command line";
        /// What stored values survive: `"process"` (the end of the process), or `"power"` (also a power failure).
        durability: Durability = Durability::Process, Durability(Durability::Power);
    }
    {
        /// Settings of steps that do not set them themselves.
        pub defaults: StepDefaults,
        /// The same for the steps of each group, by name; wins over `defaults`. The step's own attribute wins over both.
        pub groups: BTreeMap<String, StepDefaults>,
        /// Settings of the steps of each tag.
        pub tags: BTreeMap<String, TagSettings>,
        /// The same as `defaults` for single steps, by name or by a pattern such as `"shard_*"`; wins over the step's own
        /// attribute. A name wins over a pattern, and a longer pattern over a shorter one.
        pub steps: BTreeMap<String, StepDefaults>,
        /// Named limits of the run.
        ///
        /// A name that steps need and that is missing here has a capacity of 1. `cores` and `memory` are what steps declare:
        /// their capacities are `cpu` and `memory_limit`, unless they are set here. Shared limits
        /// ([`Pipeline::limits`](crate::Pipeline::limits)) replace these.
        pub limits: BTreeMap<String, LimitSettings>,
        /// The settings that code has set by a method: they win over file, environment and flags.
        #[serde(skip)]
        pub(crate) explicit: Explicit,
        /// Origins of the settings that are not from code.
        #[serde(skip)]
        pub(crate) origins: Origins,
    }
}

/// Maximum number of slots of a lane: each slot of the CPU and blocking lanes can need a thread.
pub const MOST_SLOTS: usize = 4096;

/// A time as long as none: a clock cannot represent much longer ones.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

/// Returns a time that can be added to an instant.
pub(crate) fn in_reach(time: Duration) -> Duration {
    time.min(LONGEST)
}

/// Returns the number of cores that this process may use (affinity mask and cgroup quota), at least 1.
///
/// Read once: asking the operating system takes longer than a small run.
pub fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZero::get))
}

impl Settings {
    /// Reads `pipeline.toml` (`.yaml`, `.yml`) in the working directory, or the file that `PIPELINE_CONFIG` names, and the
    /// environment. [`SettingsStack`] is the long form.
    ///
    /// # Examples
    /// ```no_run
    /// let settings = pipeline_exec::Settings::load()?;
    /// # Ok::<(), pipeline_core::Problems>(())
    /// ```
    ///
    /// # Errors
    /// All problems at once. An unreadable file is one.
    pub fn load() -> Result<Settings, Problems> {
        let stack = SettingsStack::of_process().map_err(|error| {
            Problem::new(ProblemCode::InvalidSetting, error.to_string())
                .hint("make it readable, or name another file with PIPELINE_CONFIG")
        })?;
        Ok(stack.resolve()?.settings().clone())
    }

    /// Sets the maximum number of steps at once over all lanes, and opens every lane that far.
    ///
    /// # Examples
    /// ```
    /// let settings = pipeline_exec::Settings::default().workers(8);
    /// assert_eq!((settings.workers, settings.io), (Some(8), 8));
    /// ```
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.mark("workers");
        self.workers = Some(workers);
        Lane::ALL.into_iter().fold(self, |settings, lane| settings.with_slots(lane, workers))
    }

    /// Leaves some cores to other programs: uses the remaining ones, at least 1.
    ///
    /// # Examples
    /// ```
    /// use pipeline_exec::{Settings, cores};
    /// assert_eq!(Settings::default().reserve_cores(1).cpu, (cores() - 1).max(1));
    /// ```
    #[must_use]
    pub fn reserve_cores(self, reserved: usize) -> Self {
        self.cpu(cores().saturating_sub(reserved).max(1))
    }

    /// Sets the settings of steps that do not set them themselves. Calls add up: the later one wins, setting by setting.
    ///
    /// # Examples
    /// ```
    /// use pipeline_exec::{Settings, StepDefaults};
    /// let settings = Settings::default().defaults(StepDefaults::new().retries(2));
    /// assert_eq!(settings.defaults.retries, Some(2));
    /// ```
    #[must_use]
    pub fn defaults(mut self, defaults: StepDefaults) -> Self {
        self.defaults.lay(&defaults);
        self
    }

    /// Sets the settings of the steps of a group that do not set them themselves. Calls for one group add up.
    ///
    /// # Examples
    /// ```
    /// use pipeline_exec::{Settings, StepDefaults};
    /// let settings = Settings::default().group("silver", StepDefaults::new().retries(2));
    /// assert_eq!(settings.groups["silver"].retries, Some(2));
    /// ```
    #[must_use]
    pub fn group(mut self, name: impl Into<String>, defaults: StepDefaults) -> Self {
        self.groups.entry(name.into()).or_default().lay(&defaults);
        self
    }

    /// Sets the settings of single steps, by name or by a pattern. They win over the attribute of the step. Calls for one key
    /// add up.
    ///
    /// # Examples
    /// ```
    /// use pipeline_exec::{Settings, StepDefaults};
    /// let settings = Settings::default().step("shard_*", StepDefaults::new().enabled(false));
    /// assert_eq!(settings.steps["shard_*"].enabled, Some(false));
    /// ```
    #[must_use]
    pub fn step(mut self, name: impl Into<String>, settings: StepDefaults) -> Self {
        self.steps.entry(name.into()).or_default().lay(&settings);
        self
    }

    /// Sets the settings of the steps of a tag.
    ///
    /// # Examples
    /// ```
    /// use pipeline_exec::{Settings, TagSettings};
    /// let settings = Settings::default().tag("slow", TagSettings::new().enabled(false));
    /// assert_eq!(settings.tags["slow"].enabled, Some(false));
    /// ```
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, settings: TagSettings) -> Self {
        self.tags.insert(name.into(), settings);
        self
    }

    /// Configures a named limit.
    ///
    /// # Examples
    /// ```
    /// use pipeline_exec::{LimitSettings, Settings};
    /// let settings = Settings::default().limit("db", LimitSettings::new(4));
    /// assert_eq!(settings.limits["db"].capacity, 4);
    /// ```
    #[must_use]
    pub fn limit(mut self, name: impl Into<String>, limit: LimitSettings) -> Self {
        self.limits.insert(name.into(), limit);
        self
    }

    /// Returns the slots of a lane.
    ///
    /// # Examples
    /// ```
    /// use pipeline_core::Lane;
    /// assert_eq!(pipeline_exec::Settings::default().io(8).slots(Lane::Io), 8);
    /// ```
    pub fn slots(&self, lane: Lane) -> usize {
        match lane {
            Lane::Io => self.io,
            Lane::Cpu => self.cpu,
            Lane::Blocking => self.blocking,
        }
    }

    pub(crate) fn with_slots(self, lane: Lane, slots: usize) -> Self {
        match lane {
            Lane::Io => self.io(slots),
            Lane::Cpu => self.cpu(slots),
            Lane::Blocking => self.blocking(slots),
        }
    }

    /// Returns the slots of a lane that the limit over all lanes leaves to it.
    pub(crate) fn width(&self, lane: Lane) -> usize {
        self.workers.map_or(self.slots(lane), |workers| workers.min(self.slots(lane)))
    }

    /// Lays `later` over these settings: each setting that is explicit there, or not the default, wins.
    pub(crate) fn merge(mut self, later: Settings) -> Settings {
        self.lay(&later);
        self.origins.lay(&later.origins, || layers::keys_set_by_code(&later));
        let Settings { defaults, groups, tags, steps, limits, explicit, .. } = later;
        self.explicit.0.extend(explicit.0);
        self.limits.extend(limits);
        self.tags.extend(tags);
        let this =
            groups.into_iter().fold(self.defaults(defaults), |this, (name, group)| this.group(name, group));
        steps.into_iter().fold(this, |this, (name, step)| this.step(name, step))
    }

    /// Returns the limits as a run uses them.
    pub(crate) fn make_limits(&self) -> Limits {
        let machine =
            self.machine_limits().fold(Limits::new(), |limits, (name, limit)| limits.limit(name, limit));
        self.limits.iter().fold(machine, |limits, (name, limit)| limits.limit(name, limit.clone()))
    }

    /// Returns the limits that the cores and the memory declared by steps count against.
    pub(crate) fn machine_limits(&self) -> impl Iterator<Item = (&'static str, LimitSettings)> {
        let memory = self.memory_limit.map(|bytes| (MEMORY, LimitSettings::new(bytes)));
        memory.into_iter().chain([(CORES, LimitSettings::new(self.cpu as u64))])
    }
}

impl Remember for Settings {
    fn mark(&mut self, key: &'static str) {
        self.explicit.0.insert(key);
    }

    fn is_explicit(&self, key: &str) -> bool {
        self.explicit.0.contains(key)
    }
}
