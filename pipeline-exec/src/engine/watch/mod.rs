//! Deadlines, and threads that are kept too long: watched by one OS thread for the whole process.
//!
//! A timer of the runtime fires late when its threads are blocked, which is when a deadline matters. So the watchdog is a
//! separate thread. It reads what threads do ([`WorkerStatus`]), and knows the steps that wait ([`Waiter`]). An overdue
//! step:
//!
//! * *that waits*: its task is woken to drop the future. A task that has not done so after [`PATIENCE`] has no thread, and
//!   is treated as one that runs;
//! * *that runs, or is polled*: the attempt is given up. The watchdog takes over the thread's share of the run (its slot,
//!   and the duty to finish the step), and the thread is detached: what it returns is dropped, and it leaves the run when
//!   the step's code returns.

mod starvation;
mod takeover;
pub(super) mod virtual_time;
mod waiter;
mod watchdog;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use pipeline_core::frame::GivenUp;
use pipeline_core::{FailureKind, Plan};

use self::starvation::Starvation;
pub(crate) use self::waiter::Waiter;
use super::Engine;
use super::parked::Parked;
use super::worker::{Running, WorkerStatus};
use crate::pressure::Monitor;
use crate::record::{History, RunRecord};
use crate::rules::Rules;
use crate::settings::in_reach;

/// Time that the task of an overdue step has to drop its future, before it is treated as one without a thread.
const PATIENCE: Duration = Duration::from_millis(80);

/// Bounds of the time between two looks at the threads.
const SHORTEST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_LOOK: Duration = Duration::from_millis(50);

/// What the watchdog knows of one run. Nothing in it keeps the run's outputs alive.
#[derive(Debug)]
pub(crate) struct Watch {
    frame: u32,
    /// When the run began.
    origin: Instant,
    plan: Arc<Plan>,
    rules: Option<Arc<Rules>>,
    history: Arc<History>,
    monitor: Option<Arc<Monitor>>,
    engine: Weak<Engine>,
    /// Time between two looks.
    look: Duration,
    slow_poll: Option<Duration>,
    deadline: Option<Duration>,
    grace: Option<Duration>,
    most_detached: usize,
    /// The steps that wait and may be given up, by position.
    waiters: Mutex<HashMap<usize, Weak<Waiter>>>,
    /// Shares that wait for a thread and can be ended without one.
    parked: Mutex<Vec<Weak<Parked>>>,
    starvation: Starvation,
    /// When the steps that still run are given up, and why.
    ends: Mutex<Option<(Instant, GivenUp)>>,
    over: AtomicBool,
    /// Whether the run was stopped because of its deadline.
    too_late: AtomicBool,
}

impl Watch {
    /// Makes the watch of a run; `None` if there is nothing to watch.
    pub(super) fn new(engine: &Weak<Engine>, record: &RunRecord) -> Option<Arc<Watch>> {
        let (frame, settings, monitor) = (&record.frame, &record.settings, &record.monitor);
        let plan = frame.plan();
        let watched = record.rules.as_ref().filter(|rules| rules.any_watched());
        let slow_poll = settings.slow_poll.map(in_reach).filter(|_| plan.has_async());
        if watched.is_none() && slow_poll.is_none() && monitor.is_none() {
            return None;
        }
        let by_rules = watched.map(|rules| {
            rules.shortest().map_or(LONGEST_LOOK, |time| (time / 16).clamp(SHORTEST_LOOK, LONGEST_LOOK))
        });
        let by_polls = slow_poll.map(|slow| (slow / 2).max(SHORTEST_LOOK));
        Some(Arc::new(Watch {
            frame: frame.number(),
            origin: record.origin,
            plan: Arc::clone(plan),
            rules: watched.cloned(),
            history: Arc::clone(&record.history),
            monitor: monitor.clone(),
            engine: Weak::clone(engine),
            look: by_rules.into_iter().chain(by_polls).min().unwrap_or(LONGEST_LOOK),
            slow_poll,
            deadline: settings.deadline.map(in_reach),
            grace: settings.grace.map(in_reach),
            most_detached: settings.max_detached.unwrap_or(settings.cpu),
            waiters: Mutex::default(),
            parked: Mutex::default(),
            starvation: Starvation::default(),
            ends: Mutex::default(),
            over: AtomicBool::new(false),
            too_late: AtomicBool::new(false),
        }))
    }

