//! Runs whose runtime has no thread left: async steps block all of them, also after they were given up.

use std::sync::{Arc, Mutex, mpsc};

use futures::executor::block_on;
use pipeline::prelude::*;
use pipeline::*;

use crate::deadlines::{MS, two_workers};
use crate::support::{Door, LIMIT, Meeting, error_of, within};

#[step(timeout = "50ms")]
async fn bw_one(#[resource] blocked: &Blocked) {
    blocked.block();
}

#[step(timeout = "50ms")]
async fn bw_other(#[resource] blocked: &Blocked) {
    blocked.block();
}

/// Where both steps block their threads, once each of them has one.
struct Blocked(Arc<Meeting>, Door);

impl Blocked {
    fn new(door: Door) -> Blocked {
        Blocked(Meeting::new(2), door)
    }

    fn block(&self) {
        assert!(self.0.meet());
        self.1.pass();
    }
}

#[step(priority = 1)]
async fn bw_waits() {
    std::future::pending::<()>().await;
}

#[step]
async fn bw_comes_later(bw_one: Option<&()>, bw_other: Option<&()>) -> bool {
    bw_one.is_none() && bw_other.is_none()
}

#[step]
fn bw_on_a_thread(bw_one: Option<&()>, bw_other: Option<&()>) -> bool {
    bw_one.is_none() && bw_other.is_none()
}

#[step(retries = 1, backoff = "1ms")]
fn bw_tried_again(bw_on_a_thread: &bool, #[context] cx: &StepContext) -> Result<u32, String> {
    if *bw_on_a_thread && cx.attempt() == 1 { Err("once".to_owned()) } else { Ok(cx.attempt()) }
}

fn blocking() -> Pipeline {
    Pipeline::to::<bw_one>().and::<bw_other>()
}

/// Runs a pipeline on a runtime with two threads, which stay blocked until the run has ended.
fn run_blocked(pipeline: Pipeline) -> Run {
    let (key, door) = Door::closed();
    let runtime = two_workers();
    let pipeline = pipeline.resource(Blocked::new(door));
    within(move || {
        let run = runtime.block_on(pipeline.run()).unwrap();
        key.open();
        run
    })
}

fn stopped_because(run: &Run) -> &str {
    run.report().stopped_because.as_deref().unwrap_or_default()
}

fn says_who_blocks(told: &str) {
    let who =
        "`bw_one`, `bw_other` block all 2 threads that can run async steps: make such a step a plain `fn`";
    assert!(told.contains(who), "{told}");
}

/// E07, E14: a run whose steps have all ended ends at once, though all threads are still blocked; steps on other threads run, and
/// are tried again.
#[test]
fn a_run_ends_with_its_last_step_though_all_workers_are_blocked() {
    for _ in 0..20 {
        let run = run_blocked(blocking());
        assert_eq!((run.report().counts.timed_out, stopped_because(&run)), (2, ""));
    }
    let run = run_blocked(blocking().and::<bw_tried_again>());
    assert_eq!((run.output::<bw_tried_again>(), stopped_because(&run)), (Ok(&2), ""));
}

/// E07: an async step that has no thread left ends with its run, which says who blocks; as many threads left behind as there are
/// is enough, whatever `max_detached` is.
#[test]
fn a_run_without_a_thread_for_its_async_steps_is_stopped() {
    for pipeline in [blocking().and::<bw_waits>(), blocking().and::<bw_comes_later>()] {
        let run = run_blocked(pipeline.settings(Settings::default().max_detached(9)));
        assert!(stopped_because(&run).starts_with("no async step could continue"), "{}", run.report());
        says_who_blocks(stopped_because(&run));
        let counts = run.report().counts;
        assert_eq!((counts.timed_out, counts.cancelled), (2, 1));
    }
    let run = run_blocked(blocking().and::<bw_waits>());
    says_who_blocks(&error_of(&run, "bw_waits").1);
}

/// E08: the same at the deadline of the run.
#[test]
fn the_deadline_of_a_run_holds_though_all_workers_are_blocked() {
    for pipeline in [blocking().and::<bw_waits>(), blocking().and::<bw_comes_later>()] {
        let run = run_blocked(pipeline.settings(Settings::default().deadline(MS(150)).max_detached(9)));
        assert!(stopped_because(&run).contains("deadline of 150ms"), "{}", stopped_because(&run));
        says_who_blocks(stopped_because(&run));
    }
}

/// E14: the same when the run is stopped, without a grace time.
#[test]
fn a_stop_ends_a_run_though_all_workers_are_blocked() {
    for pipeline in [blocking().and::<bw_waits>(), blocking().and::<bw_comes_later>()] {
        let (ends, end) = mpsc::channel();
        let ends = Mutex::new(ends);
        let runtime = two_workers();
        // Opened before the runtime is dropped, which waits for its threads.
        let (_key, door) = Door::closed();
        let pipeline = pipeline.resource(Blocked::new(door)).observe(move |event: &Event<'_>| {
            if let Event::StepFinished { status: Status::TimedOut, .. } = *event {
                ends.lock().unwrap().send(()).unwrap();
            }
        });
        let handle = runtime.block_on(async { pipeline.start().unwrap() });
        (0..2).for_each(|_| end.recv_timeout(LIMIT).unwrap());
        handle.stop();
        let run = within(move || block_on(handle.wait()));
        says_who_blocks(stopped_because(&run));
        assert_eq!((run.report().counts.timed_out, run.report().counts.cancelled), (2, 1));
    }
}
