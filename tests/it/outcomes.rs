//! Outcomes: fallbacks, quorums, optional steps, hooks, dead letters; what is missed and what is not, and panics of
//! the code that decides about it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::executor::block_on;
use pipeline::prelude::*;
use pipeline::*;

use crate::support::{Door, Gauge, Recorder, alone, quiet, until, within};

fn told<'r>(run: &'r Run, step: &str) -> &'r StepReport {
    run.report().step(step).unwrap_or_else(|| panic!("`{step}` is in the report"))
}

#[track_caller]
fn error_of(run: &Run, step: &str) -> (FailureKind, String) {
    let error = told(run, step).error.clone().unwrap_or_else(|| panic!("`{step}` has an error"));
    (error.kind, error.message)
}

/// The run, which has to end although something hangs.
fn run(pipeline: Pipeline) -> Run {
    within(move || pipeline.run_blocking().unwrap())
}

/// S13, D05: five branches, of which two fail and one hangs: the merge runs with the two that are left, and the report
/// names the three.
#[test]
fn s13_a_merge_runs_with_two_of_five() {
    #[step]
    fn m_one() -> u32 {
        1
    }
    #[step]
    fn m_fails() -> Result<u32, String> {
        Err("down".to_owned())
    }
    #[step(timeout = "20ms")]
    async fn m_hangs() -> u32 {
        std::future::pending::<u32>().await
    }
    #[step(blocking)]
    fn m_panics() -> u32 {
        panic!("planted")
    }
    #[step]
    async fn m_five() -> u32 {
        tokio::task::yield_now().await;
        5
    }
    #[step]
    fn merged(
        #[from(m_one, m_fails, m_hangs, m_panics, m_five, at_least = 2)] some: BTreeMap<&str, &u32>,
    ) -> String {
        format!("{some:?}")
    }
    #[step]
    fn merged_three(
        #[from(m_one, m_fails, m_hangs, m_panics, m_five, at_least = 3)] some: Vec<&u32>,
    ) -> usize {
        some.len()
    }
    #[step]
    fn behind_three(merged_three: &usize) -> usize {
        *merged_three
    }
    quiet();
    let run = run(Pipeline::to::<merged>().and::<behind_three>());
    assert_eq!(run.output::<merged>().unwrap(), r#"{"m_five": 5, "m_one": 1}"#);
    let bad = [
        ("m_fails", FailureKind::Error),
        ("m_hangs", FailureKind::TimedOut),
        ("m_panics", FailureKind::Panic),
    ];
    for (step, kind) in bad {
        assert_eq!(error_of(&run, step).0, kind);
    }
    for step in ["merged_three", "behind_three"] {
        assert_eq!(told(&run, step).status, Status::Skipped, "{step}");
        let because = told(&run, step).because.as_deref().unwrap();
        assert!(bad.iter().any(|(bad, _)| *bad == because), "{because}");
    }
}

/// S15, E09, E10: three services: one answers, one is handled where it fails, one goes on with its fallback; the run
/// has succeeded, and one result is told to be a fallback.
#[test]
fn s15_a_resilient_aggregation_has_three_results() {
    #[step]
    async fn orders_service() -> u32 {
        tokio::task::yield_now().await;
        10
    }
    #[step(optional)]
    async fn stock_service() -> Result<u32, String> {
        Err("no stock".to_owned())
    }
    #[step(retries = 1, fallback = |error| error.message().len() as u32)]
    fn price_service() -> Result<u32, String> {
        Err("no price".to_owned())
    }
    #[step]
    fn on_success(orders_service: &u32) -> String {
        format!("orders {orders_service}")
    }
    #[step]
    fn on_failure(stock_service: Result<&u32, &StepError>) -> String {
        stock_service.map_or_else(|error| format!("without stock: {}", error.message()), u32::to_string)
    }
    #[step]
    fn aggregated(on_success: &str, on_failure: &str, price_service: Result<&u32, &StepError>) -> String {
        format!("{on_success}, {on_failure}, price {}", price_service.unwrap())
    }
    let run = Pipeline::to::<aggregated>().run_blocking().unwrap();
    assert_eq!(run.output::<aggregated>().unwrap(), "orders 10, without stock: no stock, price 8");
    let report = run.report();
    assert_eq!((run.succeeded(), report.status), (true, RunStatus::Succeeded));
    let fallbacks: Vec<_> = report.steps.iter().filter(|step| step.fallback_used).collect();
    assert_eq!(fallbacks.len(), 1);
    assert_eq!((fallbacks[0].name.as_str(), fallbacks[0].status), ("price_service", Status::Succeeded));
    assert_eq!(fallbacks[0].fallback_for.as_ref().unwrap().message, "no price");
    assert_eq!((fallbacks[0].attempts, fallbacks[0].failed_attempts.len()), (2, 1));
    assert!(run.into_result().is_ok());
}

#[step(group = "bronze")]
fn o_bronze_a() -> u32 {
    1
}
#[step(group = "bronze", optional, retries = 1)]
fn o_bronze_b(#[context] cx: &StepContext) -> Result<u32, String> {
    Err(format!("bad file, attempt {}", cx.attempt()))
}
#[step(group = "silver")]
fn o_silver_a(o_bronze_a: &u32) -> u32 {
    *o_bronze_a
}
#[step(group = "silver")]
fn o_silver_b(o_bronze_b: &u32) -> u32 {
    *o_bronze_b
}
#[step(group = "gold")]
fn o_gold(o_silver_a: &u32, o_silver_b: &u32) -> u32 {
    o_silver_a + o_silver_b
}

/// S25, A15: the failure of an optional step, and what it skips, is told and not missed; fail-fast goes on too.
#[test]
fn s25_an_optional_failure_skips_its_branch_and_lets_the_run_succeed() {
    for fail_fast in [false, true] {
        let run = Pipeline::to::<o_gold>().and::<o_silver_a>().fail_fast(fail_fast).run_blocking().unwrap();
        assert_eq!(run.output::<o_silver_a>(), Ok(&1));
        assert_eq!(
            (told(&run, "o_bronze_b").status, told(&run, "o_bronze_b").optional),
            (Status::Failed, true)
        );
        assert_eq!(error_of(&run, "o_bronze_b").1, "bad file, attempt 2");
        for step in ["o_silver_b", "o_gold"] {
            assert_eq!(
                (told(&run, step).status, told(&run, step).because.as_deref()),
                (Status::Skipped, Some("o_bronze_b"))
            );
        }
        assert_eq!((run.succeeded(), run.report().status), (true, RunStatus::Succeeded));
        let counts = run.report().counts;
        assert_eq!((counts.succeeded, counts.failed, counts.skipped), (2, 1, 2));
    }
}

/// A15: an optional failure does not hide another one, nor a skip for which another step is to blame.
#[test]
fn a_failure_beside_an_optional_one_still_fails_the_run() {
    #[step(optional)]
    fn may_fail() -> Result<u32, String> {
        Err("expected".to_owned())
    }
    #[step]
    fn must_not_fail() -> Result<u32, String> {
        Err("unexpected".to_owned())
    }
    #[step]
    fn needs_both(may_fail: &u32, must_not_fail: &u32) -> u32 {
        may_fail + must_not_fail
    }
    #[step(optional)]
    fn optional_itself(must_not_fail: &u32) -> u32 {
        *must_not_fail
    }
    let run = Pipeline::to::<needs_both>().and::<optional_itself>().run_blocking().unwrap();
    assert_eq!((run.succeeded(), run.report().status), (false, RunStatus::Failed));
    let failed = run.into_result().unwrap_err().to_string();
    assert!(failed.contains("unexpected"), "{failed}");
}

/// A15: a step whose output is given is not tried, and so neither fails nor uses its fallback.
#[test]
fn a_given_output_is_used_instead_of_a_step_that_would_fail() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    #[step(retries = 3, fallback = 1_u32, on_failure = |_| _ = CALLS.fetch_add(100, Ordering::SeqCst))]
    fn would_fail() -> Result<u32, String> {
        CALLS.fetch_add(1, Ordering::SeqCst);
        Err("no".to_owned())
    }
    #[step]
    fn reads_given(would_fail: &u32) -> u32 {
        *would_fail
    }
    let run = Pipeline::to::<reads_given>().with_output::<would_fail>(9).run_blocking().unwrap();
    assert_eq!(run.output::<reads_given>(), Ok(&9));
    assert_eq!(
        (told(&run, "would_fail").status, told(&run, "would_fail").fallback_used),
        (Status::Cached, false)
    );
    assert_eq!(CALLS.load(Ordering::SeqCst), 0);
}

