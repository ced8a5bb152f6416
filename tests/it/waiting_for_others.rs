//! Bounded loops, and steps that wait for an approval.

use std::ops::ControlFlow;
use std::time::Duration;

use pipeline::prelude::*;
use pipeline::run::{Rejected, RepeatError};
use pipeline::*;

#[step]
fn halved(#[param] distance: u32) -> u32 {
    distance / 2
}

fn round(distance: &u32, _round: u32) -> Result<Pipeline, Problems> {
    Ok(Pipeline::to::<halved>().param("distance", distance))
}

fn judge(
    _: u32,
    run: Run,
) -> Result<ControlFlow<&'static str, u32>, Box<dyn std::error::Error + Send + Sync>> {
    let distance = *run.output::<halved>()?;
    Ok(if distance == 0 { ControlFlow::Break("there") } else { ControlFlow::Continue(distance) })
}

/// F06: a loop ends as soon as it has converged, with the number of rounds.
#[test]
fn a_loop_ends_with_the_round_that_converges() {
    let there = Repeat::at_most(10).run_blocking(9, round, judge).unwrap();
    assert_eq!((there.value, there.rounds), ("there", 4));
}

/// F06: a loop that does not converge ends too, with its last state.
#[tokio::test]
async fn a_loop_that_does_not_converge_is_bounded() {
    let error = Repeat::at_most(3).run(1000, round, judge).await.unwrap_err();
    assert!(error.to_string().contains("no convergence within 3 rounds"), "{error}");
    assert!(matches!(error, RepeatError::NotConverged { rounds: 3, state: 125 }));
}

/// F06: the error of a round that cannot start, or that is stopped, has its number.
#[test]
fn a_failed_loop_reports_its_round() {
    let no_parameter = |_: &u32, _| Ok(Pipeline::to::<halved>());
    let error = Repeat::at_most(3).run_blocking(1, no_parameter, judge).unwrap_err();
    assert!(error.to_string().starts_with("round 1: ") && error.to_string().contains("PL0010"), "{error}");
    let given_up = |_, _| Err::<ControlFlow<(), u32>, _>("enough".into());
    let error = Repeat::at_most(3).run_blocking(1, round, given_up).unwrap_err();
    assert_eq!(error.to_string(), "round 1: enough");
}

#[step(timeout = "1h")]
async fn approval_of_load(#[resource] approvals: &Approvals) -> Result<(), Rejected> {
    approvals.ask("load", "load 7 rows?").await
}

#[step(after(approval_of_load))]
fn approved_load() -> u32 {
    7
}

fn approved() -> (Pipeline, Approvals) {
    let approvals = Approvals::new();
    (Pipeline::to::<approved_load>().resource(approvals.clone()), approvals)
}

/// F07: the approver approves.
#[tokio::test]
async fn a_step_waits_until_it_is_approved() {
    let (pipeline, approvals) = approved();
    let approver = async {
        let request = approvals.next_request().await;
        assert_eq!(request.question, "load 7 rows?");
        assert_eq!(approvals.pending(), [request]);
        assert!(approvals.approve("load"));
        assert!(!approvals.reject("load", "too late"), "the first decision stays");
    };
    let (run, ()) = tokio::join!(pipeline.run(), approver);
    assert_eq!(run.unwrap().output::<approved_load>(), Ok(&7));
    assert_eq!(approvals.pending(), []);
}

/// F07: a rejection is the step's error, and its dependents are skipped.
#[tokio::test]
async fn a_step_that_is_rejected_fails_with_the_reason() {
    let (pipeline, approvals) = approved();
    approvals.reject("load", "not on a Friday");
    let run = pipeline.run().await.unwrap();
    assert_eq!(run.status("approved_load"), Ok(Status::Skipped));
    let error = run.error("approval_of_load").unwrap();
    assert_eq!(error.message(), "`load` was rejected: not on a Friday");
    approvals.forget("load");
    approvals.approve("load");
    assert!(pipeline.run().await.unwrap().succeeded());
}

/// F07: without an answer the step's timeout ends the wait.
#[tokio::test]
async fn an_unanswered_approval_times_out() {
    #[step(timeout = "20ms")]
    async fn unanswered(#[resource] approvals: &Approvals) -> Result<(), Rejected> {
        approvals.ask("load", "anybody?").await
    }
    let pipeline = Pipeline::to::<unanswered>().resource(Approvals::new());
    let run = tokio::time::timeout(Duration::from_secs(20), pipeline.run()).await.unwrap().unwrap();
    assert_eq!(run.status("unanswered"), Ok(Status::TimedOut));
}
