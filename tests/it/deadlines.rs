//! Deadlines: which attempts are given up and when, and what happens to a thread that does not return and to its
//! inputs.
//!
//! Steps that must hang wait at a door or for ever: no test relies on a deadline that could fire early.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use futures::executor::block_on;
use pipeline::prelude::*;
use pipeline::run::OutputError;
use pipeline::*;
use tokio::runtime::Runtime;

use crate::support::{
    Door, Gauge, Inside, LIMIT, Meeting, Recorder, error_of, quiet, rounds, run_in_time, step_report, until,
    within,
};

pub(crate) const MS: fn(u64) -> Duration = Duration::from_millis;

/// A runtime whose workers a test may block.
pub(crate) fn two_workers() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
}

/// E07, P4: a waiting async step is dropped at its deadline, before the run returns; its dependents are skipped.
#[test]
fn an_async_step_that_waits_is_dropped_at_its_deadline() {
    #[step(timeout = "20ms")]
    async fn waits_for_ever(#[resource] gauge: &Arc<Gauge>) -> u32 {
        let _inside = gauge.enter();
        std::future::pending::<()>().await;
        1
    }
    #[step]
    fn behind_waiting(waits_for_ever: &u32) -> u32 {
        *waits_for_ever
    }
    #[step]
    fn sees_timeout(waits_for_ever: Result<&u32, &StepError>) -> FailureKind {
        waits_for_ever.unwrap_err().kind()
    }
    for settings in [Settings::default(), Settings::default().timings(false), Settings::default().workers(1)]
    {
        let gauge = Arc::new(Gauge::default());
        let pipeline = Pipeline::to::<behind_waiting>().and::<sees_timeout>().settings(settings);
        let run = run_in_time(pipeline.resource(Arc::clone(&gauge)));
        assert_eq!((gauge.peak(), gauge.now()), (1, 0), "the future was dropped");
        assert_eq!(run.output::<sees_timeout>(), Ok(&FailureKind::TimedOut));
        let step = step_report(&run, "waits_for_ever");
        assert_eq!((step.status, step.attempts, step.still_running), (Status::TimedOut, 1, 0));
        assert!(error_of(&run, "waits_for_ever").1.contains("timeout of 20ms"));
        assert_eq!(step_report(&run, "behind_waiting").because.as_deref(), Some("waits_for_ever"));
        let report = run.report();
        assert_eq!((report.status, report.counts.timed_out), (RunStatus::Failed, 1));
    }
}

/// E07: a timed-out attempt whose future was dropped may be retried.
#[test]
fn an_async_step_that_timed_out_is_tried_again() {
    #[step(timeout = "20ms", retries = 2)]
    async fn slow_at_first(#[context] cx: &StepContext) -> u32 {
        if cx.attempt() < 3 {
            std::future::pending::<()>().await;
        }
        cx.attempt()
    }
    // On a busy machine its task may have no turn to drop the future. It is detached then, and not retried.
    let had_its_turn = |run: &Run| step_report(run, "slow_at_first").attempts == 3;
    let run = rounds(100).map(|_| run_in_time(Pipeline::to::<slow_at_first>())).find(had_its_turn).unwrap();
    assert_eq!(run.output::<slow_at_first>(), Ok(&3));
    let kinds: Vec<_> =
        step_report(&run, "slow_at_first").failed_attempts.iter().map(|failed| failed.error.kind).collect();
    assert_eq!(kinds, [FailureKind::TimedOut; 2]);
    assert!(run.succeeded());
}

