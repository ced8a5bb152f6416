//! The context of a step: facts about its run, and what the step reports.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

use serde::Serialize;

use crate::activity::{Activity, StepActivity, StepProgress};
use crate::contain;
use crate::dead_letter::DeadLetter;
use crate::rng::{StepRng, step_seed};
use crate::signal::Signal;

/// State that all steps of one run share.
#[derive(Debug)]
pub struct RunScope {
    run_id: String,
    seed: u64,
    stopped: Signal,
    dead_letters: Mutex<Vec<DeadLetter>>,
    /// The progress and counters of steps, by name; of each, those of the latest attempt that reported any.
    activities: Mutex<HashMap<Cow<'static, str>, Arc<Activity>>>,
}

impl RunScope {
    /// Makes the scope of a run with this id, and seed 0.
    pub fn new(run_id: impl Into<String>) -> Self {
        RunScope {
            run_id: run_id.into(),
            seed: 0,
            stopped: Signal::default(),
            dead_letters: Mutex::default(),
            activities: Mutex::default(),
        }
    }

    /// Sets the seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        RunScope { seed, ..self }
    }

    /// Returns the id of the run.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Returns the seed of the run. The seeds of steps are made from it.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns a random number from 0 to 1 for the executor's use after an attempt of a step, such as jitter. It is the same
    /// in every run of one seed, and independent of the numbers that the step draws.
    pub fn chance(&self, step: &str, attempt: u32) -> f64 {
        const OF_THE_RUN: u64 = u64::MAX;
        StepRng::of_stream(step_seed(self.seed, &[step], OF_THE_RUN), attempt.into()).unit_f64()
    }

    /// Returns the items that steps could not process, in the order in which they were recorded.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.dead_letters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the progress and counters that the latest attempt of a step has reported. Empty if it has reported none.
    pub fn activity(&self, step: &str) -> StepActivity {
        let activities = self.activities.lock().unwrap_or_else(PoisonError::into_inner);
        let activity = activities.get(step).map(Arc::clone);
        drop(activities);
        activity.map(|activity| activity.look()).unwrap_or_default()
    }

    /// Returns where an attempt of a step reports its progress. The report of an earlier attempt is discarded, and that of a
    /// given-up one is not shown.
    fn activity_of(&self, step: Cow<'static, str>, attempt: u32) -> Arc<Activity> {
        let mut activities = self.activities.lock().unwrap_or_else(PoisonError::into_inner);
        let activity = activities.entry(step).or_insert_with(|| Arc::new(Activity::new(attempt)));
        if activity.attempt > attempt {
            return Arc::new(Activity::new(attempt));
        }
        if activity.attempt < attempt {
            *activity = Arc::new(Activity::new(attempt));
        }
        Arc::clone(activity)
    }

    /// Asks the run to stop: no further step starts, and all tasks that await [`StepContext::cancelled`] are woken. Returns
    /// true to the first caller.
    pub fn stop(&self) -> bool {
        self.stopped.raise()
    }

    /// Reports whether the run was asked to stop.
    #[inline]
    pub fn is_stopped(&self) -> bool {
        self.stopped.is_raised()
    }
}

/// Identity of a step under way in this process. An executor uses it to find the run of a context, for runs within steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunningStep {
    /// The [number](crate::frame::Frame::number) of the run's frame.
    pub frame: u32,
    /// The position of the step in the run's plan.
    pub step: u32,
}

/// The context of a step; a parameter `#[context] cx: &StepContext`.
#[derive(Clone, Debug)]
pub struct StepContext {
    scope: Arc<RunScope>,
    step: Cow<'static, str>,
    /// Module and name of the step's function, if its identity is made of them, and is not its name.
    function: Option<(Cow<'static, str>, Cow<'static, str>)>,
    /// `None` in a test.
    running: Option<RunningStep>,
    /// The item of the step that the context is for; 0 for a step without items.
    index: u64,
    attempt: u32,
    /// Raised when the attempt was given up.
    given_up: Option<Arc<Signal>>,
    /// Where it reports its progress; set by the first report.
    activity: OnceLock<Arc<Activity>>,
}

impl StepContext {
    pub(crate) fn new(scope: Arc<RunScope>, step: Cow<'static, str>, attempt: u32) -> Self {
        StepContext {
            scope,
            step,
            function: None,
            running: None,
            index: 0,
            attempt,
            given_up: None,
            activity: OnceLock::new(),
        }
    }

