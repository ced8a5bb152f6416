//! Steps with a condition.

use std::sync::atomic::{AtomicU32, Ordering};

use pipeline::prelude::*;
use pipeline::*;

use crate::support::{Recorder, Seen, quiet};

#[step]
fn cw_numbers(#[param] count: usize) -> Vec<usize> {
    (0..count).collect()
}
#[step(when = |numbers| numbers.len() > 2)]
fn cw_average(#[from(cw_numbers)] numbers: &[usize]) -> usize {
    numbers.iter().sum::<usize>() / numbers.len()
}
#[step]
fn cw_shown(cw_average: &usize) -> String {
    cw_average.to_string()
}
#[step]
fn cw_mailed(#[from(cw_shown)] text: &str) -> usize {
    text.len()
}
#[step]
fn cw_option(cw_average: Option<&usize>) -> bool {
    cw_average.is_some()
}
#[step]
fn cw_outcome(cw_average: Result<&usize, &StepError>) -> String {
    cw_average.map_or_else(|error| format!("{}: {}", error.step(), error.kind().name()), ToString::to_string)
}

fn run(count: usize, recorder: &Recorder) -> Run {
    let pipeline = Pipeline::to::<cw_mailed>().and::<cw_option>().and::<cw_outcome>();
    pipeline.param("count", count).observe(recorder.clone()).run_blocking().unwrap()
}

/// F01: a run with a false condition succeeds, in every form of its result.
#[test]
fn a_run_with_a_false_condition_succeeds() {
    let recorder = Recorder::default();
    let run = run(1, &recorder);
    assert!(run.succeeded());
    let report = run.report();
    assert_eq!(report.status, RunStatus::Succeeded);
    assert_eq!((report.counts.succeeded, report.counts.skipped, report.counts.failed), (3, 3, 0));
    assert_eq!(report.counts.planned, 6);
    let ended: Vec<Seen> =
        recorder.seen().into_iter().filter(|seen| matches!(seen, Seen::RunFinished(..))).collect();
    assert_eq!(ended, [Seen::RunFinished(run.id().to_owned(), true)]);
    assert!(run.into_result().is_ok());
}

/// F01: a skipped step has its reason, its dependents name it, and nothing is reported as failed.
#[test]
fn the_reason_of_a_skip_is_in_data_and_text() {
    let run = run(1, &Recorder::default());
    let report = run.report();
    let average = report.step("cw_average").unwrap();
    assert_eq!((average.status, &average.because), (Status::Skipped, &None));
    let error = average.error.as_ref().unwrap();
    assert_eq!(error.kind, FailureKind::NotMet);
    assert!(error.message.contains("numbers.len() > 2"), "{}", error.message);
    for step in ["cw_shown", "cw_mailed"] {
        let step = report.step(step).unwrap();
        assert_eq!((step.status, step.because.as_deref()), (Status::Skipped, Some("cw_average")));
        assert_eq!(step.error, None, "the reason is reported once");
    }
    let text = report.to_string();
    assert!(text.contains("numbers.len() > 2"), "{text}");
    assert!(text.contains("3 skipped"), "{text}");
    assert!(text.contains("because `cw_average` was skipped"), "{text}");
    assert!(!text.contains("failed"), "{text}");
    let missing = run.output::<cw_mailed>().unwrap_err().to_string();
    assert!(missing.contains("cw_average") && !missing.contains("failed"), "{missing}");
}

/// F01, F04
#[test]
fn a_step_that_can_do_without_the_skipped_input_runs() {
    let skipped = run(1, &Recorder::default());
    assert_eq!(skipped.output::<cw_option>(), Ok(&false));
    assert_eq!(skipped.output::<cw_outcome>().map(String::as_str), Ok("cw_average: not-met"));
    let whole = run(5, &Recorder::default());
    assert_eq!(whole.output::<cw_outcome>().map(String::as_str), Ok("2"));
    assert_eq!((whole.output::<cw_option>(), whole.output::<cw_mailed>()), (Ok(&true), Ok(&1)));
}

/// F01, E12: a condition that panics is a failure of its step, not `false`.
#[test]
fn a_condition_that_panics_fails_its_step() {
    quiet();
    #[step(when = || panic!("planted"))]
    fn cp_step() -> u32 {
        1
    }
    #[step(optional, when = || panic!("planted"))]
    async fn cp_async() -> u32 {
        1
    }
    let run = Pipeline::to::<cp_step>().and::<cp_async>().run_blocking().unwrap();
    for step in ["cp_step", "cp_async"] {
        assert_eq!(run.status(step), Ok(Status::Failed));
        assert_eq!(run.error(step).map(StepError::kind), Some(FailureKind::Panic));
    }
    assert!(!run.succeeded());
}

/// F01, E05: a condition is evaluated before each attempt; if it becomes false, the step is skipped.
#[test]
fn a_condition_is_evaluated_before_each_attempt() {
    #[step(retries = 5, when = |left| left.fetch_sub(1, Ordering::SeqCst) > 1)]
    fn ca_step(#[resource] left: &AtomicU32) -> Result<u32, String> {
        Err(format!("planted: {} left", left.load(Ordering::SeqCst)))
    }
    let run = Pipeline::to::<ca_step>().resource(AtomicU32::new(3)).run_blocking().unwrap();
    let step = run.report().step("ca_step").unwrap();
    assert_eq!((step.status, step.failed_attempts.len()), (Status::Skipped, 2));
    assert!(run.succeeded());
}

/// F01, E09: a fallback is for failures, not for a false condition.
#[test]
fn a_fallback_does_not_replace_a_skipped_step() {
    #[step(when = || false, fallback = 7)]
    fn cf_step() -> u32 {
        1
    }
    let run = Pipeline::to::<cf_step>().run_blocking().unwrap();
    assert_eq!(run.status("cf_step"), Ok(Status::Skipped));
    assert!(!run.report().step("cf_step").unwrap().fallback_used);
}

/// F01, E04
#[test]
fn fail_fast_does_not_stop_at_a_skip() {
    #[step(when = || false, fail_fast)]
    fn cs_skipped() -> u32 {
        1
    }
    #[step(after(cs_skipped))]
    fn cs_after() -> u32 {
        2
    }
    #[step]
    fn cs_other(cs_skipped: Option<&u32>) -> u32 {
        cs_skipped.copied().unwrap_or(3)
    }
    let pipeline = Pipeline::to::<cs_other>().and::<cs_after>().settings(Settings::default().fail_fast(true));
    let run = pipeline.run_blocking().unwrap();
    assert!(run.succeeded());
    assert_eq!(run.output::<cs_other>(), Ok(&3));
    assert_eq!(run.status("cs_after"), Ok(Status::Skipped), "`after` asks for success");
}

/// F01, S25
#[test]
fn a_failure_beside_a_skip_fails_the_run() {
    #[step(when = || false)]
    fn cb_skipped() -> u32 {
        1
    }
    #[step]
    fn cb_failed() -> Result<u32, String> {
        Err("planted".to_owned())
    }
    #[step]
    fn cb_both(cb_skipped: &u32, cb_failed: &u32) -> u32 {
        cb_skipped + cb_failed
    }
    let run = Pipeline::to::<cb_both>().run_blocking().unwrap();
    assert_eq!(run.report().status, RunStatus::Failed);
    assert_eq!(run.status("cb_both"), Ok(Status::Skipped));
}
