//! Deadlines over all attempts of a step, over a run, and at a stop; and what such a run leaves behind.

use crate::deadlines::{MS, two_workers};
use crate::support::{
    Door, Gauge, Inside, LIMIT, Recorder, error_of, run_in_time, step_report, until, within,
};
use futures::executor::block_on;
use pipeline::StepDefaults;
use pipeline::graph::Refs;
use pipeline::prelude::*;
use pipeline::*;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

/// E08: a step's deadline covers all attempts and the waits between them: a wait that would exceed it does not begin.
#[test]
fn the_deadline_of_a_step_counts_its_attempts_and_waits() {
    #[step(retries = 9, backoff = "1h", deadline = "30s")]
    fn would_wait_too_long() -> Result<u32, String> {
        Err("no".to_owned())
    }
    #[step(retries = 1_000_000, timeout = "5ms", deadline = "200ms")]
    async fn hangs_again_and_again() -> u32 {
        std::future::pending::<u32>().await
    }
    #[step(retries = 1_000_000, backoff = "5ms", deadline = "200ms")]
    fn fails_again_and_again() -> Result<u32, String> {
        Err("no".to_owned())
    }
    for timings in [true, false] {
        let pipeline = Pipeline::to::<would_wait_too_long>()
            .and::<hangs_again_and_again>()
            .and::<fails_again_and_again>();
        let run = run_in_time(pipeline.settings(Settings::default().timings(timings)));
        assert_eq!(step_report(&run, "would_wait_too_long").attempts, 1);
        assert_eq!(error_of(&run, "would_wait_too_long").1, "no", "it failed before its deadline");
        assert_eq!(step_report(&run, "hangs_again_and_again").status, Status::TimedOut);
        assert!(step_report(&run, "hangs_again_and_again").attempts <= 41);
        assert_eq!(step_report(&run, "fails_again_and_again").status, Status::Failed);
        assert!(step_report(&run, "fails_again_and_again").attempts <= 41);
    }
}

/// E08: default timeouts, of the run and of a group, apply to steps without their own, in every lane.
#[test]
fn a_default_timeout_holds_for_every_step() {
    #[step]
    async fn plain_async() {
        std::future::pending::<()>().await;
    }
    #[step]
    fn plain_cpu(#[resource] door: &Door) {
        door.pass();
    }
    #[step(blocking, group = "dl-slow")]
    fn plain_blocking(#[resource] door: &Door) {
        door.pass();
    }
    #[step]
    fn plain_quick() -> u32 {
        1
    }
    let (_key, door) = Door::closed();
    let pipeline =
        Pipeline::to::<plain_async>().and::<plain_cpu>().and::<plain_blocking>().and::<plain_quick>();
    let settings = Settings::default()
        .defaults(StepDefaults::new().timeout(MS(40)))
        .group("dl-slow", StepDefaults::new().timeout(MS(20)));
    let run = run_in_time(pipeline.resource(door).settings(settings.max_detached(5)));
    assert_eq!(run.report().counts.timed_out, 3);
    assert!(
        error_of(&run, "plain_cpu").1.contains("40ms") && error_of(&run, "plain_blocking").1.contains("20ms")
    );
    assert_eq!(run.output::<plain_quick>(), Ok(&1));
}

#[step]
async fn rd_waits(#[resource] gauge: &Arc<Gauge>) -> u32 {
    let _inside = gauge.enter();
    std::future::pending::<u32>().await
}

#[step(blocking)]
fn rd_hangs(#[resource] door: &Door) -> u32 {
    door.pass();
    1
}

#[step]
fn rd_after(rd_waits: Option<&u32>, rd_hangs: Option<&u32>) -> bool {
    rd_waits.is_some() || rd_hangs.is_some()
}

#[step(retries = 1, backoff = "1h")]
fn rd_backs_off() -> Result<u32, String> {
    Err("no".to_owned())
}

/// E08: at the run's deadline async steps are dropped, threads are detached, and the rest is cancelled, with the
/// reason.
#[test]
fn the_deadline_of_a_run_ends_it_whatever_hangs() {
    for settings in [Settings::default(), Settings::default().timings(false), Settings::default().workers(1)]
    {
        let (_key, door) = Door::closed();
        let gauge = Arc::new(Gauge::default());
        let pipeline = Pipeline::to::<rd_after>().and::<rd_backs_off>();
        let run = run_in_time(
            pipeline.resource(door).resource(Arc::clone(&gauge)).settings(settings.clone().deadline(MS(100))),
        );
        let report = run.report();
        assert_eq!(gauge.now(), 0, "nothing waits any more");
        assert!(report.stopped_because.as_ref().unwrap().contains("deadline of 100ms"));
        assert_eq!(run.status("rd_after"), Ok(Status::Cancelled));
        let counts = report.counts;
        assert_eq!(counts.planned, counts.failed + counts.timed_out + counts.cancelled);
        assert_eq!(report.status, RunStatus::Failed);
        if settings.workers.is_none() {
            assert_eq!(run.status("rd_waits"), Ok(Status::TimedOut));
            assert_eq!(
                (run.status("rd_hangs"), step_report(&run, "rd_hangs").still_running),
                (Ok(Status::TimedOut), 1)
            );
            assert_eq!(
                (run.status("rd_backs_off"), error_of(&run, "rd_backs_off").1),
                (Ok(Status::Failed), "no".into())
            );
        }
    }
}

