//! The scheduler: how the steps of one run find threads.
//!
//! There is no coordinator and no barrier. A run has a few *drivers* per lane: tasks on the tokio runtime for the IO
//! lane, threads of its blocking pool for the others. A driver takes a step, runs it, finishes it, and goes on with
//! the most urgent of the steps that became ready; the others go to its deque (or, for another lane, to that lane's
//! injector), where idle drivers find them. See `README.md` in this folder for the rules that make this live and
//! safe.

mod admission;
mod backlog;
mod done;
mod drive;
mod driver;
mod family;
mod gate;
mod held_above;
mod history;
mod holder;
mod lane;
mod lanes;
mod managed;
mod parked;
mod rules;
mod waiting;
mod watch;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use pipeline_core::frame::{Frame, GivenUp, Ready};
use pipeline_core::{FailureKind, Lane, RunScope};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use self::admission::Admitted;
pub(crate) use self::done::Done;
use self::done::Present;
pub(crate) use self::drive::{CallersPart, on_a_driving_thread};
pub(crate) use self::family::Parent;
use self::family::{Family, Host};
pub(crate) use self::held_above::never_admitted;
pub(crate) use self::history::History;
use self::holder::Holder;
use self::lanes::Lanes;
pub(crate) use self::rules::{CORES, MEMORY, Rule, Rules};
use self::watch::Watch;
use crate::event::{Entered, Event, Observers, RunEnd};
use crate::limits::{Clamped, LimitReport, Limits, Need};
use crate::pressure::{Change, Curve, Monitor};
use crate::report::{CommandLine, RunReport};
use crate::run::Begun;
use crate::settings::Settings;
use crate::store::Recording;
use crate::timing::Timings;

/// One run under way.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) frame: Arc<Frame>,
    pub(crate) settings: Settings,
    pub(crate) timings: Option<Timings>,
    pub(crate) observers: Observers,
    /// Whether some observer goes with the steps into their code.
    enters: bool,
    pub(crate) begun: Begun,
    pub(crate) history: Arc<History>,
    /// When the run began.
    origin: Instant,
    /// `None` where every step is run and finished and nothing else.
    rules: Option<Arc<Rules>>,
    watch: Option<Arc<Watch>>,
    monitor: Option<Arc<Monitor>>,
    limits: Limits,
    admitted: Admitted,
    lanes: Lanes,
    /// The runs that share the slots with this one.
    family: Arc<Family>,
    /// The step that has started this run, where its slots are shared with that one's.
    parent: Option<Parent>,
    /// The steps that have lent their slots to runs of their own.
    loans: Mutex<HashSet<usize>>,
    /// Keeps the run from being over while all slots are with other runs of the family.
    standing_by: Mutex<Option<Present>>,
    stop: CancellationToken,
    /// Whether the run was stopped because it took too long.
    timed_out: AtomicBool,
    /// Whether no step is to be started: the run was stopped, or is paused.
    still: AtomicBool,
    /// While the run is paused: it does not end.
    pause: Mutex<Option<Present>>,
    runtime: Handle,
    done: Arc<Done>,
    /// Whether the observers were told that the run has ended.
    told_end: AtomicBool,
    /// The words that the run was started with, where the command line started it.
    pub(crate) command_line: Option<Arc<CommandLine>>,
    /// What records the run, until it has ended.
    recording: Mutex<Option<Recording>>,
}

/// What a run is given besides its frame.
pub(crate) struct GivenToRun {
    pub(crate) settings: Settings,
    pub(crate) observers: Observers,
    pub(crate) begun: Begun,
    pub(crate) limits: Limits,
    pub(crate) monitor: Option<Monitor>,
    pub(crate) parent: Option<Parent>,
    pub(crate) command_line: Option<Arc<CommandLine>>,
    pub(crate) recording: Option<Recording>,
}

