//! Where a pipeline can be run from, how often, and how many at once.

use std::convert::Infallible;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use pipeline::graph::Refs;
use pipeline::limits::{Breaker, LimitSettings};
use pipeline::prelude::*;
use pipeline::run::Executor;
use pipeline::*;

use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::support::{Gauge, LIMIT, within};

#[step]
fn rt_numbers() -> Vec<u64> {
    (0..100).collect()
}

#[step]
async fn rt_waited(rt_numbers: &[u64]) -> u64 {
    tokio::task::yield_now().await;
    rt_numbers.iter().sum()
}

#[step(blocking)]
fn rt_blocked(rt_numbers: &[u64]) -> u64 {
    rt_numbers.len() as u64
}

#[step]
async fn rt_result(rt_waited: &u64, rt_blocked: &u64) -> u64 {
    rt_waited * 1000 + rt_blocked
}

const RESULT: u64 = 4_950_100;

fn pipeline() -> Pipeline {
    Pipeline::to::<rt_result>()
}

fn check(run: &Run) {
    assert_eq!(run.output::<rt_result>(), Ok(&RESULT));
}

/// `run` inside both kinds of runtime.
#[tokio::test]
async fn run_works_in_a_current_thread_runtime() {
    check(&pipeline().run().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_works_in_a_multi_thread_runtime() {
    check(&pipeline().run().await.unwrap());
}

/// `run` without tokio.
#[test]
fn run_works_under_block_on_without_tokio() {
    check(&futures::executor::block_on(pipeline().run()).unwrap());
}

/// `run_blocking` outside a runtime, and inside both kinds.
#[test]
fn run_blocking_works_outside_of_a_runtime() {
    check(&pipeline().run_blocking().unwrap());
}

#[tokio::test]
async fn run_blocking_works_inside_of_a_current_thread_runtime() {
    check(&pipeline().run_blocking().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn run_blocking_works_inside_of_a_multi_thread_runtime() {
    check(&pipeline().run_blocking().unwrap());
}

/// `run_blocking` inside CPU steps, five deep, one slot each (P6).
#[test]
fn run_blocking_works_inside_of_steps_five_deep() {
    fn nested(depth: u32) -> u64 {
        if depth == 0 {
            return *pipeline()
                .settings(Settings::default().workers(1))
                .run_blocking()
                .unwrap()
                .output::<rt_result>()
                .unwrap();
        }
        let mut dag = DagBuilder::new();
        dag.cpu("deeper", (), move |()| nested(depth - 1));
        dag.blocking("waits", (), move |()| Ok::<_, Infallible>(depth));
        let pipeline = Pipeline::new(dag.build().unwrap()).settings(Settings::default().cpu(1).workers(1));
        *pipeline.run_blocking().unwrap().output_named::<u64>("deeper").unwrap()
    }
    assert_eq!(nested(5), RESULT);
}

/// `run().await` inside async steps, five deep, in a runtime with one thread.
#[tokio::test]
async fn run_works_inside_of_async_steps_five_deep() {
    fn nested(depth: u32) -> futures::future::BoxFuture<'static, u64> {
        Box::pin(async move {
            if depth == 0 {
                return *pipeline()
                    .settings(Settings::default().workers(1))
                    .run()
                    .await
                    .unwrap()
                    .output::<rt_result>()
                    .unwrap();
            }
            let mut dag = DagBuilder::new();
            dag.io("deeper", (), move |Refs(())| {
                Box::pin(async move { Ok::<_, Infallible>(nested(depth - 1).await) })
            });
            let run = Pipeline::new(dag.build().unwrap())
                .settings(Settings::default().workers(1))
                .run()
                .await
                .unwrap();
            *run.output_named::<u64>("deeper").unwrap()
        })
    }
    assert_eq!(nested(5).await, RESULT);
}

/// B03, H01: repeated runs of one pipeline give the same result, and it is planned once.
#[test]
fn one_pipeline_runs_many_times() {
    let pipeline = pipeline();
    let plan = pipeline.plan().unwrap();
    for _ in 0..200 {
        check(&pipeline.run_blocking().unwrap());
    }
    assert!(Arc::ptr_eq(&plan, &pipeline.plan().unwrap()));
    assert!(
        !Arc::ptr_eq(&plan, &pipeline.and::<rt_numbers>().plan().unwrap()),
        "another target, another plan"
    );
}

/// C20: fifty runs of one pipeline at once, each with its own values.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_runs_at_once_do_not_disturb_each_other() {
    #[step]
    async fn echo(#[param] n: u64) -> u64 {
        tokio::task::yield_now().await;
        n
    }
    #[step]
    fn doubled(echo: &u64) -> u64 {
        echo * 2
    }
    let base = Pipeline::to::<doubled>();
    let pipelines: Vec<Pipeline> = (0..50_u64).map(|n| base.clone().param("n", n)).collect();
    let runs = futures::future::join_all(pipelines.iter().map(Pipeline::run)).await;
    let mut ids = std::collections::HashSet::new();
    for (n, run) in runs.into_iter().enumerate() {
        let run = run.unwrap();
        assert_eq!(run.output::<doubled>(), Ok(&(2 * n as u64)));
        ids.insert(run.id().to_owned());
    }
    assert_eq!(ids.len(), 50);
}

/// C20: fifty threads that block on one pipeline each.
#[test]
fn fifty_threads_run_one_pipeline_at_once() {
    let pipeline = pipeline();
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| check(&pipeline.run_blocking().unwrap()));
        }
    });
}

