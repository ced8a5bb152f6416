//! Past defects, each with the smallest program that showed it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pipeline::graph::{ProblemCode, Refs, StepSpec};
use pipeline::prelude::*;
use pipeline::run::{GivenOutput, OutputError};
use pipeline::*;

use crate::support::{Recorder, alone, quiet};

/// An output whose drop panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("planted in a drop");
    }
}

#[test]
fn an_output_that_was_moved_out_is_not_read_again() {
    #[step]
    fn numbers() -> Vec<u64> {
        (0..64).collect()
    }
    let mut run = Pipeline::to::<numbers>().run_blocking().unwrap();
    let moved = run.take_output::<numbers>().unwrap();
    assert!(matches!(run.output::<numbers>(), Err(OutputError::NotKept { .. })));
    assert!(matches!(run.output_named::<Vec<u64>>("numbers"), Err(OutputError::NotKept { .. })));
    assert!(matches!(run.take_output::<numbers>(), Err(OutputError::NotKept { .. })));
    assert!(run.available().is_empty(), "nothing can be read any more");
    assert_eq!(moved.len(), 64);
}

#[test]
fn a_runtime_that_shuts_down_during_a_run_does_not_overflow_the_stack() {
    if !alone("regressions::a_runtime_that_shuts_down_during_a_run_does_not_overflow_the_stack") {
        return;
    }
    let mut dag = DagBuilder::new();
    for n in 0..1000_u32 {
        dag.io(format!("step_{n}"), (), |Refs(())| {
            Box::pin(async {
                tokio::time::sleep(Duration::from_hours(1)).await;
                Ok::<_, String>(())
            })
        });
    }
    let pipeline = Pipeline::new(dag.build().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let handle = runtime.block_on(async {
        let handle = pipeline.start().unwrap();
        tokio::task::yield_now().await;
        handle
    });
    drop(runtime);
    let run = futures::executor::block_on(handle.wait());
    assert!(!run.succeeded());
    assert_eq!(run.report().counts.cancelled, 1000);
}

#[test]
fn a_spawned_run_that_the_runtime_drops_ends_quietly() {
    if !alone("regressions::a_spawned_run_that_the_runtime_drops_ends_quietly") {
        return;
    }
    for _ in 0..50 {
        let mut dag = DagBuilder::new();
        for n in 0..300_u32 {
            dag.io(format!("step_{n}"), (), |Refs(())| {
                Box::pin(async {
                    tokio::task::yield_now().await;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    Ok::<_, String>(())
                })
            });
            dag.cpu(format!("cpu_{n}"), (), |()| ());
        }
        let pipeline = Pipeline::new(dag.build().unwrap());
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (begun, wait) = std::sync::mpsc::channel();
        drop(runtime.spawn(async move {
            let handle = pipeline.start().unwrap();
            begun.send(()).unwrap();
            handle.wait().await
        }));
        wait.recv().unwrap();
        drop(runtime);
    }
}

#[test]
fn run_blocking_works_inside_of_another_block_on() {
    #[step]
    fn one() -> u32 {
        1
    }
    let run = futures::executor::block_on(async { Pipeline::to::<one>().run_blocking() }).unwrap();
    assert_eq!(run.output::<one>(), Ok(&1));
}

#[test]
fn run_blocking_inside_an_async_step_completes() {
    if !alone("regressions::run_blocking_inside_an_async_step_completes") {
        return;
    }
    #[step]
    async fn inner() -> u32 {
        tokio::task::yield_now().await;
        1
    }
    #[step]
    async fn middle() -> u32 {
        *Pipeline::to::<inner>().run_blocking().unwrap().output::<inner>().unwrap() + 1
    }
    #[step]
    async fn outer() -> u32 {
        *Pipeline::to::<middle>().run_blocking().unwrap().output::<middle>().unwrap() + 1
    }
    let run = Pipeline::to::<outer>().run_blocking().unwrap();
    assert_eq!(run.output::<outer>(), Ok(&3));
}

#[test]
fn an_output_can_be_moved_out_as_soon_as_the_run_has_ended() {
    #[step]
    async fn waits() -> Vec<u8> {
        tokio::task::yield_now().await;
        vec![1]
    }
    let pipeline = Pipeline::to::<waits>();
    for _ in 0..3000 {
        let mut run = pipeline.run_blocking().unwrap();
        assert_eq!(run.take_output::<waits>(), Ok(vec![1]));
    }
}

#[test]
fn a_panic_in_a_parameter_default_is_a_problem_not_a_panic_of_run() {
    quiet();
    #[step]
    fn reads(#[param(default = boom())] width: u32) -> u32 {
        width
    }
    fn boom() -> u32 {
        panic!("planted in a default")
    }
    let outcome =
        std::panic::catch_unwind(|| Pipeline::to::<reads>().run_blocking().map(|run| run.succeeded()));
    assert!(matches!(outcome, Ok(Err(_) | Ok(false))), "the panic left the framework");
}

#[test]
fn a_panic_while_an_override_is_made_is_a_failure_not_a_panic_of_run() {
    quiet();
    #[step]
    fn source() -> u32 {
        1
    }
    let pipeline = Pipeline::to::<source>()
        .with_output_named("source", GivenOutput::from_fn(|| -> u32 { panic!("planted in an override") }));
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        pipeline.run_blocking().map(|run| run.succeeded())
    }));
    assert!(matches!(outcome, Ok(Err(_) | Ok(false))), "the panic left the framework");
}

