//! A run under way.

use std::sync::Arc;

use pipeline_core::frame::Status;
use pipeline_core::{Lane, Problems};

use super::{OutputError, Run, output};
use crate::engine::{CallersPart, Engine, Parent};
use crate::record::RunRecord;
use crate::runs::Recording;
use crate::settings::Settings;
use crate::signals::Listening;
use crate::stopper::{Stop, Stopper};

/// A run under way. Dropping it stops the run.
#[derive(Debug)]
#[must_use = "a run is stopped when its handle is dropped"]
pub struct RunHandle {
    /// `None` once the run was waited for.
    engine: Option<Arc<Engine>>,
    parent: Option<Parent>,
    recording: Option<Recording>,
    /// Last, so that a signal finds the run for as long as there is one.
    listening: Option<Listening>,
}

impl RunHandle {
    pub(super) fn new(
        engine: Arc<Engine>,
        parent: Option<Parent>,
        recording: Option<Recording>,
        listening: Option<Listening>,
    ) -> Self {
        let handle = RunHandle { engine: Some(engine), parent, recording, listening };
        if let Some(listening) = &handle.listening {
            listening.attach(handle.stopper(), handle.record().settings.grace);
        }
        handle
    }

    fn engine(&self) -> &Arc<Engine> {
        self.engine.as_ref().expect("invariant: the engine is there until the run was waited for")
    }

    fn record(&self) -> &Arc<RunRecord> {
        self.engine().record()
    }

    /// Returns the id of the run.
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/steps.in")]
    /// let handle = Pipeline::to::<total>().start()?;
    /// println!("run {} started", handle.id());
    /// # Ok(()) }
    /// ```
    pub fn id(&self) -> &str {
        self.record().frame.scope().run_id()
    }

    /// Asks the run to stop: no further step starts, and waiting async steps are dropped. [`RunHandle::wait`] still returns the
    /// run; its steps that did not run are cancelled.
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/steps.in")]
    /// let handle = Pipeline::to::<total>().start()?;
    /// handle.stop();
    /// let run = futures::executor::block_on(handle.wait());
    /// assert!(run.status("total").is_ok());
    /// # Ok(()) }
    /// ```
    pub fn stop(&self) {
        self.engine().stop();
    }

    /// Changes how many steps of a lane run at once. A higher number takes effect immediately, a lower one as steps end. A limit
    /// over all lanes ([`Settings::workers`](crate::Settings::workers)) does not change.
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/steps.in")]
    /// # use pipeline_core::Lane;
    /// let handle = Pipeline::to::<total>().start()?;
    /// handle.resize(Lane::Cpu, 1)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the number is not from 1 to [`MOST_SLOTS`](crate::MOST_SLOTS). Then nothing changes.
    pub fn resize(&self, lane: Lane, slots: usize) -> Result<(), Problems> {
        let changed = Settings::default().with_slots(lane, slots);
        Problems::check(changed.problems())?;
        self.engine().resize(lane, slots);
        Ok(())
    }

    /// Starts no further step until [`RunHandle::resume`]. Running steps continue, and the run does not end meanwhile.
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/steps.in")]
    /// let handle = Pipeline::to::<total>().start()?;
    /// handle.pause();
    /// handle.resume();
    /// assert!(futures::executor::block_on(handle.wait()).succeeded());
    /// # Ok(()) }
    /// ```
    pub fn pause(&self) {
        self.engine().pause();
    }

    /// Continues after [`RunHandle::pause`], which has an example.
    pub fn resume(&self) {
        self.engine().resume();
    }

    /// Returns a handle that only stops the run, for other threads and tasks.
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/steps.in")]
    /// let handle = Pipeline::to::<total>().start()?;
    /// let stopper = handle.stopper();
    /// std::thread::spawn(move || stopper.stop());
    /// # Ok(()) }
    /// ```
    pub fn stopper(&self) -> Stopper {
        let run: Arc<dyn Stop> = Arc::<Engine>::clone(self.engine());
        Stopper::new(Arc::downgrade(&run))
    }

    /// Returns the current status of a step, by name. A running step is pending.
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/steps.in")]
    /// let handle = Pipeline::to::<total>().start()?;
    /// println!("{}", handle.status("total")?);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// If the run has no such step.
    pub fn status(&self, name: &str) -> Result<Status, OutputError> {
        output::position(&self.record().frame, name).map(|step| self.record().frame.status(step))
    }

    /// Returns an output by name while the run continues: one that was asked for, once its step has succeeded.
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/steps.in")]
    /// let handle = Pipeline::to::<total>().start()?;
    /// if let Ok(total) = handle.output_named::<u64>("total") {
    ///     println!("already there: {total}");
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Why there is none (yet).
    pub fn output_named<T: 'static>(&self, name: &str) -> Result<&T, OutputError> {
        output::of_name(self.record(), name)
    }

    /// Waits for the end of the run.
    ///
    /// ```
    #[doc = include_str!("../pipeline/examples/steps.in")]
    /// let handle = Pipeline::to::<total>().start()?;
    /// let run = futures::executor::block_on(handle.wait());
    /// assert_eq!(run.output::<total>()?, &7);
    /// # Ok(()) }
    /// ```
    ///
    /// # Cancel safety
    /// Dropping the future stops the run.
    pub async fn wait(self) -> Run {
        let loan = self.parent.as_ref().and_then(Parent::lend);
        self.engine().done().wait().await;
        drop(loan);
        self.ended()
    }

    /// Blocks the thread until the run has ended. The thread takes the caller's part in it, if there is one.
    pub(crate) fn wait_blocking(self, callers: Option<CallersPart>) -> Run {
        let loan = self.parent.as_ref().and_then(Parent::lend);
        if let Some(callers) = callers {
            callers.drive();
        }
        self.engine().done().wait_blocking();
        drop(loan);
        self.ended()
    }

    fn ended(mut self) -> Run {
        let engine = self.engine.take().expect("invariant: the engine is there until the run was waited for");
        let stopped_by = self.listening.as_ref().and_then(Listening::stopped_by);
        engine.over();
        let record = Arc::clone(engine.record());
        let mut run = Run::new(record, engine.events(), self.recording.take(), stopped_by);
        if let Some(parent) = &self.parent {
            parent.nested_run_ended(&run.record, run.duration);
        }
        release(engine);
        run.settle();
        run
    }
}

/// Waits until no other thread holds the run, unless one is detached: the run and its outputs are then the caller's alone.
fn release(mut engine: Arc<Engine>) {
    let record = Arc::clone(engine.record());
    while let Err(shared) = Arc::try_unwrap(engine) {
        if record.history.any_detached() {
            return;
        }
        // The watchdog, or a thread on its way out, looks at the run for another moment.
        std::thread::yield_now();
        engine = shared;
    }
}

impl Drop for RunHandle {
    fn drop(&mut self) {
        let Some(engine) = &self.engine else { return };
        engine.stop();
        if let Some(recording) = self.recording.take() {
            // The run counts as running until its last step has ended.
            engine.keep(recording);
        }
    }
}
