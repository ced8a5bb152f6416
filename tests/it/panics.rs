//! Panics of user code: contained, reported, and without effect on other steps.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pipeline::graph::Refs;
use pipeline::prelude::*;
use pipeline::*;

use crate::support::{Gauge, Recorder, alone, quiet};

fn error_of(run: &Run, step: &str) -> (FailureKind, String) {
    let report = run.report().step(step).unwrap();
    assert_eq!(report.status, Status::Failed, "{step}");
    let error = report.error.clone().unwrap();
    (error.kind, error.message)
}

/// E13: sync, async at the first poll, async after a wait: the step fails with message and location, the rest runs.
#[test]
fn a_panic_fails_its_step_with_message_and_place() {
    // In a child process, because `quiet` silences the hook that records the location.
    if !alone("panics::a_panic_fails_its_step_with_message_and_place") {
        return;
    }
    #[step]
    fn sync_panic() -> u32 {
        panic!("planted {}", 1)
    }
    #[step]
    async fn first_poll() -> u32 {
        panic!("planted 2")
    }
    #[step]
    async fn after_wait() -> u32 {
        tokio::task::yield_now().await;
        panic!("planted 3")
    }
    #[step(blocking)]
    fn blocking_panic() -> u32 {
        let none: Option<u32> = None;
        none.expect("planted 4")
    }
    #[step]
    fn unharmed() -> u32 {
        1
    }
    #[step]
    fn behind_panics(sync_panic: &u32, first_poll: &u32, after_wait: &u32, blocking_panic: &u32) -> u32 {
        sync_panic + first_poll + after_wait + blocking_panic
    }
    let pipeline = Pipeline::to::<behind_panics>().and::<unharmed>();
    for pipeline in [pipeline.clone(), pipeline.settings(Settings::default().workers(1))] {
        let run = pipeline.run_blocking().unwrap();
        assert_eq!(run.output::<unharmed>(), Ok(&1));
        for (n, step) in ["sync_panic", "first_poll", "after_wait", "blocking_panic"].iter().enumerate() {
            let (kind, message) = error_of(&run, step);
            assert_eq!(kind, FailureKind::Panic);
            assert!(message.contains(&format!("planted {}", n + 1)), "{message}");
            assert!(message.contains("panics.rs:"), "{message}");
        }
        assert_eq!(run.report().step("behind_panics").unwrap().because.as_deref(), Some("sync_panic"));
        assert_eq!(run.report().counts.failed, 4);
    }
}

/// E13: a payload that is not text, and one whose drop panics.
#[test]
fn a_panic_payload_may_panic_in_its_drop() {
    quiet();
    struct Hostile;
    impl Drop for Hostile {
        fn drop(&mut self) {
            panic!("planted in a payload's drop");
        }
    }
    #[step]
    fn hostile_payload() -> u32 {
        std::panic::panic_any(Hostile)
    }
    #[step]
    async fn hostile_later() -> u32 {
        tokio::task::yield_now().await;
        std::panic::panic_any(Hostile)
    }
    #[step]
    fn sees_both(hostile_payload: Option<&u32>, hostile_later: Option<&u32>) -> bool {
        hostile_payload.is_none() && hostile_later.is_none()
    }
    let run = Pipeline::to::<sees_both>().run_blocking().unwrap();
    assert_eq!(run.output::<sees_both>(), Ok(&true));
    assert_eq!(error_of(&run, "hostile_payload").0, FailureKind::Panic);
}

#[derive(Debug)]
struct Unprintable;
impl fmt::Display for Unprintable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("planted in Display")
    }
}
impl Error for Unprintable {}

#[derive(Debug)]
struct Wrapper;
impl fmt::Display for Wrapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("wrapper")
    }
}
impl Error for Wrapper {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&Unprintable)
    }
}

