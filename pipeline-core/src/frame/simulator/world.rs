//! The true state of a simulated run, apart from the frame's, and the complaints about differences.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use super::sketch::{Act, Step};
use super::value::{Life, Payload};
use crate::frame::{Finished, Frame, Ready, Status, Suspended};
use crate::rng::StepRng;
use crate::step::Quorum;

thread_local! {
    static WORLD: RefCell<Option<Rc<World>>> = const { RefCell::new(None) };
}

/// Returns the world of the thread's simulation.
pub(super) fn world() -> Rc<World> {
    WORLD.with_borrow(|world| world.clone().expect("a simulation is under way"))
}

pub(super) fn install(world: Option<Rc<World>>) {
    // Values in the old world may ask for it while they are dropped.
    let old = WORLD.with_borrow_mut(|place| std::mem::replace(place, world));
    drop(old);
}

/// One attempt of one step, by position in the plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) step: usize,
    pub(super) attempt: u32,
}

impl At {
    pub(super) fn name(self) -> String {
        format!("attempt {} of {}", self.attempt, world().sketch(self.step).name)
    }
}

/// The state of one step.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// The last attempt that was started.
    pub(super) attempt: u32,
    /// Whether its code runs, and it was not given up.
    pub(super) runs: bool,
    /// The attempts that were given up and detached.
    pub(super) given_up: BTreeSet<u32>,
    /// The number of its attempts that are in their code.
    pub(super) living: u32,
    pub(super) ended: Option<Status>,
    /// The attempt whose output is in the slot; 0 for a fallback or a given output.
    pub(super) won: Option<u32>,
}

pub(super) struct World {
    /// By position in the plan.
    pub(super) steps: Vec<Step>,
    pub(super) states: RefCell<Vec<State>>,
    pub(super) values: RefCell<Vec<Life>>,
    pub(super) frame: RefCell<Option<Arc<Frame>>>,
    pub(super) ready: RefCell<Vec<Ready>>,
    pub(super) suspended: RefCell<Vec<Suspended>>,
    /// Given up, and not ended yet.
    pub(super) late: RefCell<Vec<Suspended>>,
    pub(super) finished: RefCell<Vec<Finished>>,
    pub(super) stopped: Cell<bool>,
    /// The executor's depth inside of steps on threads.
    pub(super) depth: Cell<usize>,
    rng: RefCell<StepRng>,
    complaints: RefCell<Vec<String>>,
}

impl World {
    pub(super) fn new(steps: Vec<Step>, rng: StepRng) -> Rc<World> {
        Rc::new(World {
            states: RefCell::new(vec![State::default(); steps.len()]),
            steps,
            values: RefCell::default(),
            frame: RefCell::default(),
            ready: RefCell::default(),
            suspended: RefCell::default(),
            late: RefCell::default(),
            finished: RefCell::default(),
            stopped: Cell::new(false),
            depth: Cell::new(0),
            rng: RefCell::new(rng),
            complaints: RefCell::default(),
        })
    }

    pub(super) fn complain(&self, what: String) {
        self.complaints.borrow_mut().push(what);
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        self.complaints.take()
    }

    pub(super) fn below(&self, n: usize) -> usize {
        self.rng.borrow_mut().below(n as u64) as usize
    }

    pub(super) fn sketch(&self, step: usize) -> &Step {
        &self.steps[step]
    }

    pub(super) fn frame(&self) -> Arc<Frame> {
        self.frame.borrow().clone().expect("the frame lives as long as its steps run")
    }

    pub(super) fn state<T>(&self, step: usize, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.states.borrow_mut()[step])
    }

    pub(super) fn act_of(&self, at: At) -> Act {
        let acts = &self.steps[at.step].acts;
        acts[(at.attempt as usize - 1).min(acts.len() - 1)]
    }

    /// Returns the behaviour of an attempt that ends late.
    pub(super) fn late_act(&self) -> Act {
        [Act::Succeeds, Act::Errs, Act::Panics][self.below(3)]
    }

    pub(super) fn was_given_up(&self, at: At) -> bool {
        self.state(at.step, |state| state.given_up.contains(&at.attempt))
    }

    fn has_output(&self, step: usize) -> bool {
        self.state(step, |state| state.ended.is_some_and(Status::has_output))
    }

    /// Checks that the code of an attempt may begin.
    pub(super) fn enter(&self, at: At) -> Living {
        let plan = Arc::clone(self.frame().plan());
        for earlier in plan.waits_for(at.step) {
            if self.state(earlier, |state| state.ended.is_none()) {
                self.complain(format!("{} started before {} ended", at.name(), self.sketch(earlier).name));
            }
        }
        for group in plan.groups().iter().filter(|group| group.step as usize == at.step) {
            let succeeded = group.members.iter().filter(|&&member| self.has_output(member as usize)).count();
            let ended = |member: &&u32| self.state(**member as usize, |state| state.ended.is_some());
            if succeeded < group.needed as usize
                && group.members.iter().filter(ended).count() < group.members.len()
            {
                self.complain(format!("{} started before enough had succeeded", at.name()));
            }
        }
        let sketch = self.sketch(at.step);
        for other in (0..self.steps.len()).filter(|&other| other != at.step) {
            let runs = self.state(other, |state| state.attempt > 0 && state.ended.is_none());
            if runs && sketch.sequence.is_some() && self.sketch(other).sequence == sketch.sequence {
                self.complain(format!("{} started beside {}", at.name(), self.sketch(other).name));
            }
        }
        self.state(at.step, |state| {
            if state.ended.is_some() || state.attempt >= at.attempt {
                self.complain(format!("attempt {at:?} started again, or after the end: {state:?}"));
            }
            if state.living > 0 && !sketch.idempotent {
                self.complain(format!("attempt {at:?} started beside another"));
            }
            state.attempt = at.attempt;
            state.runs = true;
            state.living += 1;
        });
        if self.stopped.get() {
            self.complain(format!("{} started after the stop", at.name()));
        }
        Living(at.step)
    }

    /// Checks that a value is the one that its step ended with.
    pub(super) fn check_read(&self, at: At, source: usize, life: Life) {
        let won = self.state(source, |state| state.won);
        if life.maker != source || won != Some(life.attempt) {
            self.complain(format!("{} reads {life:?} as the output of {source}, won by {won:?}", at.name()));
        }
    }

    /// Checks that a value is there exactly if the source ended with one.
    pub(super) fn check_presence(&self, step: usize, source: usize, is_there: bool) {
        if is_there != self.has_output(source) {
            self.complain(format!("step {step} reads {source}: {is_there}, against its end"));
        }
    }

    /// Checks that the one value out of several is of a step that succeeded: the first in order, or any.
    pub(super) fn check_chosen<'a>(
        &self,
        step: u32,
        sources: &[u32],
        quorum: Quorum,
        value: &'a Payload,
    ) -> (u32, &'a Payload) {
        let maker = value.look("a choice").maker as u32;
        let mut sources = sources.iter().copied();
        let mut succeeded = sources.clone().filter(|&source| self.has_output(source as usize));
        let is_right = match quorum {
            Quorum::Priority => succeeded.next() == Some(maker),
            _ => sources.any(|source| source == maker) && self.has_output(maker as usize),
        };
        if !is_right {
            self.complain(format!("step {step} got the value of {maker} by {quorum:?}"));
        }
        (maker, value)
    }
}

/// An attempt in its code.
pub(super) struct Living(usize);

impl Drop for Living {
    fn drop(&mut self) {
        world().state(self.0, |state| state.living -= 1);
    }
}
