//! Steps that wait for a limit while their run is stopped, paused or resized.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use futures::executor::block_on;
use pipeline::graph::Refs;
use pipeline::limits::LimitSettings;
use pipeline::prelude::*;
use pipeline::*;

use crate::support::{
    Clock, Gauge, LIMIT, Meeting, Recorder, Slept, many, nap, quiet, run_in_time, spans, within,
};

/// Waits for the end of a run that may hang.
#[track_caller]
fn end(handle: RunHandle) -> Run {
    within(move || block_on(handle.wait()))
}

/// A step on a thread that signals its start, and ends when the test opens the door.
struct Door {
    begun: Sender<()>,
    open: std::sync::Mutex<Receiver<()>>,
}

impl Door {
    /// The resources for the step; for the test, the signal that it has started, and the key that ends it.
    fn new() -> (Arc<Door>, Receiver<()>, Sender<()>) {
        let ((begun, has_begun), (open, opened)) = (channel(), channel());
        (Arc::new(Door { begun, open: std::sync::Mutex::new(opened) }), has_begun, open)
    }

    fn pass(&self) {
        self.begun.send(()).unwrap();
        let _ = self.open.lock().unwrap().recv_timeout(LIMIT);
    }
}

#[step(blocking, limit = "pk-db")]
fn pk_holds(#[resource] door: &Arc<Door>) {
    door.pass();
}
#[step(limit = "pk-db")]
fn pk_cpu(#[resource] gauge: &Arc<Gauge>) {
    let _inside = gauge.enter();
}
#[step(limit("pk-db", "pk-other"))]
async fn pk_io(#[resource] gauge: &Arc<Gauge>) {
    let _inside = gauge.enter();
}
#[step(exclusive)]
fn pk_alone(#[resource] gauge: &Arc<Gauge>) {
    let _inside = gauge.enter();
}

fn holding(others: usize, limits: &Limits, door: &Arc<Door>, gauge: &Arc<Gauge>) -> Pipeline {
    let mut dag = DagBuilder::new();
    let _ = dag.add::<pk_holds>().named("holds");
    many::<pk_cpu>(&mut dag, "cpu", others);
    many::<pk_io>(&mut dag, "io", others);
    many::<pk_alone>(&mut dag, "alone", usize::from(others > 0));
    Pipeline::new(dag.build().unwrap()).limits(limits).resource(Arc::clone(door)).resource(Arc::clone(gauge))
}

/// Asserts that the limits are unused: no step holds or waits, and another run can use them.
#[track_caller]
fn assert_usable(limits: &Limits) {
    for limit in limits.snapshot() {
        assert_eq!((limit.in_use, limit.waiting), (0, 0), "`{}`", limit.name);
    }
    let mut dag = DagBuilder::new();
    many::<pk_cpu>(&mut dag, "cpu", 3);
    many::<pk_io>(&mut dag, "io", 3);
    let gauge = Arc::new(Gauge::default());
    let run = run_in_time(Pipeline::new(dag.build().unwrap()).limits(limits).resource(gauge));
    assert!(run.succeeded());
}

/// E14, P1: a run that is stopped while steps wait for a limit cancels them, ends, and leaves the limit free.
#[test]
fn a_stop_cancels_the_steps_that_wait_for_a_limit() {
    let (limits, gauge) = (Limits::new(), Arc::new(Gauge::default()));
    let (door, begun, open) = Door::new();
    let handle = holding(30, &limits, &door, &gauge).start().unwrap();
    begun.recv_timeout(LIMIT).unwrap();
    handle.stop();
    open.send(()).unwrap();
    let run = end(handle);
    let counts = run.report().counts;
    assert_eq!(counts.planned, 62);
    assert_eq!(counts.succeeded + counts.cancelled, 62, "{counts:?}");
    assert_eq!(run.status("holds"), Ok(Status::Succeeded));
    assert_usable(&limits);
}

/// E14, C16: a step that is detached after the grace time keeps its limit, but the run ends: it does not wait for steps
/// that wait for the limit or to be alone.
#[test]
fn a_detached_step_delays_neither_waiting_steps_nor_the_run() {
    for (others, alone) in [(3, 0), (0, 1), (3, 1)] {
        let (limits, gauge) = (Limits::new(), Arc::new(Gauge::default()));
        let (door, begun, open) = Door::new();
        let mut dag = DagBuilder::new();
        let _ = dag.add::<pk_holds>().named("holds");
        many::<pk_cpu>(&mut dag, "cpu", others);
        many::<pk_alone>(&mut dag, "alone", alone);
        let pipeline = Pipeline::new(dag.build().unwrap())
            .limits(&limits)
            .settings(Settings::default().grace(Duration::from_millis(5)))
            .resource(Arc::clone(&door))
            .resource(Arc::clone(&gauge));
        let handle = pipeline.start().unwrap();
        begun.recv_timeout(LIMIT).unwrap();
        handle.stop();
        let run = end(handle);
        assert_eq!(limits.snapshot()[0].in_use, 1, "the thread still uses it");
        assert_eq!(run.status("holds"), Ok(Status::Cancelled));
        open.send(()).unwrap();
        drop(run);
        // When the thread has ended, the limit is free: a run that needs it ends.
        let mut dag = DagBuilder::new();
        many::<pk_cpu>(&mut dag, "cpu", 1);
        let next = Pipeline::new(dag.build().unwrap()).limits(&limits).resource(gauge);
        assert!(run_in_time(next).succeeded());
    }
}

