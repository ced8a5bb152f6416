//! The thread that watches all runs.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError, Weak};
use std::time::{Duration, Instant};

use pipeline_core::contain;

use super::takeover::TakenFrom;
use super::{PATIENCE, Waiter, Watch};
use crate::engine::worker::WorkerStatus;

/// Time without a run after which the thread sleeps until there is one.
const IDLE: Duration = Duration::from_secs(2);

struct Watchdog {
    state: Mutex<State>,
    wake: Condvar,
}

struct State {
    runs: Vec<Arc<Watch>>,
    /// The steps that wait, by when they are due; the number distinguishes steps that are due at one moment.
    due: BTreeMap<(Instant, u64), (Weak<Waiter>, Stage)>,
    number: u64,
    /// Whether there is something that the thread has not looked at: a notification is lost while it is not asleep.
    has_news: bool,
    /// When the thread will wake by itself; `None` if it sleeps until it is woken.
    wakes: Option<Instant>,
}

/// What is done about an overdue step that waits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its task is woken to drop the future.
    Ask,
    /// The task did not: it is taken over.
    TakeOver,
}

static WATCHDOG: Watchdog = Watchdog {
    state: Mutex::new(State {
        runs: Vec::new(),
        due: BTreeMap::new(),
        number: 0,
        has_news: false,
        wakes: None,
    }),
    wake: Condvar::new(),
};

/// Watches a run until its end.
pub(super) fn add(watch: Arc<Watch>) {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let thread = std::thread::Builder::new().name("pipeline-watchdog".to_owned());
        thread.spawn(|| WATCHDOG.run()).expect("the operating system gives one more thread");
    });
    let by = Instant::now() + watch.look;
    let mut state = WATCHDOG.lock();
    state.runs.push(watch);
    state.has_news = true;
    WATCHDOG.wake_before(&state, by);
}

/// Makes the thread look at that moment at the latest.
pub(super) fn wake_by(at: Instant) {
    let mut state = WATCHDOG.lock();
    state.has_news = true;
    WATCHDOG.wake_before(&state, at);
}

/// Watches a step that waits, until it is due.
pub(super) fn add_waiter(waiter: &Arc<Waiter>, due: Instant) {
    let stage = if waiter.is_cancellable() { Stage::Ask } else { Stage::TakeOver };
    let mut state = WATCHDOG.lock();
    state.push(Arc::downgrade(waiter), due, stage);
    WATCHDOG.wake_before(&state, due);
}

impl Watchdog {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_before(&self, state: &State, at: Instant) {
        if state.wakes.is_none_or(|wakes| at < wakes) {
            self.wake.notify_one();
        }
    }

    fn run(&self) {
        let mut idle_since = Instant::now();
        loop {
            // A panic because of one run must not end the watchdog of all others.
            let next =
                contain::guard(|| self.look()).unwrap_or_else(|_panic| Some(Instant::now() + PATIENCE));
            if next.is_some() {
                idle_since = Instant::now();
            }
            self.sleep(next.or_else(|| (idle_since.elapsed() < IDLE).then(|| Instant::now() + IDLE / 20)));
        }
    }

    /// Looks at every run, and at every step that is due. Returns when to look again at the latest; `None` without a run.
    fn look(&self) -> Option<Instant> {
        let (runs, over, due) = {
            let mut state = self.lock();
            state.has_news = false;
            let all = std::mem::take(&mut state.runs);
            let (over, live) = all.into_iter().partition(|watch| watch.over.load(Ordering::Acquire));
            state.runs = live;
            let over: Vec<Arc<Watch>> = over;
            (state.runs.clone(), over, state.take_due(Instant::now()))
        };
        // Dropping a run's watch may call the user's code: not under the lock.
        drop(over);
        for (waiter, stage) in due {
            self.overdue(&waiter, stage);
        }
        let now = Instant::now();
        let mut next: Option<Instant> = None;
        for status in if runs.is_empty() { Vec::new() } else { WorkerStatus::all() } {
            let Some(running) = status.read() else { continue };
            let Some(watch) = runs.iter().find(|watch| watch.frame == running.frame) else { continue };
            let due = watch.inspect(&status, running).map(|due| watch.origin + due);
            next = next.into_iter().chain(due).min();
        }
        for watch in &runs {
            let due = watch.inspect_run().map(|due| watch.origin + due);
            next = next.into_iter().chain(due).chain([now + watch.look]).min();
        }
        next
    }

    fn overdue(&self, waiter: &Weak<Waiter>, stage: Stage) {
        let Some(waiter) = waiter.upgrade() else { return };
        let why = waiter.overdue();
        if stage == Stage::TakeOver {
            waiter.take_over(TakenFrom::Task, why);
            return;
        }
        waiter.give_up(why);
        self.lock().push(Arc::downgrade(&waiter), Instant::now() + PATIENCE, Stage::TakeOver);
    }

    fn sleep(&self, until: Option<Instant>) {
        let mut state = self.lock();
        if state.has_news {
            return;
        }
        let due = state.due.keys().next().map(|key| key.0);
        state.wakes = until.into_iter().chain(due).min();
        let woken = match state.wakes {
            Some(at) => {
                let time = at.saturating_duration_since(Instant::now());
                self.wake.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
        };
        drop(woken);
    }
}

impl State {
    fn push(&mut self, waiter: Weak<Waiter>, due: Instant, stage: Stage) {
        self.number += 1;
        self.due.insert((due, self.number), (waiter, stage));
    }

    /// Takes the entries whose moment has come. Entries of steps that have ended stay until then: they hold nothing.
    fn take_due(&mut self, now: Instant) -> Vec<(Weak<Waiter>, Stage)> {
        let later = self.due.split_off(&(now, u64::MAX));
        std::mem::replace(&mut self.due, later).into_values().collect()
    }
}
