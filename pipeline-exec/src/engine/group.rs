//! Nested runs: they share the slots of the outermost one, and a step that waits for a nested run lends its slot to that run.
//!
//! The runs of a group share their gates; each has its own queues and drivers. So a guard that returns a slot looks for
//! work in every run of the group.
//!
//! A lent slot is for the runs that the step waits for, and for no other step. So every nesting ends: a run always has a place
//! for one step, even if all other slots are taken by steps that wait for something that the waiting step holds (a lock).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use pipeline_core::{Lane, Problem, ProblemCode, RunningStep, StepContext};

use super::lanes::LentSlot;
use super::{Engine, under_way};
use crate::limits::Limits;
use crate::record::{NestedReport, RunRecord};

/// Maximum depth of nested runs: a pipeline that goes deeper calls itself.
const MOST_NESTED: u32 = 64;

/// The runs that share slots.
#[derive(Debug, Default)]
pub(crate) struct RunGroup {
    engines: Mutex<Vec<Weak<Engine>>>,
    /// Whether a run has joined another.
    several: AtomicBool,
}

/// The run and the step that a nested run belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Parent {
    engine: Weak<Engine>,
    step: usize,
    pub(crate) depth: u32,
}

impl Parent {
    /// The step that a context belongs to.
    ///
    /// # Errors
    /// If the context is not that of a step under way, or runs are nested too deep.
    pub(crate) fn of(context: &StepContext) -> Result<Parent, Problem> {
        let found =
            context.running().and_then(|RunningStep { frame, step }| Some((under_way::find(frame)?, step)));
        let Some((engine, step)) = found else {
            return Err(Problem::new(
                ProblemCode::InvalidSetting,
                "a pipeline is to run within a step that is not under way",
            )
            .hint("give `.within(…)` the context that the step was called with, while it runs"));
        };
        let depth = engine.depth() + 1;
        if depth > MOST_NESTED {
            return Err(Problem::new(
                ProblemCode::InvalidSetting,
                format!("runs are nested more than {MOST_NESTED} deep, in step `{}`", context.step()),
            )
            .hint("see whether the pipeline runs itself without an end"));
        }
        Ok(Parent { engine: Arc::downgrade(&engine), step: step as usize, depth })
    }

    /// Tells the outer run, if it is under way, that a run within its step has ended.
    pub(crate) fn nested_run_ended(&self, run: &RunRecord, wall: Duration) {
        let Some(outer) = self.engine() else { return };
        let report = NestedReport::of(run, wall, outer.record(), self.step);
        outer.events().nested_run_finished(self.step, &report);
        outer.record().add_nested(self.step, report);
    }

    /// Whether the parent's run was stopped, or the step given up.
    pub(super) fn is_gone(&self, engine: &Engine) -> bool {
        engine.frame.scope().is_stopped() || engine.frame.was_given_up(self.step)
    }

    /// The step that waits for the nested run.
    pub(super) fn step(&self) -> usize {
        self.step
    }

    /// The limits of the parent's run, while that is under way.
    pub(crate) fn limits(&self) -> Option<Limits> {
        Some(self.engine.upgrade()?.record.limits.clone())
    }

    /// The engine of the parent's run, while that is under way.
    pub(super) fn engine(&self) -> Option<Arc<Engine>> {
        self.engine.upgrade()
    }

    /// Lends the parent's slot to the runs within the parent, until the loan is dropped.
    pub(crate) fn lend(&self) -> Option<Loan> {
        Some(Loan::new(self.engine.upgrade()?, self.step))
    }
}

/// What a step has lent: its slot, and the number of runs that it waits for.
#[derive(Debug)]
pub(super) struct Lent {
    slot: Arc<LentSlot>,
    waits: usize,
}

/// A step that waits for a run within it, and lends its slot meanwhile.
#[derive(Debug)]
pub(crate) struct Loan {
    engine: Arc<Engine>,
    step: usize,
}

