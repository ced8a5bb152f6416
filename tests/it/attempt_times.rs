//! When each attempt of a step ran, and how much of the step's time was work.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipeline::limits::{Breaker, LimitSettings};
use pipeline::prelude::*;
use pipeline::report::{AttemptTimes, StepReport, WaitedFor};
use pipeline::*;

use crate::support::{Door, LIMIT, Meeting, step_report, within};

fn end(times: AttemptTimes) -> Duration {
    times.start + times.duration.unwrap_or_else(|| panic!("{times:?} has an end"))
}

fn fail_until(last: u32, cx: &StepContext) -> Result<u32, String> {
    if cx.attempt() < last { Err(format!("attempt {}", cx.attempt())) } else { Ok(cx.attempt()) }
}

/// Invariants of the times of a finished step: its attempts follow each other with the backoff in between, all within
/// the step's start and end, and all time outside of attempts is waiting.
#[track_caller]
fn assert_fits(step: &StepReport) {
    let all: Vec<AttemptTimes> = step.attempt_times().collect();
    assert_eq!(all.len(), step.attempts as usize, "every attempt is timed: {step:#?}");
    let (start, duration) = (step.start.unwrap(), step.duration.unwrap());
    assert_eq!(all[0].start, start);
    for (pair, failed) in all.windows(2).zip(&step.failed_attempts) {
        assert!(pair[1].start >= end(pair[0]) + failed.retried_after, "{step:#?}");
    }
    assert!(all.iter().all(|times| end(*times) <= start + duration), "{step:#?}");
    let work: Duration = all.iter().map(|times| times.duration.unwrap()).sum();
    assert_eq!(step.work(), Some(work));
    assert_eq!(work + step.between_attempts(), duration);
    let backoff: Duration = step.failed_attempts.iter().map(|failed| failed.retried_after).sum();
    assert!(step.between_attempts() >= backoff, "{step:#?}");
}

/// I06, E05: attempts have separate times in every lane, and the last one ends with its step.
#[test]
fn each_attempt_has_its_times_in_every_lane() {
    #[step(retries = 2, backoff = "5ms")]
    fn at_cpu(#[context] cx: &StepContext) -> Result<u32, String> {
        fail_until(3, cx)
    }
    #[step(blocking, retries = 2, backoff = "5ms")]
    fn at_blocking(#[context] cx: &StepContext) -> Result<u32, String> {
        fail_until(3, cx)
    }
    #[step(retries = 2, backoff = "5ms")]
    async fn at_io_at_once(#[context] cx: &StepContext) -> Result<u32, String> {
        fail_until(3, cx)
    }
    #[step(retries = 2, backoff = "5ms")]
    async fn at_io_after_waiting(#[context] cx: &StepContext) -> Result<u32, String> {
        tokio::task::yield_now().await;
        fail_until(3, cx)
    }
    #[step(retries = 2)]
    fn at_first_try() {}
    #[step]
    fn at_all(
        #[from(at_cpu, at_blocking, at_io_at_once, at_io_after_waiting)] all: Vec<&u32>,
        at_first_try: &(),
    ) -> usize {
        let () = at_first_try;
        all.len()
    }
    for workers in [1, 4] {
        let run =
            Pipeline::to::<at_all>().settings(Settings::default().workers(workers)).run_blocking().unwrap();
        assert!(run.succeeded(), "{}", run.report());
        for name in ["at_cpu", "at_blocking", "at_io_at_once", "at_io_after_waiting"] {
            let step = step_report(&run, name);
            assert_fits(step);
            assert_eq!(step.attempts, 3);
            assert!(step.failed_attempts.iter().all(|failed| failed.times.is_some()));
            assert_eq!(end(step.last_attempt.unwrap()), step.start.unwrap() + step.duration.unwrap());
        }
        let once = step_report(&run, "at_first_try");
        assert_fits(once);
        assert_eq!((once.last_attempt, once.work()), (None, once.duration), "start and duration say it");
        let works: Duration = run.report().steps.iter().filter_map(StepReport::work).sum();
        assert_eq!(run.report().figures.total, works, "waits between attempts are no work");
    }
}

/// I05: a sequential run would also wait between attempts, so a run of one step is as fast as that, and no schedule is
/// faster. Utilisation counts only work.
#[test]
fn waits_between_attempts_make_no_run_slower_than_one_step_at_a_time() {
    #[step(retries = 2, backoff = "20ms")]
    fn fails_twice(#[context] cx: &StepContext) -> Result<u32, String> {
        fail_until(3, cx)
    }
    let run = Pipeline::to::<fails_twice>().settings(Settings::default().workers(1)).run_blocking().unwrap();
    let (step, figures, wall) = (step_report(&run, "fails_twice"), &run.report().figures, run.report().wall);
    let share = |time: Option<Duration>| time.unwrap().as_secs_f64() / wall.as_secs_f64();
    let same = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} is not {b}: {figures:#?}");
    assert_eq!(Some(figures.one_at_a_time), step.duration);
    same(figures.speed_up, share(step.duration));
    same(figures.speed_up_bound(), 1.0);
    same(figures.schedule_efficiency, share(step.duration));
    same(figures.critical_path_ratio, 1.0 / share(step.duration));
    same(figures.utilisation, share(step.work()));
    same(figures.parallel_efficiency, 100.0 * share(step.work()));
}

