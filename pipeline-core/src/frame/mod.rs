//! The state of one run: one allocation of counters and slots, and the rules by which steps start and end.
//!
//! The frame decides everything that is a question of order (what is ready, what is skipped, when an output is
//! dropped) and nothing that is a question of time or place: it has no clock, no thread and no queue. An executor
//! holds tokens: a [`Ready`] is the right to start one step, a [`Finished`] the duty to end it. Tokens cannot be
//! made or copied outside of this module, so that an executor, whatever it does, cannot start a step twice or
//! early; the frame's safety does not depend on it.
//!
//! ```text
//! Ready --start--> Finished --finish--> the steps that are Ready now
//!             \--> Suspended --await--> Finished
//! ```

mod attempt;
mod check;
mod finish;
mod group;
mod outcome;
#[cfg(test)]
mod simulator;
mod suspended;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub use self::attempt::GivenUp;
pub use self::suspended::Suspended;
use crate::call::{Call, Started};
pub use crate::cells::{Attempt, MOST_ATTEMPTS};
use crate::cells::{Cells, Counters};
use crate::contain;
use crate::context::RunScope;
use crate::error::StepError;
use crate::lane::Lane;
use crate::params::BoundParams;
use crate::plan::Plan;
use crate::value::status_of;
pub use crate::value::{Given, Status, StepOutput};

/// The state of one run.
pub struct Frame {
    plan: Arc<Plan>,
    cells: Cells,
    /// The number of this frame in the process; its tokens carry it.
    id: u32,
    /// How many steps did not succeed; while it is zero, no step is checked for what may keep it from starting.
    unsuccessful: AtomicU32,
    /// For each step, whether it is unused; empty if no step can become unused.
    unused: Box<[AtomicBool]>,
    /// The steps that became unused, until an executor takes the list.
    newly_unused: Mutex<Vec<u32>>,
    /// The steps that are disabled for this run, each with the reason.
    disabled: BTreeMap<u32, String>,
    /// How many roots of each lane were handed out.
    handed_out: [Padded; Lane::ALL.len()],
}

/// Keeps a counter that many threads write off the lines that they read.
#[repr(align(128))]
#[derive(Default)]
struct Padded(AtomicUsize);

/// The right to start one step of one frame.
#[derive(Debug)]
#[must_use = "a step that is ready and not started never ends"]
pub struct Ready(
    /// The frame's number above the step's position: one word, so that an `Option<Ready>` moves in a register.
    NonZeroU64,
);

impl Ready {
    /// The step, by position in the plan.
    #[inline]
    pub fn step(&self) -> usize {
        self.index() as usize
    }

    #[inline]
    fn index(&self) -> u32 {
        self.0.get() as u32
    }

    #[inline]
    fn frame(&self) -> u32 {
        (self.0.get() >> 32) as u32
    }
}

/// A step whose code has ended and which must be handed to [`Frame::finish`].
#[derive(Debug)]
#[must_use = "dependents of a step that is not finished never start"]
pub struct Finished {
    step: u32,
    frame: u32,
    /// [`Status::Succeeded`], or the status of an output that comes from elsewhere.
    result: Result<Status, Ended>,
}

/// Why a step did not succeed.
#[derive(Debug)]
enum Ended {
    Failed(Box<StepError>),
    /// Because of the failure of this step.
    Skipped(u32),
}

impl Ended {
    #[cold]
    fn status(&self) -> Status {
        match self {
            Ended::Skipped(_) => Status::Skipped,
            Ended::Failed(error) => status_of(error.kind()),
        }
    }
}

impl Finished {
    /// The step, by position in the plan.
    #[inline]
    pub fn step(&self) -> usize {
        self.step as usize
    }

    /// The status it will have.
    #[inline]
    pub fn status(&self) -> Status {
        match &self.result {
            Ok(status) => *status,
            Err(ended) => ended.status(),
        }
    }

    /// The error, where the step failed.
    pub fn error(&self) -> Option<&StepError> {
        match &self.result {
            Err(Ended::Failed(error)) => Some(error),
            _ => None,
        }
    }

    /// The step whose failure causes the skip, by position in the plan, where the step is skipped because of another.
    pub fn skipped_because(&self) -> Option<usize> {
        match self.result {
            Err(Ended::Skipped(cause)) if cause != self.step => Some(cause as usize),
            _ => None,
        }
    }
}

