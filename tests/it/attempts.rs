//! Attempts: how often a step is tried, how long it waits in between, and what is reported of failed attempts.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use pipeline::StepDefaults;
use pipeline::graph::Backoff;
use pipeline::limits::LimitSettings;
use pipeline::prelude::*;
use pipeline::*;

use crate::support::{Clock, LIMIT, Seen, quiet, quiet_later, step_report, within};

const MS: fn(u64) -> Duration = Duration::from_millis;

/// The errors of attempts that were followed by another.
fn failed_before(run: &Run, step: &str) -> Vec<String> {
    step_report(run, step).failed_attempts.iter().map(|failed| failed.error.message.clone()).collect()
}

/// The waits before each further attempt.
fn waits(run: &Run, step: &str) -> Vec<Duration> {
    step_report(run, step).failed_attempts.iter().map(|failed| failed.retried_after).collect()
}

fn fail_until(last: u32, cx: &StepContext) -> Result<u32, String> {
    if cx.attempt() < last { Err(format!("attempt {}", cx.attempt())) } else { Ok(cx.attempt()) }
}

/// E05: a retry that succeeds makes the run succeed, in every lane, and readers get that value. The errors of earlier
/// attempts are kept in order.
#[test]
fn a_step_that_succeeds_at_its_third_attempt_has_succeeded_in_every_lane() {
    #[step(retries = 3)]
    fn third_cpu(#[context] cx: &StepContext) -> Result<u32, String> {
        fail_until(3, cx)
    }
    #[step(blocking, retries = 2)]
    fn third_blocking(#[context] cx: &StepContext) -> Result<u32, String> {
        fail_until(3, cx)
    }
    #[step(retries = 2)]
    async fn third_at_once(#[context] cx: &StepContext) -> Result<u32, String> {
        fail_until(3, cx)
    }
    #[step(retries = 2)]
    async fn third_after_waiting(#[context] cx: &StepContext) -> Result<u32, String> {
        tokio::task::yield_now().await;
        fail_until(3, cx)
    }
    const STEPS: [&str; 4] = ["third_cpu", "third_blocking", "third_at_once", "third_after_waiting"];
    #[step]
    fn third_sum(
        #[from(third_cpu, third_blocking, third_at_once, third_after_waiting)] all: Vec<&u32>,
    ) -> u32 {
        all.into_iter().sum()
    }
    for workers in [1, 4] {
        let run = Pipeline::to::<third_sum>()
            .settings(Settings::default().workers(workers))
            .run_blocking()
            .unwrap();
        assert_eq!(run.output::<third_sum>(), Ok(&12));
        assert!(run.succeeded() && run.report().status == RunStatus::Succeeded);
        for step in STEPS {
            assert_eq!(
                (step_report(&run, step).status, step_report(&run, step).attempts),
                (Status::Succeeded, 3)
            );
            assert_eq!(failed_before(&run, step), ["attempt 1", "attempt 2"], "{step}");
            assert!(step_report(&run, step).error.is_none());
        }
        assert!(run.into_result().is_ok());
    }
}

/// E05, 2.B: after the last retry, the last error is the step's, all others are kept, and dependents are skipped.
#[test]
fn every_error_is_kept_if_all_attempts_fail() {
    #[step(retries = 2)]
    fn never(#[context] cx: &StepContext) -> Result<u32, String> {
        fail_until(99, cx)
    }
    #[step]
    fn behind_never(never: &u32) -> u32 {
        *never
    }
    #[step]
    fn sees_never(never: Result<&u32, &StepError>) -> (String, u32) {
        let error = never.unwrap_err();
        (error.message().to_owned(), error.attempt())
    }
    let run = Pipeline::to::<behind_never>().and::<sees_never>().run_blocking().unwrap();
    assert_eq!(failed_before(&run, "never"), ["attempt 1", "attempt 2"]);
    let numbers: Vec<u32> =
        step_report(&run, "never").failed_attempts.iter().map(|failed| failed.attempt).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!((step_report(&run, "never").attempts, step_report(&run, "never").status), (3, Status::Failed));
    assert!(run.error("never").unwrap().may_retry());
    assert_eq!(run.output::<sees_never>(), Ok(&("attempt 3".to_owned(), 3)));
    assert_eq!(step_report(&run, "behind_never").because.as_deref(), Some("never"));
    assert_eq!(run.report().status, RunStatus::Failed);
}

