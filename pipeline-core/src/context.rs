//! What a step can ask about the run it is in.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What all steps of one run share.
#[derive(Debug)]
pub struct RunScope {
    run_id: String,
    stopped: AtomicBool,
}

impl RunScope {
    /// A scope with the id of the run.
    pub fn new(run_id: impl Into<String>) -> Self {
        RunScope { run_id: run_id.into(), stopped: AtomicBool::new(false) }
    }

    /// The id of the run.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Asks the run to stop: no further step starts. True for the first caller.
    pub fn stop(&self) -> bool {
        !self.stopped.swap(true, Ordering::SeqCst)
    }

    /// Whether the run was asked to stop.
    #[inline]
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// What a step can ask about the run it is in; a parameter `#[context] cx: &StepContext`.
#[derive(Clone, Debug)]
pub struct StepContext {
    scope: Arc<RunScope>,
    step: Cow<'static, str>,
    attempt: u32,
    /// Set when the attempt was given up.
    given_up: Option<Arc<AtomicBool>>,
}

impl StepContext {
    pub(crate) fn new(scope: Arc<RunScope>, step: Cow<'static, str>, attempt: u32) -> Self {
        StepContext { scope, step, attempt, given_up: None }
    }

    /// The same context, for an attempt that may be given up.
    pub(crate) fn cancelled_by(mut self, given_up: Arc<AtomicBool>) -> Self {
        self.given_up = Some(given_up);
        self
    }

    /// A context for calling a step function from a test: run id `"test"`, attempt 1, never cancelled.
    pub fn for_test(step: impl Into<Cow<'static, str>>) -> Self {
        StepContext::new(Arc::new(RunScope::new("test")), step.into(), 1)
    }

    /// The id of the run, the same in the report and in every event.
    pub fn run_id(&self) -> &str {
        self.scope.run_id()
    }

    /// The name of the step, as in the report.
    pub fn step(&self) -> &str {
        &self.step
    }

    /// Which attempt this is, from 1.
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Whether the run was asked to stop, or this attempt was given up (because of a deadline, or because nobody needs
    /// it). A long CPU step looks at it now and then and returns early: nothing can stop a thread from outside.
    pub fn is_cancelled(&self) -> bool {
        let given_up = self.given_up.as_ref().is_some_and(|given_up| given_up.load(Ordering::Relaxed));
        given_up || self.scope.is_stopped()
    }
}
