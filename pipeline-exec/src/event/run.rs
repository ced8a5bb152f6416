//! The events of one run.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pipeline_core::StepError;
use pipeline_core::frame::{Finished, Ready, Status};

use super::{Because, Entered, Event, Observers, RunEnd};
use crate::pressure::Change;
use crate::record::{NestedReport, RunRecord};
use crate::report::RunReport;
use crate::stored::CachedFrom;

/// Sends the events of one run to its observers. When it is dropped, the run has ended: it sends that, if it has not
/// before.
pub(crate) struct RunEvents {
    record: Arc<RunRecord>,
    observers: Observers,
    /// Whether some observer enters steps' code with them.
    enters: bool,
    has_ended: AtomicBool,
}

impl RunEvents {
    pub(crate) fn new(record: Arc<RunRecord>, observers: Observers) -> Self {
        let enters = observers.want_enter();
        RunEvents { record, observers, enters, has_ended: AtomicBool::new(false) }
    }

    /// Whether there is an observer.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.observers.any()
    }

    /// Whether some observer enters steps' code with them.
    #[inline]
    pub(crate) fn enters(&self) -> bool {
        self.enters
    }

    /// Enters a step's code, until the guard is dropped, with the observers that want to.
    pub(crate) fn enter(&self, step: usize, attempt: u32) -> Option<Entered<'_>> {
        self.enters.then(|| self.observers.enter(&self.record.frame, step, attempt))
    }

    /// The same before a step is started, unless it will be skipped: then its code is not called.
    pub(crate) fn enter_ready(&self, ready: &Ready, attempt: u32) -> Option<Entered<'_>> {
        let calls = self.enters && !self.record.frame.will_skip(ready);
        if calls { self.enter(ready.step(), attempt) } else { None }
    }

    pub(crate) fn step_started(&self, position: usize) {
        self.send(|run_id| {
            let lane = self.record.frame.plan().lane(position);
            Event::StepStarted { run_id, step: self.name(position), position, lane }
        });
    }

    /// A run within the step at `position` has ended.
    pub(crate) fn nested_run_finished(&self, position: usize, nested: &NestedReport) {
        self.send(|run_id| {
            let step = self.name(position);
            Event::NestedRunFinished { run_id, step, position, nested }
        });
    }

    pub(crate) fn step_finished(&self, finished: &Finished) {
        self.send(|run_id| {
            let (frame, position) = (&self.record.frame, finished.step());
            let timings = self.record.timings.as_ref();
            let (start, end) = timings.and_then(|timings| timings.span(position)).unwrap_or_default();
            let because = |cause| Because { step: self.name(cause), status: frame.status(cause) };
            Event::StepFinished {
                run_id,
                step: self.name(position),
                position,
                status: finished.status(),
                duration: Duration::from_nanos(end - start),
                error: finished.error(),
                because: finished.skipped_because().map(because),
                output: frame.output_of(finished),
                cached_from: self.cached_from(finished),
            }
        });
    }

    fn cached_from(&self, finished: &Finished) -> Option<&CachedFrom> {
        let caching = self.record.caching.as_ref().filter(|_| finished.status() == Status::Cached)?;
        caching.cached_from(finished.step())
    }

    /// An attempt after the first has started.
    pub(crate) fn attempt_started(&self, position: usize, attempt: u32) {
        self.send(|run_id| Event::AttemptStarted { run_id, step: self.name(position), position, attempt });
    }

    /// An attempt has failed, and is to be followed by another.
    pub(crate) fn attempt_failed(&self, position: usize, error: &StepError, retry_in: Duration) {
        self.send(|run_id| {
            let latest = self.record.history.look(position, |past| past.latest).flatten();
            Event::AttemptFailed {
                run_id,
                step: self.name(position),
                position,
                attempt: error.attempt(),
                error,
                retry_in,
                duration: latest.and_then(|times| times.duration),
            }
        });
    }

    pub(crate) fn fallback_used(&self, position: usize, error: &StepError) {
        self.send(|run_id| Event::FallbackUsed { run_id, step: self.name(position), position, error });
    }

    pub(crate) fn slow_poll(&self, position: usize, time: Duration) {
        self.send(|run_id| Event::SlowPoll { run_id, step: self.name(position), position, time });
    }

    pub(crate) fn slots_changed(&self, change: &Change) {
        self.send(|run_id| Event::SlotsChanged { run_id, share: change.share, reason: &change.reason });
    }

    /// Sends, once, that the run has ended. The report is made if an observer asks for it.
    pub(crate) fn end(&self, duration: Duration, report: &OnceLock<RunReport>) {
        if self.any() && !self.has_ended.swap(true, Ordering::Relaxed) {
            let end = RunEnd::new(&self.record, duration, report);
            let succeeded = self.record.succeeded();
            self.send(|run_id| Event::RunFinished { run_id, duration, succeeded, end: &end });
        }
    }

    fn send<'a>(&'a self, event: impl FnOnce(&'a str) -> Event<'a>) {
        if self.any() {
            self.observers.send(&event(self.record.frame.scope().run_id()));
        }
    }

    fn name(&self, step: usize) -> &str {
        self.record.frame.plan().spec(step).name()
    }
}

impl fmt::Debug for RunEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunEvents").field(&self.observers).finish()
    }
}

impl Drop for RunEvents {
    /// Ends the events of a run that no one waits for.
    fn drop(&mut self) {
        if self.any() && !*self.has_ended.get_mut() {
            self.record.frame.cancel_rest();
            self.end(self.record.began.at.elapsed(), &OnceLock::new());
        }
    }
}