impl Engine {
    /// Starts a run: every lane that has steps waiting for nothing gets its drivers. Where the caller is going to wait
    /// in its thread, it is handed one of them, to drive itself.
    pub(crate) fn start(
        frame: Arc<Frame>,
        given: GivenToRun,
        runtime: Handle,
        caller_drives: bool,
    ) -> (Arc<Engine>, Arc<Done>, Option<CallersPart>) {
        let (engine, done) = Engine::make(frame, given, runtime);
        let host = engine.parent.as_ref().and_then(Parent::engine);
        engine.frame.scope().set_host(Arc::new(Host(Arc::downgrade(&engine))));
        engine.family.join(&engine);
        let starting = done.enter();
        if let Some(watch) = &engine.watch {
            watch.begin();
        }
        // A thread that may be left behind cannot be the one that waits for the run.
        let callers =
            if caller_drives && !engine.may_leave_behind() { CallersPart::of(&engine) } else { None };
        for lane in Lane::ALL {
            if engine.settings.shuffle.is_some() {
                let mut roots = engine.frame.take_roots(lane, usize::MAX, 1);
                while let Some(ready) = engine.frame.next_root(&mut roots) {
                    engine.lanes.of(lane).backlog.push(engine.urgency(ready.step()), ready);
                }
            }
            let most = engine.lanes.most_drivers(lane, &engine.settings);
            for _ in 0..engine.frame.plan().root_count(lane).min(most) {
                engine.wake(lane);
            }
        }
        // Whoever stopped the parent before this run had joined has not stopped this one.
        if host.is_some_and(|host| engine.parent.as_ref().is_some_and(|parent| parent.is_gone(&host))) {
            engine.stop();
        }
        drop(starting);
        (engine, done, callers)
    }

    /// The engine of a run whose steps somebody else executes.
    pub(crate) fn elsewhere(frame: Arc<Frame>, given: GivenToRun, runtime: Handle) -> Arc<Engine> {
        Engine::make(frame, given, runtime).0
    }

    fn make(frame: Arc<Frame>, given: GivenToRun, runtime: Handle) -> (Arc<Engine>, Arc<Done>) {
        let GivenToRun { settings, observers, begun, limits, monitor, parent, command_line, recording } =
            given;
        let done = Arc::new(Done::new());
        let origin = Instant::now();
        let timings = (settings.timings || observers.any()).then(|| Timings::new(frame.plan().len(), origin));
        let rules = Rules::new(frame.plan(), &settings, &limits).map(Arc::new);
        let history = Arc::<History>::default();
        let monitor = monitor.map(Arc::new);
        let host = parent.as_ref().and_then(Parent::engine);
        let engine = Arc::new_cyclic(|engine| Engine {
            lanes: Lanes::new(&settings, host.as_ref().map(|host| &host.lanes)),
            family: host.as_ref().map_or_else(Arc::default, |host| Arc::clone(&host.family)),
            loans: Mutex::default(),
            standing_by: Mutex::default(),
            parent,
            timings,
            watch: Watch::new(engine, &frame, &settings, rules.as_ref(), &history, monitor.as_ref(), origin),
            monitor,
            rules,
            limits,
            admitted: Admitted::default(),
            origin,
            history,
            settings,
            enters: observers.want_enter(),
            observers,
            begun,
            frame,
            stop: CancellationToken::new(),
            timed_out: AtomicBool::new(false),
            still: AtomicBool::new(false),
            pause: Mutex::default(),
            runtime,
            done: Arc::clone(&done),
            told_end: AtomicBool::new(false),
            command_line,
            recording: Mutex::new(recording),
        });
        if let Some(recording) = &mut *engine.recording() {
            recording.watch(&engine);
        }
        (engine, done)
    }

    /// What records the run, until it has ended.
    pub(crate) fn recording(&self) -> MutexGuard<'_, Option<Recording>> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What holds for a step; `None` for a plain one.
    #[inline]
    fn rule(&self, step: usize) -> Option<&Rule> {
        Some(self.rules.as_ref()?.of(step))
    }

    /// Since the run began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Whether the failure of a step stops the run.
    fn stops_at(&self, step: usize) -> bool {
        let by_settings = self.settings.fail_fast && !self.is_optional(step);
        by_settings || self.rule(step).is_some_and(|rule| rule.fail_fast)
    }

    /// Cancels a step that nobody needs any more, if it is under way.
    fn cancel_unused(&self, step: usize) {
        if let Some(watch) = &self.watch {
            watch.cancel_unused(step);
        }
    }

    /// Memory and processor time over the run, and how slots changed because of them, where they were sampled.
    pub(crate) fn resources(&self) -> Option<(Curve, Vec<Change>)> {
        let monitor = self.monitor.as_ref().filter(|_| !self.settings.deterministic)?;
        Some(monitor.seen())
    }

    /// The named limits that steps of the run needed.
    pub(crate) fn limits_of_run(&self) -> Vec<LimitReport> {
        if self.settings.deterministic || self.rules.is_none() {
            return Vec::new();
        }
        self.limits.snapshot().into_iter().filter(|limit| limit.peak > 0).collect()
    }

    /// How many attempts a step may have.
    pub(crate) fn most_attempts(&self, step: usize) -> u32 {
        self.rule(step).map_or(1, |rule| rule.retries.saturating_add(1))
    }