/// E05: `retries = 0` and no retry policy both mean one attempt.
#[test]
fn a_step_without_a_retry_policy_is_tried_once() {
    #[step]
    fn once(#[context] cx: &StepContext) -> Result<u32, String> {
        fail_until(2, cx)
    }
    #[step(retries = 0)]
    async fn once_by_word(#[context] cx: &StepContext) -> Result<u32, String> {
        fail_until(2, cx)
    }
    let run = Pipeline::to::<once>().and::<once_by_word>().run_blocking().unwrap();
    for step in ["once", "once_by_word"] {
        assert_eq!((step_report(&run, step).attempts, failed_before(&run, step).len()), (1, 0), "{step}");
        assert_eq!(step_report(&run, step).status, Status::Failed);
    }
}

/// E05: the filter sees each error; the first that it rejects is the last.
#[test]
fn the_filter_decides_about_each_error() {
    fn is_busy(error: &String) -> bool {
        error.starts_with("busy")
    }
    #[step(retries = 9, retry_if = is_busy)]
    fn picky(#[context] cx: &StepContext) -> Result<u32, String> {
        let errors = ["busy 1", "busy 2", "broken"];
        Err(errors[cx.attempt() as usize - 1].to_owned())
    }
    #[step(retries = 9, retry_if = |error: &String| error.is_empty())]
    async fn picky_at_once() -> Result<u32, String> {
        tokio::task::yield_now().await;
        Err("broken".to_owned())
    }
    let run = Pipeline::to::<picky>().and::<picky_at_once>().run_blocking().unwrap();
    assert_eq!(failed_before(&run, "picky"), ["busy 1", "busy 2"]);
    assert_eq!(step_report(&run, "picky").error.as_ref().unwrap().message, "broken");
    assert_eq!(step_report(&run, "picky_at_once").attempts, 1);
    assert!(!run.error("picky").unwrap().may_retry());
}

/// E05, E13: a panic is retried wherever it happens; the error filter does not see it.
#[test]
fn panics_are_retried() {
    quiet();
    #[step(retries = 1)]
    fn panics_once(#[context] cx: &StepContext) -> u32 {
        assert!(cx.attempt() > 1, "planted 1");
        1
    }
    #[step(retries = 1, blocking, retry_if = |_: &String| false)]
    fn panics_once_blocking(#[context] cx: &StepContext) -> Result<u32, String> {
        assert!(cx.attempt() > 1, "planted 2");
        Ok(2)
    }
    #[step(retries = 1)]
    async fn panics_once_later(#[context] cx: &StepContext) -> u32 {
        tokio::task::yield_now().await;
        assert!(cx.attempt() > 1, "planted 3");
        3
    }
    #[step]
    fn panic_sum(panics_once: &u32, panics_once_blocking: &u32, panics_once_later: &u32) -> u32 {
        panics_once + panics_once_blocking + panics_once_later
    }
    let run = Pipeline::to::<panic_sum>().run_blocking().unwrap();
    assert_eq!(run.output::<panic_sum>(), Ok(&6));
    for (n, step) in ["panics_once", "panics_once_blocking", "panics_once_later"].iter().enumerate() {
        let failed = &step_report(&run, step).failed_attempts[0];
        assert_eq!(failed.error.kind, FailureKind::Panic);
        assert!(failed.error.message.contains(&format!("planted {}", n + 1)), "{}", failed.error.message);
    }
}

type Starts = Arc<Mutex<Vec<u128>>>;

