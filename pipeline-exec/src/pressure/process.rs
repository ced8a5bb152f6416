//! Measures this process and its descendants.
//!
//! Reads a handful of small files in `/proc`. Libraries that measure processes scan the whole process table.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::cgroup::Limits;
use super::procfs::{Image, Proc, Process, Units};
use super::{Sample, Sampler};

/// Number of threads of this process that a sample asks for children, besides those known to have some. The system lists
/// the children of each thread separately, and a run can have hundreds of threads: the others follow in later samples.
const THREADS_AT_ONCE: usize = 16;

/// Measures this process and its descendants, and the memory limits of its control groups. Linux only.
///
/// Memory is resident memory. Pages that several processes share are counted for each. A new process that has not executed a
/// program yet is a copy of its parent, and is not counted. In a process with many threads it can take a few samples to find
/// a new child. If the kernel does not list children (`CONFIG_PROC_CHILDREN`), only this process is measured.
pub struct ProcessSampler {
    proc: Proc,
    units: Units,
    limits: Limits,
    turns: Turns,
    has_children: fn() -> bool,
    cpu: Duration,
}

/// The threads of this process to ask for children.
#[derive(Default)]
struct Turns {
    /// Threads that had some in the last sample.
    parents: HashSet<u32>,
    /// Threads to ask before all are listed anew.
    left: Vec<u32>,
}

#[derive(Default)]
struct Totals {
    pages: u64,
    ticks: u64,
    threads: u32,
}

impl ProcessSampler {
    /// Makes a sampler for this process.
    ///
    /// # Errors
    ///
    /// `Unsupported` if `/proc` is missing or not that of Linux. Use another [`Sampler`] then.
    pub fn new() -> io::Result<Self> {
        ProcessSampler::below(Path::new("/"), has_children)
    }

    /// Makes a sampler that finds `proc` and the control groups below a folder.
    pub(super) fn below(root: &Path, has_children: fn() -> bool) -> io::Result<Self> {
        let mut proc = Proc::open(root.join("proc")).map_err(unsupported)?;
        let units = proc.own().and_then(|_| proc.units()).map_err(unsupported)?;
        let (limits, turns) = (Limits::find(root), Turns::default());
        Ok(ProcessSampler { proc, units, limits, turns, has_children, cpu: Duration::ZERO })
    }

    fn tree(&mut self) -> io::Result<Totals> {
        let own = self.proc.own()?;
        let mut totals = Totals::default();
        totals.add(&own, None);
        let mut open: Vec<(u32, Image)> =
            self.own_children().into_iter().map(|child| (child, own.image)).collect();
        // The table changes while it is read, and numbers are reused: visit none twice.
        let mut seen = HashSet::from([own.pid]);
        while let Some((pid, parent)) = open.pop() {
            if !seen.insert(pid) {
                continue;
            }
            // A process that cannot be read has ended since it was listed.
            let Ok(process) = self.proc.process(pid) else { continue };
            totals.add(&process, Some(parent));
            let name = pid.to_string();
            let threads = if process.threads == 1 { vec![pid] } else { self.proc.threads(&name) };
            for thread in threads {
                let children = self.proc.children(&name, thread);
                open.extend(children.into_iter().map(|child| (child, process.image)));
            }
        }
        Ok(totals)
    }

    fn own_children(&mut self) -> Vec<u32> {
        if !(self.has_children)() {
            return Vec::new();
        }
        let proc = &self.proc;
        let turn = self.turns.next(|| proc.threads("self"));
        let mut found = Vec::new();
        for thread in turn {
            let children = self.proc.children("self", thread);
            if !children.is_empty() {
                self.turns.parents.insert(thread);
            }
            found.extend(children);
        }
        found
    }
}

impl fmt::Debug for ProcessSampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessSampler").field("units", &self.units).finish_non_exhaustive()
    }
}

impl Sampler for ProcessSampler {
    fn sample(&mut self) -> io::Result<Sample> {
        let totals = self.tree()?;
        let nanos = u128::from(totals.ticks) * 1_000_000_000 / u128::from(self.units.ticks);
        // When a process ends that no parent waits for, its time is lost; the sum must not go back.
        self.cpu = self.cpu.max(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)));
        Ok(Sample {
            memory: totals.pages.saturating_mul(self.units.page),
            limit_seen: self.limits.smallest(),
            available: self.proc.available(),
            cpu: self.cpu,
            threads: totals.threads,
        })
    }
}

impl Totals {
    fn add(&mut self, process: &Process, parent: Option<Image>) {
        let image_of_parent = parent == Some(process.image);
        self.pages = self.pages.saturating_add(if image_of_parent { 0 } else { process.pages });
        self.ticks = self.ticks.saturating_add(process.ticks);
        self.threads = self.threads.saturating_add(process.threads);
    }
}

impl Turns {
    /// Returns the threads to ask now. Forgets which had children, because they are asked again.
    fn next(&mut self, all: impl FnOnce() -> Vec<u32>) -> HashSet<u32> {
        if self.left.is_empty() {
            self.left = all();
        }
        let mut turn = std::mem::take(&mut self.parents);
        let most = turn.len() + THREADS_AT_ONCE;
        while turn.len() < most
            && let Some(thread) = self.left.pop()
        {
            turn.insert(thread);
        }
        turn
    }
}

/// Reports whether this process has a child, including ended ones not waited for. This is one system call; asking each
/// thread takes hundreds, and most runs have no children.
fn has_children() -> bool {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        // It does not wait, and leaves the child for the code that does.
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::All, look), Err(rustix::io::Errno::CHILD))
    }
    #[cfg(not(target_os = "linux"))]
    true
}

fn unsupported(error: io::Error) -> io::Error {
    let text = format!(
        "the memory of this process cannot be measured, /proc is missing or not that of Linux ({error}); \
         give the run another sampler, or leave out the memory limit"
    );
    io::Error::new(io::ErrorKind::Unsupported, text)
}