/// D03, D04: all outcomes, in order, with each its own error; or those that are available, with the others in the
/// report. Retried, timed-out, fallen-back and skipped branches are outcomes like any other.
#[test]
fn every_kind_of_outcome_can_be_collected() {
    #[step]
    fn k_good() -> u32 {
        1
    }
    #[step(retries = 1)]
    fn k_retried(#[context] cx: &StepContext) -> Result<u32, String> {
        if cx.attempt() == 1 { Err("once".to_owned()) } else { Ok(2) }
    }
    #[step(fallback = 3_u32)]
    fn k_fallen_back() -> Result<u32, String> {
        Err("no".to_owned())
    }
    #[step]
    fn k_failed() -> Result<u32, String> {
        Err("failed".to_owned())
    }
    #[step]
    fn k_skipped(k_failed: &u32) -> u32 {
        *k_failed
    }
    #[step(timeout = "10ms")]
    async fn k_late() -> u32 {
        std::future::pending::<u32>().await
    }
    #[step(when = || false)]
    fn k_not_met() -> u32 {
        7
    }
    #[step]
    fn k_all(
        #[from(k_good, k_retried, k_fallen_back, k_failed, k_skipped, k_late, k_not_met)] all: Vec<
            Result<&u32, &StepError>,
        >,
    ) -> Vec<Result<u32, (FailureKind, String)>> {
        all.into_iter()
            .map(|one| one.copied().map_err(|error| (error.kind(), error.step().to_owned())))
            .collect()
    }
    #[step]
    fn k_available(
        #[from(k_good, k_retried, k_fallen_back, k_failed, k_skipped, k_late, k_not_met, at_least = 0)] some: Vec<&u32>,
    ) -> Vec<u32> {
        some.into_iter().copied().collect()
    }
    for workers in [1, 8] {
        let run = run(Pipeline::to::<k_all>().and::<k_available>().workers(workers));
        let error = |kind, step: &str| Err((kind, step.to_owned()));
        let expected = vec![
            Ok(1),
            Ok(2),
            Ok(3),
            error(FailureKind::Error, "k_failed"),
            error(FailureKind::Error, "k_failed"),
            error(FailureKind::TimedOut, "k_late"),
            error(FailureKind::NotMet, "k_not_met"),
        ];
        assert_eq!(run.output::<k_all>(), Ok(&expected));
        assert_eq!(run.output::<k_available>(), Ok(&vec![1, 2, 3]));
    }
}

