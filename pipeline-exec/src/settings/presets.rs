//! Settings by name: what people mean by "careful" or "in production", written down once.

use std::time::Duration;

use super::{Settings, cores};

/// Settings that have a name.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Preset {
    /// The name, as in a file or after `--preset`.
    pub name: &'static str,
    /// Makes them.
    pub settings: fn() -> Settings,
    /// What they are for.
    pub about: &'static str,
}

/// All presets. Where one says nothing, the default holds.
pub const PRESETS: [Preset; 7] = [
    preset("default", Settings::default, "as wide as the machine allows"),
    preset("high-performance", Settings::high_performance, "a machine that has nothing else to do"),
    preset("conservative", Settings::conservative, "a machine that is shared with others"),
    preset("sequential", Settings::sequential, "one step at a time: to look at what happens, or to compare"),
    preset(
        "development",
        Settings::development,
        "at a desk: stops at the first failure, says early what blocks",
    ),
    preset(
        "production",
        Settings::production,
        "unattended: ends in time after a signal, samples memory, keeps 1000 runs",
    ),
    preset("test", Settings::test, "tests: the same report each time, and no attempt for ever"),
];

const fn preset(name: &'static str, settings: fn() -> Settings, about: &'static str) -> Preset {
    Preset { name, settings, about }
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

    /// For work at a desk: the first failure stops the run, an async step that keeps its thread for 50 ms is named, and
    /// after a stop steps on threads have 2 s.
    pub fn development() -> Self {
        Settings {
            fail_fast: true,
            slow_poll: Some(Duration::from_millis(50)),
            grace: Some(Duration::from_secs(2)),
            ..Settings::default()
        }
    }

    /// For runs that nobody watches: after a stop steps on threads have 30 s, memory and processor are sampled each second,
    /// and the last 1000 runs are kept. Nothing is retried that does not say so: only its author knows whether a step may
    /// be.
    pub fn production() -> Self {
        Settings {
            grace: Some(Duration::from_secs(30)),
            sample_every: Some(Duration::from_secs(1)),
            keep_runs: Some(1000),
            ..Settings::default()
        }
    }

    /// For tests: a deterministic run of seed 0, in which no attempt takes longer than 60 s.
    pub fn test() -> Self {
        let mut settings = Settings { deterministic: true, seed: Some(0), ..Settings::default() };
        settings.defaults.timeout = Some(Duration::from_mins(1));
        settings
    }

    /// The preset of a name: one of [`PRESETS`].
    pub fn preset(name: &str) -> Option<Self> {
        PRESETS.iter().find(|preset| preset.name == name).map(|preset| (preset.settings)())
    }
}
