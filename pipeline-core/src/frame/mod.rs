//! The state of one run, and the rules by which its steps start and end.
//!
//! The frame decides the order: which step is ready, which is skipped, when an output is dropped. It decides nothing
//! about time or threads: it has no clock, no thread and no queue. An executor holds tokens: a [`Ready`] is the right to
//! start one step, a [`Finished`] the duty to end it. Tokens cannot be made or copied outside of this module. So no
//! executor can start a step twice or early, and the frame's safety does not depend on the executor.
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
mod stored;
mod suspended;
#[cfg(test)]
mod tests;
mod token;

use std::any::Any;
use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub use self::attempt::GivenUp;
pub use self::suspended::Suspended;
use self::token::Ended;
pub use self::token::{Finished, Ready, Roots, Unread};
use crate::call::{Call, Started};
pub use crate::cells::{Attempt, MOST_ATTEMPTS};
use crate::cells::{Cells, Counters};
use crate::contain;
use crate::context::RunScope;
use crate::lane::Lane;
use crate::params::BoundParams;
use crate::plan::Plan;
pub use crate::value::{Given, Status, StepOutput};

/// The state of one run.
pub struct Frame {
    plan: Arc<Plan>,
    cells: Cells,
    /// The number of this frame in the process; its tokens carry it.
    id: u32,
    /// The number of steps that did not succeed. While it is zero, every ready step can start, and none is checked.
    unsuccessful: AtomicU32,
    /// For each step, whether it is unused; empty if no step can become unused.
    unused: Box<[AtomicBool]>,
    /// The steps that became unused, until an executor takes the list.
    newly_unused: Mutex<Vec<u32>>,
    /// The steps that are disabled for this run, each with the reason.
    disabled: BTreeMap<u32, String>,
    /// The number of roots of each lane that were handed out.
    handed_out: [Padded; Lane::ALL.len()],
}

/// A counter on separate cache lines, because many threads write it.
#[repr(align(128))]
#[derive(Default)]
struct Padded(AtomicUsize);

/// Result of starting a step.
#[derive(Debug)]
pub enum Progress {
    /// It ended.
    Finished(Finished),
    /// It waits; await it.
    Suspended(Suspended),
    /// The attempt was given up meanwhile: the thread that gave it up ends the step.
    Late,
}

/// Reason why the code of an attempt ended without an output.
enum Stopped {
    Failed(crate::call::Failure),
    Panicked(String),
}