/// E08: the deadline also ends a run that was stopped and waits for a thread, and a paused run.
#[test]
fn the_deadline_of_a_run_holds_while_it_is_stopped_or_paused() {
    #[step(blocking)]
    fn hangs_first(#[resource] entered: &AtomicBool, #[resource] door: &Door) {
        entered.store(true, Ordering::SeqCst);
        door.pass();
    }
    #[step]
    async fn fails_beside(#[resource] entered: &AtomicBool) -> Result<u32, String> {
        while !entered.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        Err("no".to_owned())
    }
    let (_key, door) = Door::closed();
    let pipeline = Pipeline::to::<hangs_first>().and::<fails_beside>().resource(AtomicBool::new(false));
    let settings = Settings::default().fail_fast(true).deadline(MS(500));
    let stopped = run_in_time(pipeline.resource(door.clone()).settings(settings));
    assert_eq!(stopped.status("fails_beside"), Ok(Status::Failed));
    assert_eq!(
        (stopped.status("hangs_first"), step_report(&stopped, "hangs_first").still_running),
        (Ok(Status::TimedOut), 1)
    );

    let (entered, enters) = mpsc::channel();
    let entered = Mutex::new(entered);
    let pipeline = Pipeline::to::<rd_after>().resource(door).resource(Arc::new(Gauge::default()));
    let handle = pipeline
        .settings(Settings::default().deadline(MS(100)))
        .observe(move |event: &Event<'_>| {
            if let Event::RunStarted { .. } = *event {
                entered.lock().unwrap().send(()).unwrap();
            }
        })
        .start()
        .unwrap();
    enters.recv_timeout(LIMIT).unwrap();
    handle.pause();
    let paused = within(move || block_on(handle.wait()));
    assert_eq!(paused.status("rd_after"), Ok(Status::Cancelled));
}

/// P4: the caller's runtime shuts down at once while a step is detached.
#[test]
fn a_runtime_shuts_down_while_a_step_is_detached() {
    let (_key, door) = Door::closed();
    let pipeline = Pipeline::to::<rd_hangs>()
        .resource(door)
        .settings(Settings::default().defaults(StepDefaults::new().timeout(MS(20))));
    let run = within(move || {
        let runtime = two_workers();
        let run = runtime.block_on(pipeline.run()).unwrap();
        drop(runtime);
        run
    });
    assert_eq!(
        (run.status("rd_hangs"), step_report(&run, "rd_hangs").still_running),
        (Ok(Status::TimedOut), 1)
    );
}

/// E14: a timed-out attempt can see that it was; the rest of the run continues and sees no stop.
#[test]
fn a_timed_out_attempt_sees_that_it_is_cancelled() {
    #[step(blocking, timeout = "20ms")]
    fn looks_up(#[resource] seen: &mpsc::SyncSender<u32>, #[context] cx: &StepContext) {
        while !cx.is_cancelled() {
            std::thread::yield_now();
        }
        seen.send(cx.attempt()).unwrap();
    }
    #[step(blocking, timeout = "20ms")]
    fn has_helper(#[resource] seen: &mpsc::SyncSender<u32>, #[context] cx: &StepContext) {
        block_on(cx.cancelled());
        seen.send(cx.attempt()).unwrap();
    }
    #[step]
    fn goes_on(looks_up: Option<&()>, has_helper: Option<&()>, #[context] cx: &StepContext) -> bool {
        looks_up.is_none() && has_helper.is_none() && !cx.is_cancelled()
    }
    let (seen, sees) = mpsc::sync_channel::<u32>(2);
    let run =
        run_in_time(Pipeline::to::<goes_on>().resource(seen).settings(Settings::default().max_detached(2)));
    assert_eq!(run.output::<goes_on>(), Ok(&true));
    for _ in 0..2 {
        assert_eq!(sees.recv_timeout(LIMIT), Ok(1));
    }
}

