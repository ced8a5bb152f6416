//! Outcomes: fallbacks, quorums, optional steps, hooks, dead letters; which failures fail the run; and panics in the
//! code that decides about them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::executor::block_on;
use pipeline::prelude::*;
use pipeline::*;

use crate::support::{
    Door, Gauge, Recorder, alone, error_of, quiet, rounds, run_in_time, step_report, until,
};

/// S13, D05: of five branches two fail and one hangs: the merge runs with the other two, and the report names the
/// three.
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
    let run = run_in_time(Pipeline::to::<merged>().and::<behind_three>());
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
        assert_eq!(step_report(&run, step).status, Status::Skipped, "{step}");
        let because = step_report(&run, step).because.as_deref().unwrap();
        assert!(bad.iter().any(|(bad, _)| *bad == because), "{because}");
    }
}

/// S15, E09, E10: of three services one answers, one failure is handled, and one fallback is used. The run has
/// succeeded, and the report names the fallback.
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

/// S25, A15: an optional step's failure, and what it skips, is reported, but does not fail the run or stop it under
/// `fail_fast`.
#[test]
fn s25_an_optional_failure_skips_its_branch_and_lets_the_run_succeed() {
    for fail_fast in [false, true] {
        let run = Pipeline::to::<o_gold>()
            .and::<o_silver_a>()
            .settings(Settings::default().fail_fast(fail_fast))
            .run_blocking()
            .unwrap();
        assert_eq!(run.output::<o_silver_a>(), Ok(&1));
        assert_eq!(
            (step_report(&run, "o_bronze_b").status, step_report(&run, "o_bronze_b").optional),
            (Status::Failed, true)
        );
        assert_eq!(error_of(&run, "o_bronze_b").1, "bad file, attempt 2");
        for step in ["o_silver_b", "o_gold"] {
            assert_eq!(
                (step_report(&run, step).status, step_report(&run, step).because.as_deref()),
                (Status::Skipped, Some("o_bronze_b"))
            );
        }
        assert_eq!((run.succeeded(), run.report().status), (true, RunStatus::Succeeded));
        let counts = run.report().counts;
        assert_eq!((counts.succeeded, counts.failed, counts.skipped), (2, 1, 2));
    }
}

/// A15: an optional failure does not hide another failure, or a skip that another step caused.
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

/// A15: a step whose output is given does not run: it does not fail, and its fallback is not used.
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
        (step_report(&run, "would_fail").status, step_report(&run, "would_fail").fallback_used),
        (Status::Given, false)
    );
    assert_eq!(CALLS.load(Ordering::SeqCst), 0);
}

/// D03, D04: all outcomes in order, each with its own error; or the available ones, with the others in the report.
/// Retried, timed-out, replaced and skipped branches are outcomes like any other.
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
        let run = run_in_time(
            Pipeline::to::<k_all>().and::<k_available>().settings(Settings::default().workers(workers)),
        );
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

/// D06: the first success is read, and the rest is cancelled: waiting steps are dropped, running ones are detached and
/// reported. The run has succeeded.
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
    async fn f_wins(f_fails: Result<&u32, &StepError>, #[resource] gauge: &Arc<Gauge>) -> u32 {
        let Err(_) = f_fails else { unreachable!("it always fails") };
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
    let run = run_in_time(Pipeline::to::<f_read>().resource(Arc::clone(&gauge)));
    assert_eq!(run.output::<f_read>(), Ok(&3));
    for step in ["f_waits", "f_runs"] {
        assert_eq!(
            (step_report(&run, step).status, error_of(&run, step).0),
            (Status::Cancelled, FailureKind::Unused)
        );
    }
    until("the detached thread sees it", || gauge.now() == 0);
    assert_eq!(run.status("f_fails"), Ok(Status::Failed));
    assert!(!run.succeeded(), "`f_fails` is not optional");
}

/// D06: losers on threads do not count as hanging steps: any number of them leaves the run going.
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
    let run = run_in_time(pipeline.settings(Settings::default().max_detached(2)).target("won"));
    assert_eq!(run.output_named::<u32>("won"), Ok(&7));
    assert_eq!(run.report().stopped_because, None);
    assert_eq!((run.report().counts.cancelled, run.succeeded()), (6, true));
}

/// D06: a step with another reader is not cancelled when one reader has its input.
#[test]
fn a_loser_that_is_needed_elsewhere_still_runs() {
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
    let run = run_in_time(pipeline.resource(tokio::sync::Semaphore::new(0)));
    assert_eq!((run.output::<first_of_both>(), run.output::<wants_slow>()), (Ok(&1), Ok(&2)));
}

/// D06: losers that have not started never start.
#[test]
fn a_loser_that_has_not_started_never_starts() {
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
    let run = run_in_time(
        Pipeline::to::<takes_first>().observe(recorder.clone()).settings(Settings::default().workers(1)),
    );
    assert_eq!(run.output::<takes_first>(), Ok(&1));
    assert_eq!(recorder.started(), ["starts_first", "takes_first"]);
    let step = step_report(&run, "never_starts");
    assert_eq!((step.status, step.attempts, step.start), (Status::Cancelled, 0, None));
    assert!(run.succeeded());
}

/// D06: a loser that begins to hang just as the winner ends is cancelled too: the run ends in either order.
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
    for round in rounds(1500) {
        let run = run_in_time(Pipeline::to::<meets>().param("spins", round * 7 % 3000));
        assert_eq!(run.output::<meets>(), Ok(&1));
        assert!(run.succeeded(), "round {round}: {}", run.report());
    }
}

/// D05, D06: when the quorum is reached the rest is cancelled, even a step that hangs for ever.
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
    for workers in [2, 8] {
        let run = run_in_time(Pipeline::to::<q_sum>().settings(Settings::default().workers(workers)));
        assert_eq!(run.output::<q_sum>(), Ok(&3));
        assert_eq!(error_of(&run, "q_hangs").0, FailureKind::Unused);
        assert!(run.succeeded());
    }
}