/// 2.B: an async step that blocks its worker is given up on time and reported as blocking. Its late result is
/// discarded, and the run does not wait for it.
#[test]
fn an_async_step_that_blocks_its_worker_is_given_up_on_time() {
    #[step(timeout = "20ms", retries = 3)]
    async fn blocks_worker(#[resource] door: &Door, #[resource] gauge: &Arc<Gauge>) -> Inside {
        door.pass();
        gauge.enter()
    }
    #[step(timeout = "20ms")]
    async fn blocks_later(#[resource] door: &Door, #[resource] gauge: &Arc<Gauge>) -> Inside {
        tokio::task::yield_now().await;
        door.pass();
        gauge.enter()
    }
    #[step]
    fn sees_blocked(blocks_worker: Option<&Inside>) -> bool {
        blocks_worker.is_none()
    }
    #[step]
    fn sees_blocked_later(blocks_later: Option<&Inside>) -> bool {
        blocks_later.is_none()
    }
    for (n, step) in
        ["blocks_worker", "blocks_later", "blocks_worker", "blocks_later"].into_iter().enumerate()
    {
        let (key, door) = Door::closed();
        let gauge = Arc::new(Gauge::default());
        let pipeline =
            if n % 2 == 0 { Pipeline::to::<sees_blocked>() } else { Pipeline::to::<sees_blocked_later>() };
        let settings = Settings::default().timings(n < 2);
        let pipeline = pipeline.settings(settings).resource(door).resource(Arc::clone(&gauge));
        let runtime = Arc::new(two_workers());
        let here = Arc::clone(&runtime);
        let run = within(move || here.block_on(pipeline.run()).unwrap());
        assert_eq!(run.report().counts.succeeded, 1, "its reader ran");
        assert_eq!(
            (step_report(&run, step).status, step_report(&run, step).still_running),
            (Status::TimedOut, 1)
        );
        assert_eq!(step_report(&run, step).attempts, 1, "no second attempt while the first runs");
        assert!(error_of(&run, step).1.contains("blocks the thread"), "{}", error_of(&run, step).1);
        key.open();
        until("the late result is dropped", || gauge.peak() > 0 && gauge.now() == 0);
        assert_eq!(run.status(step), Ok(Status::TimedOut));
        assert!(run.output_named::<Inside>(step).is_err());
    }
}

/// 2.B, P4: a waiting step times out even if every worker is blocked.
#[test]
fn a_waiting_step_times_out_even_if_every_worker_is_blocked() {
    #[step(timeout = "200ms")]
    async fn hangs_beside(#[resource] entered: &AtomicBool) -> u32 {
        tokio::task::yield_now().await;
        entered.store(true, Ordering::SeqCst);
        std::future::pending::<u32>().await
    }
    let (key, door) = Door::closed();
    let entered = Arc::new(AtomicBool::new(false));
    let (ends, end) = mpsc::channel();
    let ends = Mutex::new(ends);
    let pipeline =
        Pipeline::to::<hangs_beside>().resource(Arc::clone(&entered)).observe(move |event: &Event<'_>| {
            if let Event::StepFinished { step, status, .. } = *event {
                ends.lock().unwrap().send((step.to_owned(), status)).unwrap();
            }
        });
    let runtime = two_workers();
    let workers = runtime.handle().clone();
    let running = std::thread::spawn(move || runtime.block_on(pipeline.run()).unwrap());
    until("it waits", || entered.load(Ordering::SeqCst));
    let meeting = Meeting::new(3);
    for _ in 0..2 {
        let (meeting, door) = (Arc::clone(&meeting), door.clone());
        workers.spawn(async move {
            assert!(meeting.meet());
            door.pass();
        });
    }
    assert!(meeting.meet(), "both workers are blocked");
    // Only this test can release them.
    assert_eq!(end.recv_timeout(LIMIT).unwrap(), ("hangs_beside".to_owned(), Status::TimedOut));
    key.open();
    let run = running.join().unwrap();
    assert!(error_of(&run, "hangs_beside").1.contains("timeout of 200ms"));
}

/// Large enough that freeing it unmaps the memory, so a late read would crash.
const LARGE: u64 = 1 << 21;

