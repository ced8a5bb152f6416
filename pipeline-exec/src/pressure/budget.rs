//! The slots to start with on a machine.

use std::fmt;

use bytesize::ByteSize;
use pipeline_core::Lane;

use super::Sample;
use crate::settings::{MOST_SLOTS, Settings, cores};

const MIB: u64 = 1 << 20;

/// The slots to start with on a machine, for each lane, each with its reason.
///
/// If memory suffices, these are the defaults of [`Settings`]. Otherwise CPU steps get half of the memory, blocking and async
/// steps a quarter each, at 64, 16 and 1 MiB per step. This is a rule of thumb; a [`Controller`](super::Controller) adapts
/// the slots to what is really used.
///
/// ```
/// use pipeline_exec::pressure::Budget;
///
/// let budget = Budget::new(8, 1 << 30, None); // 8 cores, 1 GiB
/// assert_eq!(budget.lanes.iter().map(|lane| lane.slots).collect::<Vec<_>>(), [8, 16, 256]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// The cores of the machine.
    pub cores: usize,
    /// The memory of the machine, in bytes.
    pub memory: u64,
    /// The memory that a run may use, in bytes.
    pub limit: Option<u64>,
    /// The lanes, in the order CPU, blocking, IO.
    pub lanes: Vec<LaneBudget>,
}

/// The slots of one lane, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LaneBudget {
    /// The lane.
    pub lane: Lane,
    /// Its slots, at least 1.
    pub slots: usize,
    /// The reason, in one line.
    pub why: String,
}

impl Budget {
    /// Makes the budget of a machine with `cores` and `memory` bytes, of which a run may use `limit`.
    pub fn new(cores: usize, memory: u64, limit: Option<u64>) -> Self {
        let (cores, usable) = (cores.clamp(1, MOST_SLOTS), limit.map_or(memory, |limit| limit.min(memory)));
        let defaults = Settings::default();
        // Of each lane: wanted slots, the reason, its share of the memory, and the memory for one step.
        let lanes = Lane::threads_first().map(|of| match of {
            Lane::Cpu => {
                lane(of, cores, "one slot per core: more would wait for each other", usable / 2, 64 * MIB)
            }
            Lane::Blocking => {
                let why = "they wait more than they compute; each needs a thread";
                lane(of, defaults.blocking, why, usable / 4, 16 * MIB)
            }
            Lane::Io => lane(of, defaults.io, "they wait without a thread", usable / 4, MIB),
        });
        Budget { cores, memory, limit, lanes: lanes.into() }
    }

    /// Makes the budget of this process: the cores that it may use, and the memory that it has or could get according to
    /// the sample. Returns `None` if the sample does not show the available memory.
    pub fn here(sample: &Sample, limit: Option<u64>) -> Option<Self> {
        let memory = sample.memory.saturating_add(sample.available?);
        let limit = [limit, sample.limit_seen].into_iter().flatten().min();
        Some(Budget::new(cores(), memory, limit))
    }

    /// Returns the default settings with these slots.
    pub fn settings(&self) -> Settings {
        self.lanes
            .iter()
            .fold(Settings::default(), |settings, budget| settings.with_slots(budget.lane, budget.slots))
    }
}

/// Returns the slots wanted, or fewer if they do not fit in `room`.
fn lane(lane: Lane, wanted: usize, why: &str, room: u64, per_step: u64) -> LaneBudget {
    let fitting = usize::try_from(room / per_step).unwrap_or(usize::MAX).max(1);
    if wanted <= fitting {
        return LaneBudget { lane, slots: wanted, why: why.to_owned() };
    }
    let why = format!("memory: {} for this lane, {} per step", ByteSize(room), ByteSize(per_step));
    LaneBudget { lane, slots: fitting, why }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = if self.cores == 1 { "core" } else { "cores" };
        write!(f, "{} {cores}, {} of memory", self.cores, ByteSize(self.memory))?;
        if let Some(limit) = self.limit {
            write!(f, ", limit {}", ByteSize(limit))?;
        }
        write!(f, "\n{:<8}  {:>5}  why", "lane", "slots")?;
        self.lanes
            .iter()
            .try_for_each(|lane| write!(f, "\n{:<8}  {:>5}  {}", lane.lane.name(), lane.slots, lane.why))
    }
}