/// C03, I04: a step that waits for its next attempt is not running, so it does not raise the peak.
#[test]
fn a_step_between_two_attempts_does_not_count_as_running() {
    #[step(cost = 100, retries = 1, backoff = "300ms")]
    fn rests(#[context] cx: &StepContext) -> Result<u32, String> {
        fail_until(2, cx)
    }
    #[step]
    fn goes_on_meanwhile() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let pipeline =
        Pipeline::to::<rests>().and::<goes_on_meanwhile>().settings(Settings::default().workers(1));
    let run = pipeline.run_blocking().unwrap();
    let (rests, other) = (step_report(&run, "rests"), step_report(&run, "goes_on_meanwhile"));
    assert_fits(rests);
    let all = rests.start.unwrap()..rests.start.unwrap() + rests.duration.unwrap();
    assert!(all.contains(&other.start.unwrap()), "the other ran during the backoff");
    assert_eq!(run.report().figures.peak_concurrency, 1);
}

/// E09, I07: the time a step waits for a limit before its next attempt is not work, and the report names the limit.
#[test]
fn a_wait_for_a_limit_before_the_next_attempt_is_reported_as_that() {
    #[derive(Clone)]
    struct Scene {
        limits: Limits,
        first_runs: Arc<Meeting>,
    }
    impl Scene {
        /// Runs until another step waits for the limit.
        fn see_one_wait(&self) {
            while self.limits.snapshot()[0].waiting == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
    #[step(retries = 1, limit = "db")]
    fn gives_way(#[resource] scene: &Scene, #[context] cx: &StepContext) -> Result<u32, String> {
        if cx.attempt() == 1 {
            scene.first_runs.meet();
            scene.see_one_wait();
        }
        fail_until(2, cx)
    }
    #[step]
    fn comes_second(#[resource] scene: &Scene) {
        scene.first_runs.meet();
    }
    #[step(limit = "db")]
    fn takes_it(comes_second: &(), #[resource] scene: &Scene) {
        let () = comes_second;
        scene.see_one_wait();
        std::thread::sleep(Duration::from_millis(5));
    }
    let limits = Limits::new().limit("db", LimitSettings::new(1));
    let scene = Scene { limits: limits.clone(), first_runs: Meeting::new(2) };
    let pipeline = Pipeline::to::<gives_way>().and::<takes_it>().limits(&limits).resource(scene);
    let pipeline = pipeline.settings(Settings::default().cpu(3));
    let run = within(move || pipeline.run_blocking().unwrap());
    assert!(run.succeeded(), "{}", run.report());
    let (step, other) = (step_report(&run, "gives_way"), step_report(&run, "takes_it"));
    assert_fits(step);
    let (other_start, other_time) = (other.start.unwrap(), other.duration.unwrap());
    assert!(step.last_attempt.unwrap().start >= other_start + other_time, "{step:#?}");
    assert!(step.between_attempts() >= Duration::from_millis(5), "{step:#?}");
    let waits = &run.report().waits;
    let wait = waits.iter().find(|wait| wait.waited_for == WaitedFor::Limit("db".to_owned())).unwrap();
    assert!(wait.total >= Duration::from_millis(5), "{waits:?}");
    assert_eq!(wait.steps, 2, "each of them waited: {waits:?}");
}

/// E14: if the run is stopped during a backoff, the attempt ended before its step.
#[test]
fn an_attempt_before_an_interrupted_backoff_keeps_its_own_end() {
    #[step(retries = 5, backoff = "1h")]
    fn would_go_on() -> Result<u32, String> {
        Err("not yet".to_owned())
    }
    #[step(retries = 5, backoff = "1h", fallback = 7_u32)]
    async fn falls_back() -> Result<u32, String> {
        Err("not yet".to_owned())
    }
    let (waits, is_waiting) = mpsc::channel();
    let waits = Mutex::new(waits);
    let pipeline = Pipeline::to::<would_go_on>().and::<falls_back>().observe(move |event: &Event<'_>| {
        if let Event::AttemptFailed { .. } = event {
            waits.lock().unwrap().send(()).unwrap();
        }
    });
    let handle = pipeline.start().unwrap();
    for _ in 0..2 {
        is_waiting.recv_timeout(LIMIT).unwrap();
    }
    handle.stop();
    let run = within(move || futures::executor::block_on(handle.wait()));
    for name in ["would_go_on", "falls_back"] {
        let step = step_report(&run, name);
        assert_fits(step);
        assert_eq!((step.attempts, step.failed_attempts.len()), (1, 0));
        let last = step.last_attempt.unwrap();
        assert!(end(last) < step.start.unwrap() + step.duration.unwrap(), "the wait was cut: {step:#?}");
    }
    assert!(step_report(&run, "falls_back").fallback_used);
}

/// E14: a cancelled attempt ends when it is cancelled; one that waits for its slot never runs.
#[test]
fn a_stop_ends_a_running_attempt_and_a_waiting_one_never_starts() {
    #[derive(Clone)]
    struct Scene {
        limits: Limits,
        holds: Arc<Meeting>,
        second_runs: Arc<Meeting>,
        is_held: Arc<Meeting>,
    }
    #[step(retries = 1)]
    async fn stopped_in_its_second(
        #[resource] scene: &Scene,
        #[context] cx: &StepContext,
    ) -> Result<u32, String> {
        if cx.attempt() == 2 {
            tokio::task::yield_now().await;
            scene.second_runs.meet();
            std::future::pending::<()>().await;
        }
        fail_until(2, cx)
    }
    #[step(retries = 1, limit = "db")]
    fn stopped_before_its_second(
        #[resource] scene: &Scene,
        #[context] cx: &StepContext,
    ) -> Result<u32, String> {
        scene.holds.meet();
        while scene.limits.snapshot()[0].waiting == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        fail_until(2, cx)
    }
    #[step]
    fn comes_after(#[resource] scene: &Scene) {
        scene.holds.meet();
    }
    #[step(limit = "db")]
    fn holds_to_the_end(comes_after: &(), #[resource] scene: &Scene, #[context] cx: &StepContext) {
        let () = comes_after;
        scene.is_held.meet();
        while !cx.is_cancelled() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let limits = Limits::new().limit("db", LimitSettings::new(1));
    let [holds, second_runs, is_held] = [(); 3].map(|()| Meeting::new(2));
    let scene = Scene { limits: limits.clone(), holds, second_runs, is_held };
    let (second_runs, is_held) = (Arc::clone(&scene.second_runs), Arc::clone(&scene.is_held));
    let pipeline = Pipeline::to::<stopped_in_its_second>().and::<stopped_before_its_second>();
    let pipeline = pipeline.and::<holds_to_the_end>().limits(&limits).resource(scene);
    let handle = pipeline.settings(Settings::default().cpu(3)).start().unwrap();
    assert!(second_runs.meet() && is_held.meet());
    // Now the other one waits, for its second attempt.
    while limits.snapshot()[0].waiting == 0 {
        std::thread::yield_now();
    }
    handle.stop();
    let run = within(move || futures::executor::block_on(handle.wait()));
    let step = step_report(&run, "stopped_in_its_second");
    assert_fits(step);
    assert_eq!((step.status, step.attempts), (Status::Cancelled, 2));
    let step = step_report(&run, "stopped_before_its_second");
    assert_fits(step);
    assert_eq!((step.status, step.attempts, step.last_attempt), (Status::Cancelled, 1, None));
    assert_eq!(step.work(), step.duration, "it took as long as the attempt that it had");
}

/// E08: a detached attempt ended when it was given up; its thread does not change that.
#[test]
fn a_detached_attempt_ends_when_it_is_given_up() {
    #[step(blocking, timeout = "20ms", retries = 1, idempotent)]
    fn overstays(#[resource] door: &Door, #[context] cx: &StepContext) -> u32 {
        if cx.attempt() == 1 {
            door.pass();
        }
        cx.attempt()
    }
    let (key, door) = Door::closed();
    let pipeline = Pipeline::to::<overstays>().resource(door);
    let run = within(move || pipeline.run_blocking().unwrap());
    let step = step_report(&run, "overstays");
    assert_eq!((step.status, step.attempts, step.still_running), (Status::Succeeded, 2, 1));
    assert_fits(step);
    assert_eq!(step.failed_attempts[0].error.kind, FailureKind::TimedOut);
    assert!(step.failed_attempts[0].times.unwrap().duration >= Some(Duration::from_millis(20)), "{step:#?}");
    key.open();
}

/// E05, E07, E08: the times of the attempts fit with a fallback, a deadline over all attempts, and a condition.
#[test]
fn the_times_are_consistent_whatever_ends_the_attempts() {
    #[step(retries = 2, fallback = 1_u32)]
    fn ends_in_fallback() -> Result<u32, String> {
        Err("no".to_owned())
    }
    #[step(retries = 99, backoff = "4ms", deadline = "30ms")]
    fn ends_at_deadline() -> Result<u32, String> {
        Err("no".to_owned())
    }
    #[step(retries = 9, when = |cx| cx.attempt() < 3)]
    fn ends_by_condition(#[context] _cx: &StepContext) -> Result<u32, String> {
        Err("no".to_owned())
    }
    #[step(retries = 2)]
    fn ends_by_panic(#[context] cx: &StepContext) -> Result<u32, String> {
        if cx.attempt() == 3 { panic!("planted: the third") } else { Err("no".to_owned()) }
    }
    crate::support::quiet();
    let pipeline = Pipeline::to::<ends_in_fallback>().and::<ends_at_deadline>();
    let run = pipeline.and::<ends_by_condition>().and::<ends_by_panic>().run_blocking().unwrap();
    for name in ["ends_in_fallback", "ends_at_deadline", "ends_by_condition", "ends_by_panic"] {
        assert_fits(step_report(&run, name));
    }
    let skipped = step_report(&run, "ends_by_condition");
    assert_eq!((skipped.status, skipped.attempts, skipped.last_attempt), (Status::Skipped, 2, None));
}

/// E11: an attempt that a breaker refused did not run, even if it was the first.
#[test]
fn a_refused_attempt_has_no_times() {
    #[step(limit = "down", optional)]
    fn breaks_it() -> Result<u32, String> {
        Err("down".to_owned())
    }
    #[step(limit = "down", retries = 60, backoff = "5ms")]
    fn refused_at_first(breaks_it: Option<&u32>) -> u32 {
        breaks_it.copied().unwrap_or(7)
    }
    let breaker = Breaker::new(1, Duration::from_millis(20));
    let limits = Limits::new().limit("down", LimitSettings::new(1).breaker(breaker));
    let run = Pipeline::to::<refused_at_first>().limits(&limits).run_blocking().unwrap();
    let step = step_report(&run, "refused_at_first");
    assert_eq!(step.status, Status::Succeeded, "{}", run.report());
    assert_eq!(step.failed_attempts[0].error.kind, FailureKind::CircuitOpen);
    assert!(step.failed_attempts.iter().all(|failed| failed.times.is_none()), "{step:#?}");
    let last = step.last_attempt.unwrap();
    assert_eq!((Some(last.start), last.duration), (step.start, step.duration), "it started with that one");
    assert_eq!(step.work(), step.duration);
}

/// I24: observers receive the start of each attempt and the duration of each failed one.
#[test]
fn observers_receive_the_start_and_duration_of_each_attempt() {
    #[step(retries = 2)]
    async fn told_of(#[context] cx: &StepContext) -> Result<u32, String> {
        tokio::task::yield_now().await;
        fail_until(3, cx)
    }
    let seen = Arc::new(Mutex::new((Vec::new(), Vec::new())));
    let noted = Arc::clone(&seen);
    let pipeline = Pipeline::to::<told_of>().observe(move |event: &Event<'_>| {
        let mut noted = noted.lock().unwrap();
        match *event {
            Event::StepStarted { .. } => noted.0.push("starts".to_owned()),
            Event::AttemptStarted { attempt, .. } => noted.0.push(format!("{attempt} starts")),
            Event::AttemptFailed { attempt, duration, .. } => {
                noted.0.push(format!("{attempt} fails"));
                noted.1.push(duration);
            }
            Event::StepFinished { .. } => noted.0.push("ends".to_owned()),
            _ => {}
        }
    });
    let run = pipeline.run_blocking().unwrap();
    let (order, durations) = std::mem::take(&mut *seen.lock().unwrap());
    assert_eq!(order, ["starts", "1 fails", "2 starts", "2 fails", "3 starts", "ends"]);
    let failed = step_report(&run, "told_of").failed_attempts.iter();
    assert_eq!(durations, failed.map(|failed| failed.times.unwrap().duration).collect::<Vec<_>>());
}

/// H01: a deterministic report contains no times, not even those of attempts, and is the same each time.
#[test]
fn a_deterministic_report_lists_attempts_without_times() {
    #[step(retries = 2, backoff = "1ms")]
    fn no_times(#[context] cx: &StepContext) -> Result<u32, String> {
        fail_until(3, cx)
    }
    let settings = Settings::default().deterministic(true);
    let pipeline = Pipeline::to::<no_times>().settings(settings);
    let observed = pipeline.clone().observe(|_: &Event<'_>| {}).run_blocking().unwrap();
    assert_eq!(observed.report().to_json(), pipeline.run_blocking().unwrap().report().to_json());
    let step = step_report(&observed, "no_times");
    assert_eq!((step.attempts, step.last_attempt, step.work()), (3, None, None));
    assert!(step.failed_attempts.iter().all(|failed| failed.times.is_none()));
}