/// D06: the first to succeed is read, the rest are cancelled: what waits is dropped, what runs is left behind and
/// told, and the run has succeeded.
#[test]
fn the_first_to_succeed_wins_and_the_rest_are_cancelled() {
    #[step]
    async fn f_waits(#[resource] gauge: &Arc<Gauge>) -> u32 {
        let _inside = gauge.enter();
        std::future::pending::<u32>().await
    }
    #[step(blocking)]
    fn f_runs(#[resource] gauge: &Arc<Gauge>, #[context] cx: &StepContext) -> u32 {
        let _inside = gauge.enter();
        block_on(cx.cancelled());
        2
    }
    #[step]
    async fn f_wins(#[resource] gauge: &Arc<Gauge>) -> u32 {
        while gauge.now() < 2 {
            tokio::task::yield_now().await;
        }
        3
    }
    #[step]
    fn f_fails() -> Result<u32, String> {
        Err("no".to_owned())
    }
    #[step]
    fn f_read(#[from(f_fails, f_waits, f_runs, f_wins, first)] first: &u32) -> u32 {
        *first
    }
    let gauge = Arc::new(Gauge::default());
    let run = run(Pipeline::to::<f_read>().resource(Arc::clone(&gauge)));
    assert_eq!(run.output::<f_read>(), Ok(&3));
    for step in ["f_waits", "f_runs"] {
        assert_eq!(
            (told(&run, step).status, error_of(&run, step).0),
            (Status::Cancelled, FailureKind::NotNeeded)
        );
    }
    until("the thread that was left behind sees it", || gauge.now() == 0);
    assert_eq!(run.status("f_fails"), Ok(Status::Failed));
    assert!(!run.succeeded(), "`f_fails` is not optional");
}

/// D06: losers on threads are no hanging steps: however many there are, they do not stop the run.
#[test]
fn losers_on_threads_do_not_stop_the_run() {
    #[step(blocking)]
    fn loser(#[resource] door: &Door, #[resource] gauge: &Arc<Gauge>) -> u32 {
        let _inside = gauge.enter();
        door.pass();
        1
    }
    #[step]
    async fn winner(#[resource] gauge: &Arc<Gauge>) -> u32 {
        while gauge.now() < 6 {
            tokio::task::yield_now().await;
        }
        7
    }
    #[step]
    fn won(#[from("racer_*", first)] first: &u32) -> u32 {
        *first
    }
    let (_key, door) = Door::closed();
    let mut dag = DagBuilder::new();
    dag.add::<winner>().named("racer_w").handle();
    for n in 0..6 {
        dag.add::<loser>().named(format!("racer_{n}")).handle();
    }
    dag.add::<won>().handle();
    let pipeline = Pipeline::new(dag.build().unwrap()).resource(door).resource(Arc::new(Gauge::default()));
    let run = run(pipeline.settings(Settings::default().max_detached(2)).target("won"));
    assert_eq!(run.output_named::<u32>("won"), Ok(&7));
    assert_eq!(run.report().stopped_because, None);
    assert_eq!((run.report().counts.cancelled, run.succeeded()), (6, true));
}

