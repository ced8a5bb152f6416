//! Stopping: by hand, by dropping the future, from inside; what still ends, and what never starts.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use pipeline::graph::Refs;
use pipeline::prelude::*;
use pipeline::run::OutputError;
use pipeline::*;

use crate::support::{Gauge, LIMIT, Recorder, until};

/// E14: dropping a run's future drops its waiting steps, and no further step starts.
#[tokio::test(start_paused = true)]
async fn dropping_the_future_of_a_run_stops_it() {
    let (gauge, started) = (Arc::new(Gauge::default()), Arc::new(AtomicUsize::new(0)));
    let mut dag = DagBuilder::new();
    let (inside, count) = (Arc::clone(&gauge), Arc::clone(&started));
    let first = dag.io("first", (), move |Refs(())| {
        let inside = inside.enter();
        count.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let _inside = inside;
            tokio::time::sleep(Duration::from_secs(10)).await;
            Ok::<_, Infallible>(1_u32)
        })
    });
    let count = Arc::clone(&started);
    dag.cpu("second", (first,), move |(n,)| {
        count.fetch_add(1, Ordering::SeqCst);
        n + 1
    });
    let pipeline = Pipeline::new(dag.build().unwrap());
    assert!(tokio::time::timeout(Duration::from_secs(5), pipeline.run()).await.is_err());
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!((gauge.peak(), gauge.now()), (1, 0), "the waiting step was dropped");
    assert_eq!(started.load(Ordering::SeqCst), 1, "nothing started afterwards");
}

/// E14: a CPU step cannot be stopped: it ends in the background, and its dependents never start.
#[test]
fn a_cpu_step_of_a_dropped_run_ends_in_the_background() {
    let (entered, enter) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (ended, end) = mpsc::channel();
    let released = std::sync::Mutex::new(released);
    static BEHIND: AtomicBool = AtomicBool::new(false);
    let gauge = Arc::new(Gauge::default());
    let payload = Arc::clone(&gauge);
    let mut dag = DagBuilder::new();
    let long = dag.cpu("long", (), move |()| {
        entered.send(()).unwrap();
        released.lock().unwrap().recv().unwrap();
        ended.send(()).unwrap();
        payload.enter()
    });
    dag.cpu("behind", (long,), |(_,)| BEHIND.store(true, Ordering::SeqCst));
    let handle = Pipeline::new(dag.build().unwrap()).start().unwrap();
    enter.recv_timeout(LIMIT).unwrap();
    drop(handle);
    release.send(()).unwrap();
    end.recv_timeout(LIMIT).unwrap();
    while gauge.peak() == 0 || gauge.now() > 0 {
        std::thread::yield_now();
    }
    assert!(!BEHIND.load(Ordering::SeqCst));
}

/// E14: a stopped run can be awaited, and reports what was cancelled.
#[tokio::test(start_paused = true)]
async fn a_stopped_run_reports_what_was_cancelled() {
    #[step]
    async fn quick() -> u32 {
        1
    }
    #[step]
    async fn slow(quick: &u32) -> u32 {
        tokio::time::sleep(Duration::from_secs(100)).await;
        *quick
    }
    #[step]
    fn behind_slow(slow: Option<&u32>) -> bool {
        slow.is_some()
    }
    let handle = Pipeline::to::<behind_slow>().start().unwrap();
    let (id, stopper) = (handle.id().to_owned(), handle.stopper());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(3)).await;
        stopper.stop();
        stopper.stop();
    });
    let run = handle.wait().await;
    let report = run.report();
    assert_eq!((report.run_id.as_str(), report.status), (id.as_str(), RunStatus::Cancelled));
    assert_eq!((report.counts.succeeded, report.counts.cancelled), (1, 2));
    assert_eq!(report.step("slow").unwrap().error.as_ref().unwrap().kind, FailureKind::Cancelled);
    assert_eq!(report.step("behind_slow").unwrap().status, Status::Cancelled);
    assert!(matches!(
        run.output::<behind_slow>(),
        Err(OutputError::NoOutput { status: Status::Cancelled, .. })
    ));
    assert!(run.into_result().is_err());
}