/// E06: the waits are the computed ones, in virtual time: doubling up to the maximum, and fixed.
#[tokio::test(start_paused = true)]
async fn backoff_waits_exactly_as_computed() {
    #[step(retries = 4, backoff = "100ms..350ms")]
    async fn doubling(
        #[resource] clock: &Clock,
        #[resource("doubling")] starts: &Starts,
    ) -> Result<(), String> {
        starts.lock().unwrap().push(clock.now());
        Err("no".to_owned())
    }
    #[step(retries = 3, backoff = "70ms")]
    async fn steady(#[resource] clock: &Clock, #[resource("steady")] starts: &Starts) -> Result<(), String> {
        starts.lock().unwrap().push(clock.now());
        tokio::time::sleep(MS(5)).await;
        Err("no".to_owned())
    }
    let (doubled, steadily) = (Starts::default(), Starts::default());
    let pipeline = Pipeline::to::<doubling>()
        .and::<steady>()
        .resource(Clock::start())
        .resource_named("doubling", Arc::clone(&doubled))
        .resource_named("steady", Arc::clone(&steadily));
    let run = pipeline.run().await.unwrap();
    assert_eq!(*doubled.lock().unwrap(), [0, 100, 300, 650, 1000]);
    assert_eq!(waits(&run, "doubling"), [MS(100), MS(200), MS(350), MS(350)]);
    assert_eq!(*steadily.lock().unwrap(), [0, 75, 150, 225], "the wait begins when the attempt has failed");
    assert_eq!(waits(&run, "steady"), [MS(70); 3]);
}

/// E06: jitter stays within its bounds, is the same for the same seed and different for another; and the reported wait
/// is the actual one.
#[tokio::test(start_paused = true)]
async fn jitter_is_the_same_for_the_same_seed() {
    #[step(retries = 5, backoff = "100ms", jitter = 0.5)]
    async fn shaken(#[resource] clock: &Clock, #[resource] starts: &Starts) -> Result<(), String> {
        starts.lock().unwrap().push(clock.now());
        Err("no".to_owned())
    }
    #[step(retries = 5, backoff = "100ms", jitter = 0.5)]
    async fn shaken_too() -> Result<(), String> {
        Err("no".to_owned())
    }
    let run = async |seed| {
        let starts = Starts::default();
        let pipeline = Pipeline::to::<shaken>()
            .and::<shaken_too>()
            .resource(Clock::start())
            .resource(Arc::clone(&starts))
            .settings(Settings::default().seed(seed));
        let run = pipeline.run().await.unwrap();
        let starts = starts.lock().unwrap().clone();
        (waits(&run, "shaken"), waits(&run, "shaken_too"), starts)
    };
    let (first, other, starts) = run(7).await;
    assert_eq!(run(7).await.0, first);
    assert_ne!(run(8).await.0, first);
    assert_ne!(other, first, "each step has its own");
    assert!(first.iter().all(|wait| (MS(50)..=MS(100)).contains(wait)), "{first:?}");
    assert!(first.windows(2).any(|pair| pair[0] != pair[1]), "each wait has its own: {first:?}");
    for (pair, wait) in starts.windows(2).zip(&first) {
        let waited = pair[1] - pair[0];
        // Timers have millisecond resolution and never fire early.
        assert!(waited >= wait.as_millis() && waited <= wait.as_millis() + 2, "{waited} ms for {wait:?}");
    }
}

/// E06: the retry budget is the run's: all steps share it, and when it is used up each failure is final.
#[test]
fn the_budget_of_retries_is_shared_by_the_steps_of_a_run() {
    #[step(retries = 2)]
    fn budget_a() -> Result<u32, String> {
        Err("a".to_owned())
    }
    #[step(retries = 2)]
    async fn budget_b() -> Result<u32, String> {
        Err("b".to_owned())
    }
    #[step(retries = 2, blocking)]
    fn budget_c() -> Result<u32, String> {
        Err("c".to_owned())
    }
    let of = |budget| {
        let settings = Settings::default().retry_budget(budget);
        let pipeline = Pipeline::to::<budget_a>().and::<budget_b>().and::<budget_c>().settings(settings);
        let run = pipeline.run_blocking().unwrap();
        assert_eq!(run.report().counts.failed, 3);
        ["budget_a", "budget_b", "budget_c"].map(|step| step_report(&run, step).attempts).iter().sum::<u32>()
    };
    assert_eq!([of(0), of(1), of(4), of(6), of(100)], [3, 4, 7, 9, 9]);
}