/// D06: a step that somebody else reads is not cancelled because one reader has what it needs.
#[test]
fn a_loser_that_is_needed_elsewhere_goes_on() {
    #[step]
    async fn quick_source() -> u32 {
        1
    }
    #[step]
    async fn slow_source(#[resource] go: &tokio::sync::Semaphore) -> u32 {
        go.acquire().await.unwrap().forget();
        2
    }
    #[step]
    fn first_of_both(
        #[from(quick_source, slow_source, first)] first: &u32,
        #[resource] go: &tokio::sync::Semaphore,
    ) -> u32 {
        go.add_permits(1);
        *first
    }
    #[step]
    fn wants_slow(slow_source: &u32) -> u32 {
        *slow_source
    }
    let pipeline = Pipeline::to::<first_of_both>().and::<wants_slow>();
    let run = run(pipeline.resource(tokio::sync::Semaphore::new(0)));
    assert_eq!((run.output::<first_of_both>(), run.output::<wants_slow>()), (Ok(&1), Ok(&2)));
}

/// D06: losers that have not started never do.
#[test]
fn a_loser_that_has_not_started_never_does() {
    #[step(cost = 100)]
    fn starts_first() -> u32 {
        1
    }
    #[step(after(starts_first))]
    fn never_starts() -> u32 {
        panic!("planted: it started")
    }
    #[step]
    fn takes_first(#[from(starts_first, never_starts, first)] first: &u32) -> u32 {
        *first
    }
    let recorder = Recorder::default();
    let run = run(Pipeline::to::<takes_first>().observe(recorder.clone()).workers(1));
    assert_eq!(run.output::<takes_first>(), Ok(&1));
    assert_eq!(recorder.started(), ["starts_first", "takes_first"]);
    let step = told(&run, "never_starts");
    assert_eq!((step.status, step.attempts, step.start), (Status::Cancelled, 0, None));
    assert!(run.succeeded());
}

/// D06: a loser that begins to hang just when the winner is there is cancelled too: the run ends, however the two meet.
#[test]
fn a_loser_that_begins_to_hang_as_the_winner_ends_is_cancelled() {
    if !alone("outcomes::a_loser_that_begins_to_hang_as_the_winner_ends_is_cancelled") {
        return;
    }
    #[step]
    fn meets_winner(#[param] spins: u32) -> u32 {
        for _ in 0..spins {
            std::hint::spin_loop();
        }
        1
    }
    #[step]
    async fn hangs_waiting() -> u32 {
        std::future::pending::<u32>().await
    }
    #[step(blocking)]
    fn hangs_running(#[context] cx: &StepContext) -> u32 {
        block_on(cx.cancelled());
        2
    }
    #[step]
    fn meets(#[from(meets_winner, hangs_waiting, hangs_running, first)] first: &u32) -> u32 {
        *first
    }
    for round in 0..1500_u32 {
        let run = run(Pipeline::to::<meets>().param("spins", round * 7 % 3000));
        assert_eq!(run.output::<meets>(), Ok(&1));
        assert!(run.succeeded(), "round {round}: {}", run.report());
    }
}

/// D05, D06: enough of them: the rest is cancelled, also where one hangs for ever.
#[test]
fn a_quorum_that_is_reached_cancels_what_hangs() {
    #[step]
    fn q_one() -> u32 {
        1
    }
    #[step]
    async fn q_hangs() -> u32 {
        std::future::pending::<u32>().await
    }
    #[step(retries = 1)]
    async fn q_two(#[context] cx: &StepContext) -> Result<u32, String> {
        if cx.attempt() == 1 { Err("once".to_owned()) } else { Ok(2) }
    }
    #[step(optional)]
    fn q_fails() -> Result<u32, String> {
        Err("no".to_owned())
    }
    #[step]
    fn q_sum(#[from(q_one, q_hangs, q_two, q_fails, at_least = 2, cancel)] some: Vec<&u32>) -> u32 {
        some.into_iter().sum()
    }
    for workers in [1, 2, 8] {
        let run = run(Pipeline::to::<q_sum>().workers(workers).settings(Settings::default()));
        assert_eq!(run.output::<q_sum>(), Ok(&3));
        assert_eq!(error_of(&run, "q_hangs").0, FailureKind::NotNeeded);
        assert!(run.succeeded());
    }
}

