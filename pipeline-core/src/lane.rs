//! The lanes in which steps run.

use std::fmt;

/// Where a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Lane {
    /// A tokio task: the default of `async fn`.
    Io,
    /// A bounded pool, as many at once as there are cores: the default of `fn`.
    Cpu,
    /// An elastic, capped pool for code that waits rather than computes.
    Blocking,
}

impl Lane {
    /// Every lane, in the order of [`Lane::index`].
    pub const ALL: [Lane; 3] = [Lane::Io, Lane::Cpu, Lane::Blocking];

    /// A dense index, 0 for IO.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Returns the lane as written in `#[step(…)]` and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Lane::Io => "io",
            Lane::Cpu => "cpu",
            Lane::Blocking => "blocking",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