    /// Where a step needs more of a limit than there is.
    pub(crate) fn clamped(&self, step: usize) -> impl Iterator<Item = &Clamped> {
        self.rule(step).into_iter().flat_map(|rule| rule.needs.iter()).flat_map(Need::clamped)
    }

    /// Whether `parallel_if` said no to a step.
    pub(crate) fn ran_alone(&self, step: usize) -> bool {
        self.history.look(step, |past| past.ran_alone).unwrap_or(false)
    }

    /// Gives the run a part of its slots, because of what was sampled.
    fn apply(self: &Arc<Self>, change: &Change) {
        self.send(|| Event::SlotsChanged {
            run_id: self.frame.scope().run_id(),
            share: change.share,
            reason: &change.reason,
        });
        self.lanes.apply(change.share);
        fence(Ordering::SeqCst);
        self.wake_all();
    }

    /// Starts as many drivers as can be used.
    fn wake_all(self: &Arc<Self>) {
        for lane in Lane::ALL {
            for _ in 0..self.lanes.most_drivers(lane, &self.settings) {
                if self.has_work(lane) {
                    self.wake(lane);
                }
            }
        }
    }

    /// Waits for something in the calling thread, which runs no tasks.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The run, as limits know it.
    fn owner(&self) -> u64 {
        u64::from(self.frame.number())
    }

    /// What is ready and has more of this goes first.
    #[inline]
    fn urgency(&self, step: usize) -> u64 {
        match self.settings.shuffle {
            None => self.frame.plan().urgency(step),
            Some(seed) => self.shuffled(seed, step),
        }
    }

    #[cold]
    fn shuffled(&self, seed: u64, step: usize) -> u64 {
        RunScope::new("").with_seed(seed).chance(self.frame.plan().spec(step).name(), 1).to_bits()
    }

    /// Whether a thread may be left behind in a step.
    fn may_leave_behind(&self) -> bool {
        self.rules.as_ref().is_some_and(|rules| rules.any_watched())
    }