/// E09: a fallback is used after every kind of failure, in every lane, and only after a failure of the step itself.
#[test]
fn a_fallback_is_used_after_every_kind_of_failure_of_the_step_itself() {
    quiet();
    #[derive(Debug, PartialEq)]
    struct Answer(String);
    fn said(error: &StepError) -> Answer {
        Answer(format!("{} at attempt {}", error.kind().name(), error.attempt()))
    }
    #[step(fallback = said)]
    fn fb_errs() -> Result<Answer, String> {
        Err("no".to_owned())
    }
    #[step(fallback = said, retries = 2)]
    async fn fb_panics() -> Answer {
        tokio::task::yield_now().await;
        panic!("planted")
    }
    #[step(fallback = said, timeout = "10ms")]
    async fn fb_late() -> Answer {
        std::future::pending::<Answer>().await
    }
    #[step(fallback = said, timeout = "10ms", blocking)]
    fn fb_hangs(#[resource] door: &Door) -> Answer {
        door.pass();
        Answer("too late".to_owned())
    }
    #[step(fallback = || Answer("made".to_owned()))]
    fn fb_made() -> Result<Answer, String> {
        Err("no".to_owned())
    }
    #[step(fallback = said)]
    fn fb_skipped(fb_none: &Answer) -> Answer {
        Answer(fb_none.0.clone())
    }
    #[step]
    fn fb_none() -> Result<Answer, String> {
        Err("no".to_owned())
    }
    #[step(fallback = said, when = || false)]
    fn fb_not_met() -> Answer {
        Answer("not met".to_owned())
    }
    #[step]
    fn fb_all(
        #[from(fb_errs, fb_panics, fb_late, fb_hangs, fb_made, fb_skipped, fb_not_met)] all: Vec<
            Option<&Answer>,
        >,
    ) -> Vec<Option<String>> {
        all.into_iter().map(|answer| answer.map(|answer| answer.0.clone())).collect()
    }
    let (_key, door) = Door::closed();
    let run = run(Pipeline::to::<fb_all>().resource(door));
    let all = run.output::<fb_all>().unwrap();
    let all: Vec<_> = all.iter().map(Option::as_deref).collect();
    let expected = [
        Some("error at attempt 1"),
        Some("panic at attempt 3"),
        Some("timed-out at attempt 1"),
        Some("timed-out at attempt 1"),
        Some("made"),
        None,
        None,
    ];
    assert_eq!(all, expected);
    for step in ["fb_errs", "fb_panics", "fb_late", "fb_hangs", "fb_made"] {
        assert!(told(&run, step).fallback_used && told(&run, step).status == Status::Succeeded, "{step}");
    }
    assert_eq!(told(&run, "fb_late").fallback_for.as_ref().unwrap().kind, FailureKind::TimedOut);
    assert_eq!((told(&run, "fb_hangs").still_running, told(&run, "fb_skipped").fallback_used), (1, false));
}

/// E09, E18: hook and fallback, once, after the last attempt; and observers are told of the fallback.
#[test]
fn a_hook_is_called_once_when_the_step_has_failed_for_good() {
    quiet();
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    fn tell(error: &StepError) {
        TOLD.lock().unwrap().push(format!("{} {} {}", error.step(), error.kind().name(), error.attempt()));
    }
    #[step(on_failure = tell, retries = 2)]
    fn h_retried() -> Result<u32, String> {
        Err("no".to_owned())
    }
    #[step(on_failure = tell, retries = 2)]
    async fn h_recovers(#[context] cx: &StepContext) -> Result<u32, String> {
        if cx.attempt() == 3 { Ok(1) } else { Err("no".to_owned()) }
    }
    #[step(on_failure = tell, fallback = 0_u32)]
    async fn h_falls_back() -> u32 {
        tokio::task::yield_now().await;
        panic!("planted")
    }
    #[step(on_failure = tell, timeout = "10ms")]
    async fn h_late() -> u32 {
        std::future::pending::<u32>().await
    }
    #[step(on_failure = tell, blocking, timeout = "10ms")]
    fn h_hangs(#[resource] door: &Door) -> u32 {
        door.pass();
        1
    }
    #[step(on_failure = tell)]
    fn h_skipped(h_retried: &u32) -> u32 {
        *h_retried
    }
    #[step]
    fn h_all(
        #[from(h_retried, h_recovers, h_falls_back, h_late, h_hangs, h_skipped)] all: Vec<Option<&u32>>,
    ) -> Vec<Option<u32>> {
        all.into_iter().map(Option::<&u32>::copied).collect()
    }
    let (_key, door) = Door::closed();
    let fallbacks = Arc::new(Mutex::new(Vec::new()));
    let used = Arc::clone(&fallbacks);
    let run = run(Pipeline::to::<h_all>().resource(door).observe(move |event: &Event<'_>| {
        if let Event::FallbackUsed { step, error, .. } = *event {
            used.lock().unwrap().push((step.to_owned(), error.kind()));
        }
    }));
    assert_eq!(run.output::<h_all>().unwrap(), &[None, Some(1), Some(0), None, None, None]);
    let mut told = TOLD.lock().unwrap().clone();
    told.sort();
    let expected = ["h_falls_back panic 1", "h_hangs timed-out 1", "h_late timed-out 1", "h_retried error 3"];
    assert_eq!(told, expected);
    assert_eq!(*fallbacks.lock().unwrap(), [("h_falls_back".to_owned(), FailureKind::Panic)]);
}