/// C20: an executor bounds the runs under way, reaches the bound, and lists them.
#[tokio::test(start_paused = true)]
async fn an_executor_bounds_the_runs_under_way() {
    let executor = Executor::new(3).unwrap();
    let (gauge, listed) = (Arc::new(Gauge::default()), Arc::new(Gauge::default()));
    let mut dag = DagBuilder::new();
    let (inside, clone, most) = (Arc::clone(&gauge), executor.clone(), Arc::clone(&listed));
    dag.io("waits", (), move |Refs(())| {
        let (inside, executor, most) = (Arc::clone(&inside), clone.clone(), Arc::clone(&most));
        Box::pin(async move {
            let _inside = inside.enter();
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            let live: Vec<_> = executor.live().iter().map(|_| most.enter()).collect();
            Ok::<_, Infallible>(live.len())
        })
    });
    let pipeline = Pipeline::new(dag.build().unwrap());
    let begun = tokio::time::Instant::now();
    let runs = futures::future::join_all((0..30).map(|_| executor.run(&pipeline))).await;
    assert!(runs.into_iter().all(|run| run.unwrap().succeeded()));
    assert_eq!(begun.elapsed().as_secs(), 10, "three at a time");
    assert_eq!(gauge.peak(), 3);
    assert_eq!(listed.peak(), 3);
    assert!(executor.live().is_empty());
}

/// C20: a refused run frees its place, and so does a dropped one.
#[tokio::test(start_paused = true)]
async fn every_end_of_a_run_frees_its_place_in_the_executor() {
    #[step]
    async fn for_ever() {
        std::future::pending::<()>().await;
    }
    #[step]
    fn refused(#[param] missing: u32) -> u32 {
        missing
    }
    let executor = Executor::new(1).unwrap();
    assert!(executor.run(&Pipeline::to::<refused>()).await.is_err());
    let second = std::time::Duration::from_secs(1);
    let endless = Pipeline::to::<for_ever>();
    assert!(tokio::time::timeout(second, executor.run(&endless)).await.is_err());
    assert!(executor.live().is_empty());
    check(&executor.run(&pipeline()).await.unwrap());
}

/// Every way of running reports the same problems.
#[test]
fn every_way_of_running_reports_the_same_problems() {
    #[step]
    fn lacks(#[param] it: u32) -> u32 {
        it
    }
    let pipeline = Pipeline::to::<lacks>();
    let first = pipeline.run_blocking().unwrap_err();
    assert_eq!(futures::executor::block_on(pipeline.run()).unwrap_err(), first);
    assert_eq!(pipeline.start().map(|_| ()).unwrap_err(), first);
    assert_eq!(pipeline.check().unwrap_err(), first);
}

/// Sync steps may make a runtime and block on it, wherever the pipeline is run from.
#[step]
fn own_runtime() -> u32 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::task::yield_now().await;
        1
    })
}

#[step]
fn own_block_on() -> u32 {
    futures::executor::block_on(async { 1 })
}

#[test]
fn sync_steps_may_block_on_futures() {
    let run = Pipeline::to::<own_runtime>().and::<own_block_on>().run_blocking().unwrap();
    assert!(run.succeeded(), "{}", run.report());
    let run = futures::executor::block_on(Pipeline::to::<own_runtime>().and::<own_block_on>().run()).unwrap();
    assert!(run.succeeded(), "{}", run.report());
}

#[tokio::test]
async fn sync_steps_may_block_on_futures_inside_a_runtime() {
    let pipeline = Pipeline::to::<own_runtime>().and::<own_block_on>();
    let run = pipeline.run().await.unwrap();
    assert!(run.succeeded(), "{}", run.report());
    let run = pipeline.run_blocking().unwrap();
    assert!(run.succeeded(), "{}", run.report());
}

