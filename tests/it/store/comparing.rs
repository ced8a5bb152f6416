//! Differences between two runs.

use super::*;

#[step]
fn counts(#[context] cx: &StepContext, #[param] rows: u64) -> u64 {
    cx.count("rows", rows);
    rows
}

#[step(retries = 1, backoff = "1ms")]
fn fails_above_ten(counts: &u64, #[context] _cx: &StepContext) -> Result<u64, String> {
    if *counts > 10 { Err("planted: too many".to_owned()) } else { Ok(*counts) }
}

/// H05, H06
#[test]
fn a_diff_shows_statuses_counters_steps_and_provenance() {
    let counting = |rows: u64| {
        Pipeline::to::<fails_above_ten>()
            .param("rows", rows)
            .settings(Settings::default().seed(7))
            .run_blocking()
            .unwrap()
    };
    let (few, many) = (counting(3), counting(30));
    let diff = many.report().diff(few.report());
    assert_eq!(diff.runs, [few.id(), many.id()]);
    assert_eq!(diff.statuses, [RunStatus::Succeeded, RunStatus::Failed]);
    let drift = ["the settings or run parameters have changed", "run parameter `rows` has changed"];
    assert_eq!(diff.drift, drift);
    assert!(diff.started.is_empty(), "no command line started them");
    let step = diff.steps.iter().find(|step| step.step == "fails_above_ten").unwrap();
    assert_eq!((step.statuses, step.attempts), ([Status::Succeeded, Status::Failed], [1, 2]));
    assert!(step.ratio.is_some_and(|ratio| ratio > 0.0));
    let [counter] = &diff.counters[..] else { panic!("{:?}", diff.counters) };
    assert_eq!(
        (counter.step.as_str(), counter.counter.as_str(), counter.counts),
        ("counts", "rows", [Some(3), Some(30)])
    );
    assert!(diff.steps.windows(2).all(|pair| pair[0].change() >= pair[1].change()), "the largest first");

    let other = two_steps(false).run_blocking().unwrap();
    let diff = other.report().diff(few.report());
    assert_eq!(diff.added, ["one", "two"]);
    assert_eq!(diff.removed, ["counts", "fails_above_ten"]);
    assert!(diff.drift.contains(&"the graph has changed".to_owned()), "{:?}", diff.drift);
    assert!(diff.steps.is_empty());
}

#[test]
fn a_run_does_not_differ_from_itself() {
    let run = two_steps(false).run_blocking().unwrap();
    let diff = run.report().diff(run.report());
    assert!(
        diff.drift.is_empty() && diff.added.is_empty() && diff.removed.is_empty() && diff.counters.is_empty()
    );
    assert!(diff.steps.iter().all(|step| step.ratio == Some(1.0) && step.statuses[0] == step.statuses[1]));
}