/// E11, E12: behind an open breaker steps are not tried; that is a failure of its own kind, with its fallback.
#[test]
fn an_open_breaker_refuses_steps_with_a_kind_of_its_own() {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    #[step(limit = "o-api")]
    fn breaks() -> Result<u32, String> {
        TRIED.fetch_add(1, Ordering::SeqCst);
        Err("down".to_owned())
    }
    #[step(limit = "o-api", fallback = 5_u32)]
    fn refused_with_fallback(#[from(breaks)] _breaks: Option<&u32>) -> u32 {
        TRIED.fetch_add(1, Ordering::SeqCst);
        1
    }
    #[step(limit = "o-api")]
    fn refused(#[from(breaks)] _breaks: Option<&u32>) -> u32 {
        TRIED.fetch_add(1, Ordering::SeqCst);
        1
    }
    let mut settings = Settings::default();
    let breaker = Breaker::new(1, Duration::from_hours(1));
    settings.limits.insert("o-api".to_owned(), LimitSettings::new(1).breaker(breaker));
    let run = run(Pipeline::to::<refused>().and::<refused_with_fallback>().settings(settings));
    assert_eq!(TRIED.load(Ordering::SeqCst), 1);
    assert_eq!(
        (told(&run, "refused").status, error_of(&run, "refused").0),
        (Status::Failed, FailureKind::CircuitOpen)
    );
    assert_eq!(told(&run, "refused").attempts, 0, "it was not tried");
    assert_eq!(run.output::<refused_with_fallback>(), Ok(&5));
    assert_eq!(
        told(&run, "refused_with_fallback").fallback_for.as_ref().unwrap().kind,
        FailureKind::CircuitOpen
    );
}

/// E12: each kind has one name, in text, in JSON and back.
#[test]
fn kinds_of_failure_have_stable_names() {
    let kinds = [
        (FailureKind::Error, "error"),
        (FailureKind::Panic, "panic"),
        (FailureKind::DropPanic, "drop-panic"),
        (FailureKind::Cancelled, "cancelled"),
        (FailureKind::TimedOut, "timed-out"),
        (FailureKind::NotNeeded, "not-needed"),
        (FailureKind::NotMet, "not-met"),
        (FailureKind::CircuitOpen, "circuit-open"),
    ];
    for (kind, name) in kinds {
        assert_eq!((kind.name(), serde_json::to_value(kind).unwrap()), (name, name.into()));
        assert_eq!(serde_json::from_value::<FailureKind>(name.into()).unwrap(), kind);
    }
}

/// E17: items that steps could not deal with are in the report, in plan order, with step, attempt, item and reason; a
/// step that has some has succeeded all the same.
#[test]
fn dead_letters_are_kept_in_plan_order() {
    #[derive(serde::Serialize)]
    struct Row {
        line: u32,
    }
    struct NotJson;
    impl serde::Serialize for NotJson {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("planted"))
        }
    }
    #[step]
    async fn dl_second(#[from(dl_first)] _first: Option<&()>, #[context] cx: &StepContext) -> u32 {
        tokio::task::yield_now().await;
        cx.dead_letter("b", "second");
        1
    }
    #[step(retries = 1)]
    fn dl_first(#[context] cx: &StepContext) -> Result<(), String> {
        cx.dead_letter(Row { line: cx.attempt() }, "not a number");
        cx.dead_letter(NotJson, "not to be written");
        if cx.attempt() == 1 { Err("again".to_owned()) } else { Ok(()) }
    }
    let run = Pipeline::to::<dl_second>().run_blocking().unwrap();
    let letters: Vec<_> = run
        .report()
        .dead_letters
        .iter()
        .map(|letter| (letter.step.as_str(), letter.attempt, letter.item.clone(), letter.error.as_str()))
        .collect();
    assert_eq!(letters.len(), 5);
    assert_eq!(letters[0], ("dl_first", 1, serde_json::json!({ "line": 1 }), "not a number"));
    assert!(letters[1].2.as_str().unwrap().contains("planted"));
    assert_eq!(letters[2], ("dl_first", 2, serde_json::json!({ "line": 2 }), "not a number"));
    assert_eq!(letters[4], ("dl_second", 1, "b".into(), "second"));
    assert!(run.succeeded());
    let back: RunReport = serde_json::from_str(&run.report().to_json()).unwrap();
    assert_eq!(back.dead_letters, run.report().dead_letters);
}