/// An optional step may fail: a run that is stopped afterwards was stopped and has not failed.
#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_after_an_optional_step_failed_was_stopped() {
    #[step(optional)]
    fn not_missed() -> Result<u32, &'static str> {
        Err("not there")
    }
    #[step]
    async fn waits_long(not_missed: Option<&u32>) -> bool {
        tokio::time::sleep(Duration::from_secs(100)).await;
        not_missed.is_some()
    }
    let handle = Pipeline::to::<waits_long>().start().unwrap();
    let stopper = handle.stopper();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(3)).await;
        stopper.stop();
    });
    let run = handle.wait().await;
    let report = run.report();
    assert_eq!((report.status, report.counts.failed), (RunStatus::Cancelled, 1));
}

/// E14: a long CPU step can check whether the run was stopped.
#[test]
fn a_cpu_step_sees_that_the_run_was_stopped() {
    #[step]
    fn looks(#[resource] entered: &mpsc::SyncSender<()>, #[context] cx: &StepContext) -> bool {
        entered.send(()).unwrap();
        while !cx.is_cancelled() {
            std::thread::yield_now();
        }
        true
    }
    let (entered, enter) = mpsc::sync_channel::<()>(1);
    let handle = Pipeline::to::<looks>().resource(entered).start().unwrap();
    enter.recv_timeout(LIMIT).unwrap();
    handle.stop();
    let run = futures::executor::block_on(handle.wait());
    assert_eq!(run.output::<looks>(), Ok(&true), "it ended by itself, with an output");
    assert!(run.succeeded());
}

/// Stopping before anything could start, and after everything has ended.
#[test]
fn stopping_early_or_late_is_harmless() {
    #[step]
    async fn early() -> u32 {
        tokio::task::yield_now().await;
        1
    }
    for _ in 0..200 {
        let handle = Pipeline::to::<early>().start().unwrap();
        handle.stop();
        let run = futures::executor::block_on(handle.wait());
        assert!(matches!(run.status("early"), Ok(Status::Cancelled | Status::Succeeded)));
        let counts = run.report().counts;
        assert_eq!(counts.planned, counts.succeeded + counts.cancelled);
    }
    let handle = Pipeline::to::<early>().start().unwrap();
    let stopper = handle.stopper();
    let run = futures::executor::block_on(handle.wait());
    stopper.stop();
    assert_eq!(run.output::<early>(), Ok(&1));
    assert_eq!(run.report().status, RunStatus::Succeeded);
}

/// A drop guard that panics when its step is cancelled: the step is cancelled with a note, not failed.
#[tokio::test(start_paused = true)]
async fn a_panic_in_the_drop_of_a_cancelled_future_is_noted() {
    crate::support::quiet_later();
    struct Angry;
    impl Drop for Angry {
        fn drop(&mut self) {
            panic!("planted in a cancelled future");
        }
    }
    let mut dag = DagBuilder::new();
    dag.io("angry", (), |Refs(())| {
        Box::pin(async {
            let _angry = Angry;
            std::future::pending::<()>().await;
            Ok::<_, Infallible>(())
        })
    });
    let handle = Pipeline::new(dag.build().unwrap()).start().unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    handle.stop();
    let run = handle.wait().await;
    let report = run.report().step("angry").unwrap();
    assert_eq!(report.status, Status::Cancelled);
    assert!(report.error.as_ref().unwrap().message.contains("planted in a cancelled future"));
}