/// E04, E14: the same if a failure stops the run.
#[test]
fn fail_fast_cancels_the_steps_that_wait_for_a_limit() {
    quiet();
    #[step(limit = "pk-db", fail_fast)]
    fn pf_fails() -> Result<(), String> {
        Err("planted".to_owned())
    }
    for by_setting in [false, true] {
        let (limits, gauge) = (Limits::new(), Arc::new(Gauge::default()));
        let mut dag = DagBuilder::new();
        let _ = dag.add::<pf_fails>().named("fails");
        many::<pk_cpu>(&mut dag, "cpu", 30);
        many::<pk_io>(&mut dag, "io", 30);
        many::<pk_alone>(&mut dag, "alone", 1);
        let pipeline = Pipeline::new(dag.build().unwrap()).limits(&limits).resource(gauge);
        let run = run_in_time(pipeline.settings(Settings::default().fail_fast(by_setting)));
        let counts = run.report().counts;
        assert_eq!((counts.failed, counts.failed + counts.succeeded + counts.cancelled), (1, 62));
        assert_usable(&limits);
    }
}

/// E14, C16: the waiting steps of another run stay in the queue.
#[test]
fn a_stop_leaves_the_waiting_steps_of_another_run_alone() {
    let (limits, gauge) = (Limits::new(), Arc::new(Gauge::default()));
    let (door, begun, open) = Door::new();
    let holds = holding(0, &limits, &door, &gauge).start().unwrap();
    begun.recv_timeout(LIMIT).unwrap();
    let waiting = |count: usize| {
        let mut dag = DagBuilder::new();
        many::<pk_cpu>(&mut dag, "cpu", count);
        Pipeline::new(dag.build().unwrap()).limits(&limits).resource(Arc::clone(&gauge)).start().unwrap()
    };
    let (stopped, stays) = (waiting(5), waiting(7));
    stopped.stop();
    let stopped = end(stopped);
    assert_eq!(stopped.report().counts.cancelled, 5, "it ends without waiting for the holder of the limit");
    open.send(()).unwrap();
    assert!(end(stays).succeeded());
    assert!(end(holds).succeeded());
    assert_usable(&limits);
}

/// E14, P1: a stop at any moment, even between a grant and the start, leaves no limit in use, even while the ended run
/// is still held.
#[test]
fn a_stop_at_any_moment_leaves_nothing_of_a_limit_in_use() {
    #[step(limit("pr-db" = 2, "pr-api"))]
    fn pr_cpu() {}
    #[step(limit = "pr-db")]
    async fn pr_io() {
        tokio::task::yield_now().await;
    }
    #[step(blocking, limit = "pr-api")]
    fn pr_blocking() {}
    let limits = Limits::new().limit("pr-db", LimitSettings::new(3));
    let mut kept = Vec::new();
    for round in 0..150 {
        let mut dag = DagBuilder::new();
        many::<pr_cpu>(&mut dag, "cpu", 40);
        many::<pr_io>(&mut dag, "io", 40);
        many::<pr_blocking>(&mut dag, "blocking", 40);
        let handle = Pipeline::new(dag.build().unwrap()).limits(&limits).start().unwrap();
        (0..round * 5).for_each(|_| std::hint::spin_loop());
        (0..round % 7).for_each(|_| std::thread::yield_now());
        handle.stop();
        let run = end(handle);
        let counts = run.report().counts;
        assert_eq!(counts.succeeded + counts.cancelled, 120);
        for limit in limits.snapshot() {
            assert_eq!((limit.in_use, limit.waiting), (0, 0), "`{}` in round {round}", limit.name);
        }
        kept.push(run);
    }
}

