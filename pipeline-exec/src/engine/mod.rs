//! The scheduler: how the steps of one run find threads.
//!
//! There is no coordinator and no barrier. A run has a few *drivers* per lane: tasks on the tokio runtime for the IO
//! lane, threads of its blocking pool for the others. A driver takes a step, runs it, finishes it, and continues with
//! the most urgent of the steps that became ready; the others go to its deque (or, for another lane, to that lane's
//! backlog), where idle drivers find them. See `README.md` in this folder for the rules that make this live and
//! safe.

mod admission;
mod backlog;
mod control;
mod done;
mod drive;
mod driver;
mod gate;
mod group;
mod held_above;
mod lane;
mod lanes;
mod later;
mod managed;
mod parked;
mod permits;
mod retry;
mod slot;
mod spawn;
mod under_way;
mod waiting;
mod wake;
mod watch;
mod worker;

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use pipeline_core::frame::Frame;
use pipeline_core::{Lane, RunScope};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

pub(crate) use self::done::Done;
use self::done::Present;
pub(crate) use self::drive::{CallersPart, on_a_driving_thread};
pub(crate) use self::group::Parent;
use self::group::{Lent, RunGroup};
pub(crate) use self::held_above::never_admitted;
use self::lanes::Lanes;
use self::permits::Admitted;
use self::under_way::UnderWay;
#[cfg(feature = "cli")]
pub(crate) use self::under_way::steps_within;

use self::watch::Watch;
use crate::event::RunEvents;
use crate::record::{History, RunRecord};
use crate::rules::{Rule, Rules};
use crate::store::Caching;
use crate::timing::Timings;

