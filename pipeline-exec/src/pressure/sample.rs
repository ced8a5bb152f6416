//! Measurements, and samplers that make them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The resources that a process and its descendants use at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Sample {
    /// Resident memory in bytes. Pages that several of the processes share are counted for each.
    pub memory: u64,
    /// The memory limit that the system sets for this process, in bytes: the smallest of its cgroup and those above.
    pub limit_seen: Option<u64>,
    /// Bytes that the machine could still allocate without swapping.
    pub available: Option<u64>,
    /// User and system time used so far, including that of ended children. Only differences matter.
    pub cpu: Duration,
    /// Number of threads.
    pub threads: u32,
}

impl Sample {
    /// Makes a sample of which only the memory is known, in bytes. The other fields can be set afterwards.
    pub fn of_memory(memory: u64) -> Self {
        Sample { memory, ..Sample::default() }
    }
}

/// Measures what a run uses. [`ProcessSampler`](super::ProcessSampler) measures the whole process; another can measure an
/// allocator, a GPU, or another machine. A closure is a sampler:
///
/// ```
/// use pipeline_exec::pressure::{Sample, Sampler};
///
/// let mut sampler = || Ok(Sample::of_memory(850));
/// assert_eq!(sampler.sample().unwrap().memory, 850);
/// ```
pub trait Sampler: Send {
    /// Measures now. It is called a few times per second, on a thread that runs no steps, and should return within a
    /// millisecond.
    ///
    /// # Errors
    ///
    /// If nothing could be measured; the run keeps its slots.
    fn sample(&mut self) -> std::io::Result<Sample>;
}

impl<F: FnMut() -> std::io::Result<Sample> + Send> Sampler for F {
    fn sample(&mut self) -> std::io::Result<Sample> {
        self()
    }
}
