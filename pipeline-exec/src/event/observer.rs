//! Receivers of events.

use std::fmt;
use std::sync::Arc;

use pipeline_core::contain;
use pipeline_core::{Lane, frame::Frame};

use super::{Event, RunView};

/// Receives the events of a run.
///
/// Called on the thread of the step, between steps: it must not block. Events of different steps come from
/// different threads at the same time; those of one step come in order. A panic is contained; the panic hook prints it.
pub trait Observer: Send + Sync + 'static {
    /// Receives an event.
    fn on_event(&self, event: &Event<'_>);

    /// Returns an observer for one run, for an observer that keeps something for each run. It receives all events of the run,
    /// from [`Event::RunStarted`] on, in place of this one. Called once for each run, on the thread that starts it.
    fn for_run(&self, run: &RunView) -> Option<Arc<dyn Observer>> {
        let _ = run;
        None
    }

    /// Reports whether [`Observer::enter`] and [`Observer::exit`] are to be called. Asked once for each run: a run whose
    /// observers do not want it pays nothing for it.
    fn wants_enter(&self) -> bool {
        false
    }

    /// Called before this thread enters a step's code: calls its function, polls its future, drops that future, or calls its
    /// fallback or its `on_failure` hook. Followed by [`Observer::exit`] on the same thread, whatever the code does. Calls of
    /// other steps may come in between (if the step runs a pipeline), properly nested.
    ///
    /// Not called in runs that [another executor](crate::Execute) executes.
    fn enter(&self, call: &StepCall<'_>) {
        let _ = call;
    }

    /// Called after this thread has left a step's code. With several observers, the last that entered exits first.
    fn exit(&self, call: &StepCall<'_>) {
        let _ = call;
    }
}

impl<F: Fn(&Event<'_>) + Send + Sync + 'static> Observer for F {
    fn on_event(&self, event: &Event<'_>) {
        self(event);
    }
}

/// One call of a step's code. An attempt may take several: an async step is polled until it is ready.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StepCall<'a> {
    /// The id of the run.
    pub run_id: &'a str,
    /// The name of the step.
    pub step: &'a str,
    /// Its position in the plan.
    pub position: usize,
    /// Where it runs.
    pub lane: Lane,
    /// Number of the attempt, from 1.
    pub attempt: u32,
}

impl<'a> StepCall<'a> {
    fn of(frame: &'a Frame, step: usize, attempt: u32) -> Self {
        let plan = frame.plan();
        StepCall {
            run_id: frame.scope().run_id(),
            step: plan.spec(step).name(),
            position: step,
            lane: plan.lane(step),
            attempt,
        }
    }
}

/// The observers of a run.
#[derive(Clone, Default)]
pub(crate) struct Observers(Vec<Arc<dyn Observer>>);

impl Observers {
    pub(crate) fn add(&mut self, observer: Arc<dyn Observer>) {
        self.0.push(observer);
    }

    pub(crate) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// The observers of one run. An observer that panics when it is asked for one receives the events itself.
    pub(crate) fn for_run(&self, run: &RunView) -> Self {
        let for_run = |observer: &Arc<dyn Observer>| {
            let own = contain::guard(|| observer.for_run(run)).unwrap_or_default();
            own.unwrap_or_else(|| Arc::clone(observer))
        };
        Observers(self.0.iter().map(for_run).collect())
    }

    pub(crate) fn want_enter(&self) -> bool {
        self.0.iter().any(|observer| contain::guard(|| observer.wants_enter()).unwrap_or(false))
    }

    pub(crate) fn send(&self, event: &Event<'_>) {
        for observer in &self.0 {
            // The panic hook has printed the panic. This observer has missed the event.
            let _ = contain::guard(|| observer.on_event(event));
        }
    }

    /// Enters a step's code, until the guard is dropped.
    pub(crate) fn enter<'a>(&'a self, frame: &'a Frame, step: usize, attempt: u32) -> Entered<'a> {
        let call = StepCall::of(frame, step, attempt);
        for observer in &self.0 {
            let _ = contain::guard(|| observer.enter(&call));
        }
        Entered { observers: self, call }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observers").field(&self.0.len()).finish()
    }
}

/// Guard of a thread that is in a step's code.
#[must_use = "the step's code is left when this is dropped"]
pub(crate) struct Entered<'a> {
    observers: &'a Observers,
    call: StepCall<'a>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        for observer in self.observers.0.iter().rev() {
            let _ = contain::guard(|| observer.exit(&self.call));
        }
    }
}
