//! I24, I23: observers at the start and end of runs and steps.

use std::sync::{Arc, Mutex};

use pipeline::prelude::*;
use pipeline::*;

use crate::support::{quiet, until};

#[step]
fn hk_source() -> u32 {
    1
}

#[step]
fn hk_fails(hk_source: &u32) -> Result<u32, String> {
    Err(format!("reason {hk_source}"))
}

#[step]
fn hk_skipped(hk_fails: &u32) -> u32 {
    *hk_fails
}

/// The lines that an observer wrote, in order, and what writes one.
fn lines() -> (Arc<Mutex<Vec<String>>>, impl Fn(String) + Send + Sync + 'static) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&lines);
    (lines, move |line| written.lock().unwrap().push(line))
}

/// An observer that gets the report of a run that ended.
fn at_the_end(hook: impl Fn(&RunReport) + Send + Sync + 'static) -> impl Observer {
    move |event: &Event<'_>| {
        if let Event::RunFinished { end, .. } = event {
            hook(end.report());
        }
    }
}

#[test]
fn a_closure_sees_the_start_and_end_of_the_run_and_of_each_step() {
    let (lines, write) = lines();
    let run = Pipeline::to::<hk_skipped>()
        .observe(move |event: &Event<'_>| match *event {
            Event::RunStarted { view, .. } => {
                write(format!("{} starts: {}", view.run_id(), view.plan().planned()));
            }
            Event::StepStarted { run_id, step, lane, .. } => write(format!("{run_id} {step} on {lane}")),
            Event::StepFinished { run_id, step, status, error, .. } => {
                let error = error.map_or("", StepError::message);
                write(format!("{run_id} {step} {status} {error}"));
            }
            Event::RunFinished { end, .. } => {
                let report = end.report();
                write(format!("{} ends: {}", report.run_id, report.status));
            }
            _ => {}
        })
        .run_blocking()
        .unwrap();
    let expected = [
        "starts: 3",
        "hk_source on cpu",
        "hk_source succeeded ",
        "hk_fails on cpu",
        "hk_fails failed reason 1",
        "hk_skipped skipped ",
        "ends: failed",
    ];
    let expected = expected.map(|line| format!("{} {line}", run.id()));
    assert_eq!(*lines.lock().unwrap(), expected);
}

#[test]
fn an_observer_of_the_end_gets_the_report_that_the_run_returns() {
    let seen = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&seen);
    let keep = move |run: &RunReport| *keep.lock().unwrap() = Some(run.clone());
    let run = Pipeline::to::<hk_skipped>().observe(at_the_end(keep)).run_blocking().unwrap();
    assert_eq!(seen.lock().unwrap().as_ref(), Some(run.report()));
    assert_eq!(run.report().step("hk_fails").unwrap().error.as_ref().unwrap().message, "reason 1");
}

#[test]
fn an_observer_that_panics_changes_nothing_and_the_others_still_get_their_events() {
    quiet();
    let (lines, write) = lines();
    let run = Pipeline::to::<hk_source>()
        .observe(|_: &Event<'_>| panic!("planted: every event"))
        .observe(at_the_end(move |run| write(run.status.to_string())))
        .run_blocking()
        .unwrap();
    assert!(run.succeeded());
    assert_eq!(*lines.lock().unwrap(), ["succeeded"]);
}

#[test]
fn observers_see_the_end_of_a_run_whose_handle_was_dropped() {
    let (lines, write) = lines();
    let mut dag = DagBuilder::new();
    dag.io("forever", (), |_| Box::pin(async { std::future::pending::<Result<(), String>>().await }));
    let pipeline = Pipeline::new(dag.build().unwrap());
    let handle = pipeline.observe(at_the_end(move |run| write(run.status.to_string()))).start().unwrap();
    drop(handle);
    until("the end is observed", || !lines.lock().unwrap().is_empty());
    assert_eq!(*lines.lock().unwrap(), ["cancelled"]);
}

/// The position in an event is the one in the plan and in the report.
#[test]
fn events_have_the_position_of_their_step_in_plan_and_report() {
    let (lines, write) = lines();
    let run = Pipeline::to::<hk_skipped>().and::<hk_source>().observe(move |event: &Event<'_>| {
        if let Event::StepFinished { step, position, .. } = event {
            write(format!("{position} {step}"));
        }
    });
    let run = run.run_blocking().unwrap();
    let steps = run.report().steps.iter().enumerate();
    let expected: Vec<String> = steps.map(|(position, step)| format!("{position} {}", step.name)).collect();
    assert_eq!(*lines.lock().unwrap(), expected);
}