#[test]
fn an_after_edge_inside_a_part_stays_inside_each_copy() {
    static ORDER: AtomicUsize = AtomicUsize::new(0);
    #[step]
    fn part_setup() {
        ORDER.fetch_add(1, Ordering::SeqCst);
    }
    #[step(after(part_setup))]
    fn part_work() -> u32 {
        1
    }
    let part = || {
        let mut part = DagBuilder::new();
        let _ = part.add::<part_work>();
        part
    };
    let mut dag = DagBuilder::new();
    let _ = dag.include("a", part());
    let _ = dag.include("b", part());
    let dag = dag.build().unwrap();
    let names: Vec<&str> = dag.steps().iter().map(StepSpec::name).collect();
    assert!(names.contains(&"a/part_setup") && names.contains(&"b/part_setup"), "{names:?}");
    assert_eq!(dag.upstream(dag.find("b/part_work").unwrap()), [dag.find("b/part_setup").unwrap() as u32]);
    ORDER.store(0, Ordering::SeqCst);
}

#[test]
fn a_pattern_inside_a_part_collects_the_parts_own_steps() {
    #[step]
    fn glob_shard(#[param(default = 1)] n: u32) -> u32 {
        n
    }
    #[step]
    fn glob_sum(#[from("glob_part_*")] shards: Vec<&u32>) -> u32 {
        shards.into_iter().sum()
    }
    let part = |n: u32| {
        let mut part = DagBuilder::new();
        let _ = part.add::<glob_shard>().named("glob_part_1").param("n", n);
        let _ = part.add::<glob_shard>().named("glob_part_2").param("n", n);
        let _ = part.add::<glob_sum>();
        part
    };
    let mut dag = DagBuilder::new();
    let _ = dag.include("a", part(1));
    let _ = dag.include("b", part(10));
    let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
    assert_eq!(run.output_named::<u32>("a/glob_sum"), Ok(&2));
    assert_eq!(run.output_named::<u32>("b/glob_sum"), Ok(&20));
}

#[test]
fn an_ambiguous_path_input_is_a_problem_in_a_part_as_well() {
    #[step]
    fn twin() -> u32 {
        1
    }
    #[step]
    fn reads_twin(twin: &u32) -> u32 {
        *twin
    }
    let part = || {
        let mut part = DagBuilder::new();
        let _ = part.add::<twin>().named("x");
        let _ = part.add::<twin>().named("y");
        let _ = part.add::<reads_twin>();
        part
    };
    assert!(part().build().unwrap_err().has(ProblemCode::AmbiguousName));
    let mut dag = DagBuilder::new();
    let _ = dag.include("p", part());
    assert!(dag.build().unwrap_err().has(ProblemCode::AmbiguousName));
}