/// 2.A: a `no_cancel` future is not dropped at its deadline, but only reported as late; and it is not dropped when
/// the run stops.
#[test]
fn a_no_cancel_future_runs_to_completion() {
    struct Gate(tokio::sync::Semaphore);
    #[step(no_cancel, timeout = "20ms")]
    async fn whole(#[resource] gate: &Gate, #[resource] gauge: &Arc<Gauge>, #[resource] done: &AtomicBool) {
        let _inside = gauge.enter();
        gate.0.acquire().await.unwrap().forget();
        done.store(true, Ordering::SeqCst);
    }
    #[step(no_cancel)]
    async fn whole_at_stop(
        #[resource] gate: &Gate,
        #[resource] gauge: &Arc<Gauge>,
        #[resource] done: &AtomicBool,
    ) {
        let _inside = gauge.enter();
        gate.0.acquire().await.unwrap().forget();
        done.store(true, Ordering::SeqCst);
    }
    let with = |pipeline: Pipeline| {
        let (gate, gauge) = (Arc::new(Gate(tokio::sync::Semaphore::new(0))), Arc::new(Gauge::default()));
        let done = Arc::new(AtomicBool::new(false));
        let pipeline = pipeline.resource(Arc::clone(&gate)).resource(Arc::clone(&gauge));
        (pipeline.resource(Arc::clone(&done)), gate, gauge, done)
    };
    let (pipeline, gate, gauge, done) = with(Pipeline::to::<whole>());
    let late = run_in_time(pipeline);
    assert_eq!((late.status("whole"), step_report(&late, "whole").still_running), (Ok(Status::TimedOut), 1));
    assert_eq!(gauge.now(), 1, "it still runs");
    gate.0.add_permits(1);
    until("it ends", || gauge.now() == 0);
    assert!(done.load(Ordering::SeqCst), "it was not dropped before");

    let (pipeline, gate, gauge, done) = with(Pipeline::to::<whole_at_stop>());
    let handle = pipeline.start().unwrap();
    until("it waits", || gauge.now() == 1);
    handle.stop();
    gate.0.add_permits(1);
    let stopped = within(move || block_on(handle.wait()));
    assert!(done.load(Ordering::SeqCst), "it was not dropped by the stop");
    assert_eq!(stopped.status("whole_at_stop"), Ok(Status::Succeeded));
}

/// 2.B: an async step that blocks its thread is named in an event while it does so, and in the report; a plain `fn`
/// that takes as long is not.
#[test]
fn an_async_step_that_blocks_its_thread_is_named() {
    #[step]
    async fn keeps_thread(#[resource] door: &Door) {
        door.pass();
    }
    #[step]
    fn may_take_long(#[resource] door: &Door) {
        door.pass();
    }
    let (key, door) = Door::closed();
    let named = Arc::new(Mutex::new(Vec::new()));
    let names = Arc::clone(&named);
    let pipeline = Pipeline::to::<keeps_thread>()
        .and::<may_take_long>()
        .resource(door)
        .settings(Settings::default().slow_poll(MS(10)))
        .observe(move |event: &Event<'_>| {
            if let Event::SlowPoll { step, time, .. } = *event {
                names.lock().unwrap().push((step.to_owned(), time >= MS(10)));
                key.open();
            }
        });
    let runtime = two_workers();
    let run = within(move || runtime.block_on(pipeline.run()).unwrap());
    assert!(run.succeeded());
    assert_eq!(*named.lock().unwrap(), [("keeps_thread".to_owned(), true)]);
    assert!(step_report(&run, "keeps_thread").slow_poll.is_some_and(|time| time >= MS(10)));
    assert_eq!(step_report(&run, "may_take_long").slow_poll, None);
}

/// E14: a stopped run waits for threads for its grace time, then detaches them.
#[test]
fn a_stop_waits_at_most_the_grace_time() {
    let (_key, door) = Door::closed();
    let recorder = Recorder::default();
    let settings = Settings::default().grace(MS(20));
    let pipeline = Pipeline::to::<rd_hangs>().resource(door).settings(settings).observe(recorder.clone());
    let handle = pipeline.start().unwrap();
    until("it started", || recorder.started() == ["rd_hangs"]);
    handle.stop();
    let run = within(move || block_on(handle.wait()));
    assert_eq!(
        (run.status("rd_hangs"), step_report(&run, "rd_hangs").still_running),
        (Ok(Status::Cancelled), 1)
    );
    assert!(error_of(&run, "rd_hangs").1.contains("grace"));
    assert_eq!(run.report().status, RunStatus::Cancelled);
}