/// Counts its clones and its drops.
#[derive(Default)]
struct Counted(Arc<(AtomicU32, AtomicU32)>);
impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.0.fetch_add(1, Ordering::SeqCst);
        Counted(Arc::clone(&self.0))
    }
}
impl Drop for Counted {
    fn drop(&mut self) {
        self.0.1.fetch_add(1, Ordering::SeqCst);
    }
}

/// E05: each attempt but the last gets a clone of the taken input, and the last one the value itself; nothing leaks.
#[test]
fn a_taken_input_is_cloned_for_every_attempt_but_the_last() {
    #[step]
    fn counted(#[resource] counts: &Arc<(AtomicU32, AtomicU32)>) -> Counted {
        Counted(Arc::clone(counts))
    }
    #[step(retries = 2)]
    fn takes_counted(
        counted: Counted,
        #[param] last: u32,
        #[context] cx: &StepContext,
    ) -> Result<u32, String> {
        drop(counted);
        fail_until(last, cx)
    }
    #[step(retries = 2)]
    async fn takes_counted_later(
        counted: Counted,
        #[param] last: u32,
        #[context] cx: &StepContext,
    ) -> Result<u32, String> {
        tokio::task::yield_now().await;
        drop(counted);
        fail_until(last, cx)
    }
    for (last, clones, status) in
        [(1, 1, Status::Succeeded), (3, 2, Status::Succeeded), (9, 2, Status::Failed)]
    {
        for step in ["takes_counted", "takes_counted_later"] {
            let counts = Arc::new((AtomicU32::new(0), AtomicU32::new(0)));
            let pipeline = if step == "takes_counted" {
                Pipeline::to::<takes_counted>()
            } else {
                Pipeline::to::<takes_counted_later>()
            };
            let run = pipeline.resource(Arc::clone(&counts)).param("last", last).run_blocking().unwrap();
            assert_eq!(step_report(&run, step).status, status);
            drop(run);
            let [cloned, dropped] = [&counts.0, &counts.1].map(|count| count.load(Ordering::SeqCst));
            assert_eq!((cloned, dropped), (clones, clones + 1), "{step}, last {last}");
        }
    }
}

/// E08: default retries apply to retryable steps: not to those that take an input, unless they set retries themselves.
#[test]
fn default_retries_do_not_apply_to_takers() {
    #[step]
    fn to_take() -> Vec<u32> {
        vec![1]
    }
    #[step]
    fn to_take_too() -> Vec<u32> {
        vec![2]
    }
    #[step(group = "takers")]
    fn taker(to_take: Vec<u32>) -> Result<u32, String> {
        Err(format!("had {to_take:?}"))
    }
    #[step(retries = 1)]
    fn willing_taker(to_take_too: Vec<u32>) -> Result<u32, String> {
        Err(format!("had {to_take_too:?}"))
    }
    #[step]
    fn no_taker() -> Result<u32, String> {
        Err("no".to_owned())
    }
    for settings in [
        Settings::default().defaults(StepDefaults::new().retries(3)),
        Settings::default()
            .group("takers", StepDefaults::new().retries(3))
            .defaults(StepDefaults::new().retries(3)),
    ] {
        let pipeline = Pipeline::to::<taker>().and::<willing_taker>().and::<no_taker>().settings(settings);
        let run = pipeline.run_blocking().unwrap();
        assert_eq!(step_report(&run, "taker").attempts, 1);
        assert_eq!(step_report(&run, "taker").error.as_ref().unwrap().message, "had [1]");
        assert_eq!(step_report(&run, "willing_taker").attempts, 2);
        assert_eq!(failed_before(&run, "willing_taker"), ["had [2]"]);
        assert_eq!(step_report(&run, "no_taker").attempts, 4);
    }
}

/// A07: for each setting, the step's value wins over its group's, and the group's over the run's, whatever other steps
/// set.
mod who_wins {
    use super::*;

    macro_rules! failing {
        ($($name:ident($($option:tt)*);)*) => {$(
            #[step($($option)*)]
            async fn $name() -> Result<(), String> {
                Err("no".to_owned())
            }
        )*};
    }

