//! Shared by several modules: meeting points, gauges, drop counters, virtual sleepers, quiet panics, child processes.

use std::convert::Infallible;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, Once, PoisonError};
use std::time::Duration;

use pipeline::graph::Refs;
use pipeline::report::StepReport;
use pipeline::*;
use tokio::time::Instant;

/// How long a test waits for an expected event before it fails instead of hanging: much longer than any test takes on a busy
/// machine.
pub(crate) const LIMIT: Duration = Duration::from_mins(5);

/// Numbers the rounds of a test that looks for a rare interleaving: up to `most`, and fewer on a machine so busy that they
/// would take minutes.
pub(crate) fn rounds(most: u32) -> impl Iterator<Item = u32> {
    let until = std::time::Instant::now() + Duration::from_secs(20);
    (0..most).take_while(move |_| std::time::Instant::now() < until)
}

/// Silences planted panics, whose text starts with `planted`. Their locations are lost too: this hook runs before the
/// framework's.
pub(crate) fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // The framework extends the panic hook at its first run, so let it do that first.
        let mut dag = DagBuilder::new();
        dag.cpu("first", (), |()| ());
        Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
        let earlier = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let in_test = std::thread::current().name().is_some_and(|name| name.contains("::"));
            let planted = info
                .payload_as_str()
                .is_none_or(|text| text.starts_with("planted") || text.contains(": planted"));
            if in_test || !planted {
                earlier(info);
            }
        }));
    });
}

/// A point at which `size` threads wait for each other, once. A thread that waits in vain returns `false` instead of
/// hanging.
pub(crate) struct Meeting {
    size: usize,
    came: Mutex<usize>,
    all_here: Condvar,
}

impl Meeting {
    pub(crate) fn new(size: usize) -> Arc<Self> {
        Arc::new(Meeting { size, came: Mutex::new(0), all_here: Condvar::new() })
    }

    /// Waits for the others; reports whether all arrived.
    pub(crate) fn meet(&self) -> bool {
        let mut came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        *came += 1;
        self.all_here.notify_all();
        let waited = self.all_here.wait_timeout_while(came, LIMIT, |came| *came < self.size);
        *waited.unwrap_or_else(PoisonError::into_inner).0 >= self.size
    }
}

/// Counts how many are inside now, and the most at once.
#[derive(Default)]
pub(crate) struct Gauge {
    now: AtomicUsize,
    peak: AtomicUsize,
}

impl Gauge {
    pub(crate) fn enter(self: &Arc<Self>) -> Inside {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.peak.fetch_max(now, Ordering::SeqCst);
        Inside(Arc::clone(self))
    }

    pub(crate) fn now(&self) -> usize {
        self.now.load(Ordering::SeqCst)
    }

    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Ordering::SeqCst)
    }
}

/// One entry in a [`Gauge`], until dropped. Also a payload whose live values are counted.
pub(crate) struct Inside(Arc<Gauge>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// When a virtual sleeper slept, in virtual milliseconds since the runtime started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slept {
    pub(crate) from: u128,
    pub(crate) to: u128,
}

/// Virtual time of a paused runtime since this clock was made.
#[derive(Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Clock(Instant::now())
    }

    pub(crate) fn now(self) -> u128 {
        self.0.elapsed().as_millis()
    }

    /// Adds an async step that sleeps for this many virtual milliseconds.
    pub(crate) fn sleeper(
        self,
        dag: &mut DagBuilder,
        name: impl Into<String>,
        after: Vec<Handle<Slept>>,
        millis: u64,
    ) -> Handle<Slept> {
        dag.io(name.into(), after, move |Refs(_)| {
            Box::pin(async move {
                let from = self.now();
                tokio::time::sleep(Duration::from_millis(millis)).await;
                Ok::<_, Infallible>(Slept { from, to: self.now() })
            })
        })
    }
}

/// The largest number of these spans that overlap.
pub(crate) fn peak(spans: &[Slept]) -> usize {
    spans
        .iter()
        .map(|at| spans.iter().filter(|span| span.from <= at.from && at.from < span.to).count())
        .max()
        .unwrap_or(0)
}

/// An event that an observer saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    RunStarted(String, usize),
    Started(String),
    Finished(String, Status),
    RunFinished(String, bool),
}

/// An observer that records events in order.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Seen>>>);

impl Recorder {
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    /// The steps that started, in order.
    pub(crate) fn started(&self) -> Vec<String> {
        let started = |seen| if let Seen::Started(step) = seen { Some(step) } else { None };
        self.seen().into_iter().filter_map(started).collect()
    }
}