/// 2.A: a mutex that a step poisoned fails the step that finds it so, and nobody else.
#[test]
fn a_poisoned_mutex_fails_the_step_that_finds_it() {
    quiet();
    #[step]
    fn poisons(#[resource] shared: &Mutex<u32>) -> u32 {
        let _held = shared.lock().unwrap();
        panic!("planted while it is held")
    }
    #[step]
    fn finds_poison(
        #[from(poisons)] _poisons: Option<&u32>,
        #[resource] shared: &Mutex<u32>,
    ) -> Result<u32, String> {
        shared.lock().map(|held| *held).map_err(|error| error.to_string())
    }
    #[step]
    fn recovers(#[from(poisons)] _poisons: Option<&u32>, #[resource] shared: &Mutex<u32>) -> u32 {
        *shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
    let run =
        Pipeline::to::<finds_poison>().and::<recovers>().resource(Mutex::new(4_u32)).run_blocking().unwrap();
    assert!(error_of(&run, "finds_poison").1.contains("poisoned"));
    assert_eq!(run.output::<recovers>(), Ok(&4));
}

/// 2.A: a fallback that panics fails its step, with the error that it was for and the panic.
#[test]
fn a_fallback_that_panics_fails_its_step() {
    quiet();
    fn no_answer() -> u32 {
        panic!("planted in a fallback")
    }
    #[step(retries = 1, fallback = no_answer)]
    fn bad_fallback() -> Result<u32, String> {
        Err("the first reason".to_owned())
    }
    #[step(timeout = "10ms", fallback = |_: &StepError| panic!("planted in a fallback"))]
    async fn bad_fallback_later() -> u32 {
        std::future::pending::<u32>().await
    }
    #[step(timeout = "10ms", blocking, fallback = no_answer)]
    fn bad_fallback_of_left_behind(#[resource] door: &Door) -> u32 {
        door.pass();
        1
    }
    #[step]
    fn unharmed_by_fallbacks() -> u32 {
        1
    }
    let (_key, door) = Door::closed();
    let run = run(Pipeline::to::<bad_fallback>()
        .and::<bad_fallback_later>()
        .and::<bad_fallback_of_left_behind>()
        .and::<unharmed_by_fallbacks>()
        .resource(door));
    for step in ["bad_fallback", "bad_fallback_later", "bad_fallback_of_left_behind"] {
        let (kind, message) = error_of(&run, step);
        assert_eq!((kind, told(&run, step).status), (FailureKind::Panic, Status::Failed), "{step}");
        assert!(message.contains("planted in a fallback"), "{message}");
        assert!(!told(&run, step).fallback_used);
    }
    assert!(error_of(&run, "bad_fallback").1.contains("the first reason"));
    assert_eq!(run.error("bad_fallback").unwrap().attempt(), 2);
    assert_eq!(run.output::<unharmed_by_fallbacks>(), Ok(&1));
}

/// 2.A: a hook that panics changes nothing: the step has the error it had, and its fallback is used.
#[test]
fn a_hook_that_panics_changes_nothing() {
    quiet();
    fn bad_hook(_: &StepError) {
        panic!("planted in a hook")
    }
    #[step(on_failure = bad_hook)]
    fn with_bad_hook() -> Result<u32, String> {
        Err("its own error".to_owned())
    }
    #[step(on_failure = bad_hook, fallback = 4_u32, timeout = "10ms")]
    async fn with_bad_hook_and_fallback() -> u32 {
        std::future::pending::<u32>().await
    }
    let run = run(Pipeline::to::<with_bad_hook>().and::<with_bad_hook_and_fallback>());
    assert_eq!(error_of(&run, "with_bad_hook"), (FailureKind::Error, "its own error".to_owned()));
    assert_eq!(run.output::<with_bad_hook_and_fallback>(), Ok(&4));
}

/// 2.A: a filter of errors that panics, a condition that panics, a `Clone` that panics: the step has panicked, and is
/// tried again as after any panic.
#[test]
fn panics_of_what_decides_about_a_step_fail_that_step() {
    quiet();
    struct Unclonable;
    impl Clone for Unclonable {
        fn clone(&self) -> Self {
            panic!("planted in Clone")
        }
    }
    #[step(retries = 2, retry_if = |_: &String| panic!("planted in a filter"))]
    fn bad_filter() -> Result<u32, String> {
        Err("no".to_owned())
    }
    #[step(retries = 1, when = || panic!("planted in a condition"))]
    async fn bad_condition() -> u32 {
        1
    }
    #[step]
    fn unclonable() -> Unclonable {
        Unclonable
    }
    #[step(retries = 1)]
    fn clones_badly(unclonable: Unclonable, #[context] cx: &StepContext) -> u32 {
        drop(unclonable);
        cx.attempt()
    }
    let run =
        Pipeline::to::<bad_filter>().and::<bad_condition>().and::<clones_badly>().run_blocking().unwrap();
    for (step, attempts, text) in [("bad_filter", 3, "in a filter"), ("bad_condition", 2, "in a condition")] {
        let (kind, message) = error_of(&run, step);
        assert_eq!((kind, told(&run, step).attempts), (FailureKind::Panic, attempts), "{step}");
        assert!(message.contains(text), "{message}");
    }
    assert_eq!(run.output::<clones_badly>(), Ok(&2), "the last attempt has the value itself");
    assert!(told(&run, "clones_badly").failed_attempts[0].error.message.contains("planted in Clone"));
    assert_eq!(run.status("unclonable"), Ok(Status::Succeeded), "the clone is the taker's");
}

/// 2.A: a guard of a switch that panics fails the branches that it was to decide about, and the run ends.
#[test]
fn a_guard_of_a_switch_that_panics_fails_its_branches() {
    quiet();
    fn bad_guard(_: u32) -> bool {
        panic!("planted in a guard")
    }
    #[step(switch(0 => g_zero, n if bad_guard(*n) => g_some, _ => g_zero))]
    fn g_ask(#[param] n: u32) -> u32 {
        n
    }
    #[step(branch = g_ask)]
    fn g_zero() -> &'static str {
        "zero"
    }
    #[step(branch = g_ask)]
    async fn g_some() -> &'static str {
        "some"
    }
    #[step]
    fn g_joined(#[from(g_zero, g_some, first)] text: Option<&&'static str>) -> bool {
        text.is_some()
    }
    let ask = |n: u32| run(Pipeline::to::<g_joined>().param("n", n));
    assert_eq!(ask(0).output::<g_joined>(), Ok(&true));
    let run = ask(1);
    for step in ["g_zero", "g_some"] {
        assert_eq!(error_of(&run, step).0, FailureKind::Panic);
        assert!(error_of(&run, step).1.contains("planted in a guard"));
    }
    assert_eq!((run.output::<g_joined>(), run.succeeded()), (Ok(&false), false));
}