/// What starting a step led to.
#[derive(Debug)]
pub enum Progress {
    /// It ended.
    Finished(Finished),
    /// It waits; await it.
    Suspended(Suspended),
    /// The attempt was given up meanwhile: whoever did so ends the step.
    Late,
}

/// Why the code of an attempt ended without an output.
enum Stopped {
    Failed(crate::call::Failure),
    Panicked(String),
}

impl Frame {
    /// The state of a run in which nothing has started.
    ///
    /// `params` and `resources` come from [`Plan::bind_params`] and [`Plan::bind_resources`] of the same plan;
    /// `given` are the outputs of [`Plan::given`].
    ///
    /// # Panics
    /// Where an output is given for a step that is not a given one, or is of another type than the step returns, or
    /// where a given step has none.
    pub fn new(
        plan: Arc<Plan>,
        params: BoundParams,
        resources: Vec<Arc<dyn Any + Send + Sync>>,
        scope: Arc<RunScope>,
        given: Vec<Given>,
    ) -> Frame {
        let counters = (0..plan.len()).map(|step| Counters::new(plan.missing(step), plan.readers(step)));
        let bindings = Arc::clone(plan.bindings());
        let cells = Cells::new(counters, bindings, Arc::clone(&plan) as _, params, resources, scope);
        let frame = Frame {
            cells,
            id: next_id(),
            // A switch has to be asked from the start.
            unsuccessful: AtomicU32::new(u32::from(plan.has_branches())),
            unused: group::unused(&plan),
            newly_unused: Mutex::default(),
            disabled: BTreeMap::new(),
            handed_out: Default::default(),
            plan,
        };
        frame.put_given(given);
        frame
    }

    /// Turns steps off for this run: each is skipped for the reason given, and so is what requires its output. An output
    /// that is given stays.
    #[must_use]
    pub fn disable(mut self, steps: impl IntoIterator<Item = (usize, String)>) -> Frame {
        self.disabled.extend(steps.into_iter().map(|(step, why)| (step as u32, why)));
        if !self.disabled.is_empty() {
            // Somebody has to look from the start.
            *self.unsuccessful.get_mut() += 1;
        }
        self
    }

    /// The number that tells this frame from the others of the process.
    #[inline]
    pub fn number(&self) -> u32 {
        self.id
    }

    /// The plan of the run.
    #[inline]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// What the steps of the run share.
    #[inline]
    pub fn scope(&self) -> &Arc<RunScope> {
        self.cells.scope()
    }

    /// Hands out roots of a lane, the most urgent first, each once: at most `most`, and at most `1 / share` of what
    /// is left, so that a few holders of many small ones do not leave one with a long tail.
    pub fn take_roots(&self, lane: Lane, most: usize, share: usize) -> Roots {
        let count = self.plan.roots(lane).len();
        let handed_out = &self.handed_out[lane.index()].0;
        let seen = handed_out.load(Ordering::Relaxed);
        if seen >= count {
            return Roots { lane, frame: self.id, left: 0..0 };
        }
        let wanted = ((count - seen) / share.max(1)).clamp(1, most.max(1));
        let start = handed_out.fetch_add(wanted, Ordering::Relaxed).min(count);
        Roots { lane, frame: self.id, left: start..(start + wanted).min(count) }
    }

    /// The next of the roots that were handed out.
    ///
    /// # Panics
    /// Where the roots are another frame's.
    #[inline]
    pub fn next_root(&self, roots: &mut Roots) -> Option<Ready> {
        assert!(roots.frame == self.id, "roots belong to the frame that handed them out");
        roots.left.next().map(|index| self.ready(self.plan.roots(roots.lane)[index]))
    }

    /// How urgent the next root of a lane is, if one is still to be handed out.
    pub fn next_root_urgency(&self, lane: Lane) -> Option<u64> {
        let next = self.handed_out[lane.index()].0.load(Ordering::Relaxed);
        self.plan.roots(lane).get(next).map(|&step| self.plan.urgency(step as usize))
    }

    /// Whether roots of a lane are still to be handed out.
    pub fn has_roots(&self, lane: Lane) -> bool {
        self.handed_out[lane.index()].0.load(Ordering::SeqCst) < self.plan.roots(lane).len()
    }

    /// Whether a step that is ready will not be tried, because an input it requires is missing, its switch chose
    /// another branch, or nobody needs it.
    #[inline]
    pub fn will_skip(&self, ready: &Ready) -> bool {
        self.has_trouble() && self.is_kept_back(ready.index())
    }