/// E13: errors whose `Display` panics, outermost or as a cause.
#[test]
fn an_error_whose_display_panics_is_reported_as_such() {
    quiet();
    #[step]
    fn unprintable() -> Result<u32, Unprintable> {
        Err(Unprintable)
    }
    #[step]
    fn wrapped() -> Result<u32, Wrapper> {
        Err(Wrapper)
    }
    let run = Pipeline::to::<unprintable>().and::<wrapped>().run_blocking().unwrap();
    assert_eq!(error_of(&run, "unprintable").0, FailureKind::Error);
    assert!(error_of(&run, "unprintable").1.contains("planted in Display"));
    let causes = run.report().step("wrapped").unwrap().error.clone().unwrap().causes;
    assert!(causes.len() == 1 && causes[0].contains("Display panicked"), "{causes:?}");
    assert!(run.into_result().unwrap_err().to_string().contains("planted in Display"));
}

/// An error whose drop panics does not reach the caller.
#[test]
fn an_error_whose_drop_panics_is_contained() {
    quiet();
    #[derive(Debug)]
    struct Bitter;
    impl fmt::Display for Bitter {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bitter")
        }
    }
    impl Error for Bitter {}
    impl Drop for Bitter {
        fn drop(&mut self) {
            panic!("planted in an error's drop");
        }
    }
    #[step]
    fn bitter() -> Result<u32, Bitter> {
        Err(Bitter)
    }
    let run = Pipeline::to::<bitter>().run_blocking().unwrap();
    assert_eq!(error_of(&run, "bitter").1, "bitter");
    drop(run);
}

struct Bomb;
impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("planted in an output's drop");
    }
}

/// E13: an output whose drop panics after its last reader fails the step that made it; its readers keep their results.
#[test]
fn an_output_whose_drop_panics_fails_its_step() {
    quiet();
    #[step]
    fn makes_bomb() -> Bomb {
        Bomb
    }
    #[step]
    fn reads_bomb(makes_bomb: &Bomb) -> u32 {
        let _ = makes_bomb;
        1
    }
    #[step]
    fn after_bomb(reads_bomb: &u32) -> u32 {
        reads_bomb + 1
    }
    let run = Pipeline::to::<after_bomb>().run_blocking().unwrap();
    assert_eq!(run.output::<after_bomb>(), Ok(&2));
    let (kind, message) = error_of(&run, "makes_bomb");
    assert_eq!(kind, FailureKind::DropPanic);
    assert!(message.contains("planted in an output's drop"), "{message}");
    assert!(!run.succeeded());
    let counts = run.report().counts;
    assert_eq!((counts.planned, counts.succeeded, counts.failed), (3, 2, 1));
}

/// The same if the output has no reader, if it is boxed, and if its taker is skipped.
#[test]
fn an_unread_output_whose_drop_panics_fails_its_step() {
    quiet();
    #[step]
    fn unread_bomb() -> (Bomb, [u64; 64]) {
        (Bomb, [0; 64])
    }
    #[step]
    fn goes_on() -> u32 {
        1
    }
    #[step]
    fn fails_before() -> Result<(), String> {
        Err("no".into())
    }
    #[step]
    fn bomb_to_take() -> Bomb {
        Bomb
    }
    #[step]
    fn would_take(bomb_to_take: Bomb, fails_before: &()) -> u32 {
        std::mem::forget(bomb_to_take);
        let () = fails_before;
        1
    }
    #[step(after(unread_bomb))]
    fn wants_bomb_made() {}
    let run = Pipeline::to::<goes_on>().and::<would_take>().and::<wants_bomb_made>().run_blocking().unwrap();
    assert_eq!(run.output::<goes_on>(), Ok(&1));
    assert_eq!(error_of(&run, "unread_bomb").0, FailureKind::DropPanic);
    assert_eq!(error_of(&run, "bomb_to_take").0, FailureKind::DropPanic);
    assert_eq!(run.status("would_take"), Ok(Status::Skipped));
}

