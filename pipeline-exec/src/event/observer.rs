//! Who is told what happens, and who goes with a step into its code.

use std::fmt;
use std::sync::Arc;

use pipeline_core::contain;
use pipeline_core::{Lane, frame::Frame};

use super::{Event, RunView};

/// Receives the events of a run.
///
/// Called on the thread of the step, between steps: it must not block. Events of different steps come from
/// different threads at the same time; those of one step come in order. A panic is contained and printed by the
/// panic hook.
pub trait Observer: Send + Sync + 'static {
    /// Something happened.
    fn on_event(&self, event: &Event<'_>);

    /// A run begins: an observer that keeps something for each run returns one for this run, which is sent all its events,
    /// from [`Event::RunStarted`] on, in place of this one. Called once for each run, on the thread that starts it.
    fn for_run(&self, run: &RunView) -> Option<Arc<dyn Observer>> {
        let _ = run;
        None
    }

    /// Whether [`Observer::enter`] and [`Observer::exit`] are to be called. Asked once for each run: one in which nobody
    /// wants it pays nothing for it.
    fn wants_enter(&self) -> bool {
        false
    }

    /// This thread goes into a step's code: calls its function, polls its future, drops that future, or calls its fallback
    /// or its `on_failure` hook. Followed by [`Observer::exit`] on the same thread, whatever the code does; other steps'
    /// calls may lie in between (a step that runs a pipeline), properly nested.
    ///
    /// Not called in runs that [another executor](crate::Execute) executes.
    fn enter(&self, call: &StepCall<'_>) {
        let _ = call;
    }

    /// This thread has come out of a step's code. With several observers, the last that entered exits first.
    fn exit(&self, call: &StepCall<'_>) {
        let _ = call;
    }
}

impl<F: Fn(&Event<'_>) + Send + Sync + 'static> Observer for F {
    fn on_event(&self, event: &Event<'_>) {
        self(event);
    }
}

/// One call of a step's code, of the several that an attempt may take: an async step is polled until it is ready.
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
    /// Which attempt it is, from 1.
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

    /// Those of one run. An observer that panics when asked for one is sent the events itself.
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
            // The hook has printed the panic; the run goes on without this observer's view of this event.
            let _ = contain::guard(|| observer.on_event(event));
        }
    }

    /// Goes into a step's code, until the guard is dropped.
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

/// While a thread is in a step's code.
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
