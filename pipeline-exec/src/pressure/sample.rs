//! What is measured, and who measures.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a process and its descendants use at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Sample {
    /// Resident memory in bytes. Pages that several of the processes share are counted once for each.
    pub memory: u64,
    /// The memory limit that the system sets for this process, in bytes: the smallest of its cgroup and those above.
    pub limit_seen: Option<u64>,
    /// How many bytes the machine could still give out without swapping.
    pub available: Option<u64>,
    /// User and system time used so far, by children that have ended too. Differences count, not the value.
    pub cpu: Duration,
    /// How many threads there are.
    pub threads: u32,
}

impl Sample {
    /// A sample of which only the memory is known, in bytes; the other fields can be set afterwards.
    pub fn of_memory(memory: u64) -> Self {
        Sample { memory, ..Sample::default() }
    }
}

/// Measures what a run uses. [`ProcessSampler`](super::ProcessSampler) looks at the whole process; one of your own can
/// look at an allocator, a GPU, or another machine.
pub trait Sampler: Send {
    /// Measures now. It is called a few times per second, on a thread that runs no steps, and should return within
    /// a millisecond.
    ///
    /// # Errors
    ///
    /// When nothing could be measured; the run goes on with the slots that it has.
    fn sample(&mut self) -> std::io::Result<Sample>;
}

/// A closure measures too.
impl<F: FnMut() -> std::io::Result<Sample> + Send> Sampler for F {
    fn sample(&mut self) -> std::io::Result<Sample> {
        self()
    }
}