/// A taker that panics while it drops the taken value is the step that fails.
#[test]
fn a_taken_output_whose_drop_panics_fails_the_taker() {
    quiet();
    #[step]
    fn taken_bomb() -> Bomb {
        Bomb
    }
    #[step]
    fn drops_it(taken_bomb: Bomb) -> u32 {
        drop(taken_bomb);
        1
    }
    let run = Pipeline::to::<drops_it>().run_blocking().unwrap();
    assert_eq!(run.status("taken_bomb"), Ok(Status::Succeeded));
    assert_eq!(error_of(&run, "drops_it").0, FailureKind::Panic);
}

/// A kept output whose drop panics does not panic in the caller.
#[test]
fn panics_in_the_drop_of_kept_outputs_are_contained() {
    quiet();
    #[step]
    fn kept_bomb() -> Bomb {
        Bomb
    }
    let run = Pipeline::to::<kept_bomb>().run_blocking().unwrap();
    assert!(run.succeeded());
    drop(run);
}

/// I24: a panicking observer does not affect the run or the other observers.
#[test]
fn a_panicking_observer_does_not_disturb_the_run() {
    quiet();
    #[step]
    async fn observed() -> u32 {
        tokio::task::yield_now().await;
        1
    }
    let recorder = Recorder::default();
    let run = Pipeline::to::<observed>()
        .observe(|_: &Event<'_>| panic!("planted in an observer"))
        .observe(recorder.clone())
        .run_blocking()
        .unwrap();
    assert_eq!(run.output::<observed>(), Ok(&1));
    assert_eq!(recorder.seen().len(), 4);
}

/// A panicking async step drops what it held and releases its inputs.
#[test]
fn a_panicking_async_step_drops_what_it_held_and_gives_its_inputs_back() {
    quiet();
    let gauge = Arc::new(Gauge::default());
    let mut dag = DagBuilder::new();
    let made = Arc::clone(&gauge);
    let input = dag.cpu("input", (), move |()| made.enter());
    let held = Arc::clone(&gauge);
    dag.io("panics", (input,), move |Refs((_input,))| {
        let inside = held.enter();
        Box::pin(async move {
            let _inside = inside;
            tokio::task::yield_now().await;
            if true {
                panic!("planted");
            }
            Ok::<u32, String>(1)
        })
    });
    let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
    assert_eq!(run.status("panics"), Ok(Status::Failed));
    assert_eq!((gauge.peak(), gauge.now()), (2, 0));
}

/// A panic while the future is made.
#[test]
fn a_panic_before_the_future_exists_fails_the_step() {
    quiet();
    let mut dag = DagBuilder::new();
    dag.io("never_made", (), |Refs(())| -> futures::future::BoxFuture<'_, Result<u32, String>> {
        panic!("planted before the future")
    });
    let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
    assert_eq!(error_of(&run, "never_made").0, FailureKind::Panic);
}

/// Half of a thousand steps panic, in all lanes, repeatedly: every run ends with correct counts.
#[test]
fn many_panics_leave_every_run_complete() {
    quiet();
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let mut dag = DagBuilder::new();
    for n in 0..300_u32 {
        let work = move || {
            CALLS.fetch_add(1, Ordering::SeqCst);
            assert!(!n.is_multiple_of(2), "planted");
            n
        };
        match n % 3 {
            0 => dag.cpu(format!("s{n}"), (), move |()| work()),
            1 => dag.blocking(format!("s{n}"), (), move |()| Ok::<_, String>(work())),
            _ => dag.io(format!("s{n}"), (), move |Refs(())| {
                Box::pin(async move {
                    tokio::task::yield_now().await;
                    Ok::<_, String>(work())
                })
            }),
        };
    }
    let pipeline = Pipeline::new(dag.build().unwrap());
    for runs in 1..=5 {
        let counts = pipeline.run_blocking().unwrap().report().counts;
        assert_eq!((counts.planned, counts.succeeded, counts.failed), (300, 150, 150));
        assert_eq!(CALLS.load(Ordering::SeqCst), 300 * runs);
    }
}