#[step(retries = 2, backoff = "5ms")]
fn rt_flaky(#[context] cx: &StepContext) -> Result<u32, String> {
    if cx.attempt() < 3 { Err("busy".to_owned()) } else { Ok(1) }
}

#[step(retries = 2)]
async fn rt_flaky_at_once(#[context] cx: &StepContext) -> Result<u32, String> {
    tokio::task::yield_now().await;
    if cx.attempt() < 3 { Err("busy".to_owned()) } else { Ok(1) }
}

#[step(limit = "rt-slow", retries = 2)]
async fn rt_rated(#[context] cx: &StepContext) -> Result<u32, String> {
    if cx.attempt() < 3 { Err("busy".to_owned()) } else { Ok(1) }
}

#[step(limit = "rt-broken", retries = 1000, backoff = "2ms")]
fn rt_broken(#[context] cx: &StepContext) -> Result<u32, String> {
    if cx.attempt() == 1 { Err("busy".to_owned()) } else { Ok(1) }
}

#[step(timeout = "5ms")]
async fn rt_hangs() {
    std::future::pending::<()>().await;
}

/// A pipeline that waits for all that a step can wait for: attempts, rates, breakers, timeouts.
fn waits() -> Pipeline {
    let slow = LimitSettings::new(1);
    #[cfg(feature = "rate")]
    let slow = slow.rate(pipeline::limits::RateLimit::new(200, Duration::from_secs(1)));
    let breaker = LimitSettings::new(1).breaker(Breaker::new(1, Duration::from_millis(5)));
    let settings = Settings::default().limit("rt-slow", slow).limit("rt-broken", breaker);
    let pipeline = Pipeline::to::<rt_flaky>().and::<rt_flaky_at_once>().and::<rt_rated>().and::<rt_broken>();
    pipeline.and::<rt_hangs>().settings(settings)
}

fn check_waits(run: &Run) {
    let ended = [run.output::<rt_flaky>(), run.output::<rt_flaky_at_once>(), run.output::<rt_rated>()];
    assert_eq!((ended, run.output::<rt_broken>()), ([Ok(&1), Ok(&1), Ok(&1)], Ok(&1)), "{}", run.report());
    assert_eq!((run.status("rt_hangs"), run.report().counts.timed_out), (Ok(Status::TimedOut), 1));
}

/// A run needs nothing of the caller's runtime but that it runs tasks: no timer, no IO, and only one thread.
#[test]
fn a_run_waits_in_a_runtime_without_a_timer() {
    let current = || Builder::new_current_thread().build().unwrap();
    let many = || Builder::new_multi_thread().worker_threads(2).build().unwrap();
    for runtime in [current(), many()] {
        check_waits(&within(move || runtime.block_on(waits().run()).unwrap()));
    }
    check_waits(&within(move || current().block_on(async { waits().run_blocking().unwrap() })));
    check_waits(&within(move || LocalSet::new().block_on(&current(), waits().run()).unwrap()));
    let spawned = async { tokio::task::spawn_local(async { waits().run().await }).await.unwrap().unwrap() };
    check_waits(&within(move || LocalSet::new().block_on(&many(), spawned)));
}

/// A runtime that is shut down ends the run, which says why; so does one that was shut down before.
#[test]
fn a_runtime_that_shuts_down_during_a_run_is_the_reason_for_its_end() {
    #[step]
    async fn rt_endless(#[resource] entered: &mpsc::SyncSender<()>) {
        entered.send(()).unwrap();
        std::future::pending::<()>().await;
    }
    #[step]
    fn rt_after(rt_endless: &()) {
        let () = rt_endless;
    }
    let told = |run: &Run| {
        let why = run.report().stopped_because.clone().unwrap_or_default();
        assert!(why.contains("runtime of the run was shut down"), "{why}");
        assert_eq!(run.report().status, RunStatus::Cancelled);
    };
    for count in [1, 2] {
        let (entered, enters) = mpsc::sync_channel::<()>(1);
        let runtime = Builder::new_multi_thread().worker_threads(count).build().unwrap();
        let pipeline = Pipeline::to::<rt_after>().resource(entered);
        let handle = runtime.block_on(async { pipeline.start().unwrap() });
        enters.recv_timeout(LIMIT).unwrap();
        runtime.shutdown_background();
        told(&within(move || futures::executor::block_on(handle.wait())));
    }
    let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let gone = runtime.handle().clone();
    drop(runtime);
    let _entered = gone.enter();
    let (entered, _enters) = mpsc::sync_channel::<()>(1);
    told(&futures::executor::block_on(Pipeline::to::<rt_after>().resource(entered).run()).unwrap());
    check(&pipeline().run_blocking().unwrap());
}