/// E13: `parallel_if` that panics: the step runs alone rather than not at all.
#[test]
fn a_predicate_that_panics_means_alone() {
    quiet();
    #[step(parallel_if = || panic!("planted in a predicate"))]
    fn undecided() -> u32 {
        1
    }
    let run = run(Pipeline::to::<undecided>());
    assert_eq!(run.output::<undecided>(), Ok(&1));
    assert!(
        run.report().limited_by.iter().any(|line| line.contains("`undecided`")),
        "{:?}",
        run.report().limited_by
    );
}

/// E04: `fail_fast` of one step stops the run where that step fails, and not where another does.
#[test]
fn a_step_decides_whether_its_failure_stops_the_run() {
    #[step(fail_fast)]
    fn vital(#[param] works: bool) -> Result<u32, String> {
        if works { Ok(1) } else { Err("vital".to_owned()) }
    }
    #[step]
    fn not_vital(vital: &u32) -> Result<u32, String> {
        Err(format!("not vital, {vital}"))
    }
    #[step]
    fn at_last(vital: Option<&u32>, not_vital: Option<&u32>) -> bool {
        vital.is_some() || not_vital.is_some()
    }
    let run = |works: bool| Pipeline::to::<at_last>().param("works", works).run_blocking().unwrap();
    assert_eq!(run(true).output::<at_last>(), Ok(&true));
    let stopped = run(false);
    assert_eq!(stopped.status("at_last"), Ok(Status::Cancelled));
    assert_eq!(stopped.report().status, RunStatus::Failed);
}

/// E04, E09: a failure that a fallback makes good stops nothing.
#[test]
fn a_fallback_is_no_failure_that_stops_a_run() {
    static LATER: AtomicBool = AtomicBool::new(false);
    #[step(fail_fast, fallback = 2_u32)]
    fn made_good() -> Result<u32, String> {
        Err("no".to_owned())
    }
    #[step]
    fn later(made_good: &u32) -> u32 {
        LATER.store(true, Ordering::SeqCst);
        *made_good
    }
    let run = Pipeline::to::<later>().fail_fast(true).run_blocking().unwrap();
    assert_eq!(run.output::<later>(), Ok(&2));
    assert!(LATER.load(Ordering::SeqCst) && run.succeeded());
}
