//! After a failure: fallbacks, hooks, breakers, dead letters, and user code that panics.

use crate::support::{Door, error_of, quiet, run_in_time, step_report};
use pipeline::limits::{Breaker, LimitSettings};
use pipeline::prelude::*;
use pipeline::*;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// E09: a fallback is used after every kind of failure, in every lane, but only for a failure of the step itself.
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
    let run = run_in_time(Pipeline::to::<fb_all>().resource(door));
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
        assert!(
            step_report(&run, step).fallback_used && step_report(&run, step).status == Status::Succeeded,
            "{step}"
        );
    }
    assert_eq!(step_report(&run, "fb_late").fallback_for.as_ref().unwrap().kind, FailureKind::TimedOut);
    assert_eq!(
        (step_report(&run, "fb_hangs").still_running, step_report(&run, "fb_skipped").fallback_used),
        (1, false)
    );
}

/// E09, E18: the hook and the fallback run once, after the last attempt, and observers receive the fallback.
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
    let run = run_in_time(Pipeline::to::<h_all>().resource(door).observe(move |event: &Event<'_>| {
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

/// E11, E12: behind an open breaker steps are not tried: a separate kind of failure, for which the fallback is used.
#[test]
fn an_open_breaker_refuses_steps_with_a_separate_kind() {
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
    let run = run_in_time(Pipeline::to::<refused>().and::<refused_with_fallback>().settings(settings));
    assert_eq!(TRIED.load(Ordering::SeqCst), 1);
    assert_eq!(
        (step_report(&run, "refused").status, error_of(&run, "refused").0),
        (Status::Failed, FailureKind::CircuitOpen)
    );
    assert_eq!(step_report(&run, "refused").attempts, 0, "it was not tried");
    assert_eq!(run.output::<refused_with_fallback>(), Ok(&5));
    assert_eq!(
        step_report(&run, "refused_with_fallback").fallback_for.as_ref().unwrap().kind,
        FailureKind::CircuitOpen
    );
}

/// E12: each kind has one name in text and in JSON.
#[test]
fn kinds_of_failure_have_stable_names() {
    let kinds = [
        (FailureKind::Error, "error"),
        (FailureKind::Panic, "panic"),
        (FailureKind::DropPanic, "drop-panic"),
        (FailureKind::Cancelled, "cancelled"),
        (FailureKind::TimedOut, "timed-out"),
        (FailureKind::Unused, "unused"),
        (FailureKind::NotMet, "not-met"),
        (FailureKind::CircuitOpen, "circuit-open"),
    ];
    for (kind, name) in kinds {
        assert_eq!((kind.name(), serde_json::to_value(kind).unwrap()), (name, name.into()));
        assert_eq!(serde_json::from_value::<FailureKind>(name.into()).unwrap(), kind);
    }
}

/// E17: dead letters are in the report in plan order, with step, attempt, item and reason; a step with dead letters has
/// succeeded.
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

/// 2.A: a mutex that a step poisoned fails only the step that locks it.
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

/// 2.A: the error of a fallback that panics contains the original failure and the panic.
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
    fn bad_fallback_of_detached(#[resource] door: &Door) -> u32 {
        door.pass();
        1
    }
    #[step]
    fn unharmed_by_fallbacks() -> u32 {
        1
    }
    let (_key, door) = Door::closed();
    let run = run_in_time(
        Pipeline::to::<bad_fallback>()
            .and::<bad_fallback_later>()
            .and::<bad_fallback_of_detached>()
            .and::<unharmed_by_fallbacks>()
            .resource(door),
    );
    for step in ["bad_fallback", "bad_fallback_later", "bad_fallback_of_detached"] {
        let (kind, message) = error_of(&run, step);
        assert_eq!((kind, step_report(&run, step).status), (FailureKind::Panic, Status::Failed), "{step}");
        assert!(message.contains("planted in a fallback"), "{message}");
        assert!(!step_report(&run, step).fallback_used);
    }
    assert!(error_of(&run, "bad_fallback").1.contains("the first reason"));
    assert_eq!(run.error("bad_fallback").unwrap().attempt(), 2);
    assert_eq!(run.output::<unharmed_by_fallbacks>(), Ok(&1));
}

/// 2.A: after a hook that panics, the step has its original error, with a note, and its fallback.
#[test]
fn a_hook_that_panics_adds_a_note_to_the_error() {
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
    let run = run_in_time(Pipeline::to::<with_bad_hook>().and::<with_bad_hook_and_fallback>());
    let (kind, message) = error_of(&run, "with_bad_hook");
    assert_eq!(kind, FailureKind::Error);
    assert!(
        message.starts_with("its own error; its `on_failure` hook panicked: planted in a hook"),
        "{message}"
    );
    assert_eq!(run.output::<with_bad_hook_and_fallback>(), Ok(&4));
}

/// 2.A: if an error filter, a condition or a `Clone` panics, the step has panicked, and is retried as after any panic.
#[test]
fn panics_in_filters_conditions_and_clones_fail_their_step() {
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
        let _ = unclonable;
        cx.attempt()
    }
    let run =
        Pipeline::to::<bad_filter>().and::<bad_condition>().and::<clones_badly>().run_blocking().unwrap();
    for (step, attempts, text) in [
        ("bad_filter", 3, "no; its `retry_if` panicked: planted in a filter"),
        ("bad_condition", 2, "its condition panicked: planted in a condition"),
    ] {
        let (kind, message) = error_of(&run, step);
        assert_eq!((kind, step_report(&run, step).attempts), (FailureKind::Panic, attempts), "{step}");
        assert!(message.contains(text), "{message}");
    }
    assert_eq!(run.output::<clones_badly>(), Ok(&2), "the last attempt has the value itself");
    assert!(step_report(&run, "clones_badly").failed_attempts[0].error.message.contains("planted in Clone"));
    assert_eq!(run.status("unclonable"), Ok(Status::Succeeded), "the clone is the taker's");
}

/// 2.A: a switch guard that panics fails the branches that depend on it, and the run ends.
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
    let ask = |n: u32| run_in_time(Pipeline::to::<g_joined>().param("n", n));
    assert_eq!(ask(0).output::<g_joined>(), Ok(&true));
    let run = ask(1);
    for step in ["g_zero", "g_some"] {
        assert_eq!(error_of(&run, step).0, FailureKind::Panic);
        assert!(error_of(&run, step).1.contains("planted in a guard"));
    }
    assert_eq!((run.output::<g_joined>(), run.succeeded()), (Ok(&false), false));
}

/// E13: if `parallel_if` panics, the step still runs, alone.
#[test]
fn a_parallel_if_that_panics_makes_the_step_run_alone() {
    quiet();
    #[step(parallel_if = || panic!("planted in a predicate"))]
    fn undecided() -> u32 {
        1
    }
    let run = run_in_time(Pipeline::to::<undecided>());
    assert_eq!(run.output::<undecided>(), Ok(&1));
    assert!(
        run.report().limited_by.iter().any(|line| line.contains("`undecided`")),
        "{:?}",
        run.report().limited_by
    );
}

/// E04: `fail_fast` on a step stops the run if that step fails, but not if another does.
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

/// E04, E09: a failure with a fallback stops nothing.
#[test]
fn a_failure_with_a_fallback_does_not_stop_the_run() {
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
    let run = Pipeline::to::<later>().settings(Settings::default().fail_fast(true)).run_blocking().unwrap();
    assert_eq!(run.output::<later>(), Ok(&2));
    assert!(LATER.load(Ordering::SeqCst) && run.succeeded());
}