    /// Starts to watch the run.
    pub(super) fn begin(self: &Arc<Self>, engine: &Engine) {
        self.begin_in_virtual_time(engine);
        watchdog::add(Arc::clone(self));
    }

    /// The run has ended.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    /// Sets the time after which a stopped run gives up the steps that still run.
    pub(super) fn stopped(&self) {
        let Some(grace) = self.grace else { return };
        let note = format!(
            "the run was stopped, and the step did not end within the grace time of {}",
            humantime::format_duration(grace)
        );
        self.end_at(Instant::now() + grace, GivenUp { kind: FailureKind::Cancelled, note });
    }

    /// Gives up the steps that still run at that moment.
    fn end_at(&self, at: Instant, why: GivenUp) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        if ends.as_ref().is_none_or(|(earlier, _)| at < *earlier) {
            *ends = Some((at, why));
        }
        drop(ends);
        watchdog::wake_by(at);
    }

    /// Time since the run began.
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// When an attempt is overdue, since the run began.
    fn due(&self, step: usize, since: Duration) -> Option<Duration> {
        let rule = self.rules.as_ref()?.of(step);
        let first = self.history.look(step, |past| past.first_start).filter(|first| !first.is_zero());
        rule.due(since, first.unwrap_or(since))
    }

    /// Whether attempts of a step can be given up.
    fn is_watched(&self, step: usize) -> bool {
        self.rules.as_ref().map(|rules| rules.of(step)).is_some_and(|rule| rule.watched)
    }

    /// Why a step that has been running since then is given up.
    fn overdue(&self, step: usize, since: Duration) -> GivenUp {
        let rule = self.rules.as_ref().map(|rules| rules.of(step));
        let timeout = rule.and_then(|rule| rule.timeout).filter(|timeout| self.now() >= since + *timeout);
        late(timeout, rule.and_then(|rule| rule.deadline))
    }

    /// Looks at what a thread does for this run. Returns when to look again at the latest.
    fn inspect(self: &Arc<Self>, status: &WorkerStatus, running: Running) -> Option<Duration> {
        let now = self.now();
        let seen = status.seen(now.as_nanos() as u64);
        let first_seen = Duration::from_nanos(seen.first);
        let since = running.since.map_or(first_seen, Duration::from_nanos);
        let is_io = self.plan.lane(running.step).is_async();
        if let Some(slow) =
            self.slow_poll.filter(|slow| is_io && !seen.warned && now.saturating_sub(first_seen) >= *slow)
        {
            status.mark_warned();
            self.warn_slow(running.step, now.saturating_sub(first_seen).max(slow));
        }
        if !self.is_watched(running.step) {
            return None;
        }
        if self.is_unused(running.step) {
            self.take_over_running(running, GivenUp::unused());
            return None;
        }
        let due = self.due(running.step, since)?;
        if now < due {
            return Some(due);
        }
        let mut why = self.overdue(running.step, since);
        if is_io {
            why.note.push_str(", and blocks the thread that runs it: it computes or waits without `.await`; make it a plain `fn`");
        }
        self.take_over_running(running, why);
        None
    }

    /// Looks at the run as a whole. Returns when to look again at the latest.
    fn inspect_run(self: &Arc<Self>) -> Option<Duration> {
        let now = self.now();
        let change = self.monitor.as_ref().and_then(|monitor| monitor.look(now));
        if let (Some(change), Some(engine)) = (change, self.engine.upgrade()) {
            let present = engine.done.enter();
            engine.apply(&change);
            drop(engine);
            drop(present);
        }
        let sample = self.monitor.as_ref().map(|monitor| monitor.next());
        if self.rules.is_some() {
            self.inspect_starvation(now);
            self.take_back_idle();
        }
        let ending = self.inspect_ending(now);
        sample.into_iter().chain(ending).min()
    }

    /// Stops the run because of its deadline, once.
    fn run_is_late(&self, deadline: Duration) {
        let Some(engine) = self.engine.upgrade() else { return };
        if self.too_late.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut note =
            format!("the run took longer than its deadline of {}", humantime::format_duration(deadline));
        // A run that was stopped before, and waits for threads, stops waiting.
        if !engine.frame.scope().is_stopped() {
            self.history.stopped_because(&note);
            engine.stop_timed_out();
            note = self.history.why_stopped().unwrap_or(note);
        }
        self.end_at(Instant::now() + PATIENCE, GivenUp { kind: FailureKind::TimedOut, note });
    }

    /// Looks whether the run, or what is left of it, has to end. Returns when to look again at the latest.
    fn inspect_ending(self: &Arc<Self>, now: Duration) -> Option<Duration> {
        if let Some(deadline) = self.deadline.filter(|deadline| now >= *deadline) {
            self.run_is_late(deadline);
        }
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some((at, why)) = ends else { return self.deadline.filter(|deadline| now < *deadline) };
        if Instant::now() < at {
            return Some(at - self.origin);
        }
        for status in WorkerStatus::all() {
            if let Some(running) = status.read().filter(|running| running.frame == self.frame) {
                self.take_over_running(running, why.clone());
            }
        }
        let waiters: Vec<_> = {
            let waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
            waiters.values().filter_map(Weak::upgrade).collect()
        };
        for waiter in waiters {
            self.take_over_waiting(&waiter, why.clone());
        }
        // A step that begins just now is seen at the next look.
        Some(now + self.look)
    }

    /// Takes back the shares that wait for a thread although there is nothing to do for them: all threads may be blocked.
    fn take_back_idle(&self) {
        let parked: Vec<Arc<Parked>> = {
            let parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
            parked.iter().filter_map(Weak::upgrade).collect()
        };
        parked.iter().for_each(|parked| drop(parked.take_idle()));
    }

    /// Remembers a share that waits for a thread, to take it back if there is nothing to do for it.
    pub(super) fn park(&self, what: &Arc<Parked>) {
        let mut parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
        if parked.len() == parked.capacity() {
            // Most were taken.
            parked.retain(|parked| parked.strong_count() > 0);
        }
        parked.push(Arc::downgrade(what));
    }

    /// Whether a step is unused. Asked repeatedly: a step that begins, or begins to wait, at the moment at which it becomes
    /// unused is not found then.
    fn is_unused(&self, step: usize) -> bool {
        let unused = |engine: Arc<Engine>| engine.frame.is_unused(step);
        self.plan.may_be_unused(step) && self.engine.upgrade().is_some_and(unused)
    }

    /// Cancels an unused step, whether it runs or waits.
    pub(super) fn cancel_unused(self: &Arc<Self>, step: usize) {
        let why = GivenUp::unused();
        let waiter =
            self.waiters.lock().unwrap_or_else(PoisonError::into_inner).get(&step).and_then(Weak::upgrade);
        match waiter {
            Some(waiter) if waiter.is_cancellable() => return waiter.give_up(why),
            Some(waiter) => return self.take_over_waiting(&waiter, why),
            None => {}
        }
        let running = WorkerStatus::all().into_iter().filter_map(|status| status.read());
        let mut here = running.filter(|running| running.frame == self.frame && running.step == step);
        if let Some(running) = here.next() {
            self.take_over_running(running, why);
        }
    }
}

/// Why a step is given up at its timeout, or else at its deadline.
fn late(timeout: Option<Duration>, deadline: Option<Duration>) -> GivenUp {
    let show = |time: Duration| humantime::format_duration(Duration::from_millis(time.as_millis() as u64));
    let note = match (timeout, deadline) {
        (Some(timeout), _) => format!("it took longer than its timeout of {}", show(timeout)),
        (None, Some(deadline)) => {
            format!("its attempts took longer than its deadline of {}", show(deadline))
        }
        (None, None) => "it took too long".to_owned(),
    };
    GivenUp { kind: FailureKind::TimedOut, note }
}
