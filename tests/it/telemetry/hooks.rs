//! I24, I23: hooks at the start and end of runs and steps.

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

/// The calls of one pipeline's hooks, in order.
fn told() -> (Arc<Mutex<Vec<String>>>, impl Fn(String) + Clone + Send + Sync + 'static) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    (told, move |line| tell.lock().unwrap().push(line))
}

#[test]
fn hooks_are_called_at_the_start_and_end_of_the_run_and_of_each_step() {
    let (told, tell) = told();
    let (starts, step_starts, step_ends, ends) = (tell.clone(), tell.clone(), tell.clone(), tell);
    let run = Pipeline::to::<hk_skipped>()
        .on_run_start(move |run| starts(format!("{} starts: {}", run.run_id(), run.plan().planned())))
        .on_step_start(move |step| step_starts(format!("{} {} on {}", step.run_id, step.step, step.lane)))
        .on_step_end(move |step| {
            let error = step.error.map_or("", StepError::message);
            step_ends(format!("{} {} {} {error}", step.run_id, step.step, step.status));
        })
        .on_run_end(move |run| ends(format!("{} ends: {}", run.run_id, run.status)))
        .run_blocking()
        .unwrap();
    let lines = [
        "starts: 3",
        "hk_source on cpu",
        "hk_source succeeded ",
        "hk_fails on cpu",
        "hk_fails failed reason 1",
        "hk_skipped skipped ",
        "ends: failed",
    ];
    let wanted = lines.map(|line| format!("{} {line}", run.id()));
    assert_eq!(*told.lock().unwrap(), wanted);
}

#[test]
fn the_end_hook_receives_the_report_of_the_run() {
    let seen = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&seen);
    let keep = move |run: &RunReport| *keep.lock().unwrap() = Some(run.clone());
    let run = Pipeline::to::<hk_skipped>().on_run_end(keep).run_blocking().unwrap();
    assert_eq!(seen.lock().unwrap().as_ref(), Some(run.report()));
    assert_eq!(run.report().step("hk_fails").unwrap().error.as_ref().unwrap().message, "reason 1");
}

#[test]
fn a_hook_that_panics_changes_nothing_and_other_hooks_still_run() {
    quiet();
    let (told, tell) = told();
    let run = Pipeline::to::<hk_source>()
        .on_run_start(|_| panic!("planted: run start"))
        .on_step_start(|_| panic!("planted: step start"))
        .on_step_end(|_| panic!("planted: step end"))
        .on_run_end(|_| panic!("planted: run end"))
        .on_run_end(move |run| tell(run.status.to_string()))
        .run_blocking()
        .unwrap();
    assert!(run.succeeded());
    assert_eq!(*told.lock().unwrap(), ["succeeded"]);
}

#[test]
fn the_end_of_a_dropped_run_is_reported_too() {
    let (told, tell) = told();
    let mut dag = DagBuilder::new();
    dag.io("forever", (), |_| Box::pin(async { std::future::pending::<Result<(), String>>().await }));
    let pipeline = Pipeline::new(dag.build().unwrap());
    let handle = pipeline.on_run_end(move |run| tell(run.status.to_string())).start().unwrap();
    drop(handle);
    until("the hook is called", || !told.lock().unwrap().is_empty());
    assert_eq!(*told.lock().unwrap(), ["cancelled"]);
}

/// The position in an event is the one in the plan and in the report.
#[test]
fn events_have_the_position_of_their_step_in_plan_and_report() {
    let (told, tell) = told();
    let run = Pipeline::to::<hk_skipped>().and::<hk_source>().observe(move |event: &Event<'_>| {
        if let Event::StepFinished { step, position, .. } = event {
            tell(format!("{position} {step}"));
        }
    });
    let run = run.run_blocking().unwrap();
    let steps = run.report().steps.iter().enumerate();
    let wanted: Vec<String> = steps.map(|(position, step)| format!("{position} {}", step.name)).collect();
    assert_eq!(*told.lock().unwrap(), wanted);
}
