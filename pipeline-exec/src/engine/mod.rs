//! The scheduler: how the steps of one run find threads.
//!
//! There is no coordinator and no barrier. A run has a few *drivers* per lane: tasks on the tokio runtime for the IO
//! lane, threads of its blocking pool for the others. A driver takes a step, runs it, finishes it, and goes on with
//! the most urgent of the steps that became ready; the others go to its deque (or, for another lane, to that lane's
//! injector), where idle drivers find them. See `README.md` in this folder for the rules that make this live and
//! safe.

mod backlog;
mod done;
mod drive;
mod driver;
mod gate;
mod holder;
mod lane;
mod lanes;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pipeline_core::Lane;
use pipeline_core::frame::Frame;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

pub(crate) use self::done::Done;
pub(crate) use self::drive::{CallersPart, on_a_driving_thread};
use self::holder::Holder;
use self::lanes::Lanes;
use crate::event::{Event, Observers};
use crate::settings::Settings;
use crate::timing::Timings;

/// One run under way.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) frame: Arc<Frame>,
    pub(crate) settings: Settings,
    pub(crate) timings: Option<Timings>,
    pub(crate) observers: Observers,
    lanes: Lanes,
    stop: CancellationToken,
    runtime: Handle,
    done: Arc<Done>,
    /// Whether the observers were told that the run has ended.
    told_end: AtomicBool,
}

impl Engine {
    /// Starts a run: every lane that has steps waiting for nothing gets its drivers. Where the caller is going to wait
    /// in its thread, it is handed one of them, to drive itself.
    pub(crate) fn start(
        frame: Arc<Frame>,
        settings: Settings,
        observers: Observers,
        runtime: Handle,
        caller_drives: bool,
    ) -> (Arc<Engine>, Arc<Done>, Option<CallersPart>) {
        let done = Arc::new(Done::new());
        let timings = (settings.timings || observers.any()).then(|| Timings::new(frame.plan().len()));
        let engine = Arc::new(Engine {
            lanes: Lanes::new(&settings),
            timings,
            settings,
            observers,
            frame,
            stop: CancellationToken::new(),
            runtime,
            done: Arc::clone(&done),
            told_end: AtomicBool::new(false),
        });
        let starting = done.enter();
        let callers = if caller_drives { CallersPart::of(&engine) } else { None };
        for lane in Lane::ALL {
            let most = engine.lanes.most_drivers(lane, &engine.settings);
            for _ in 0..engine.frame.plan().root_count(lane).min(most) {
                engine.wake(lane);
            }
        }
        drop(starting);
        (engine, done, callers)
    }

    /// Tells the observers, once, that the run has ended. Nothing runs any more.
    pub(crate) fn tell_end(&self, duration: Duration) {
        if self.observers.any() && !self.told_end.swap(true, Ordering::Relaxed) {
            let run_id = self.frame.scope().run_id();
            let succeeded = self.succeeded();
            self.observers.send(&Event::RunFinished { run_id, duration, succeeded });
        }
    }

    /// Whether every step has an output. O(steps).
    pub(crate) fn succeeded(&self) -> bool {
        (0..self.frame.plan().len()).all(|step| self.frame.status(step).has_output())
    }

    /// Starts no further step, and drops the async steps that wait. Steps on threads run to their end.
    pub(crate) fn stop(&self) {
        if self.frame.scope().stop() {
            self.stop.cancel();
        }
    }

    /// Changes the slots of a lane while the run goes on. Fewer slots take effect as steps end.
    pub(crate) fn resize(self: &Arc<Self>, lane: Lane, slots: usize) {
        self.lanes.of(lane).slots.set_limit(slots);
        for _ in 0..self.lanes.of(lane).most_drivers(slots) {
            if self.has_work(lane) {
                self.wake(lane);
            }
        }
    }

    /// Cancelled when the run is asked to stop.
    pub(crate) fn stop_token(&self) -> &CancellationToken {
        &self.stop
    }

    /// Starts a driver for a lane if one can be had. Called after work was made visible and fenced.
    fn wake(self: &Arc<Self>, lane: Lane) {
        if !self.lanes.could_drive(lane) {
            return;
        }
        if let Some(holder) = Holder::for_driver(self, lane) {
            drive::spawn(holder);
        }
    }

    /// Whether a step of this lane lies somewhere, to be started.
    fn has_work(&self, lane: Lane) -> bool {
        !self.frame.scope().is_stopped() && (self.frame.has_roots(lane) || self.lanes.of(lane).has_queued())
    }
}

impl Drop for Engine {
    /// A run that nobody waits for has an end too: its last holder has left.
    fn drop(&mut self) {
        if let (true, Some(timings)) = (self.observers.any(), &self.timings) {
            self.frame.cancel_rest();
            self.tell_end(Duration::from_nanos(timings.now()));
        }
    }
}