impl Observer for Recorder {
    fn on_event(&self, event: &Event<'_>) {
        let seen = match *event {
            Event::RunStarted { run_id, planned, .. } => Seen::RunStarted(run_id.to_owned(), planned),
            Event::StepStarted { step, .. } => Seen::Started(step.to_owned()),
            Event::StepFinished { step, status, .. } => Seen::Finished(step.to_owned(), status),
            Event::RunFinished { run_id, succeeded, .. } => Seen::RunFinished(run_id.to_owned(), succeeded),
            _ => return,
        };
        self.0.lock().unwrap().push(seen);
    }
}

/// Runs `test` in a child process. Returns `true` in the child, which runs the rest of the test; the parent asserts
/// that the child succeeded and returns `false`.
///
/// For tests that concern the whole process (its threads, an abort) or that may hang.
pub(crate) fn alone(test: &str) -> bool {
    const NAME: &str = "PIPELINE_IT_ALONE";
    if std::env::var(NAME).as_deref() == Ok(test) {
        return true;
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads=1", "--include-ignored", "--nocapture"])
        .env(NAME, test)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Read on another thread: a child with much output would block until the pipe is read.
    let mut stderr = child.stderr.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut said = String::new();
        std::io::Read::read_to_string(&mut stderr, &mut said).map(|_| said)
    });
    let deadline = std::time::Instant::now() + LIMIT;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if std::time::Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{test} hangs");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let said = reader.join().unwrap().unwrap();
    assert!(status.success(), "{test} alone: {status}\n{said}");
    false
}

/// [`quiet`] for tests inside a runtime with paused time: runs on another thread.
pub(crate) fn quiet_later() {
    std::thread::spawn(quiet).join().unwrap();
}

/// Sleeps for this many virtual milliseconds; returns when.
pub(crate) async fn nap(clock: &Clock, millis: u64) -> Slept {
    let from = clock.now();
    tokio::time::sleep(Duration::from_millis(millis)).await;
    Slept { from, to: clock.now() }
}

/// When the steps with this name prefix slept, in plan order.
pub(crate) fn spans(run: &Run, prefix: &str) -> Vec<Slept> {
    let names = run.available().into_iter().filter(|name| name.starts_with(prefix));
    names.map(|name| *run.output_named::<Slept>(name).unwrap()).collect()
}

/// Reports whether no two of these overlap.
pub(crate) fn are_apart(spans: &[Slept]) -> bool {
    let mut spans = spans.to_vec();
    spans.sort_by_key(|span| (span.from, span.to));
    spans.windows(2).all(|pair| pair[0].to <= pair[1].from)
}

/// Runs a pipeline on another thread; fails if it hangs.
#[track_caller]
pub(crate) fn run_in_time(pipeline: Pipeline) -> Run {
    within(move || pipeline.run_blocking().unwrap())
}

/// A step in the report of its run.
#[track_caller]
pub(crate) fn step_report<'r>(run: &'r Run, step: &str) -> &'r StepReport {
    run.report().step(step).unwrap_or_else(|| panic!("`{step}` is in the report"))
}

/// The error of a step in the report: its kind and message.
#[track_caller]
pub(crate) fn error_of(run: &Run, step: &str) -> (FailureKind, String) {
    let error = step_report(run, step).error.clone().unwrap_or_else(|| panic!("`{step}` has an error"));
    (error.kind, error.message)
}

/// Adds `count` instances of a step, named with a number.
pub(crate) fn many<S: Step>(dag: &mut DagBuilder, prefix: &str, count: usize) -> Vec<Handle<S::Output>> {
    (0..count).map(|n| dag.add::<S>().named(format!("{prefix}_{n}")).handle()).collect()
}

/// Returns the result of `work`; fails if it takes longer than [`LIMIT`]. For work that would wait for ever, or for an
/// hour, if the test failed.
#[track_caller]
pub(crate) fn within<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(work()));
    is_done.recv_timeout(LIMIT).expect("it ends in time, and without a panic")
}

/// A door at which steps block their threads until the test opens it. It opens by itself when the test ends.
#[derive(Clone)]
pub(crate) struct Door(Arc<(Mutex<bool>, Condvar)>);

/// The test's side of a [`Door`].
pub(crate) struct Key(Door);

impl Door {
    pub(crate) fn closed() -> (Key, Door) {
        let door = Door(Arc::new((Mutex::new(false), Condvar::new())));
        (Key(door.clone()), door)
    }

    /// Waits until the door is open.
    pub(crate) fn pass(&self) {
        let (is_open, opens) = &*self.0;
        let waiting = is_open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(opens.wait_while(waiting, |is_open| !*is_open).unwrap_or_else(PoisonError::into_inner));
    }
}

impl Key {
    pub(crate) fn open(&self) {
        let (is_open, opens) = &*self.0.0;
        *is_open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        opens.notify_all();
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.open();
    }
}

/// Waits until a condition holds; fails after [`LIMIT`]. For work that other threads do without notifying the test.
#[track_caller]
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LIMIT, "{what}: waited in vain");
        std::thread::sleep(Duration::from_millis(1));
    }
}