    /// Sets module and name of the function that the step's identity is made of.
    pub(crate) fn of_function(mut self, function: Option<(Cow<'static, str>, Cow<'static, str>)>) -> Self {
        self.function = function;
        self
    }

    /// Sets the step under way that the context belongs to.
    pub(crate) fn of_running(mut self, running: RunningStep) -> Self {
        self.running = Some(running);
        self
    }

    /// Sets the signal that is raised when the attempt is given up.
    pub(crate) fn cancelled_by(mut self, given_up: Arc<Signal>) -> Self {
        self.given_up = Some(given_up);
        self
    }

    /// Makes a context for a test that calls a step function: run id `"test"`, seed 0, attempt 1, never cancelled.
    ///
    /// ```
    /// # use pipeline_core::StepContext;
    /// fn greeting(cx: &StepContext) -> String {
    ///     format!("{} of run {}", cx.step(), cx.run_id())
    /// }
    /// assert_eq!(greeting(&StepContext::for_test("greeting")), "greeting of run test");
    /// ```
    pub fn for_test(step: impl Into<Cow<'static, str>>) -> Self {
        StepContext::for_test_seeded(step, 0)
    }

    /// Makes a context for a test, as [`StepContext::for_test`] does, in a run of another seed. A step of that
    /// identity (`module::name`, or the name of an instance or a closure) draws what it draws in a run with that seed.
    ///
    /// ```
    /// # use pipeline_core::StepContext;
    /// let draw = |seed| StepContext::for_test_seeded("sample", seed).rng().next_u64();
    /// assert_eq!(draw(1), draw(1));
    /// assert_ne!(draw(1), draw(2));
    /// ```
    pub fn for_test_seeded(step: impl Into<Cow<'static, str>>, seed: u64) -> Self {
        StepContext::new(Arc::new(RunScope::new("test").with_seed(seed)), step.into(), 1)
    }

    /// Returns the step under way that the context belongs to; `None` for the context of a test. For executors.
    pub fn running(&self) -> Option<RunningStep> {
        self.running
    }

    /// Returns the id of the run, the same in the report and in every event.
    ///
    /// ```
    /// # use pipeline_core::StepContext;
    /// assert_eq!(StepContext::for_test("load").run_id(), "test");
    /// ```
    pub fn run_id(&self) -> &str {
        self.scope.run_id()
    }

    /// Returns the name of the step, as in the report.
    ///
    /// ```
    /// # use pipeline_core::StepContext;
    /// assert_eq!(StepContext::for_test("load").step(), "load");
    /// ```
    pub fn step(&self) -> &str {
        &self.step
    }

    /// Returns the number of this attempt, from 1.
    ///
    /// ```
    /// # use pipeline_core::StepContext;
    /// fn server(cx: &StepContext) -> &'static str {
    ///     if cx.attempt() == 1 { "primary" } else { "replica" }
    /// }
    /// assert_eq!(server(&StepContext::for_test("load")), "primary");
    /// ```
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the seed of this step in this run, for generators of other crates. For random numbers alone, use
    /// [`StepContext::rng`].
    ///
    /// A hash of the run's seed and the step's identity, which is `module::name` of its function, or the name of an instance or
    /// a closure. It is the same for every attempt, on every platform and in every version, and whatever other steps there are.
    ///
    /// ```
    /// # use pipeline_core::StepContext;
    /// let seed = |step: &str| StepContext::for_test_seeded(step.to_owned(), 42).seed();
    /// assert_eq!(seed("sample"), seed("sample"));
    /// assert_ne!(seed("sample"), seed("shuffle"));
    /// ```
    pub fn seed(&self) -> u64 {
        let seed = |step: &[&str]| step_seed(self.scope.seed(), step, self.index);
        match &self.function {
            None => seed(&[&self.step]),
            Some((module, name)) => seed(&[module, "::", name]),
        }
    }

    /// Returns this step's own stream of random numbers: the same in every run with the same seed, in any schedule. Each call
    /// starts the stream anew.
    ///
    /// Every attempt of a step has the same stream. So an attempt after a failed one repeats what that one did, and the outcome
    /// does not depend on the number of attempts. For a stream that differs between attempts, see [`StepContext::rng_for`].
    ///
    /// ```
    /// # use pipeline_core::StepContext;
    /// fn sample(cx: &StepContext) -> Vec<u64> {
    ///     let mut rng = cx.rng();
    ///     (0..3).map(|_| rng.below(100)).collect()
    /// }
    /// let cx = StepContext::for_test_seeded("sample", 42);
    /// assert_eq!(sample(&cx), sample(&cx));
    /// ```
    pub fn rng(&self) -> StepRng {
        self.rng_for(0)
    }

