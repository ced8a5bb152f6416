//! Errors: what fails, what is skipped, what still runs, and how the report shows it.

use std::error::Error;
use std::fmt;

use pipeline::prelude::*;
use pipeline::*;

/// E01, E02, E03
#[test]
fn a_failure_skips_what_depends_on_it_and_nothing_else() {
    #[step]
    fn bad() -> Result<u32, String> {
        Err("out of order".into())
    }
    #[step]
    fn behind_bad(bad: &u32) -> u32 {
        *bad
    }
    #[step]
    fn far_behind(behind_bad: &u32) -> u32 {
        *behind_bad
    }
    #[step]
    fn free() -> u32 {
        1
    }
    #[step]
    fn behind_free(free: &u32) -> u32 {
        free + 1
    }
    let run = Pipeline::to::<far_behind>().and::<behind_free>().run_blocking().unwrap();
    assert_eq!(run.output::<behind_free>(), Ok(&2));
    let report = run.report();
    assert_eq!(report.status, RunStatus::Failed);
    let (failed, skipped) = (report.step("bad").unwrap(), report.step("far_behind").unwrap());
    assert_eq!(failed.status, Status::Failed);
    let error = failed.error.as_ref().unwrap();
    assert_eq!((error.kind, error.message.as_str()), (FailureKind::Error, "out of order"));
    assert!(failed.duration.is_some() && failed.attempts == 1);
    assert_eq!((skipped.status, skipped.because.as_deref()), (Status::Skipped, Some("bad")));
    assert_eq!((skipped.attempts, skipped.duration, skipped.start), (0, None, None));
    assert_eq!((report.counts.succeeded, report.counts.failed, report.counts.skipped), (2, 1, 2));
}

/// E02: a skip through a long chain names its root cause.
#[test]
fn a_long_chain_of_skips_names_the_root() {
    let mut dag = DagBuilder::new();
    let mut last = dag.try_cpu("root", (), |()| Err::<u64, _>("no"));
    for n in 0..2000 {
        last = dag.cpu(format!("chain_{n}"), (last,), |(n,)| n + 1);
    }
    let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
    assert_eq!(run.report().counts.skipped, 2000);
    assert!(run.report().steps[1..].iter().all(|step| step.because.as_deref() == Some("root")));
    assert_eq!(run.error("chain_1999").unwrap().step(), "root");
}

#[derive(Debug)]
struct Layer(&'static str, Option<Box<Layer>>);
impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
impl Error for Layer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|layer| layer as _)
    }
}

/// E01, E12: the whole chain of causes is in the report, the run's error and the step's error.
#[test]
fn the_causes_of_an_error_are_reported_outermost_first() {
    #[step]
    fn layered() -> Result<u32, Layer> {
        Err(Layer(
            "cannot load",
            Some(Box::new(Layer("cannot connect", Some(Box::new(Layer("refused", None)))))),
        ))
    }
    #[step]
    fn looks(layered: Result<&u32, &StepError>) -> (String, bool, usize) {
        let error = layered.unwrap_err();
        let depth = error.causes().len();
        (error.message().to_owned(), error.user_error().unwrap().is::<Layer>(), depth)
    }
    let run = Pipeline::to::<looks>().run_blocking().unwrap();
    assert_eq!(run.output::<looks>().unwrap(), &("cannot load".to_owned(), true, 2));
    let error = run.report().step("layered").unwrap().error.clone().unwrap();
    assert_eq!(error.causes, ["cannot connect", "refused"]);
    let failed = run.into_result().unwrap_err();
    let text = failed.to_string();
    assert!(text.contains("step `layered` failed: cannot load"), "{text}");
    assert!(text.contains("because cannot connect") && text.contains("because refused"), "{text}");
    assert_eq!(failed.failures().len(), 1);
}

/// E10: outcomes are values: fallbacks and failure handlers run, even after a skip.
#[test]
fn options_and_outcomes_see_failed_and_skipped_upstreams() {
    #[step]
    fn live_rates() -> Result<u32, String> {
        Err("service down".into())
    }
    #[step]
    fn scaled(live_rates: &u32) -> u32 {
        live_rates * 2
    }
    #[step]
    fn with_fallback(scaled: Option<&u32>, live_rates: Option<&u32>) -> u32 {
        scaled.or(live_rates).copied().unwrap_or(100)
    }
    #[step]
    fn on_failure(scaled: Result<&u32, &StepError>) -> String {
        match scaled {
            Ok(_) => "fine".into(),
            Err(error) => format!("{}: {}", error.step(), error.message()),
        }
    }
    #[step]
    fn after_fallback(with_fallback: &u32) -> u32 {
        with_fallback + 1
    }
    let run = Pipeline::to::<after_fallback>().and::<on_failure>().run_blocking().unwrap();
    assert_eq!(run.output::<after_fallback>(), Ok(&101));
    assert_eq!(run.output::<on_failure>().unwrap(), "live_rates: service down");
}

/// E04: `fail_fast` cancels steps that have not started; without it independent steps run.
#[test]
fn fail_fast_stops_what_has_not_started() {
    let build = || {
        let mut dag = DagBuilder::new();
        let bad = dag.try_cpu("bad", (), |()| Err::<u32, _>("no"));
        let mut last = dag.cpu("chain_0", (), |()| 0_u32);
        for n in 1..50 {
            last = dag.cpu(format!("chain_{n}"), (last,), |(n,)| n + 1);
        }
        dag.cpu("behind", (bad,), |(n,)| *n);
        Pipeline::new(dag.build().unwrap()).settings(Settings::default().workers(1))
    };
    let isolated = build().run_blocking().unwrap();
    assert_eq!(isolated.report().counts.succeeded, 50);
    let stopped = build().settings(Settings::default().fail_fast(true)).run_blocking().unwrap();
    let counts = stopped.report().counts;
    assert_eq!(counts.failed, 1);
    assert!(counts.cancelled > 0 && counts.succeeded < 51, "{counts:?}");
    assert_eq!(counts.planned, counts.succeeded + counts.failed + counts.skipped + counts.cancelled);
    assert_eq!(stopped.report().status, RunStatus::Failed);
}

