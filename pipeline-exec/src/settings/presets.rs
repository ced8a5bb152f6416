//! Settings by name.

use std::time::Duration;

use super::{Settings, StepDefaults, cores};

/// Settings that have a name.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "the command line reads it"))]
pub(crate) struct Preset {
    /// The name, as in a file or after `--preset`.
    pub(crate) name: &'static str,
    pub(crate) settings: fn() -> Settings,
    /// The purpose.
    pub(crate) about: &'static str,
}

/// All presets. A setting that a preset does not set has its default.
pub(crate) const PRESETS: [Preset; 7] = [
    preset("default", Settings::default, "as wide as the machine allows"),
    preset("high-performance", Settings::high_performance, "a machine that runs nothing else"),
    preset("conservative", Settings::conservative, "a machine that is shared with others"),
    preset("sequential", one_worker, "one step at a time, to debug or to compare"),
    preset(
        "development",
        Settings::development,
        "interactive work: stops at the first failure, warns early of steps that block",
    ),
    preset(
        "production",
        Settings::production,
        "unattended: ends in time after a signal, samples memory, keeps 1000 runs",
    ),
    preset("test", Settings::test, "tests: the same report each time, and a time limit for each attempt"),
];

const fn preset(name: &'static str, settings: fn() -> Settings, about: &'static str) -> Preset {
    Preset { name, settings, about }
}

fn one_worker() -> Settings {
    Settings { workers: Some(1), ..Settings::default() }
}

impl Settings {
    /// Preset for a machine that runs nothing else: more IO and blocking slots.
    ///
    /// # Examples
    /// ```
    /// let settings = pipeline_exec::Settings::high_performance();
    /// assert_eq!((settings.io, settings.blocking), (1024, 256));
    /// ```
    pub fn high_performance() -> Self {
        Settings { io: 1024, blocking: 256, ..Settings::default() }
    }

    /// Preset for a shared machine: half the cores, few waiting steps.
    ///
    /// # Examples
    /// ```
    /// let settings = pipeline_exec::Settings::conservative();
    /// assert_eq!((settings.io, settings.blocking), (16, 4));
    /// ```
    pub fn conservative() -> Self {
        Settings { io: 16, cpu: cores().div_ceil(2), blocking: 4, ..Settings::default() }
    }

    /// Preset for interactive work: the first failure stops the run, an async step that keeps its thread for 50 ms is named in a
    /// warning, and after a stop steps on threads have 2 s to end.
    ///
    /// # Examples
    /// ```
    /// assert!(pipeline_exec::Settings::development().fail_fast);
    /// ```
    pub fn development() -> Self {
        Settings {
            fail_fast: true,
            slow_poll: Some(Duration::from_millis(50)),
            grace: Some(Duration::from_secs(2)),
            ..Settings::default()
        }
    }

    /// Preset for unattended runs: after a stop steps on threads have 30 s to end, memory and processor are sampled each second,
    /// and the last 1000 runs are kept. It sets no retries: only the author of a step knows whether it can be retried.
    ///
    /// # Examples
    /// ```
    /// let settings = pipeline_exec::Settings::production().workers(8);
    /// assert_eq!(settings.keep_runs, Some(1000));
    /// ```
    pub fn production() -> Self {
        Settings {
            grace: Some(Duration::from_secs(30)),
            sample_every: Some(Duration::from_secs(1)),
            keep_runs: Some(1000),
            ..Settings::default()
        }
    }

    /// Preset for tests: a deterministic run of seed 0, in which each attempt has a time limit of 60 s.
    ///
    /// # Examples
    /// ```
    /// let settings = pipeline_exec::Settings::test();
    /// assert_eq!((settings.deterministic, settings.seed), (true, Some(0)));
    /// ```
    pub fn test() -> Self {
        let defaults = StepDefaults::new().timeout(Duration::from_mins(1));
        Settings { deterministic: true, seed: Some(0), defaults, ..Settings::default() }
    }
}