    /// Returns one of many independent streams of this step, by number; 0 is [`StepContext::rng`].
    ///
    /// `cx.rng_for(cx.attempt().into())` differs between attempts. `cx.rng_for(row)` gives each row of a loop on several threads
    /// numbers that do not depend on the thread.
    ///
    /// ```
    /// # use pipeline_core::StepContext;
    /// let cx = StepContext::for_test("sample");
    /// assert_eq!(cx.rng_for(7).next_u64(), cx.rng_for(7).next_u64());
    /// assert_ne!(cx.rng_for(7).next_u64(), cx.rng_for(8).next_u64());
    /// ```
    pub fn rng_for(&self, stream: u64) -> StepRng {
        StepRng::of_stream(self.seed(), stream)
    }

    /// Records an item that the step cannot process in the report, so that the step can continue without it. The item is
    /// written as JSON: pass what helps to find it again, and nothing secret.
    ///
    /// ```
    /// # use pipeline_core::StepContext;
    /// fn parse(lines: &[&str], cx: &StepContext) -> Vec<u64> {
    ///     let parsed = |line: &&str| line.parse().map_err(|error| cx.dead_letter(line, error)).ok();
    ///     lines.iter().filter_map(parsed).collect()
    /// }
    /// assert_eq!(parse(&["1", "x", "3"], &StepContext::for_test("parse")), [1, 3]);
    /// ```
    pub fn dead_letter(&self, item: impl Serialize, error: impl Display) {
        let letter = DeadLetter::new(&self.step, self.attempt, &item, contain::display(&error));
        self.scope.dead_letters.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
    }

    /// Starts to report the progress of the step. The live view shows `done/total` and the rate beside its name. Pass the number
    /// of items, or `None` if it is unknown.
    ///
    /// ```
    /// # use pipeline_core::StepContext;
    /// fn squares(numbers: &[u64], cx: &StepContext) -> Vec<u64> {
    ///     let progress = cx.progress(numbers.len() as u64);
    ///     numbers.iter().map(|n| n * n).inspect(|_| progress.add(1)).collect()
    /// }
    /// let cx = StepContext::for_test("squares");
    /// squares(&[1, 2, 3], &cx);
    /// assert_eq!(cx.activity().progress.unwrap().done, 3);
    /// ```
    pub fn progress(&self, total: impl Into<Option<u64>>) -> StepProgress {
        StepProgress::new(Arc::clone(self.own_activity()), total.into())
    }

    /// Adds to a counter of the step, such as `rows_in` or `rejected`; the report has its sum. Each attempt starts at zero. It
    /// takes a lock: count a batch at once, not each row.
    ///
    /// ```
    /// # use pipeline_core::StepContext;
    /// let cx = StepContext::for_test("load");
    /// cx.count("rows_in", 100);
    /// cx.count("rows_in", 20);
    /// assert_eq!(cx.activity().counters["rows_in"], 120);
    /// ```
    pub fn count(&self, name: impl Into<Cow<'static, str>>, more: u64) {
        self.own_activity().count(name.into(), more);
    }

    /// Returns the progress and counters that this attempt has reported so far.
    ///
    /// ```
    /// # use pipeline_core::StepContext;
    /// let cx = StepContext::for_test("load");
    /// cx.progress(10).add(4);
    /// assert_eq!(cx.activity().progress.unwrap().done, 4);
    /// ```
    pub fn activity(&self) -> StepActivity {
        self.own_activity().look()
    }

    fn own_activity(&self) -> &Arc<Activity> {
        self.activity.get_or_init(|| self.scope.activity_of(self.step.clone(), self.attempt))
    }

