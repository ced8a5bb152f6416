//! The shapes on `pipeline`: one annotated function per number of inputs and lane, instantiated by a builder.
#![allow(clippy::trivially_copy_pass_by_ref, reason = "a step reads its inputs by reference")]
#![allow(clippy::unused_async, reason = "a no-op step has nothing to await")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pipeline::StepDefaults;
use pipeline::{Dag, DagBuilder, Handle, Lane, Pipeline, Run, Settings, step};

use crate::shapes::{self, Graph};

#[step]
async fn one_async() -> u64 {
    shapes::step([].into_iter())
}

#[step]
async fn next_async(#[input] a: &u64) -> u64 {
    shapes::step([*a].into_iter())
}

#[step]
async fn sum2_async(#[input] a: &u64, #[input] b: &u64) -> u64 {
    shapes::step([*a, *b].into_iter())
}

#[step]
async fn sum3_async(#[input] a: &u64, #[input] b: &u64, #[input] c: &u64) -> u64 {
    shapes::step([*a, *b, *c].into_iter())
}

#[step]
fn one_cpu() -> u64 {
    shapes::step([].into_iter())
}

#[step]
fn next_cpu(#[input] a: &u64) -> u64 {
    shapes::step([*a].into_iter())
}

#[step]
fn sum2_cpu(#[input] a: &u64, #[input] b: &u64) -> u64 {
    shapes::step([*a, *b].into_iter())
}

#[step]
fn sum3_cpu(#[input] a: &u64, #[input] b: &u64, #[input] c: &u64) -> u64 {
    shapes::step([*a, *b, *c].into_iter())
}

/// Builds the graph, resolved and checked.
pub(crate) fn dag(graph: &Graph, lane: Lane) -> Dag {
    let mut builder = DagBuilder::new();
    let mut handles: Vec<Handle<u64>> = Vec::with_capacity(graph.len());
    let is_async = lane == Lane::Io;
    for step in 0..graph.len() {
        let inputs = graph.inputs(step);
        let instance = match (inputs.len(), is_async) {
            (0, true) => builder.add::<one_async>(),
            (1, true) => builder.add::<next_async>(),
            (2, true) => builder.add::<sum2_async>(),
            (_, true) => builder.add::<sum3_async>(),
            (0, false) => builder.add::<one_cpu>(),
            (1, false) => builder.add::<next_cpu>(),
            (2, false) => builder.add::<sum2_cpu>(),
            (_, false) => builder.add::<sum3_cpu>(),
        };
        let named = instance.named(name(step));
        let bound = ["a", "b", "c"]
            .into_iter()
            .zip(inputs)
            .fold(named, |instance, (parameter, &input)| instance.input(parameter, handles[input as usize]));
        handles.push(bound.handle());
    }
    builder.build().expect("the shape is a valid graph")
}

/// A planned pipeline.
pub(crate) fn planned(dag: &Arc<Dag>, timings: bool) -> Pipeline {
    let pipeline = Pipeline::new(Arc::clone(dag)).settings(Settings::default().timings(timings));
    pipeline.plan().expect("the shape can be planned");
    pipeline
}

/// The same with a timeout on every step, which none reaches: each attempt can be given up.
pub(crate) fn planned_with_timeouts(dag: &Arc<Dag>, timings: bool) -> Pipeline {
    let settings =
        Settings::default().timings(timings).defaults(StepDefaults::new().timeout(Duration::from_mins(1)));
    let pipeline = Pipeline::new(Arc::clone(dag)).settings(settings);
    pipeline.plan().expect("the shape can be planned");
    pipeline
}

/// Runs a pipeline and drops the run; both are timed, but not the check in between.
pub(crate) fn timed_run(pipeline: &Pipeline, check: impl FnOnce(&Run)) -> Duration {
    let begun = Instant::now();
    let run = pipeline.run_blocking().expect("the pipeline can be run");
    let ran = begun.elapsed();
    check(&run);
    let begun = Instant::now();
    drop(run);
    ran + begun.elapsed()
}

/// Builds, plans, runs and drops, all timed except the check.
pub(crate) fn timed_build_and_run(graph: &Graph, lane: Lane, check: impl FnOnce(&Run)) -> Duration {
    let begun = Instant::now();
    let dag = Arc::new(dag(graph, lane));
    let pipeline = planned(&dag, false);
    let built = begun.elapsed();
    let ran = timed_run(&pipeline, check);
    let begun = Instant::now();
    drop((pipeline, dag));
    built + ran + begun.elapsed()
}

/// Checks every step's status and every sink's output.
pub(crate) fn check(graph: &Graph, run: &Run) {
    assert!(run.succeeded(), "a step did not succeed");
    let outputs = graph
        .sinks
        .iter()
        .map(|&sink| *run.output_named::<u64>(&name(sink as usize)).expect("the outputs of sinks are kept"));
    graph.check(outputs.fold(0, u64::wrapping_add), "pipeline");
}

fn name(step: usize) -> String {
    format!("s{step}")
}

/// A pipeline of one step, planned beforehand or by the first call; each call runs it and returns the microseconds from
/// the call to the step's start.
pub(crate) fn start_of_step(is_async: bool, planned: bool) -> impl Fn() -> f64 {
    let origin = Instant::now();
    let started = Arc::new(AtomicU64::new(0));
    let mut builder = DagBuilder::new();
    let note = Arc::clone(&started);
    let note = move || note.store(origin.elapsed().as_nanos() as u64, Ordering::Relaxed);
    if is_async {
        let _ = builder.io("only", (), move |_| {
            note();
            Box::pin(async { Ok::<_, std::io::Error>(()) })
        });
    } else {
        let _ = builder.cpu("only", (), move |()| note());
    }
    let pipeline = Pipeline::new(builder.build().expect("a valid graph"));
    if planned {
        pipeline.plan().expect("the graph can be planned");
    }
    move || {
        let called = origin.elapsed().as_nanos() as u64;
        let run = pipeline.run_blocking().expect("the pipeline can be run");
        assert!(run.succeeded(), "the step did not succeed");
        (started.load(Ordering::Relaxed) - called) as f64 / 1e3
    }
}