struct Large(Vec<u64>, #[allow(dead_code, reason = "counts the value")] Inside);

fn sum_of(large: &Large) -> u64 {
    large.0.iter().sum()
}

#[step]
fn large(#[resource] gauge: &Arc<Gauge>) -> Large {
    Large((0..LARGE).collect(), gauge.enter())
}

#[step(timeout = "20ms", cost = 100)]
fn stuck_cpu(large: &Large, #[resource] door: &Door, #[resource] sums: &mpsc::SyncSender<u64>) -> u64 {
    door.pass();
    let sum = sum_of(large);
    sums.send(sum).unwrap();
    sum
}

#[step(blocking, timeout = "20ms", cost = 100)]
fn stuck_blocking(large: &Large, #[resource] door: &Door, #[resource] sums: &mpsc::SyncSender<u64>) -> u64 {
    door.pass();
    let sum = sum_of(large);
    sums.send(sum).unwrap();
    sum
}

#[step]
fn behind_cpu(stuck_cpu: &u64) -> u64 {
    *stuck_cpu
}

#[step]
fn behind_blocking(stuck_blocking: &u64) -> u64 {
    *stuck_blocking
}

#[step(after(large))]
fn other_cpu() -> u32 {
    1
}

#[step(blocking, after(large))]
fn other_blocking() -> u32 {
    2
}

/// 2.B (1), (2), (4), (5), (8): a step that does not return is reported at its deadline, its dependents are skipped,
/// its slot is replaced, and the run returns. Its inputs live as long as its thread reads them, even after the run, the
/// pipeline and every handle are dropped.
#[test]
fn a_step_that_hangs_on_a_thread_is_detached_with_its_inputs() {
    for timings in [true, false] {
        let (key, door) = Door::closed();
        let gauge = Arc::new(Gauge::default());
        let (sums, sum) = mpsc::sync_channel::<u64>(2);
        let settings = Settings::default().cpu(1).blocking(1).timings(timings).max_detached(2);
        let pipeline = Pipeline::to::<behind_cpu>()
            .and::<behind_blocking>()
            .and::<other_cpu>()
            .and::<other_blocking>()
            .settings(settings)
            .resource(door)
            .resource(sums)
            .resource(Arc::clone(&gauge));
        let run = run_in_time(pipeline);
        assert_eq!((run.output::<other_cpu>(), run.output::<other_blocking>()), (Ok(&1), Ok(&2)));
        for (stuck, behind) in [("stuck_cpu", "behind_cpu"), ("stuck_blocking", "behind_blocking")] {
            assert_eq!(
                (step_report(&run, stuck).status, step_report(&run, stuck).still_running),
                (Status::TimedOut, 1)
            );
            assert_eq!(step_report(&run, behind).status, Status::Skipped);
            assert_eq!(step_report(&run, behind).because.as_deref(), Some(stuck));
        }
        drop(run);
        assert_eq!(gauge.now(), 1, "what they read is there");
        key.open();
        for _ in 0..2 {
            assert_eq!(sum.recv_timeout(LIMIT), Ok(LARGE * (LARGE - 1) / 2));
        }
        until("the input is dropped after the last thread that reads it", || gauge.now() == 0);
    }
}

/// 2.B (4): a detached step keeps its named limit until its thread ends.
#[test]
fn a_detached_step_keeps_its_named_limit() {
    #[step(blocking, timeout = "20ms", limit = "dl-db", cost = 100)]
    fn keeps_limit(#[resource] door: &Door, #[resource] began: &Arc<Meeting>) {
        began.meet();
        door.pass();
    }
    #[step(blocking)]
    fn keeper_began(#[resource] began: &Arc<Meeting>) -> bool {
        began.meet()
    }
    #[step(blocking, limit = "dl-db", after(keeper_began))]
    fn wants_limit() -> u32 {
        1
    }
    #[step(blocking, after(keeps_limit))]
    fn behind_keeper() {}
    let (key, door) = Door::closed();
    let recorder = Recorder::default();
    let pipeline = Pipeline::to::<behind_keeper>().and::<wants_limit>();
    let pipeline = pipeline.resource(door).resource(Meeting::new(2)).observe(recorder.clone());
    let handle = pipeline.start().unwrap();
    until("it is given up", || handle.status("behind_keeper") == Ok(Status::Skipped));
    until("the other can ask", || handle.status("keeper_began") == Ok(Status::Succeeded));
    assert!(!recorder.started().contains(&"wants_limit".to_owned()));
    assert_eq!(handle.status("wants_limit"), Ok(Status::Pending));
    key.open();
    let run = within(move || block_on(handle.wait()));
    assert_eq!(run.output::<wants_limit>(), Ok(&1));
}

/// 2.B (7): more detached attempts than `max_detached` stop the run for that reason; exactly that many do not.
#[test]
fn too_many_detached_steps_stop_the_run() {
    #[step(blocking, timeout = "20ms")]
    fn left_a(#[resource] door: &Door) {
        door.pass();
    }
    #[step(blocking, timeout = "20ms")]
    fn left_b(#[resource] door: &Door) {
        door.pass();
    }
    #[step]
    fn after_left(left_a: Option<&()>, left_b: Option<&()>) -> bool {
        left_a.is_none() && left_b.is_none()
    }
    for most in [1, 2] {
        let (_key, door) = Door::closed();
        let settings = Settings::default().max_detached(most);
        let run = run_in_time(Pipeline::to::<after_left>().resource(door).settings(settings));
        let report = run.report();
        assert_eq!((report.status, report.counts.timed_out), (RunStatus::Failed, 2));
        if most == 1 {
            let reason = report.stopped_because.clone().unwrap();
            assert!(reason.contains("`max_detached` = 1") && reason.contains('2'), "{reason}");
            assert_eq!(run.status("after_left"), Ok(Status::Cancelled));
        } else {
            assert_eq!(report.stopped_because, None);
            assert_eq!(run.output::<after_left>(), Ok(&true));
        }
    }
}

/// Waiting steps hold no thread, so they do not count as detached, even if no thread is free to drop them.
#[test]
fn waiting_steps_do_not_count_as_detached() {
    macro_rules! lingering {
        ($($name:ident)*) => {$(
            #[step(timeout = "20ms", no_cancel)]
            async fn $name(#[resource] ends: &tokio::sync::Semaphore) {
                ends.acquire().await.unwrap().forget();
            }
        )*};
    }
    lingering!(lingers_a lingers_b lingers_c);
    #[step]
    fn after_lingering(#[from(lingers_a, lingers_b, lingers_c)] all: Vec<Option<&()>>) -> usize {
        all.into_iter().flatten().count()
    }
    let ends = Arc::new(tokio::sync::Semaphore::new(0));
    let pipeline = Pipeline::to::<after_lingering>().resource(Arc::clone(&ends));
    let run = run_in_time(pipeline.settings(Settings::default().max_detached(0)));
    ends.add_permits(3);
    assert_eq!(run.report().counts.timed_out, 3);
    assert_eq!(run.report().stopped_because, None);
    assert_eq!(run.output::<after_lingering>(), Ok(&0));
}

/// An output cannot be moved out of a run while a thread may read it, but can afterwards.
#[test]
fn an_output_can_be_moved_out_once_no_thread_reads_it() {
    let (key, door) = Door::closed();
    let gauge = Arc::new(Gauge::default());
    let (sums, sum) = mpsc::sync_channel::<u64>(2);
    let pipeline = Pipeline::to::<large>().and::<stuck_cpu>();
    let mut run = run_in_time(pipeline.resource(door).resource(sums).resource(Arc::clone(&gauge)));
    assert!(matches!(run.take_output::<large>(), Err(OutputError::StillRead { step }) if step == "large"));
    assert_eq!(run.output::<large>().map(sum_of), Ok(LARGE * (LARGE - 1) / 2));
    key.open();
    assert!(sum.recv_timeout(LIMIT).is_ok());
    let mut taken = run.take_output::<large>();
    while matches!(taken, Err(OutputError::StillRead { .. })) {
        // The thread is about to leave the run.
        std::thread::yield_now();
        taken = run.take_output::<large>();
    }
    assert_eq!(sum_of(&taken.unwrap()), LARGE * (LARGE - 1) / 2);
    assert!(matches!(run.take_output::<large>(), Err(OutputError::NotKept { .. })));
    assert_eq!(gauge.now(), 0);
}

/// An input that a detached thread still reads cannot be taken: the taker is skipped because of it, and the run has not
/// succeeded, even if the reader itself has a fallback.
#[test]
fn an_input_that_a_detached_step_reads_cannot_be_taken() {
    #[step]
    fn both_want() -> Vec<u64> {
        vec![1, 2, 3]
    }
    #[step(blocking, timeout = "20ms")]
    fn reads_on(both_want: &[u64], #[resource] door: &Door) -> u64 {
        door.pass();
        both_want.iter().sum()
    }
    #[step(blocking, timeout = "20ms", fallback = 0_u64)]
    fn reads_on_with_fallback(both_want: &[u64], #[resource] door: &Door) -> u64 {
        door.pass();
        both_want.iter().sum()
    }
    #[step]
    fn takes_it(both_want: Vec<u64>, #[from(reads_on)] _reader: Option<&u64>) -> usize {
        both_want.len()
    }
    #[step]
    fn takes_it_too(both_want: Vec<u64>, #[from(reads_on_with_fallback)] _reader: &u64) -> usize {
        both_want.len()
    }
    let (_key, door) = Door::closed();
    let failed = run_in_time(Pipeline::to::<takes_it>().resource(door.clone()));
    assert_eq!(step_report(&failed, "takes_it").status, Status::Skipped);
    assert_eq!(step_report(&failed, "takes_it").because.as_deref(), Some("reads_on"));
    let fell_back = run_in_time(Pipeline::to::<takes_it_too>().resource(door));
    assert!(step_report(&fell_back, "reads_on_with_fallback").fallback_used);
    assert_eq!(step_report(&fell_back, "takes_it_too").status, Status::Skipped);
    assert_eq!(step_report(&fell_back, "takes_it_too").because.as_deref(), Some("reads_on_with_fallback"));
    assert!(!fell_back.succeeded(), "a step that was wanted did not run");
    assert_eq!(fell_back.report().status, RunStatus::Failed);
    let why = fell_back.output::<takes_it_too>().unwrap_err().to_string();
    assert!(why.contains("reads_on_with_fallback"), "{why}");
}

/// 2.B (6): a step is not retried while its attempt still runs, unless it is idempotent. Then the late first attempt
/// does not overwrite the second, whichever ends first.
#[test]
fn only_an_idempotent_step_is_retried_while_an_attempt_runs() {
    struct Made(u32, #[allow(dead_code, reason = "counts the value")] Inside);
    #[step(blocking, timeout = "20ms", retries = 2)]
    fn not_idempotent(#[resource] door: &Door) {
        door.pass();
    }
    #[step(blocking, timeout = "20ms", retries = 2, idempotent)]
    fn second_wins(
        #[resource] door: &Door,
        #[resource] gauge: &Arc<Gauge>,
        #[context] cx: &StepContext,
    ) -> Made {
        if cx.attempt() == 1 {
            door.pass();
        }
        Made(cx.attempt(), gauge.enter())
    }
    let (key, door) = Door::closed();
    let gauge = Arc::new(Gauge::default());
    let pipeline = Pipeline::to::<second_wins>().and::<not_idempotent>();
    let run = run_in_time(pipeline.resource(door).resource(Arc::clone(&gauge)));
    assert_eq!(
        (step_report(&run, "not_idempotent").attempts, run.status("not_idempotent")),
        (1, Ok(Status::TimedOut))
    );
    let step = step_report(&run, "second_wins");
    assert_eq!((step.status, step.attempts, step.still_running), (Status::Succeeded, 2, 1));
    assert_eq!(run.output::<second_wins>().map(|made| made.0), Ok(2));
    key.open();
    until("the first attempt ends, and its output is dropped", || gauge.peak() == 2 && gauge.now() == 1);
    assert_eq!(run.output::<second_wins>().map(|made| made.0), Ok(2));
}

/// The same if the first attempt ends while the second runs.
#[test]
fn a_late_first_attempt_does_not_end_the_step_during_the_second() {
    struct Made(u32, #[allow(dead_code, reason = "counts the value")] Inside);
    struct FirstDoor(Mutex<Option<crate::support::Key>>, Door);
    #[step(blocking, timeout = "100ms", retries = 1, idempotent)]
    fn overtaken(
        #[resource] first: &FirstDoor,
        #[resource] gauge: &Arc<Gauge>,
        #[context] cx: &StepContext,
    ) -> Result<Made, String> {
        if cx.attempt() == 1 {
            first.1.pass();
            return Ok(Made(1, gauge.enter()));
        }
        drop(first.0.lock().unwrap().take());
        while gauge.peak() == 0 || gauge.now() > 0 {
            if cx.is_cancelled() {
                return Err("the first attempt did not end in time".to_owned());
            }
            std::thread::yield_now();
        }
        Ok(Made(2, gauge.enter()))
    }
    let (key, door) = Door::closed();
    let gauge = Arc::new(Gauge::default());
    let first = FirstDoor(Mutex::new(Some(key)), door);
    let run = run_in_time(Pipeline::to::<overtaken>().resource(first).resource(Arc::clone(&gauge)));
    // On a very busy machine the second may be late as well; the first one's output is never the step's.
    match run.output::<overtaken>() {
        Ok(made) => assert_eq!(made.0, 2),
        Err(_) => assert_eq!(run.status("overtaken"), Ok(Status::TimedOut)),
    }
}

/// A07, 2.B: a late attempt changes nothing, whether it fails, panics, or returns an output whose drop panics.
#[test]
fn the_result_of_a_late_attempt_changes_nothing() {
    quiet();
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("planted in a late output");
        }
    }
    #[step(blocking, timeout = "20ms")]
    fn late_bomb(#[resource] door: &Door, #[resource] ended: &AtomicU32) -> Bomb {
        door.pass();
        ended.fetch_add(1, Ordering::SeqCst);
        Bomb
    }
    #[step(blocking, timeout = "20ms")]
    fn late_panic(#[resource] door: &Door, #[resource] ended: &AtomicU32) -> u32 {
        door.pass();
        ended.fetch_add(1, Ordering::SeqCst);
        panic!("planted in a late attempt")
    }
    #[step(blocking, timeout = "20ms")]
    fn late_error(#[resource] door: &Door, #[resource] ended: &AtomicU32) -> Result<u32, String> {
        door.pass();
        ended.fetch_add(1, Ordering::SeqCst);
        Err("late".to_owned())
    }
    let (key, door) = Door::closed();
    let ended = Arc::new(AtomicU32::new(0));
    let pipeline = Pipeline::to::<late_bomb>().and::<late_panic>().and::<late_error>();
    let pipeline =
        pipeline.resource(door).resource(Arc::clone(&ended)).settings(Settings::default().max_detached(3));
    let mut run = run_in_time(pipeline);
    key.open();
    until("the late attempts end", || ended.load(Ordering::SeqCst) == 3);
    for step in ["late_bomb", "late_panic", "late_error"] {
        assert_eq!(run.status(step), Ok(Status::TimedOut), "{step}");
        assert_eq!(run.error(step).unwrap().kind(), FailureKind::TimedOut);
    }
    assert!(run.take_output::<late_bomb>().is_err());
    drop(run);
}