    /// Sends an event, if somebody observes the run.
    pub(crate) fn send<'a>(&self, event: impl FnOnce() -> Event<'a>) {
        if self.observers.any() {
            self.observers.send(&event());
        }
    }

    /// Goes into a step's code, until the guard is dropped, with the observers that want to.
    fn enter(&self, step: usize, attempt: u32) -> Option<Entered<'_>> {
        self.enters.then(|| self.observers.enter(&self.frame, step, attempt))
    }

    /// The same before a step is started, unless it will be skipped: then its code is not called.
    fn enter_ready(&self, ready: &Ready, attempt: u32) -> Option<Entered<'_>> {
        if self.enters && !self.frame.will_skip(ready) { self.enter(ready.step(), attempt) } else { None }
    }

    /// Whether a step's failure lets the run succeed all the same.
    fn is_optional(&self, step: usize) -> bool {
        self.frame.plan().policy(step).optional
    }

    /// The run has ended: nobody watches it any more.
    pub(crate) fn over(&self) {
        if let Some(monitor) = &self.monitor {
            monitor.end(self.elapsed());
        }
        if let Some(watch) = &self.watch {
            watch.end();
        }
    }

    /// Tells the observers, once, that the run has ended. Nothing runs any more. The report is made where one of them asks
    /// for it.
    pub(crate) fn tell_end(&self, duration: Duration, report: &OnceLock<RunReport>) {
        if self.observers.any() && !self.told_end.swap(true, Ordering::Relaxed) {
            let run_id = self.frame.scope().run_id();
            let succeeded = self.succeeded();
            let end = RunEnd::new(self, duration, report);
            self.observers.send(&Event::RunFinished { run_id, duration, succeeded, end: &end });
        }
    }

    /// Whether nothing went wrong: every step has an output, or is not missed. O(steps).
    pub(crate) fn succeeded(&self) -> bool {
        (0..self.frame.plan().len()).all(|step| self.is_well(step))
    }

    /// Whether a step has an output, or lacks it for a reason that is no failure of the run: its condition does not
    /// hold, nobody needs it any more, it is optional; or it was skipped because of such a step.
    pub(crate) fn is_well(&self, step: usize) -> bool {
        use pipeline_core::frame::Status;
        let cause = self.frame.skipped_because(step).unwrap_or(step);
        match self.frame.status(cause) {
            // A step that was skipped because of one that succeeded lacks what an attempt left behind still reads.
            Status::Succeeded | Status::Cached | Status::Given => cause == step,
            Status::Failed | Status::TimedOut => self.is_optional(cause),
            Status::Skipped => true,
            Status::Cancelled => {
                self.frame.error(cause).is_some_and(|error| error.kind() == FailureKind::Unused)
            }
            _ => false,
        }
    }

    /// Debug builds look at every run when it has ended: whether what its steps came to fits together.
    ///
    /// # Panics
    /// In debug builds, where it does not.
    pub(crate) fn check(&self) {
        if cfg!(debug_assertions) {
            let contradictions = self.frame.contradictions();
            assert!(
                contradictions.is_empty(),
                "the run's end is contradictory:\n{}",
                contradictions.join("\n")
            );
        }
    }

    /// Starts no further step, and drops the async steps that wait. Steps on threads run to their end, or for as long
    /// as the settings' grace allows.
    pub(crate) fn stop(&self) {
        if self.frame.scope().stop() {
            self.still.store(true, Ordering::SeqCst);
            if let Some(watch) = &self.watch {
                watch.stopped();
            }
            self.stop.cancel();
            self.stop_children(None);
            if let Some(rules) = &self.rules {
                self.limits.withdraw(self.owner());
                rules.withdraw(self.owner());
                self.admitted.clear();
            }
            self.stand_down();
            // A run that was paused has to end.
            self.resume_quietly();
        }
    }

    /// As [`Engine::stop`], with a reason for the report.
    pub(crate) fn stop_because(&self, reason: &str) {
        if !self.frame.scope().is_stopped() {
            self.history.stopped_because(reason);
        }
        self.stop();
    }

    /// As [`Engine::stop`], because the run took too long.
    fn stop_timed_out(&self) {
        self.timed_out.store(true, Ordering::Release);
        self.stop();
    }

    /// Why a step is cancelled by the run's stop.
    fn stopped(&self) -> GivenUp {
        let timed_out = self.timed_out.load(Ordering::Acquire);
        let kind = if timed_out { FailureKind::TimedOut } else { FailureKind::Cancelled };
        GivenUp { kind, note: self.history.why_stopped().unwrap_or_else(|| "the run was stopped".to_owned()) }
    }

    /// Starts no further step until [`Engine::resume`]. Steps under way go on.
    pub(crate) fn pause(self: &Arc<Self>) {
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        if pause.is_none() && !self.frame.scope().is_stopped() && !self.done.is_over() {
            *pause = Some(self.done.enter());
            self.still.store(true, Ordering::SeqCst);
        }
    }

    /// Goes on after a pause.
    pub(crate) fn resume(self: &Arc<Self>) {
        let present = self.resume_quietly();
        fence(Ordering::SeqCst);
        self.wake_all();
        drop(present);
    }

    fn resume_quietly(&self) -> Option<Present> {
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        self.still.store(self.frame.scope().is_stopped(), Ordering::SeqCst);
        pause.take()
    }

    /// Whether drivers are to end before their next step.
    #[inline]
    fn holds_still(&self) -> bool {
        self.still.load(Ordering::Relaxed)
    }

    /// Changes the slots of a lane while the run goes on. Fewer slots take effect as steps end.
    pub(crate) fn resize(self: &Arc<Self>, lane: Lane, slots: usize) {
        self.lanes.resize(lane, slots);
        for _ in 0..self.lanes.of(lane).most_drivers(slots) {
            if self.has_work(lane) {
                self.wake(lane);
            }
        }
    }

    /// Starts a driver for a lane if one can be had. Called after work was made visible and fenced.
    fn wake(self: &Arc<Self>, lane: Lane) {
        if !self.try_wake(lane) && self.parent.is_some() {
            self.stand_by(lane);
        }
    }

    fn try_wake(self: &Arc<Self>, lane: Lane) -> bool {
        if !self.lanes.could_drive(lane) {
            return false;
        }
        let Some(holder) = Holder::for_driver(self, lane) else { return false };
        drive::spawn(holder);
        true
    }

    /// Whether a step of this lane lies somewhere, to be started.
    fn has_work(&self, lane: Lane) -> bool {
        !self.holds_still() && (self.frame.has_roots(lane) || self.lanes.of(lane).has_queued())
    }
}

impl Drop for Engine {
    /// A run that nobody waits for has an end too: its last holder has left.
    fn drop(&mut self) {
        if let (true, Some(timings)) = (self.observers.any(), &self.timings) {
            self.frame.cancel_rest();
            self.tell_end(Duration::from_nanos(timings.now()), &OnceLock::new());
        }
    }
}