#[test]
fn fail_fast_stops_at_an_output_whose_drop_panics() {
    quiet();
    #[step]
    fn bomb() -> Bomb {
        Bomb
    }
    #[step]
    fn reader(bomb: &Bomb) -> u32 {
        let _ = bomb;
        1
    }
    #[step]
    fn later(reader: &u32) -> u32 {
        *reader
    }
    let run = Pipeline::to::<later>().settings(Settings::default().fail_fast(true)).run_blocking().unwrap();
    assert_eq!(run.status("bomb"), Ok(Status::Failed));
    assert_eq!(run.status("later"), Ok(Status::Cancelled));
}

#[test]
fn a_run_whose_future_is_dropped_still_reports_its_end_to_observers() {
    use crate::support::Seen;
    let recorder = Recorder::default();
    let (started, mut starts) = tokio::sync::mpsc::unbounded_channel::<()>();
    let started = Arc::new(started);
    let mut dag = DagBuilder::new();
    dag.io("waits", (), move |Refs(())| {
        let started = Arc::clone(&started);
        Box::pin(async move {
            started.send(()).unwrap();
            std::future::pending::<()>().await;
            Ok::<_, String>(())
        })
    });
    let pipeline = Pipeline::new(dag.build().unwrap()).observe(recorder.clone());
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let run = tokio::spawn(async move { pipeline.run().await.map(|_| ()) });
        starts.recv().await.unwrap();
        run.abort();
        let _ = run.await;
        // Virtual time: everything else that can happen does so first.
        tokio::time::sleep(Duration::from_secs(1)).await;
    });
    assert!(matches!(recorder.seen().last(), Some(Seen::RunFinished(_, false))), "{:?}", recorder.seen());
}

#[test]
fn a_step_that_takes_an_output_and_also_reads_it_is_refused() {
    #[step]
    fn both_ways() -> Vec<u8> {
        vec![1; 100]
    }
    #[step]
    fn takes_and_reads(both_ways: Vec<u8>, #[from("both_ways")] again: &Vec<u8>) -> bool {
        std::ptr::eq(both_ways.as_ptr(), again.as_ptr())
    }
    #[step]
    fn template(#[input] owned: Vec<u8>, #[input] others: Vec<&Vec<u8>>) -> usize {
        owned.len() + others.len()
    }
    let problems = Pipeline::to::<takes_and_reads>().plan().map(|_| ()).unwrap_err();
    assert!(
        problems.has(ProblemCode::SecondTaker) || problems.has(ProblemCode::InvalidBinding),
        "{problems}"
    );
    let mut dag = DagBuilder::new();
    let source = dag.cpu("source", (), |()| vec![1_u8]);
    let other = dag.cpu("other", (), |()| vec![1_u8]);
    let _ = dag.add::<template>().input("owned", source).inputs("others", [other, source]);
    assert!(dag.build().is_err(), "the taken value would be read after it was moved");
}

#[test]
fn a_handle_that_a_builder_never_made_is_a_problem() {
    let mut one = DagBuilder::new();
    one.cpu("pad", (), |()| ());
    one.cpu("pad2", (), |()| ());
    let foreign = one.cpu("foreign", (), |()| 1_u32);
    let mut two = DagBuilder::new();
    two.cpu("reader", (foreign,), |(foreign,)| *foreign);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| two.build()));
    assert!(matches!(outcome, Ok(Err(_))), "a problem instead of a panic or a graph");
}

#[test]
fn a_panic_in_a_drop_does_not_make_later_steps_depend_on_timing() {
    quiet();
    #[step]
    fn timed_bomb() -> Bomb {
        Bomb
    }
    #[step]
    fn last_reader(timed_bomb: &Bomb) -> u32 {
        let _ = timed_bomb;
        1
    }
    #[step(after(timed_bomb))]
    fn early() -> u32 {
        1
    }
    // After the same step, but waiting until its output is dropped.
    #[step(after(timed_bomb))]
    fn late(last_reader: &u32, early: &u32) -> u32 {
        last_reader + early
    }
    let run = Pipeline::to::<late>().run_blocking().unwrap();
    assert_eq!(run.report().step("timed_bomb").unwrap().error.as_ref().unwrap().kind, FailureKind::DropPanic);
    assert_eq!(run.status("early"), Ok(Status::Succeeded), "the function had succeeded");
    assert_eq!(run.status("late"), Ok(Status::Succeeded), "the function had succeeded");
}