    /// Reports whether the run was asked to stop, or this attempt was given up (at a deadline, or because it is unused). A long
    /// CPU step checks this now and then and returns early: a thread cannot be stopped from outside.
    ///
    /// ```
    /// # use pipeline_core::StepContext;
    /// fn sum(numbers: &[u64], cx: &StepContext) -> Result<u64, &'static str> {
    ///     let mut sum = 0;
    ///     for batch in numbers.chunks(1000) {
    ///         if cx.is_cancelled() {
    ///             return Err("cancelled");
    ///         }
    ///         sum += batch.iter().sum::<u64>();
    ///     }
    ///     Ok(sum)
    /// }
    /// assert_eq!(sum(&[1, 2], &StepContext::for_test("sum")), Ok(3));
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.given_up.as_ref().is_some_and(|given_up| given_up.is_raised()) || self.scope.is_stopped()
    }

    /// Returns a future that resolves once [`StepContext::is_cancelled`] is true. It never resolves if the run ends by itself:
    /// await it together with the work that it interrupts.
    ///
    /// For tasks and threads that a step has started. The step's own future need not await it: a waiting one is dropped when the
    /// run is stopped.
    ///
    /// ```
    /// # use pipeline_core::StepContext;
    /// # async fn next_message() -> Option<String> { None }
    /// async fn forward(cx: StepContext) {
    ///     let mut cancelled = std::pin::pin!(cx.cancelled());
    ///     let mut message = std::pin::pin!(next_message());
    ///     std::future::poll_fn(|task| {
    ///         if cancelled.as_mut().poll(task).is_ready() {
    ///             return std::task::Poll::Ready(None);
    ///         }
    ///         message.as_mut().poll(task)
    ///     })
    ///     .await;
    /// }
    /// ```
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing; another one resolves just the same.
    pub fn cancelled(&self) -> Cancelled {
        Cancelled { scope: Arc::clone(&self.scope), given_up: self.given_up.clone(), places: [None; 2] }
    }
}

/// The future of [`StepContext::cancelled`]. It borrows nothing, and works on every executor.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Cancelled {
    scope: Arc<RunScope>,
    given_up: Option<Arc<Signal>>,
    /// Where the waker is in the lists of the run and of the attempt.
    places: [Option<u64>; 2],
}

impl Future for Cancelled {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Cancelled { scope, given_up, places: [in_run, in_attempt] } = self.get_mut();
        let stopped = scope.stopped.wait(in_run, cx.waker());
        if stopped || given_up.as_ref().is_some_and(|given_up| given_up.wait(in_attempt, cx.waker())) {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        let [in_run, in_attempt] = self.places;
        self.scope.stopped.leave(in_run);
        if let Some(given_up) = &self.given_up {
            given_up.leave(in_attempt);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn poll(future: &mut Cancelled, woken: &Arc<Woken>) -> bool {
        let waker = Waker::from(Arc::clone(woken));
        Pin::new(future).poll(&mut Context::from_waker(&waker)).is_ready()
    }

    #[test]
    fn a_stopped_run_and_an_attempt_that_was_given_up_both_resolve_it() {
        for stops_the_run in [true, false] {
            let (woken, given_up) = (Arc::new(Woken::default()), Arc::new(Signal::default()));
            let cx = StepContext::for_test("step").cancelled_by(Arc::clone(&given_up));
            let mut cancelled = cx.cancelled();
            assert!(!poll(&mut cancelled, &woken) && !poll(&mut cancelled, &woken));
            assert!(if stops_the_run { cx.scope.stop() } else { given_up.raise() });
            assert_eq!(woken.0.load(Ordering::SeqCst), 1);
            assert!(cx.is_cancelled() && poll(&mut cancelled, &woken) && poll(&mut cx.cancelled(), &woken));
        }
    }

    #[test]
    fn a_future_that_is_dropped_early_leaves_no_waker_behind() {
        let woken = Arc::new(Woken::default());
        let cx = StepContext::for_test("step").cancelled_by(Arc::default());
        let mut cancelled = cx.cancelled();
        assert!(!poll(&mut cancelled, &woken));
        assert!(Arc::strong_count(&woken) > 1, "the waker is kept while it waits");
        drop(cancelled);
        assert_eq!(Arc::strong_count(&woken), 1);
        cx.scope.stop();
        assert_eq!(woken.0.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn every_attempt_has_the_same_stream_and_can_ask_for_others() {
        let of_attempt = |attempt| {
            let scope = Arc::new(RunScope::new("run").with_seed(42));
            StepContext::new(scope, "step".into(), attempt)
        };
        let (first, second) = (of_attempt(1), of_attempt(2));
        assert_eq!(first.rng().next_u64(), second.rng().next_u64());
        assert_eq!(first.seed(), StepContext::for_test_seeded("step", 42).seed());
        assert_eq!(first.rng().next_u64(), StepRng::new(first.seed()).next_u64());
        let by_attempt = |cx: &StepContext| cx.rng_for(cx.attempt().into()).next_u64();
        assert_ne!(by_attempt(&first), by_attempt(&second));
        assert_ne!(first.seed(), StepContext::for_test("step").seed());
    }
}