impl Loan {
    fn new(engine: Arc<Engine>, step: usize) -> Loan {
        let mut loans = engine.loans();
        let lent = loans.entry(step).or_insert_with(|| Lent::by(&engine, step));
        lent.waits += 1;
        // If the step waits for several runs at once, any of them uses the slot.
        lent.slot.lend();
        drop(loans);
        engine.group.look_for_work();
        Loan { engine, step }
    }
}

impl Drop for Loan {
    /// Takes the slot back when the step waits for no run any more. A run that ended does not use it; one that nobody waits for
    /// any more was stopped, and uses it at most until its current step ends.
    fn drop(&mut self) {
        let mut loans = self.engine.loans();
        let Some(lent) = loans.get_mut(&self.step) else { return };
        lent.waits -= 1;
        if lent.waits == 0 {
            lent.slot.take_back();
        }
    }
}

impl Lent {
    fn by(engine: &Engine, step: usize) -> Lent {
        Lent { slot: Arc::new(LentSlot::new(engine.frame.plan().lane(step))), waits: 0 }
    }
}

impl Engine {
    fn loans(&self) -> MutexGuard<'_, HashMap<usize, Lent>> {
        self.loans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The slot of a step that a run within the step can use while the step waits.
    pub(super) fn lent_by(&self, step: usize) -> Arc<LentSlot> {
        let mut loans = self.loans();
        Arc::clone(&loans.entry(step).or_insert_with(|| Lent::by(self, step)).slot)
    }

    /// Keeps the run from ending although it has no slot: other runs of the group have them all, and a guard that returns one
    /// looks for work in this run.
    pub(super) fn stand_by(self: &Arc<Self>, lane: Lane) {
        let mut standing_by = self.standing_by.lock().unwrap_or_else(PoisonError::into_inner);
        if standing_by.is_none() {
            *standing_by = Some(self.done.enter());
        }
        drop(standing_by);
        fence(Ordering::SeqCst);
        // A slot may have been returned before the run stood by.
        if self.frame.scope().is_stopped() || (self.has_work(lane) && self.try_wake(lane)) {
            self.stand_down();
        }
    }

    /// Ends the stand-by of a run that has nothing to start: it needs no slot.
    fn stand_down_if_idle(&self) {
        if Lane::ALL.into_iter().all(|lane| !self.has_work(lane)) {
            self.stand_down();
        }
    }

    /// Ends the stand-by: the run has a slot, or is to end.
    pub(super) fn stand_down(&self) {
        let present = self.standing_by.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(present);
    }

    /// Depth at which the run is nested; 0 for a run that no step has started.
    pub(crate) fn depth(&self) -> u32 {
        self.parent.as_ref().map_or(0, |parent| parent.depth)
    }

    /// Stops the runs that the steps of this run have started, or one of its steps has.
    pub(super) fn stop_children(&self, step: Option<usize>) {
        for child in self.group.live() {
            let is_child = |parent: &Parent| {
                std::ptr::eq(parent.engine.as_ptr(), self) && step.is_none_or(|step| step == parent.step)
            };
            if child.parent.as_ref().is_some_and(is_child) {
                child.stop();
            }
        }
    }
}

impl RunGroup {
    pub(super) fn join(&self, engine: &Arc<Engine>) {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        engines.retain(|engine| engine.strong_count() > 0);
        engines.push(Arc::downgrade(engine));
        self.several.fetch_or(engine.parent.is_some(), Ordering::SeqCst);
    }

    /// A slot was returned; there is nothing to do if no run has joined another.
    pub(super) fn slot_came_free(&self) {
        if self.several.load(Ordering::SeqCst) {
            self.look_for_work();
        }
    }

    fn live(&self) -> Vec<Arc<Engine>> {
        let engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        engines.iter().filter_map(Weak::upgrade).collect()
    }

    /// A slot was returned: runs that have work for it are woken.
    pub(super) fn look_for_work(&self) {
        for engine in self.live() {
            // The presence keeps the run from ending meanwhile.
            let present = engine.done.enter();
            Lane::ALL.into_iter().filter(|lane| engine.has_work(*lane)).for_each(|lane| engine.wake(lane));
            engine.stand_down_if_idle();
            drop(engine);
            drop(present);
        }
    }
}
