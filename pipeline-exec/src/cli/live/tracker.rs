//! The state of the steps of a run: recorded by the threads of the steps, read by the thread that shows the run.
//!
//! An observer is called between steps, so recording must be cheap: it writes one or two atomics of the step, by its
//! position, without a lock, an allocation or a shared counter. The reader counts.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pipeline_core::frame::Status;

use crate::event::{Event, RunView};

/// Follows one run, from its first event on.
#[derive(Default)]
pub(super) struct Tracker(OnceLock<Tracked>);

/// A run that has started.
pub(super) struct Tracked {
    pub(super) view: RunView,
    began: Instant,
    steps: Box<[Track]>,
}

/// The record of one step. Times are in nanoseconds since the run began.
#[derive(Default)]
struct Track {
    /// When it started; 0 if it has not.
    started: AtomicU64,
    /// How it ended, as a [`Status`]; 0 if it has not.
    status: AtomicU8,
    /// Number of failed attempts so far.
    failed_attempts: AtomicU32,
    /// When the attempt after a failed one begins: the end of its backoff, until it has begun.
    next_attempt: AtomicU64,
    /// Duration from its start to its end.
    took: AtomicU64,
}

/// A snapshot of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    /// Time since the run began.
    pub(super) elapsed: Duration,
    /// Number of steps that will end.
    pub(super) planned: usize,
    pub(super) ended: Ended,
    /// The steps that have started and not ended, in the order in which they started.
    pub(super) running: Vec<Running>,
}

/// The numbers of steps that have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) all: usize,
    /// Failed or timed out.
    pub(super) failed: usize,
    pub(super) skipped: usize,
    pub(super) cancelled: usize,
}

/// A step that runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Running {
    /// Its position in the plan.
    pub(super) step: usize,
    /// Since its first attempt started.
    pub(super) elapsed: Duration,
    /// Which attempt, from 1.
    pub(super) attempt: u32,
    /// Since this attempt started; `None` while it waits for that.
    pub(super) in_attempt: Option<Duration>,
    /// Remaining wait for its next attempt.
    pub(super) retry_in: Duration,
}

impl Tracker {
    /// Records an event. Takes well under a microsecond, except at the start of the run: O(steps).
    pub(super) fn note(&self, event: &Event<'_>) {
        match *event {
            Event::RunStarted { view, .. } => {
                let _ = self.0.set(Tracked::new(view));
            }
            Event::StepStarted { position, .. } => self.with(position, |run, track| {
                track.started.store(run.now() | 1, Ordering::Relaxed);
            }),
            Event::StepFinished { position, status, duration, .. } => self.with(position, |_, track| {
                track.took.store(nanos(duration), Ordering::Relaxed);
                track.status.store(status as u8, Ordering::Release);
            }),
            // Later than its backoff, if it waited for a slot or a limit.
            Event::AttemptStarted { position, .. } => self.with(position, |run, track| {
                track.next_attempt.store(run.now(), Ordering::Relaxed);
            }),
            Event::AttemptFailed { position, attempt, retry_in, .. } => self.with(position, |run, track| {
                track.next_attempt.store(run.now() + nanos(retry_in), Ordering::Relaxed);
                track.failed_attempts.store(attempt, Ordering::Release);
            }),
            _ => {}
        }
    }

    /// Returns the run, once it has started.
    pub(super) fn run(&self) -> Option<&Tracked> {
        self.0.get()
    }

    fn with(&self, position: usize, note: impl FnOnce(&Tracked, &Track)) {
        let Some(run) = self.0.get() else { return };
        if let Some(track) = run.steps.get(position) {
            note(run, track);
        }
    }
}

impl Tracked {
    fn new(view: &RunView) -> Self {
        let plan = view.plan();
        Tracked {
            view: view.clone(),
            began: Instant::now(),
            steps: (0..plan.len()).map(|_| Track::default()).collect(),
        }
    }

    pub(super) fn name(&self, step: usize) -> &str {
        self.view.plan().spec(step).name()
    }

    pub(super) fn identity(&self, step: usize) -> Cow<'_, str> {
        self.view.plan().spec(step).identity()
    }

    /// Returns the duration of a step that succeeded.
    pub(super) fn took(&self, step: usize) -> Option<Duration> {
        let track = &self.steps[step];
        let succeeded = track.status.load(Ordering::Acquire) == Status::Succeeded as u8;
        succeeded.then(|| Duration::from_nanos(track.took.load(Ordering::Relaxed)))
    }

    /// Reports whether a step has ended, or does not run.
    pub(super) fn has_ended(&self, step: usize) -> bool {
        self.steps[step].status.load(Ordering::Relaxed) != 0
            || self.view.plan().given().binary_search(&(step as u32)).is_ok()
    }

    /// Takes a snapshot. O(steps).
    pub(super) fn snapshot(&self) -> Snapshot {
        let (mut ended, mut running) = (Ended::default(), Vec::new());
        let now = self.now();
        for (step, track) in self.steps.iter().enumerate() {
            match track.status.load(Ordering::Acquire) {
                0 => running.extend(track.running(step, now)),
                status => ended.add(status),
            }
        }
        running.sort_by_key(|running| std::cmp::Reverse(running.elapsed));
        Snapshot { elapsed: Duration::from_nanos(now), planned: self.view.plan().planned(), ended, running }
    }

    /// Time since the run began.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn now(&self) -> u64 {
        nanos(self.began.elapsed())
    }
}

impl Track {
    fn running(&self, step: usize, now: u64) -> Option<Running> {
        let started = self.started.load(Ordering::Relaxed);
        let failed = self.failed_attempts.load(Ordering::Acquire);
        let begins = if failed == 0 { started } else { self.next_attempt.load(Ordering::Relaxed) };
        (started != 0).then(|| Running {
            step,
            elapsed: Duration::from_nanos(now.saturating_sub(started)),
            attempt: failed + 1,
            in_attempt: now.checked_sub(begins).map(Duration::from_nanos),
            retry_in: Duration::from_nanos(begins.saturating_sub(now)),
        })
    }
}

impl Ended {
    fn add(&mut self, status: u8) {
        self.all += 1;
        let is = |wanted: Status| usize::from(status == wanted as u8);
        self.failed += is(Status::Failed) + is(Status::TimedOut);
        self.skipped += is(Status::Skipped);
        self.cancelled += is(Status::Cancelled);
    }
}

/// In nanoseconds: 64 bits are 584 years.
fn nanos(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}