impl Frame {
    /// Makes the state of a run that has not started.
    ///
    /// `params` and `resources` come from [`Plan::bind_params`] and [`Plan::bind_resources`] of the same plan;
    /// `given` are the outputs of [`Plan::given`].
    ///
    /// # Panics
    /// If an output is given for a step that is not a given one, or is not of the type that the step returns, or if a
    /// given step has no output.
    pub fn new(
        plan: Arc<Plan>,
        params: BoundParams,
        resources: Vec<Arc<dyn Any + Send + Sync>>,
        scope: Arc<RunScope>,
        given: Vec<Given>,
    ) -> Frame {
        let counters = (0..plan.len()).map(|step| Counters::new(plan.missing(step), plan.readers(step)));
        let bindings = Arc::clone(plan.bindings());
        let id = next_id();
        let cells = Cells::new(id, counters, bindings, Arc::clone(&plan) as _, params, resources, scope);
        let frame = Frame {
            cells,
            id,
            // Branches are checked from the start.
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

    /// Disables steps for this run: each is skipped for its reason, and so are the steps that require its output. A given
    /// output stays.
    #[must_use]
    pub fn disable(mut self, steps: impl IntoIterator<Item = (usize, String)>) -> Frame {
        self.disabled.extend(steps.into_iter().map(|(step, why)| (step as u32, why)));
        if !self.disabled.is_empty() {
            // Steps are checked from the start.
            *self.unsuccessful.get_mut() += 1;
        }
        self
    }

    /// Returns the number of this frame, unique in the process.
    #[inline]
    pub fn number(&self) -> u32 {
        self.id
    }

    /// Returns the plan of the run.
    #[inline]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Returns what the steps of the run share.
    #[inline]
    pub fn scope(&self) -> &Arc<RunScope> {
        self.cells.scope()
    }

    /// Hands out roots of a lane, the most urgent first, each once: at most `most`, and at most `1 / share` of the rest,
    /// so that no driver ends up alone with a long tail.
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

    /// Returns the next of the roots that were handed out.
    ///
    /// # Panics
    /// If the roots are another frame's.
    #[inline]
    pub fn next_root(&self, roots: &mut Roots) -> Option<Ready> {
        assert!(roots.frame == self.id, "roots belong to the frame that handed them out");
        roots.left.next().map(|index| self.ready(self.plan.roots(roots.lane)[index]))
    }

    /// Returns the urgency of the next root of a lane, if one is still to be handed out.
    pub fn next_root_urgency(&self, lane: Lane) -> Option<u64> {
        let next = self.handed_out[lane.index()].0.load(Ordering::Relaxed);
        self.plan.roots(lane).get(next).map(|&step| self.plan.urgency(step as usize))
    }

    /// Reports whether roots of a lane are still to be handed out.
    pub fn has_roots(&self, lane: Lane) -> bool {
        self.handed_out[lane.index()].0.load(Ordering::SeqCst) < self.plan.roots(lane).len()
    }

    /// Reports whether a ready step will not be tried, because an input that it requires is missing, its switch chose
    /// another branch, or it is disabled or unused.
    #[inline]
    pub fn will_skip(&self, ready: &Ready) -> bool {
        self.has_unsuccessful() && self.is_prevented(ready)
    }

    #[cold]
    fn is_prevented(&self, ready: &Ready) -> bool {
        assert!(ready.frame() == self.id, "a token belongs to the frame that made it");
        let step = ready.index();
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

    /// Starts a step and runs it until it ends or waits. A panic ends the step, not the caller.
    #[inline]
    pub fn start(self: &Arc<Self>, ready: Ready) -> Progress {
        self.start_call(ready, Attempt::ONLY)
    }

    /// Starts one attempt of a step. [`Frame::retry`] makes a further one possible.
    #[inline]
    pub fn start_attempt(self: &Arc<Self>, ready: Ready, attempt: Attempt) -> Progress {
        self.start_call(ready, attempt)
    }

    /// Inlined into both, so that a step without further attempts pays nothing for them.
    #[allow(clippy::inline_always, reason = "measured: a third of the cost of a no-op step")]
    #[inline(always)]
    fn start_call(self: &Arc<Self>, ready: Ready, attempt: Attempt) -> Progress {
        let step = ready.index();
        assert!(ready.frame() == self.id, "a token belongs to the frame that made it");
        debug_assert!(self.may_start(step), "`{}` starts too early, or again", self.plan.name(step));
        let hot = &self.plan.hot[step as usize];
        if self.has_unsuccessful()
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
                Progress::Finished(self.finished(step, Ok(())))
            }
            Ok(Started::Done(result)) => self.stopped(step, attempt, result.map_err(Stopped::Failed)),
            Ok(Started::Pending(future)) => {
                Progress::Suspended(Suspended::new(future, Arc::clone(self), step, attempt))
            }
            Err(panic) => self.stopped(step, attempt, Err(Stopped::Panicked(panic))),
        }
    }

    /// Ends an attempt that did not simply succeed.
    #[inline(never)]
    fn stopped(&self, step: u32, attempt: Attempt, result: Result<(), Stopped>) -> Progress {
        self.ended(step, attempt, result).map_or(Progress::Late, Progress::Finished)
    }

    /// Ends an attempt whose code has returned; `None` if it comes too late.
    fn ended(&self, step: u32, attempt: Attempt, result: Result<(), Stopped>) -> Option<Finished> {
        if attempt.is_watched() && !self.owns(step, attempt) {
            return None;
        }
        Some(match result {
            Ok(()) => self.finished(step, Ok(())),
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
    fn finished(&self, step: u32, result: Result<(), Ended>) -> Finished {
        Finished { step, frame: self.id, result }
    }

    /// Returns the run parameters, as bound to the steps.
    pub fn params(&self) -> &BoundParams {
        self.cells.params()
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame").field("steps", &self.cells.len()).finish_non_exhaustive()
    }
}

fn next_id() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    // Zero is skipped when the numbers wrap around.
    NEXT.fetch_add(1, Ordering::Relaxed).max(1)
}
