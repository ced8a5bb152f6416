//! The cells of one run: counters and a slot for each step, and the values that steps read beside them.
//!
//! The cells only store. Which step may start, and when an output is dropped, is decided by the
//! [`Frame`](crate::frame::Frame). The code of a step reaches the cells through a [`Call`](crate::call::Call).

mod access;
mod attempt;
mod bindings;
mod counter;
mod tally;

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use self::attempt::{Attempt, MOST_ATTEMPTS};
pub(crate) use self::bindings::{Bindings, Group, Steps};
pub(crate) use self::counter::Counters;
pub(crate) use self::tally::Tally;
use crate::context::{RunScope, RunningStep, StepContext};
use crate::params::BoundParams;
use crate::signal::Signal;
use crate::value::Slot;

/// The cells of one run, and the values that its steps read beside them.
pub(crate) struct Cells {
    /// The number of the run's frame.
    frame: u32,
    each: Box<[Cell]>,
    bindings: Arc<Bindings>,
    steps: Arc<dyn Steps>,
    /// One for each group of the bindings.
    tallies: Box<[Tally]>,
    params: BoundParams,
    resources: Vec<Arc<dyn Any + Send + Sync>>,
    scope: Arc<RunScope>,
    /// The steps of which an attempt was given up.
    given_up: Mutex<BTreeSet<u32>>,
    any_given_up: AtomicBool,
    /// The signal of each watched attempt that asked for its context, by step and attempt: raised when it is given up.
    cancels: Mutex<BTreeMap<(u32, u32), Arc<Signal>>>,
}

/// The counters and the slot of one step: half a cache line.
#[repr(align(32))]
struct Cell {
    counters: Counters,
    slot: Slot,
}

impl Drop for Cells {
    fn drop(&mut self) {
        crate::contain::drop_each(self.resources.drain(..));
    }
}

impl Cells {
    /// Makes empty cells, one for each of the counters.
    pub(crate) fn new(
        frame: u32,
        counters: impl Iterator<Item = Counters>,
        bindings: Arc<Bindings>,
        steps: Arc<dyn Steps>,
        params: BoundParams,
        resources: Vec<Arc<dyn Any + Send + Sync>>,
        scope: Arc<RunScope>,
    ) -> Self {
        let tally = |group: &Group| Tally::new(group.members.len(), group.needed);
        Cells {
            frame,
            each: counters.map(|counters| Cell { counters, slot: Slot::empty() }).collect(),
            tallies: bindings.groups().iter().map(tally).collect(),
            bindings,
            steps,
            params,
            resources,
            scope,
            given_up: Mutex::default(),
            any_given_up: AtomicBool::new(false),
            cancels: Mutex::default(),
        }
    }

    /// Returns the number of steps.
    pub(crate) fn len(&self) -> usize {
        self.each.len()
    }

    /// Returns the counters of a step.
    #[inline]
    pub(crate) fn counters(&self, step: u32) -> &Counters {
        &self.each[step as usize].counters
    }

    /// Returns the count of a group.
    pub(crate) fn tally(&self, group: usize) -> &Tally {
        &self.tallies[group]
    }

    /// Returns where the steps read their inputs.
    #[inline]
    pub(crate) fn bindings(&self) -> &Bindings {
        &self.bindings
    }

    /// Returns the name of a step.
    pub(crate) fn name(&self, step: u32) -> &str {
        self.steps.name(step)
    }

    /// Returns the run parameters, as bound to the steps.
    pub(crate) fn params(&self) -> &BoundParams {
        &self.params
    }

    /// Returns what the steps of the run share.
    #[inline]
    pub(crate) fn scope(&self) -> &Arc<RunScope> {
        &self.scope
    }

    pub(crate) fn resource(&self, index: u32) -> &(dyn Any + Send + Sync) {
        &*self.resources[index as usize]
    }

    /// Makes the context of an attempt.
    pub(crate) fn context(&self, step: u32, attempt: Attempt) -> StepContext {
        let name = self.steps.name(step).clone();
        let function = self.steps.function(step).map(|(module, name)| (module.clone(), name.clone()));
        let context = StepContext::new(Arc::clone(&self.scope), name, attempt.number())
            .of_function(function)
            .of_running(RunningStep { frame: self.frame, step });
        if !attempt.is_watched() {
            return context;
        }
        let mut cancels = self.cancels.lock().unwrap_or_else(PoisonError::into_inner);
        let given_up = Arc::clone(cancels.entry((step, attempt.number())).or_default());
        drop(cancels);
        // If the attempt was given up before the entry existed, no signal was raised.
        if !self.counters(step).is_running(attempt.number()) {
            given_up.raise();
        }
        context.cancelled_by(given_up)
    }

    /// Returns the upstream step that an input of one value out of several reads.
    pub(crate) fn chosen(&self, step: u32, parameter: usize) -> Option<u32> {
        let group = self.bindings.group_at(step, parameter);
        let winner = group.and_then(|group| self.tallies[group].winner());
        let first = || {
            let mut sources = self.bindings.sources(step, parameter).iter().copied();
            sources.find(|&source| self.status(source).has_output())
        };
        winner.or_else(first)
    }

    /// Claims the right to put the output of a watched attempt.
    #[inline]
    pub(crate) fn claim(&self, step: u32, attempt: Attempt) -> bool {
        self.counters(step).claim(attempt.number())
    }

    /// Records that an attempt was given up, and cancels its context.
    pub(crate) fn record_given_up(&self, step: u32, attempt: Attempt) {
        self.given_up().insert(step);
        self.any_given_up.store(true, Ordering::Relaxed);
        let cancels = self.cancels.lock().unwrap_or_else(PoisonError::into_inner);
        let cancelled = cancels.get(&(step, attempt.number())).map(Arc::clone);
        // A task that is woken may ask for a context itself.
        drop(cancels);
        if let Some(cancelled) = cancelled {
            cancelled.raise();
        }
    }

    /// Reports whether any attempt was given up. A step that starts afterwards sees it.
    #[inline]
    pub(crate) fn any_given_up(&self) -> bool {
        self.any_given_up.load(Ordering::Relaxed)
    }

    /// Reports whether an attempt of the step was given up: it may still run, and read the step's inputs.
    pub(crate) fn was_given_up(&self, step: u32) -> bool {
        self.any_given_up() && self.given_up().contains(&step)
    }

    /// Returns a step other than `step` that may still read the output of `source`, though all readers have ended.
    pub(crate) fn still_reads(&self, source: u32, step: u32) -> Option<u32> {
        let given_up = self.given_up();
        given_up.iter().copied().find(|&reader| reader != step && self.steps.reads(reader, source))
    }

    fn given_up(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