/// S14 at 1/100: of three services with separate deadlines one hangs: it alone is late, the others are used.
#[test]
fn s14_only_the_service_that_hangs_times_out() {
    #[step(timeout = "30ms")]
    async fn service_3() -> u32 {
        std::future::pending::<u32>().await
    }
    #[step(timeout = "5s")]
    async fn service_5() -> u32 {
        tokio::time::sleep(MS(5)).await;
        5
    }
    #[step(timeout = "10s")]
    async fn service_10() -> u32 {
        tokio::time::sleep(MS(10)).await;
        10
    }
    #[step]
    fn served(#[from(service_3, service_5, service_10)] services: Vec<Option<&u32>>) -> u32 {
        services.into_iter().flatten().sum()
    }
    let run = run_in_time(Pipeline::to::<served>());
    assert_eq!(run.output::<served>(), Ok(&15));
    assert_eq!(run.status("service_3"), Ok(Status::TimedOut));
    let took = step_report(&run, "service_3").duration.unwrap();
    assert!(took >= MS(30) && took < Duration::from_secs(10), "{took:?}");
    assert_eq!(run.report().counts.succeeded, 3);
}

/// 2.B: steps that finish just at their timeout, many times: each ends once, every value is dropped, and no slot is
/// lost.
#[test]
fn steps_that_finish_at_their_deadline_end_once() {
    #[step(blocking, timeout = "2ms")]
    fn just_blocking(#[param] n: u64, #[resource] gauge: &Arc<Gauge>) -> Inside {
        std::thread::sleep(Duration::from_micros(1000 + n * 37 % 2000));
        gauge.enter()
    }
    #[step(timeout = "2ms", retries = 1, idempotent)]
    fn just_cpu(#[param] n: u64, #[resource] gauge: &Arc<Gauge>) -> Inside {
        std::thread::sleep(Duration::from_micros(1000 + n * 41 % 2000));
        gauge.enter()
    }
    #[step(timeout = "2ms", retries = 1)]
    async fn just_io(#[param] n: u64, #[resource] gauge: &Arc<Gauge>) -> Inside {
        tokio::time::sleep(Duration::from_micros(n * 43 % 2500)).await;
        gauge.enter()
    }
    #[step]
    fn just_counts(#[input] all: Vec<Option<&Inside>>) -> usize {
        all.into_iter().flatten().count()
    }
    let mut dag = DagBuilder::new();
    let mut all: Vec<Handle<Inside>> = Vec::new();
    for n in 0..60_u64 {
        let name = format!("s{n}");
        all.push(match n % 3 {
            0 => dag.add::<just_blocking>().named(name).param("n", n).handle(),
            1 => dag.add::<just_cpu>().named(name).param("n", n).handle(),
            _ => dag.add::<just_io>().named(name).param("n", n).handle(),
        });
    }
    dag.add::<just_counts>().inputs("all", all).handle();
    let dag = Arc::new(dag.build().unwrap());
    for round in 0..10 {
        let gauge = Arc::new(Gauge::default());
        let settings = Settings::default().max_detached(1000).workers(1 + round % 8).timings(round % 2 == 0);
        let pipeline = Pipeline::new(Arc::clone(&dag)).settings(settings).resource(Arc::clone(&gauge));
        let run = run_in_time(pipeline);
        let counts = run.report().counts;
        assert_eq!((counts.planned, counts.succeeded + counts.timed_out), (61, 61));
        let succeeded = counts.succeeded - 1;
        assert_eq!(run.output_named::<usize>("just_counts"), Ok(&succeeded));
        drop(run);
        until("every value is dropped", || gauge.now() == 0 && Arc::strong_count(&gauge) == 1);
    }
}

/// A run whose handle, or whose `wait`, is dropped leaves nothing with the watchdog once its steps have ended.
#[test]
fn a_dropped_run_leaves_nothing_behind() {
    let pipeline = || {
        let (held, mut dag) = (Arc::new(()), DagBuilder::new());
        let keeps = Arc::clone(&held);
        dag.io("waits", (), move |Refs(())| {
            let keeps = Arc::clone(&keeps);
            Box::pin(async move {
                std::future::pending::<()>().await;
                let _: () = drop(keeps);
                Ok::<_, Infallible>(())
            })
        });
        let pipeline = Pipeline::new(dag.build().unwrap());
        (pipeline.settings(Settings::default().defaults(StepDefaults::new().timeout(LIMIT))), held)
    };
    let (dropped, held) = pipeline();
    drop(dropped.start().unwrap());
    drop(dropped);
    until("the plan of a dropped handle is dropped", || Arc::strong_count(&held) == 1);

    let (awaited, held) = pipeline();
    two_workers().block_on(async {
        let wait = awaited.start().unwrap().wait();
        assert!(tokio::time::timeout(MS(1), wait).await.is_err(), "the step waits");
    });
    drop(awaited);
    until("the plan of a dropped wait is dropped", || Arc::strong_count(&held) == 1);
}
