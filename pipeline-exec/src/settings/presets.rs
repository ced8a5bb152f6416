//! Settings by name: what people mean by "careful" or "in production", written down once.

use std::time::Duration;

use super::{Settings, cores};

/// The presets: name, constructor, and what it is for. Where a preset says nothing, the default holds.
pub const PRESETS: [(&str, fn() -> Settings, &str); 7] = [
    ("default", Settings::default, "as wide as the machine allows"),
    ("high-performance", Settings::high_performance, "a machine that has nothing else to do"),
    ("conservative", Settings::conservative, "a machine that is shared with others"),
    ("sequential", Settings::sequential, "one step at a time: to look at what happens, or to compare"),
    ("development", Settings::development, "at a desk: stops at the first failure, says early what blocks"),
    (
        "production",
        Settings::production,
        "unattended: ends in time after a signal, samples memory, keeps 1000 runs",
    ),
    ("test", Settings::test, "tests: the same report each time, and no attempt for ever"),
];

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
        settings.defaults.timeout = Some(Duration::from_secs(60));
        settings
    }

    /// The preset of a name: one of [`PRESETS`].
    pub fn preset(name: &str) -> Option<Self> {
        PRESETS.iter().find(|(known, ..)| *known == name).map(|(_, make, _)| make())
    }
}