/// E04: `fail_fast` drops waiting async steps.
#[tokio::test(start_paused = true)]
async fn fail_fast_drops_async_steps_that_wait() {
    #[step]
    async fn fails_later() -> Result<u32, String> {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        Err("late".into())
    }
    #[step]
    async fn waits_long() -> u32 {
        tokio::time::sleep(std::time::Duration::from_hours(1)).await;
        1
    }
    let begun = tokio::time::Instant::now();
    let run = Pipeline::to::<fails_later>()
        .and::<waits_long>()
        .settings(Settings::default().fail_fast(true))
        .run()
        .await
        .unwrap();
    assert_eq!(begun.elapsed().as_secs(), 1);
    assert_eq!(run.status("waits_long"), Ok(Status::Cancelled));
    assert_eq!(run.status("fails_later"), Ok(Status::Failed));
}

/// S25: `bronze_b` fails: `silver_b` and `gold` are skipped with the cause; the other branches complete.
#[test]
fn a_failure_in_the_medallion_lets_the_other_branches_complete() {
    #[step(group = "bronze")]
    fn bronze_a() -> u32 {
        1
    }
    #[step(group = "bronze")]
    fn bronze_b() -> Result<u32, String> {
        Err("bad file".into())
    }
    #[step(group = "bronze")]
    fn bronze_c() -> u32 {
        3
    }
    #[step(group = "silver")]
    fn silver_a(bronze_a: &u32) -> u32 {
        *bronze_a
    }
    #[step(group = "silver")]
    fn silver_b(bronze_b: &u32) -> u32 {
        *bronze_b
    }
    #[step(group = "silver")]
    fn silver_c(bronze_c: &u32) -> u32 {
        *bronze_c
    }
    #[step(group = "gold")]
    fn gold(silver_a: &u32, silver_b: &u32, silver_c: &u32) -> u32 {
        silver_a + silver_b + silver_c
    }
    for workers in [1, 4] {
        let run =
            Pipeline::to::<gold>().settings(Settings::default().workers(workers)).run_blocking().unwrap();
        for step in ["silver_b", "gold"] {
            assert_eq!(run.status(step), Ok(Status::Skipped));
            assert_eq!(run.report().step(step).unwrap().because.as_deref(), Some("bronze_b"));
        }
        for step in ["silver_a", "silver_c"] {
            assert_eq!(run.status(step), Ok(Status::Succeeded));
        }
    }
}

/// The text report names the failure, its location, its cause and the skips.
#[test]
fn the_text_report_shows_what_failed_and_why() {
    #[step]
    fn text_fails() -> Result<u32, Layer> {
        Err(Layer("outer\u{1b}[31m", Some(Box::new(Layer("inner", None)))))
    }
    #[step]
    fn text_skipped(text_fails: &u32) -> u32 {
        *text_fails
    }
    let run = Pipeline::to::<text_skipped>().run_blocking().unwrap();
    let text = run.report().to_string();
    for part in [
        "text_fails",
        "failed",
        "error: outer",
        "because inner",
        "because `text_fails` failed",
        "failure.rs:",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    assert!(!text.contains('\u{1b}'), "nothing steers the terminal");
    assert!(text.contains(&run.id()[28..]));
}

/// E03, E12: a step that timed out is one of its run's failures, with its reason.
#[test]
fn the_error_of_a_run_lists_the_steps_that_timed_out() {
    #[step(timeout = "1ms")]
    async fn rt_hangs() -> u32 {
        std::future::pending().await
    }
    #[step]
    fn rt_needs(rt_hangs: &u32) -> u32 {
        *rt_hangs
    }
    let failed = Pipeline::to::<rt_needs>().run_blocking().unwrap().into_result().unwrap_err();
    assert_eq!(failed.failures().len(), 1);
    assert!(failed.failures()[0].contains("step `rt_hangs` timed out"), "{failed}");
    assert!(failed.failures()[0].contains("timeout of 1ms"), "{failed}");
    assert!(failed.to_string().contains("1 step failed, 1 step did not run:\n  step `rt_hangs`"), "{failed}");
}

/// E01: the text report shows which of two failures matters.
#[test]
fn the_text_report_marks_optional_failures() {
    #[step(optional)]
    fn om_optional() -> Result<u32, String> {
        Err("planted".into())
    }
    #[step]
    fn om_required() -> Result<u32, String> {
        Err("planted".into())
    }
    let text = |pipeline: Pipeline| pipeline.run_blocking().unwrap().report().to_string();
    #[step]
    fn om_reader(om_optional: Option<&u32>) -> bool {
        om_optional.is_none()
    }
    assert!(text(Pipeline::to::<om_reader>()).contains("optional: the run continues without it"));
    // What was asked for by name is not optional.
    assert!(!text(Pipeline::to::<om_optional>()).contains("optional: "));
    for asked in [Pipeline::to::<om_optional>(), Pipeline::to::<om_reader>().select(["om_optional"])] {
        let run = asked.run_blocking().unwrap();
        assert!(!run.succeeded() && run.report().status == RunStatus::Failed);
    }
    assert!(!text(Pipeline::to::<om_required>()).contains("optional"));
}