/// Runs that are dropped while every lane is busy, many times.
#[test]
fn dropped_runs_leave_nothing_behind() {
    let gauge = Arc::new(Gauge::default());
    let mut dag = DagBuilder::new();
    let mut last: Vec<Handle<crate::support::Inside>> = Vec::new();
    for n in 0..120_usize {
        let gauge = Arc::clone(&gauge);
        let from = if n < 10 { vec![] } else { vec![last[n - 10]] };
        last.push(match n % 3 {
            0 => dag.cpu(format!("s{n}"), from, move |_| gauge.enter()),
            1 => dag.blocking(format!("s{n}"), from, move |_| Ok::<_, Infallible>(gauge.enter())),
            _ => dag.io(format!("s{n}"), from, move |Refs(_)| {
                let inside = gauge.enter();
                Box::pin(async move {
                    tokio::task::yield_now().await;
                    Ok::<_, Infallible>(inside)
                })
            }),
        });
    }
    let pipeline = Pipeline::new(dag.build().unwrap());
    for n in 0..200 {
        let handle = pipeline.start().unwrap();
        for _ in 0..n {
            std::hint::spin_loop();
        }
        drop(handle);
    }
    until("the values of dropped runs are dropped", || gauge.now() == 0);
}

/// In any lane, as the events show.
#[test]
fn no_step_starts_after_a_stop() {
    let recorder = Recorder::default();
    let (entered, enter) = mpsc::sync_channel::<()>(1);
    let mut dag = DagBuilder::new();
    let (release, released) = mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let first = dag.cpu("first", (), move |()| {
        entered.send(()).unwrap();
        released.lock().unwrap().recv().unwrap();
    });
    dag.cpu("cpu", (first,), |((),)| ());
    dag.blocking("blocking", (first,), |((),)| Ok::<_, Infallible>(()));
    dag.io("io", (first,), |Refs(_)| Box::pin(async { Ok::<_, Infallible>(()) }));
    let handle = Pipeline::new(dag.build().unwrap()).observe(recorder.clone()).start().unwrap();
    enter.recv_timeout(LIMIT).unwrap();
    handle.stop();
    release.send(()).unwrap();
    let run = futures::executor::block_on(handle.wait());
    assert_eq!(recorder.started(), ["first"]);
    assert_eq!(run.report().counts.cancelled, 3);
}

/// What an uninterruptible step waits for, and what a test waits for.
#[derive(Default)]
struct Uninterrupted {
    begun: tokio::sync::Notify,
    goes_on: tokio::sync::Notify,
    ended: tokio::sync::Notify,
}

#[step(no_cancel)]
async fn uninterrupted(#[resource] seen: &Arc<Uninterrupted>) -> u32 {
    seen.begun.notify_one();
    seen.goes_on.notified().await;
    seen.ended.notify_one();
    7
}

/// `no_cancel`: a stop waits for the future, as for a thread.
#[tokio::test]
async fn a_stop_waits_for_a_no_cancel_future() {
    let seen = Arc::new(Uninterrupted::default());
    let handle = Pipeline::to::<uninterrupted>().resource(Arc::clone(&seen)).start().unwrap();
    seen.begun.notified().await;
    handle.stop();
    // The step's task runs once: had the stop dropped the future, it would be gone.
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    seen.goes_on.notify_one();
    let run = tokio::time::timeout(LIMIT, handle.wait()).await.unwrap();
    assert_eq!(run.output::<uninterrupted>(), Ok(&7));
}

/// `no_cancel`: a step whose output is no longer needed is detached, and still runs to its end.
#[tokio::test]
async fn an_unused_no_cancel_future_is_detached_and_completes() {
    #[step]
    async fn nn_quick(#[resource] seen: &Arc<Uninterrupted>) -> u32 {
        seen.begun.notified().await;
        2
    }
    #[step]
    fn nn_first(#[from(uninterrupted, nn_quick, first)] first: &u32) -> u32 {
        *first
    }
    let seen = Arc::new(Uninterrupted::default());
    let run = Pipeline::to::<nn_first>().resource(Arc::clone(&seen)).run().await.unwrap();
    assert_eq!((run.output::<nn_first>(), run.succeeded()), (Ok(&2), true));
    let step = run.report().step("uninterrupted").unwrap();
    assert_eq!((step.status, step.still_running), (Status::Cancelled, 1));
    seen.goes_on.notify_one();
    tokio::time::timeout(LIMIT, seen.ended.notified()).await.unwrap();
}