/// E15: while a run is paused no step starts, parked or not, and the run does not end; then it continues.
#[tokio::test(start_paused = true)]
async fn nothing_starts_while_a_run_is_paused() {
    #[step(limit = "pp-db")]
    async fn pp_limited(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    #[step(exclusive)]
    async fn pp_alone(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    let mut dag = DagBuilder::new();
    many::<pp_limited>(&mut dag, "limited", 4);
    many::<pp_alone>(&mut dag, "alone", 1);
    let (clock, recorder) = (Clock::start(), Recorder::default());
    let pipeline = Pipeline::new(dag.build().unwrap()).resource(clock).observe(recorder.clone());
    let handle = pipeline.start().unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    handle.pause();
    handle.pause();
    let started = recorder.started().len();
    let mut wait = std::pin::pin!(handle.wait());
    let early = tokio::time::timeout(Duration::from_hours(1), &mut wait).await;
    assert!(early.is_err(), "a paused run does not end");
    assert_eq!(recorder.started().len(), started);
    drop(early);
}

/// E15: after resuming, parked steps run, and nothing is lost.
#[tokio::test(start_paused = true)]
async fn a_paused_run_can_be_resumed() {
    #[step(limit = "pg-db")]
    async fn pg_limited(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    #[step]
    async fn pg_free(#[input] from: Vec<&Slept>, #[resource] clock: &Clock) -> Slept {
        let _ = from;
        nap(clock, 100).await
    }
    let mut dag = DagBuilder::new();
    let limited = many::<pg_limited>(&mut dag, "limited", 4);
    let _ = dag.add::<pg_free>().named("last").inputs("from", limited);
    let clock = Clock::start();
    let handle = Pipeline::new(dag.build().unwrap()).keep_all().resource(clock).start().unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    handle.pause();
    tokio::time::sleep(Duration::from_millis(850)).await;
    handle.resume();
    handle.resume();
    let run = handle.wait().await;
    assert!(run.succeeded());
    let mut starts: Vec<u128> = spans(&run, "").iter().map(|span| span.from).collect();
    starts.sort_unstable();
    assert_eq!(starts, [0, 100, 1000, 1100, 1200]);
}

/// E15, E14: a stop ends a paused run; pausing an ended run does nothing.
#[test]
fn a_stop_ends_a_paused_run() {
    let mut dag = DagBuilder::new();
    let first = dag.io("first", (), |Refs(())| Box::pin(async { Ok::<_, std::convert::Infallible>(1) }));
    dag.cpu("second", (first,), |(first,)| first + 1);
    let pipeline = Pipeline::new(dag.build().unwrap());
    for _ in 0..50 {
        let handle = pipeline.start().unwrap();
        handle.pause();
        handle.stop();
        handle.pause();
        let run = end(handle);
        assert_eq!(run.report().counts.planned, 2);
        assert_ne!(run.report().status, RunStatus::Failed);
    }
}

/// E15: repeated pausing loses no step, in any lane, limited or not.
#[test]
fn repeated_pauses_lose_no_step() {
    let (limits, gauge) = (Limits::new(), Arc::new(Gauge::default()));
    for _ in 0..20 {
        let mut dag = DagBuilder::new();
        many::<pk_cpu>(&mut dag, "cpu", 100);
        many::<pk_io>(&mut dag, "io", 100);
        many::<pk_alone>(&mut dag, "alone", 3);
        for n in 0..100 {
            dag.cpu(format!("free_{n}"), (), |()| std::thread::yield_now());
        }
        let pipeline = Pipeline::new(dag.build().unwrap()).limits(&limits).resource(Arc::clone(&gauge));
        let handle = pipeline.start().unwrap();
        for _ in 0..50 {
            handle.pause();
            std::thread::yield_now();
            handle.resume();
        }
        assert_eq!(end(handle).report().counts.succeeded, 303);
    }
}

/// C09, C16
#[test]
fn slots_can_change_while_steps_wait_for_a_limit() {
    let (limits, gauge) = (Limits::new(), Arc::new(Gauge::default()));
    for _ in 0..20 {
        let (door, begun, open) = Door::new();
        let handle = holding(30, &limits, &door, &gauge).start().unwrap();
        begun.recv_timeout(LIMIT).unwrap();
        for slots in [1, 5, 1, 2, 8] {
            for lane in Lane::ALL {
                handle.resize(lane, slots).unwrap();
            }
        }
        open.send(()).unwrap();
        assert_eq!(end(handle).report().counts.succeeded, 62);
    }
    assert_usable(&limits);
}

/// C16, C19: a capacity of zero pauses waiting steps; more capacity starts them.
#[test]
fn a_capacity_can_change_while_steps_wait_for_it() {
    #[step(blocking, limit = "pc-db")]
    fn pc_meets(#[resource] meeting: &Arc<Meeting>) -> bool {
        meeting.meet()
    }
    let limits = Limits::new().limit("pc-db", LimitSettings::new(0));
    let mut dag = DagBuilder::new();
    many::<pc_meets>(&mut dag, "meets", 3);
    let handle =
        Pipeline::new(dag.build().unwrap()).limits(&limits).resource(Meeting::new(3)).start().unwrap();
    limits.set_capacity("pc-db", 3);
    let run = end(handle);
    assert!((0..3).all(|n| run.output_named::<bool>(&format!("meets_{n}")) == Ok(&true)), "all at once");
}