/// One run under way.
#[derive(Debug)]
pub(crate) struct Engine {
    /// What is read for each step: copies of what the record has.
    frame: Arc<Frame>,
    timings: Option<Timings>,
    rules: Option<Arc<Rules>>,
    caching: Option<Arc<Caching>>,
    history: Arc<History>,
    events: RunEvents,
    record: Arc<RunRecord>,
    watch: Option<Arc<Watch>>,
    admitted: Admitted,
    lanes: Lanes,
    /// The runs that share the slots with this one.
    group: Arc<RunGroup>,
    /// The step that has started this run, if it shares the slots of that step's run.
    parent: Option<Parent>,
    /// What steps have lent to the runs within them.
    loans: Mutex<HashMap<usize, Lent>>,
    /// Keeps the run from ending while all slots are with other runs of the group.
    standing_by: Mutex<Option<Present>>,
    stop: CancellationToken,
    /// Whether the run was stopped because it took too long.
    timed_out: AtomicBool,
    /// Whether no step is to be started: the run was stopped, or is paused.
    still: AtomicBool,
    /// Keeps the run from ending while it is paused.
    pause: Mutex<Option<Present>>,
    runtime: Handle,
    done: Arc<Done>,
    _under_way: UnderWay,
    /// Dropped last, when nothing of the run is under way.
    kept: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Engine {
    /// Starts a run: every lane that has steps waiting for nothing gets its drivers. A caller that is going to wait in
    /// its thread is handed one of them, to drive itself.
    pub(crate) fn start(
        record: Arc<RunRecord>,
        events: RunEvents,
        parent: Option<Parent>,
        runtime: Handle,
        caller_drives: bool,
    ) -> (Arc<Engine>, Option<CallersPart>) {
        let engine = Engine::new(record, events, parent, runtime);
        let host = engine.parent.as_ref().and_then(Parent::engine);
        engine.group.join(&engine);
        let starting = engine.done.enter();
        if let Some(watch) = &engine.watch {
            watch.begin(&engine);
        }
        // A thread that may be detached cannot be the one that waits for the run.
        let callers = if caller_drives && !engine.may_detach() { CallersPart::of(&engine) } else { None };
        for lane in Lane::ALL {
            engine.start_lane(lane);
        }
        // Whoever stopped the parent before this run had joined has not stopped this one.
        if host.is_some_and(|host| engine.parent.as_ref().is_some_and(|parent| parent.is_gone(&host))) {
            engine.stop();
        }
        drop(starting);
        (engine, callers)
    }

    fn new(
        record: Arc<RunRecord>,
        events: RunEvents,
        parent: Option<Parent>,
        runtime: Handle,
    ) -> Arc<Engine> {
        let host = parent.as_ref().and_then(Parent::engine);
        let above = host.as_ref().zip(parent.as_ref());
        let above = above.map(|(host, parent)| (&host.lanes, host.lent_by(parent.step())));
        Arc::new_cyclic(|engine| Engine {
            lanes: Lanes::new(&record.settings, above),
            group: host.as_ref().map_or_else(Arc::default, |host| Arc::clone(&host.group)),
            _under_way: UnderWay::enter(record.frame.number(), engine),
            loans: Mutex::default(),
            standing_by: Mutex::default(),
            parent,
            watch: Watch::new(engine, &record),
            admitted: Admitted::default(),
            frame: Arc::clone(&record.frame),
            timings: record.timings.clone(),
            rules: record.rules.clone(),
            caching: record.caching.clone(),
            history: Arc::clone(&record.history),
            events,
            record,
            stop: CancellationToken::new(),
            timed_out: AtomicBool::new(false),
            still: AtomicBool::new(false),
            pause: Mutex::default(),
            runtime,
            done: Arc::new(Done::new()),
            kept: Mutex::default(),
        })
    }

    fn start_lane(self: &Arc<Self>, lane: Lane) {
        if self.record.settings.shuffle.is_some() {
            let mut roots = self.frame.take_roots(lane, usize::MAX, 1);
            while let Some(ready) = self.frame.next_root(&mut roots) {
                self.lanes.of(lane).backlog.push(self.urgency(ready.step()), ready);
            }
        }
        let most = self.lanes.most_drivers(lane, &self.record.settings);
        for _ in 0..self.frame.plan().root_count(lane).min(most) {
            self.wake(lane);
        }
    }

    pub(crate) fn record(&self) -> &Arc<RunRecord> {
        &self.record
    }

    pub(crate) fn events(&self) -> &RunEvents {
        &self.events
    }

    /// Knows when the run is over.
    pub(crate) fn done(&self) -> &Arc<Done> {
        &self.done
    }

    /// Keeps something until nothing of the run is under way.
    pub(crate) fn keep(&self, what: impl Any + Send) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(what));
    }

    /// Ends what watches the run: it is over.
    pub(crate) fn over(&self) {
        if let Some(watch) = &self.watch {
            watch.end();
            // The timer of its deadline waits for this too. Of the steps, only those that were given up still do.
            self.stop.cancel();
        }
    }

    /// The rule of a step; `None` for a plain one.
    #[inline]
    fn rule(&self, step: usize) -> Option<&Rule> {
        Some(self.rules.as_ref()?.of(step))
    }

    /// Whether a thread may be detached with a step that it runs.
    fn may_detach(&self) -> bool {
        self.rules.as_ref().is_some_and(|rules| rules.any_watched())
    }

    /// Whether the failure of a step stops the run.
    fn stops_at(&self, step: usize) -> bool {
        let by_settings = self.record.settings.fail_fast && !self.record.is_optional(step);
        by_settings || self.rule(step).is_some_and(|rule| rule.fail_fast)
    }

    /// The number by which limits know the run.
    fn owner(&self) -> u64 {
        u64::from(self.frame.number())
    }

    /// Of the steps that are ready, the one with the most of this goes first.
    #[inline]
    fn urgency(&self, step: usize) -> u64 {
        match self.record.settings.shuffle {
            None => self.frame.plan().urgency(step),
            Some(seed) => self.shuffled(seed, step),
        }
    }

    #[cold]
    fn shuffled(&self, seed: u64, step: usize) -> u64 {
        RunScope::new("").with_seed(seed).chance(&self.frame.plan().spec(step).identity(), 1).to_bits()
    }
}

impl Drop for Engine {
    /// A run whose handle was dropped ends here: nobody has waited for it.
    fn drop(&mut self) {
        self.over();
    }
}