    // The steps differ in one setting each, so no step can use another's rule.
    failing! {
        of_run();
        of_group(group = "g");
        own_retries(retries = 1);
        own_retries_in_group(retries = 2, group = "g");
        own_none(retries = 0);
        own_none_in_group(retries = 0, group = "g");
        own_backoff(backoff = "1ms");
        own_backoff_in_group(backoff = "2ms", group = "g");
    }

    async fn run(settings: Settings) -> Run {
        let pipeline = Pipeline::to::<of_run>()
            .and::<of_group>()
            .and::<own_retries>()
            .and::<own_retries_in_group>()
            .and::<own_none>()
            .and::<own_none_in_group>()
            .and::<own_backoff>()
            .and::<own_backoff_in_group>();
        pipeline.settings(settings).run().await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn retries_of_a_step_over_its_group_over_the_run() {
        let run = run(Settings::default()
            .defaults(StepDefaults::new().retries(3))
            .group("g", StepDefaults::new().retries(5)))
        .await;
        let attempts = |step| step_report(&run, step).attempts;
        assert_eq!(attempts("of_run"), 4);
        assert_eq!(attempts("of_group"), 6, "the group wins over the run");
        assert_eq!(attempts("own_retries"), 2, "the step wins over the run");
        assert_eq!(attempts("own_retries_in_group"), 3, "the step wins over the group");
        assert_eq!(attempts("own_none"), 1, "0 is a value too");
        assert_eq!(attempts("own_none_in_group"), 1);
        assert_eq!((attempts("own_backoff"), attempts("own_backoff_in_group")), (4, 6));
    }

    #[tokio::test(start_paused = true)]
    async fn backoff_of_a_step_over_its_group_over_the_run() {
        let group = StepDefaults::new().backoff(Backoff::fixed(MS(40)));
        let settings = Settings::default()
            .defaults(StepDefaults::new().retries(1).backoff(Backoff::fixed(MS(30))))
            .group("g", group);
        let run = run(settings).await;
        assert_eq!(waits(&run, "of_run"), [MS(30)]);
        assert_eq!(waits(&run, "of_group"), [MS(40)], "the group wins over the run");
        assert_eq!(waits(&run, "own_backoff"), [MS(1)], "the step wins over the run");
        assert_eq!(waits(&run, "own_backoff_in_group"), [MS(2)], "the step wins over the group");
        assert_eq!(waits(&run, "own_retries"), [MS(30)], "a value that is not set is inherited");
        assert_eq!(waits(&run, "own_retries_in_group"), [MS(40); 2]);
    }

    /// Jitter is either all of a wait or none, so it can be detected.
    #[tokio::test(start_paused = true)]
    async fn jitter_of_a_group_over_the_run_and_not_over_a_steps_own_backoff() {
        let jitter = |jitter| {
            let mut defaults = StepDefaults::new();
            defaults.jitter = Some(jitter);
            defaults
        };
        let with = |run: f64, group: f64| {
            let mut settings = Settings::default()
                .defaults(StepDefaults::new().retries(1))
                .group("g", jitter(group))
                .seed(1);
            settings.defaults.backoff = Some(Backoff::fixed(MS(100)));
            settings.defaults.jitter = Some(run);
            settings
        };
        let calm_group = run(with(1.0, 0.0)).await;
        assert_ne!(waits(&calm_group, "of_run"), [MS(100)]);
        assert_eq!(waits(&calm_group, "of_group"), [MS(100)], "the group wins over the run");
        assert_eq!(
            waits(&calm_group, "own_backoff"),
            [MS(1)],
            "a step's own backoff replaces all of the default"
        );
        let calm_run = run(with(0.0, 1.0)).await;
        assert_eq!(waits(&calm_run, "of_run"), [MS(100)]);
        assert_ne!(waits(&calm_run, "of_group"), [MS(100)], "the group wins over the run");
        assert_eq!(waits(&calm_run, "own_backoff_in_group"), [MS(2)]);
    }

    macro_rules! hanging {
        ($($name:ident($($option:tt)*);)*) => {$(
            #[step($($option)*)]
            async fn $name() {
                std::future::pending::<()>().await;
            }
        )*};
    }

    hanging! {
        slow_of_run();
        slow_of_group(group = "g");
        slow_own(timeout = "23ms");
        slow_own_in_group(timeout = "24ms", group = "g");
        late_own(deadline = "25ms");
        late_own_in_group(deadline = "26ms", group = "g");
    }

    /// Why each step was given up.
    fn reasons(settings: Settings) -> Vec<String> {
        let pipeline = Pipeline::to::<slow_of_run>()
            .and::<slow_of_group>()
            .and::<slow_own>()
            .and::<slow_own_in_group>()
            .and::<late_own>()
            .and::<late_own_in_group>()
            .settings(settings);
        let run = within(move || pipeline.run_blocking().unwrap());
        let steps = [
            "slow_of_run",
            "slow_of_group",
            "slow_own",
            "slow_own_in_group",
            "late_own",
            "late_own_in_group",
        ];
        let reason = |step: &&str| {
            let message = &step_report(&run, step).error.as_ref().unwrap().message;
            // Before a remark: on a busy machine, a step may not have had its first poll, and seem to block its thread.
            let (_, time) = message.split_once(" of ").unwrap();
            time.split([' ', ',']).next().unwrap().to_owned()
        };
        steps.iter().map(reason).collect()
    }

    #[test]
    fn the_timeout_of_a_step_over_its_group_over_the_run() {
        let group = StepDefaults::new().timeout(MS(22));
        let reasons =
            reasons(Settings::default().defaults(StepDefaults::new().timeout(MS(21))).group("g", group));
        assert_eq!(reasons[..4], ["21ms", "22ms", "23ms", "24ms"]);
    }

    #[test]
    fn the_deadline_of_a_step_over_its_group_over_the_run() {
        let mut settings = Settings::default().group("g", StepDefaults::new().deadline(MS(32)));
        settings.defaults.deadline = Some(MS(31));
        let reasons = reasons(settings);
        assert_eq!([&reasons[0], &reasons[1], &reasons[4], &reasons[5]], ["31ms", "32ms", "25ms", "26ms"]);
    }
}

/// C16, E05: a step releases its named limit between attempts and holds it during each.
#[tokio::test(start_paused = true)]
async fn a_retried_step_holds_its_limit_during_attempts_and_not_between_them() {
    type Log = Mutex<Vec<(&'static str, u128)>>;
    #[step(limit = "at-db", retries = 1, backoff = "100ms", cost = 100)]
    async fn holds_and_fails(
        #[resource] log: &Log,
        #[resource] clock: &Clock,
        #[context] cx: &StepContext,
    ) -> Result<u32, String> {
        log.lock().unwrap().push(("in", clock.now()));
        tokio::time::sleep(MS(10)).await;
        log.lock().unwrap().push(("out", clock.now()));
        fail_until(2, cx)
    }
    #[step(limit = "at-db")]
    async fn holds_long(#[resource] log: &Log, #[resource] clock: &Clock) {
        log.lock().unwrap().push(("other in", clock.now()));
        tokio::time::sleep(MS(200)).await;
        log.lock().unwrap().push(("other out", clock.now()));
    }
    let log = Arc::new(Log::default());
    let pipeline = Pipeline::to::<holds_and_fails>().and::<holds_long>();
    let run = pipeline.resource(Arc::clone(&log)).resource(Clock::start()).run().await.unwrap();
    assert!(run.succeeded(), "{}", run.report());
    let expected = [("in", 0), ("out", 10), ("other in", 10), ("other out", 210), ("in", 210), ("out", 220)];
    assert_eq!(*log.lock().unwrap(), expected);
}

/// E14: a stop during a backoff ends the run at once. The step has failed with its last error, and its hook is called,
/// as after any last attempt.
#[test]
fn a_stop_during_a_backoff_ends_the_run_at_once() {
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    #[step(retries = 5, backoff = "1h", on_failure = |error| TOLD.lock().unwrap().push(error.message().to_owned()))]
    fn backs_off(#[context] cx: &StepContext) -> Result<u32, String> {
        fail_until(9, cx)
    }
    #[step(retries = 5, backoff = "1h", fallback = 7_u32)]
    async fn backs_off_too(#[context] cx: &StepContext) -> Result<u32, String> {
        fail_until(9, cx)
    }
    #[step]
    fn behind_backoff(backs_off: Option<&u32>) -> bool {
        backs_off.is_some()
    }
    let (waits, is_waiting) = mpsc::channel();
    let waits = Mutex::new(waits);
    let pipeline =
        Pipeline::to::<behind_backoff>().and::<backs_off_too>().observe(move |event: &Event<'_>| {
            if let Event::AttemptFailed { attempt, retry_in, .. } = *event {
                waits.lock().unwrap().send((attempt, retry_in)).unwrap();
            }
        });
    let handle = pipeline.start().unwrap();
    for _ in 0..2 {
        assert_eq!(is_waiting.recv_timeout(LIMIT).unwrap(), (1, Duration::from_hours(1)));
    }
    handle.stop();
    let run = within(move || futures::executor::block_on(handle.wait()));
    assert_eq!(step_report(&run, "backs_off").status, Status::Failed);
    assert_eq!(step_report(&run, "backs_off").error.as_ref().unwrap().message, "attempt 1");
    assert_eq!(step_report(&run, "backs_off").attempts, 1);
    assert_eq!(*TOLD.lock().unwrap(), ["attempt 1"]);
    assert!(step_report(&run, "backs_off_too").fallback_used);
    assert_eq!(run.status("behind_backoff"), Ok(Status::Cancelled), "nothing starts after a stop");
}

/// E04, E05: `fail_fast`, of the run or of a step, applies to failed steps, not to failed attempts.
#[test]
fn only_the_last_failure_of_a_step_stops_a_run_that_fails_fast() {
    #[step(retries = 2, fail_fast)]
    fn hesitant(#[param] last: u32, #[context] cx: &StepContext) -> Result<u32, String> {
        fail_until(last, cx)
    }
    #[step]
    fn after_hesitant(hesitant: Option<&u32>) -> bool {
        hesitant.is_some()
    }
    for by_settings in [true, false] {
        let run = |last: u32| {
            let pipeline = Pipeline::to::<after_hesitant>()
                .param("last", last)
                .settings(Settings::default().fail_fast(by_settings));
            pipeline.run_blocking().unwrap()
        };
        let recovered = run(3);
        assert_eq!(recovered.output::<after_hesitant>(), Ok(&true));
        assert_eq!(step_report(&recovered, "hesitant").attempts, 3);
        let failed = run(4);
        assert_eq!(step_report(&failed, "hesitant").attempts, 3);
        assert_eq!(failed.status("after_hesitant"), Ok(Status::Cancelled));
        assert_eq!(failed.report().status, RunStatus::Failed);
    }
}

/// I24: a step starts once and ends once, and each attempt before the last is reported in between.
#[test]
fn observers_see_each_attempt_between_one_start_and_one_end() {
    #[step(retries = 2)]
    async fn watched_attempts(#[context] cx: &StepContext) -> Result<u32, String> {
        tokio::task::yield_now().await;
        fail_until(3, cx)
    }
    #[derive(Clone, Default)]
    struct Told(Arc<Mutex<Vec<String>>>);
    impl Observer for Told {
        fn on_event(&self, event: &Event<'_>) {
            let text = match *event {
                Event::StepStarted { step, .. } => format!("{step} starts"),
                Event::AttemptFailed { step, attempt, error, .. } => {
                    format!("{step} {attempt}: {}", error.message())
                }
                Event::StepFinished { step, status, .. } => format!("{step} {status}"),
                _ => return,
            };
            self.0.lock().unwrap().push(text);
        }
    }
    let told = Told::default();
    let run = Pipeline::to::<watched_attempts>().observe(told.clone()).run_blocking().unwrap();
    assert!(run.succeeded());
    let expected = [
        "watched_attempts starts",
        "watched_attempts 1: attempt 1",
        "watched_attempts 2: attempt 2",
        "watched_attempts succeeded",
    ];
    assert_eq!(*told.0.lock().unwrap(), expected);
}

/// E05, H01: attempts draw the same random numbers, so the outcome does not depend on how many there were.
#[test]
fn an_attempt_repeats_the_random_numbers_of_the_one_before() {
    #[step(retries = 2)]
    fn draws(#[param] last: u32, #[context] cx: &StepContext) -> Result<u64, String> {
        let drawn = cx.rng().next_u64();
        fail_until(last, cx).map(|_| drawn)
    }
    let drawn = |last: u32| {
        let run = Pipeline::to::<draws>()
            .param("last", last)
            .settings(Settings::default().seed(5))
            .run_blocking()
            .unwrap();
        *run.output::<draws>().unwrap()
    };
    assert_eq!(drawn(1), drawn(3));
}

/// Many retried steps in all lanes at once: every run ends with correct counts.
#[tokio::test(start_paused = true)]
async fn many_retries_at_once_leave_every_run_complete() {
    quiet_later();
    #[step(retries = 3, backoff = "1ms..4ms", jitter)]
    fn many_cpu(#[param] n: u32, #[context] cx: &StepContext) -> Result<u32, String> {
        fail_until(n % 6, cx)
    }
    #[step(retries = 3, blocking)]
    fn many_blocking(#[param] n: u32, #[context] cx: &StepContext) -> Result<u32, String> {
        fail_until(n % 6, cx)
    }
    #[step(retries = 3, backoff = "1ms", limit("at-many" = 2))]
    async fn many_io(#[param] n: u32, #[context] cx: &StepContext) -> Result<u32, String> {
        tokio::task::yield_now().await;
        assert!(!n.is_multiple_of(5) || cx.attempt() > 1, "planted");
        fail_until(n % 6, cx)
    }
    let mut dag = DagBuilder::new();
    for n in 0..120_u32 {
        let instance = match n % 3 {
            0 => dag.add::<many_cpu>().named(format!("s{n}")).param("n", n / 3).handle(),
            1 => dag.add::<many_blocking>().named(format!("s{n}")).param("n", n / 3).handle(),
            _ => dag.add::<many_io>().named(format!("s{n}")).param("n", n / 3).handle(),
        };
        let _ = instance;
    }
    let pipeline = Pipeline::new(dag.build().unwrap());
    let limits = std::collections::BTreeMap::from([("at-many".to_owned(), LimitSettings::new(4))]);
    for workers in [1, 3, 16] {
        let mut settings = Settings::default().workers(workers);
        settings.limits.clone_from(&limits);
        let run = pipeline.clone().settings(settings).run().await.unwrap();
        for n in 0..120_u32 {
            let step = step_report(&run, &format!("s{n}"));
            // The fifth attempt would be one too many.
            let (succeeds, tries) = (n / 3 % 6 < 5, (n / 3 % 6).clamp(1, 4));
            let tries = if n % 3 == 2 && (n / 3).is_multiple_of(5) { tries.max(2) } else { tries };
            assert_eq!(step.status == Status::Succeeded, succeeds, "{}", step.name);
            assert_eq!(step.attempts, tries, "{}", step.name);
        }
    }
}

/// I24: the events of a run with retries are in a consistent order.
#[test]
fn a_dependent_starts_after_the_last_attempt() {
    #[step(retries = 2)]
    fn tries(#[context] cx: &StepContext) -> Result<u32, String> {
        fail_until(3, cx)
    }
    #[step]
    fn reads_tries(tries: &u32) -> u32 {
        *tries
    }
    let recorder = crate::support::Recorder::default();
    let run = Pipeline::to::<reads_tries>().observe(recorder.clone()).run_blocking().unwrap();
    assert_eq!(run.output::<reads_tries>(), Ok(&3));
    let seen = recorder.seen();
    let at = |wanted: Seen| seen.iter().position(|seen| *seen == wanted).unwrap();
    assert!(at(Seen::Finished("tries".into(), Status::Succeeded)) < at(Seen::Started("reads_tries".into())));
}
