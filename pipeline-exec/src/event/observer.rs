//! Receivers of events.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pipeline_core::contain;
use pipeline_core::{Lane, frame::Frame};

use super::{Event, RunView};
use crate::{stderr, text};

/// Receives the events of a run.
///
/// Called on the thread of the step, between steps: it must not block. Events of different steps come from
/// different threads at the same time; those of one step come in order. A panic is contained: the panic hook prints it, and the
/// first of a run is reported as a warning that names the observer and the step.
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
pub(crate) struct Observers(Vec<Contained>);

/// An observer, whose panics do not reach the run.
#[derive(Clone)]
struct Contained {
    observer: Arc<dyn Observer>,
    type_name: &'static str,
    /// Whether a panic of it in this run was reported.
    has_panicked: Arc<AtomicBool>,
}

impl Contained {
    /// Calls a method. Reports the first panic of a run.
    fn call<T>(&self, method: &str, step: Option<&str>, code: impl FnOnce(&dyn Observer) -> T) -> Option<T> {
        let called = contain::guard(|| code(&*self.observer));
        called.map_err(|panic| self.report(method, step, &panic)).ok()
    }

    #[cold]
    fn report(&self, method: &str, step: Option<&str>, panic: &str) {
        if self.has_panicked.swap(true, Ordering::Relaxed) {
            return;
        }
        let of_step = step.map(|step| format!(" for step `{step}`")).unwrap_or_default();
        let name = self.type_name;
        let text = format!(
            "warning: `{method}` of observer `{name}` panicked{of_step}: {panic}; the run goes on, later panics of this observer in it \
             are not reported"
        );
        stderr::write(&format!("{}\n", text::clean(&text)));
    }
}

impl Observers {
    pub(crate) fn add<O: Observer>(&mut self, observer: Arc<O>) {
        self.0.push(Contained {
            observer,
            type_name: std::any::type_name::<O>(),
            has_panicked: Arc::default(),
        });
    }

    pub(crate) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// The observers of one run. An observer that panics when it is asked for one receives the events itself.
    pub(crate) fn for_run(&self, run: &RunView) -> Self {
        let for_run = |kept: &Contained| {
            let kept = Contained { has_panicked: Arc::default(), ..kept.clone() };
            match kept.call("for_run", None, |observer| observer.for_run(run)).flatten() {
                Some(observer) => Contained { observer, ..kept },
                None => kept,
            }
        };
        Observers(self.0.iter().map(for_run).collect())
    }

    pub(crate) fn want_enter(&self) -> bool {
        self.0.iter().any(|kept| kept.call("wants_enter", None, Observer::wants_enter) == Some(true))
    }

    pub(crate) fn send(&self, event: &Event<'_>) {
        for kept in &self.0 {
            kept.call("on_event", event.step(), |observer| observer.on_event(event));
        }
    }

    /// Enters a step's code, until the guard is dropped.
    pub(crate) fn enter<'a>(&'a self, frame: &'a Frame, step: usize, attempt: u32) -> Entered<'a> {
        let call = StepCall::of(frame, step, attempt);
        for kept in &self.0 {
            kept.call("enter", Some(call.step), |observer| observer.enter(&call));
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
        for kept in self.observers.0.iter().rev() {
            kept.call("exit", Some(self.call.step), |observer| observer.exit(&self.call));
        }
    }
}
