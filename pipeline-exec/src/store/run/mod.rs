//! The store in one run: which steps end with what is stored, and what is stored of the others.
//!
//! Before the run, every step is looked up whose key is known without running anything ([`before`]). The others are looked
//! up when they are ready, by the contents of their inputs ([`look_up`]). What a run that does not succeed needs to go on
//! is stored when its steps fail, before it is dropped ([`checkpoints`]).

mod after;
mod before;
mod checkpoints;
#[cfg(feature = "cli")]
mod explain;
mod keys;
mod look_up;
mod place;
#[cfg(feature = "cli")]
mod refused;
mod tally;
mod why;

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use pipeline_core::frame::Given;

pub(crate) use self::before::{Asked, OfRun};
pub(crate) use self::checkpoints::Left;
#[cfg(feature = "cli")]
pub(crate) use self::checkpoints::{Again, has_left};
#[cfg(feature = "cli")]
pub(crate) use self::explain::{Explained, Outlook, explain};
#[cfg(feature = "cli")]
pub(crate) use self::keys::param_digest_of_file;
use self::keys::{Base, Known};
pub(crate) use self::place::Place;
#[cfg(feature = "cli")]
pub(crate) use self::refused::why_not_cached;
use self::tally::Tally;
use super::{Key, Record, Records, ValueStore, unpoisoned};
use crate::settings::{ResumeMode, StepCache};
use crate::stored::CachedFrom;
use crate::timing::Timings;
use crate::{stderr, text};

/// The store in one run.
#[derive(Debug)]
pub(crate) struct Caching {
    place: Place,
    run: String,
    program: String,
    /// Made when they are first needed.
    steps: OnceLock<Vec<StepState>>,
    /// For each step, how long its stored output is good, if it is cached; empty if no step is.
    cache: Vec<Option<Lifetime>>,
    /// The steps that are run even if they are stored, ascending.
    fresh: Vec<usize>,
    resume: ResumeMode,
    /// The run that this one resumes.
    pub(crate) resumed: Option<Resumed>,
    tally: Tally,
    /// Whether anything was stored for resuming.
    has_checkpoints: AtomicBool,
    /// When its steps start and end, if that is recorded.
    timings: OnceLock<Timings>,
}

/// The run that a run resumes.
#[derive(Debug)]
pub(crate) struct Resumed {
    pub(crate) run: String,
    /// The number of steps that were found before the run.
    pub(crate) done: usize,
    /// The steps that have ended in that run and are run again, with the reason.
    pub(crate) again: Vec<(usize, String)>,
}

/// A step in a run with a store.
#[derive(Debug)]
struct StepState {
    /// What its keys begin with, or why it has none. `None` if nobody needs a key of it.
    base: Option<Result<Base, String>>,
    /// Whether its output is looked up and stored, and for how long it is good.
    cache: Option<Lifetime>,
    /// Whether it is to be run even if it is stored.
    fresh: bool,
    decision: Mutex<Decision>,
    /// The key in the cache, once the contents of its inputs are known.
    key: OnceLock<Option<Key>>,
    /// What its own key (`key = …`) is known by, once that was read.
    own_key: OnceLock<super::Content>,
    /// What its output is known by, once it has one.
    known: OnceLock<Option<Known>>,
    /// The key as a checkpoint.
    lineage: Option<Key>,
    /// Whether it is stored for resuming.
    is_checkpoint: OnceLock<()>,
    /// Where its output comes from, if that was stored.
    from: OnceLock<CachedFrom>,
    /// The output that was read from the store after the run.
    late: OnceLock<Option<Box<dyn std::any::Any + Send + Sync>>>,
}

/// How long a stored value is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetime(pub(crate) Option<Duration>);

impl Lifetime {
    /// Returns how long the values of a step are good; `None` if it is not cached.
    pub(crate) fn of(cache: StepCache) -> Option<Self> {
        match cache {
            StepCache::Off => None,
            StepCache::On => Some(Lifetime(None)),
            StepCache::For(time) => Some(Lifetime(Some(time))),
        }
    }
}

/// What happens to a step when it is ready.
#[derive(Debug, Default)]
enum Decision {
    /// It is run.
    #[default]
    Run,
    /// It is looked up by the contents of its inputs.
    Ask,
    /// It ends with what is stored, which no step of the run reads.
    Unread(Option<Box<Record>>),
    /// It ends with what was read from the store.
    Read(Option<Given>),
}

impl Caching {
    /// Says when the steps of the run start and end.
    pub(crate) fn timed_by(&self, timings: &Timings) {
        _ = self.timings.set(timings.clone());
    }

    /// What is known of a step, in a run that [is involved](Caching::is_involved) or has not succeeded.
    fn state(&self, step: usize) -> &StepState {
        &self.steps.get().expect("invariant: made before a step is looked up or stored")[step]
    }

    fn states_mut(&mut self) -> &mut [StepState] {
        self.steps.get_mut().expect("invariant: made before a step is looked up or stored")
    }

    fn store(&self) -> &ValueStore {
        self.place.opened().expect("invariant: opened before a step is looked up or stored")
    }

    /// The checkpoints of this run.
    fn checkpoints(&self) -> Records {
        self.store().checkpoints(&self.run)
    }

    /// Prints what went wrong with the store since the last call.
    pub(crate) fn print_warnings(&self) {
        for warning in self.place.opened().map(ValueStore::take_warnings).unwrap_or_default() {
            stderr::write(&format!("warning: {}\n", text::clean(&warning)));
        }
    }
}