    #[cold]
    fn is_kept_back(&self, step: u32) -> bool {
        let not_chosen = || {
            let is_branch = self.plan.hot[step as usize].is_branch;
            let finished = if is_branch { self.not_chosen(step) } else { None };
            finished.is_some_and(|finished| finished.status() == Status::Skipped)
        };
        self.disabled.contains_key(&step)
            || self.is_unused(step as usize)
            || self.blocked_by(step).is_some()
            || not_chosen()
    }

    /// Starts a step and runs it as far as it goes without waiting. A panic ends the step, not the caller.
    #[inline]
    pub fn start(self: &Arc<Self>, ready: Ready) -> Progress {
        self.start_call(ready, Attempt::ONLY)
    }

    /// Starts one attempt of a step; see [`Frame::retry`] for how another comes to be.
    #[inline]
    pub fn start_attempt(self: &Arc<Self>, ready: Ready, attempt: Attempt) -> Progress {
        self.start_call(ready, attempt)
    }

    /// Inlined into both, so that what is only for attempts costs a step without them nothing.
    #[allow(clippy::inline_always, reason = "measured: a third of the cost of a no-op step")]
    #[inline(always)]
    fn start_call(self: &Arc<Self>, ready: Ready, attempt: Attempt) -> Progress {
        let step = ready.index();
        assert!(ready.frame() == self.id, "a token belongs to the frame that made it");
        debug_assert!(self.may_start(step), "`{}` starts too early, or again", self.plan.name(step));
        let hot = &self.plan.hot[step as usize];
        if self.has_trouble()
            && let Some(finished) = self.not_started(step)
        {
            return Progress::Finished(finished);
        }
        if attempt.is_watched() {
            self.cells.counters(step).begin(attempt.number());
        }
        let call = Call::new(&self.cells, step, attempt);
        let code = hot.code.callable();
        match contain::guard(|| code.start(call)) {
            Ok(Started::Done(Ok(()))) if !attempt.is_watched() || self.has_claimed(step, attempt) => {
                Progress::Finished(self.finished(step, Ok(Status::Succeeded)))
            }
            Ok(Started::Done(result)) => self.stopped(step, attempt, result.map_err(Stopped::Failed)),
            Ok(Started::Pending(future)) => {
                Progress::Suspended(Suspended::new(future, Arc::clone(self), step, attempt))
            }
            Err(panic) => self.stopped(step, attempt, Err(Stopped::Panicked(panic))),
        }
    }

    /// The end of an attempt that was not simply one that succeeded.
    #[inline(never)]
    fn stopped(&self, step: u32, attempt: Attempt, result: Result<(), Stopped>) -> Progress {
        self.ended(step, attempt, result).map_or(Progress::Late, Progress::Finished)
    }

    /// The end of an attempt whose code has returned; `None` where it comes too late.
    fn ended(&self, step: u32, attempt: Attempt, result: Result<(), Stopped>) -> Option<Finished> {
        if attempt.is_watched() && !self.owns(step, attempt) {
            return None;
        }
        Some(match result {
            Ok(()) => self.finished(step, Ok(Status::Succeeded)),
            Err(Stopped::Failed(failure)) => self.failed(step, attempt, failure),
            Err(Stopped::Panicked(panic)) => self.panicked(step, attempt, panic),
        })
    }

    #[inline]
    fn ready(&self, step: u32) -> Ready {
        let word = (u64::from(self.id) << 32) | u64::from(step);
        Ready(NonZeroU64::new(word).expect("invariant: a frame's number is not zero"))
    }

    #[inline]
    fn finished(&self, step: u32, result: Result<Status, Ended>) -> Finished {
        Finished { step, frame: self.id, result }
    }

    /// The run parameters, as bound to the steps.
    pub fn params(&self) -> &BoundParams {
        self.cells.params()
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame").field("steps", &self.cells.len()).finish_non_exhaustive()
    }
}

/// Steps that wait for nothing, handed out once; see [`Frame::next_root`].
#[derive(Debug)]
pub struct Roots {
    lane: Lane,
    frame: u32,
    left: std::ops::Range<usize>,
}

impl Roots {
    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }
}

fn next_id() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    // Zero is left out when the numbers begin anew.
    NEXT.fetch_add(1, Ordering::Relaxed).max(1)
}
