//! The frame driven by hand: values of every size through every way out, on one thread and on two. Run under Miri too
//! (`cargo +nightly miri test -p pipeline-core --lib frame:: call:: value::`), which sees what these tests cannot.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use super::*;
use crate::builder::{DagBuilder, Handle, Refs};
use crate::error::{FailureKind, StepError};
use crate::params::Params;
use crate::plan::PlanOptions;
use crate::resources::Resources;

/// A value that counts the living values of its kind; boxed in its slot if `SIZE` is large.
#[derive(Debug)]
struct Counted<const SIZE: usize> {
    live: Arc<AtomicUsize>,
    filling: [u8; SIZE],
}

impl<const SIZE: usize> Counted<SIZE> {
    fn new(live: &Arc<AtomicUsize>) -> Self {
        live.fetch_add(1, Ordering::Relaxed);
        Counted { live: Arc::clone(live), filling: [7; SIZE] }
    }
}

impl<const SIZE: usize> Drop for Counted<SIZE> {
    fn drop(&mut self) {
        assert!(self.filling.iter().all(|&byte| byte == 7), "a value is dropped whole");
        self.live.fetch_sub(1, Ordering::Relaxed);
    }
}

fn frame_of(dag: DagBuilder, options: &PlanOptions, given: Vec<Given>) -> Arc<Frame> {
    let plan =
        Arc::new(Plan::new(Arc::new(dag.build().expect("a valid graph")), options).expect("a valid plan"));
    let params = plan.bind_params(&Params::new(), |_, _| true).expect("no parameters");
    let resources = plan.bind_resources(&Resources::new(), |_| true).expect("no resources");
    Arc::new(Frame::new(plan, params, resources, Arc::new(RunScope::new("test")), given))
}

fn frame(dag: DagBuilder) -> Arc<Frame> {
    frame_of(dag, &PlanOptions::default(), Vec::new())
}

fn roots(frame: &Frame) -> Vec<Ready> {
    let mut ready = Vec::new();
    for lane in Lane::ALL {
        let mut roots = frame.take_roots(lane, usize::MAX, 1);
        ready.extend(std::iter::from_fn(|| frame.next_root(&mut roots)));
    }
    ready
}

fn stopped() -> GivenUp {
    GivenUp { kind: FailureKind::Cancelled, note: "the run was stopped".to_owned() }
}

/// Runs one step to its end.
fn end(frame: &Arc<Frame>, ready: Ready) -> Finished {
    match frame.start(ready) {
        Progress::Finished(finished) => finished,
        Progress::Late => unreachable!("it is not given up"),
        Progress::Suspended(mut suspended) => loop {
            let pinned = std::pin::Pin::new(&mut suspended);
            if let Poll::Ready(finished) = pinned.poll(&mut Context::from_waker(Waker::noop())) {
                return finished.expect("it is not given up");
            }
        },
    }
}

fn run(frame: &Arc<Frame>) {
    let mut ready = roots(frame);
    while let Some(next) = ready.pop() {
        let finished = end(frame, next);
        frame.finish(finished, |next| ready.push(next));
    }
}

/// A small and a large value, each read twice; then a step that reads both readers.
fn diamonds(dag: &mut DagBuilder, live: &Arc<AtomicUsize>) {
    let mut readers: Vec<Handle<usize>> = Vec::new();
    let (for_small, for_large) = (Arc::clone(live), Arc::clone(live));
    let small = dag.cpu("small", (), move |()| Counted::<3>::new(&for_small));
    let large = dag.cpu("large", (), move |()| Counted::<300>::new(&for_large));
    for index in 0..2 {
        readers.push(dag.cpu(format!("small {index}"), (small,), |(value,)| value.filling.len()));
        readers.push(dag.cpu(format!("large {index}"), (large,), |(value,)| value.filling.len()));
    }
    dag.cpu("sum", readers, |lengths: Vec<&usize>| lengths.into_iter().sum::<usize>());
}

#[test]
fn outputs_are_dropped_after_their_last_reader_whatever_their_size() {
    let live = Arc::new(AtomicUsize::new(0));
    let mut dag = DagBuilder::new();
    diamonds(&mut dag, &live);
    let mut frame = frame(dag);
    run(&frame);
    assert_eq!(live.load(Ordering::Relaxed), 0);
    let sum = frame.plan().dag().find("sum").expect("a step");
    assert_eq!(frame.output::<usize>(sum), Some(&606));
    assert_eq!(frame.output::<u8>(sum), None, "another type is no output");
    let frame = Arc::get_mut(&mut frame).expect("one owner");
    assert_eq!(frame.take_output::<usize>(sum), Some(606));
    assert_eq!(frame.take_output::<usize>(sum), None, "an output is moved out once");
}

#[test]
fn two_threads_share_outputs_and_drop_them_once() {
    let live = Arc::new(AtomicUsize::new(0));
    let mut dag = DagBuilder::new();
    diamonds(&mut dag, &live);
    let frame = frame(dag);
    let ready = Mutex::new(roots(&frame));
    let left = AtomicUsize::new(frame.plan().len());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while left.load(Ordering::Acquire) > 0 {
                    let Some(next) = ready.lock().expect("no panic").pop() else {
                        std::thread::yield_now();
                        continue;
                    };
                    let finished = end(&frame, next);
                    frame.finish(finished, |next| ready.lock().expect("no panic").push(next));
                    left.fetch_sub(1, Ordering::Release);
                }
            });
        }
    });
    assert_eq!(live.load(Ordering::Relaxed), 0);
}

#[test]
fn a_frame_that_is_dropped_early_drops_what_it_holds() {
    let live = Arc::new(AtomicUsize::new(0));
    let mut dag = DagBuilder::new();
    diamonds(&mut dag, &live);
    let frame = frame(dag);
    for ready in roots(&frame) {
        let finished = end(&frame, ready);
        frame.finish(finished, drop);
    }
    assert_eq!(live.load(Ordering::Relaxed), 2);
    assert_eq!(frame.cancel_rest(), 5);
    assert_eq!(frame.status(frame.plan().len() - 1), Status::Cancelled);
    drop(frame);
    assert_eq!(live.load(Ordering::Relaxed), 0);
}

#[test]
fn errors_are_kept_for_their_readers_and_dropped_with_the_frame() {
    let mut dag = DagBuilder::new();
    let fails = dag.try_cpu("fails", (), |()| Err::<String, _>("planted"));
    let skipped = dag.cpu("skipped", (fails,), |(text,)| text.len());
    dag.cpu("after", (skipped,), |(length,)| length + 1);
    dag.cpu("panics", (), |()| -> u8 { panic!("planted") });
    let frame = frame(dag);
    run(&frame);
    let step = |name| frame.plan().dag().find(name).expect("a step");
    assert_eq!(frame.status(step("fails")), Status::Failed);
    assert_eq!(frame.status(step("after")), Status::Skipped);
    assert_eq!(frame.skipped_because(step("after")), Some(step("fails")));
    assert_eq!(frame.error(step("after")).map(StepError::message), Some("planted"));
    assert_eq!(frame.error(step("panics")).map(StepError::kind), Some(FailureKind::Panic));
}

#[test]
fn a_waiting_step_borrows_its_input_until_it_ends_or_is_cancelled() {
    let live = Arc::new(AtomicUsize::new(0));
    for cancel in [false, true] {
        let mut dag = DagBuilder::new();
        let for_value = Arc::clone(&live);
        let value = dag.cpu("value", (), move |()| Counted::<300>::new(&for_value));
        dag.io("waits", (value,), |Refs((value,))| {
            Box::pin(async move {
                for turn in 0..3 {
                    let mut waited = false;
                    std::future::poll_fn(|_| {
                        if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
                    })
                    .await;
                    assert_eq!(value.filling[turn], 7);
                }
                Ok::<usize, String>(value.filling.len())
            })
        });
        let frame = frame(dag);
        let mut ready = roots(&frame);
        let finished = end(&frame, ready.remove(0));
        frame.finish(finished, |next| ready.push(next));
        let Progress::Suspended(suspended) = frame.start(ready.remove(0)) else { panic!("the step waits") };
        let finished = if cancel {
            suspended.cancel(stopped()).expect("it was not given up")
        } else {
            let mut suspended = suspended;
            loop {
                let polled = std::pin::Pin::new(&mut suspended).poll(&mut Context::from_waker(Waker::noop()));
                if let Poll::Ready(finished) = polled {
                    break finished.expect("it is not given up");
                }
            }
        };
        frame.finish(finished, drop);
        assert_eq!(frame.status(1), if cancel { Status::Cancelled } else { Status::Succeeded });
        assert_eq!(live.load(Ordering::Relaxed), 0, "the input is given back either way");
    }
}

#[test]
fn a_waiting_step_may_outlive_every_other_owner_of_the_frame() {
    let mut dag = DagBuilder::new();
    let text = dag.cpu("text", (), |()| "held".repeat(9));
    dag.io("waits", (text,), |Refs((text,))| {
        Box::pin(async move {
            std::future::pending::<()>().await;
            Ok::<usize, String>(text.len())
        })
    });
    let frame = frame(dag);
    let mut ready = roots(&frame);
    let finished = end(&frame, ready.remove(0));
    frame.finish(finished, |next| ready.push(next));
    let Progress::Suspended(suspended) = frame.start(ready.remove(0)) else { panic!("the step waits") };
    drop(frame);
    drop(suspended);
}

/// Reads each kind of storage (small, large, without size) between a step's end and its finish.
#[test]
fn an_output_is_seen_before_any_step_reads_it() {
    let mut dag = DagBuilder::new();
    let small = dag.cpu("small", (), |()| "text".to_owned());
    let large = dag.cpu("large", (), |()| [7_u64; 9]);
    let unit = dag.cpu("unit", (), |()| ());
    dag.cpu("reads", (small, large, unit), |(text, _, ())| text.len());
    dag.try_cpu("fails", (), |()| Err::<u8, _>("planted"));
    let frame = frame(dag);
    let other = self::frame({
        let mut dag = DagBuilder::new();
        dag.cpu("other", (), |()| 1_u8);
        dag
    });
    let mut ready = roots(&frame);
    let mut seen = Vec::new();
    while let Some(next) = ready.pop() {
        let name = frame.plan().spec(next.step()).name().to_owned();
        let finished = end(&frame, next);
        if let Some(output) = frame.output_of(&finished) {
            let text = output.get::<String>().cloned();
            let large = output.get::<[u64; 9]>().map(|large| large.iter().sum::<u64>().to_string());
            let unit = output.get::<()>().map(|()| "()".to_owned());
            let number = output.get::<usize>().map(ToString::to_string);
            seen.push((name, text.or(large).or(unit).or(number).expect("one of these types")));
            assert!(output.get::<i8>().is_none(), "another type is not seen");
            let by_another = || other.output_of(&finished).and_then(StepOutput::get::<u8>);
            let by_another = std::panic::catch_unwind(std::panic::AssertUnwindSafe(by_another));
            assert!(by_another.is_err(), "a token belongs to its frame");
            assert!(output.write_json(&mut Vec::new()).is_none(), "closures have no codec");
        } else {
            seen.push((name, "none".to_owned()));
        }
        frame.finish(finished, |next| ready.push(next));
    }
    seen.sort();
    let wanted = [("fails", "none"), ("large", "63"), ("reads", "4"), ("small", "text"), ("unit", "()")];
    assert_eq!(seen, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn a_given_output_stands_in_for_its_step() {
    let mut dag = DagBuilder::new();
    let source = dag.cpu("source", (), |()| -> String { unreachable!("its output is given") });
    dag.cpu("length", (source,), |(text,)| text.len());
    let options = PlanOptions { given: vec![0], ..PlanOptions::default() };
    let frame = frame_of(dag, &options, vec![Given::new(0, "given".to_owned())]);
    run(&frame);
    assert_eq!((frame.status(0), frame.output::<usize>(1)), (Status::Given, Some(&5)));
}

#[test]
#[should_panic(expected = "a token belongs to the frame that made it")]
fn a_token_of_another_frame_is_refused() {
    let one_step = || {
        let mut dag = DagBuilder::new();
        dag.cpu("one", (), |()| 1_u8);
        frame(dag)
    };
    let (mine, other) = (one_step(), one_step());
    let _ = mine.start(roots(&other).remove(0));
}

#[test]
fn a_ready_step_can_be_finished_with_a_value_that_was_not_computed() {
    let live = Arc::new(AtomicUsize::new(0));
    let mut dag = DagBuilder::new();
    let first = dag.cpu("first", (), |()| 1_u8);
    let stored = dag.cpu("stored", (first,), |_| -> Counted<64> { unreachable!("its output is stored") });
    dag.cpu("read", (stored,), |(stored,)| stored.filling.len());
    let frame = frame(dag);
    let mut ready = Vec::new();
    let first = end(&frame, roots(&frame).remove(0));
    frame.finish(first, |next| ready.push(next));

    let given = Given::new(1, Counted::<64>::new(&live)).from_store();
    let finished = frame.finish_with(ready.remove(0), given);
    assert_eq!(finished.status(), Status::Cached);
    assert!(frame.output_of(&finished).is_some_and(|output| output.get::<Counted<64>>().is_some()));
    frame.finish(finished, |next| ready.push(next));
    assert_eq!((frame.status(1), live.load(Ordering::Relaxed)), (Status::Cached, 1));
    let read = end(&frame, ready.remove(0));
    frame.finish(read, |_| unreachable!("nothing waits for it"));
    assert_eq!((frame.output::<usize>(2), live.load(Ordering::Relaxed)), (Some(&64), 0));
    assert!(frame.contradictions().is_empty());
}

/// A step whose output nobody reads in this run: `first`, whose only reader ends in the same way.
fn unread_chain() -> (Arc<Frame>, Vec<Ready>) {
    let mut dag = DagBuilder::new();
    let first = dag.cpu("first", (), |()| "text".repeat(9));
    let second = dag.cpu("second", (first,), |(text,)| text.len());
    dag.cpu("third", (second,), |(length,)| length + 1);
    let frame = frame(dag);
    let ready = roots(&frame);
    (frame, ready)
}

#[test]
fn steps_can_end_without_their_outputs_if_no_step_that_runs_reads_them() {
    let (frame, mut ready) = unread_chain();
    let finished = frame.finish_unread(ready.remove(0));
    assert_eq!(finished.status(), Status::Cached);
    assert!(frame.output_of(&finished).is_none());
    frame.finish(finished, |next| ready.push(next));
    assert!(frame.input_of(&ready[0], 0).is_none());
    let finished = frame.finish_with(ready.remove(0), Given::new(1, 7_usize).from_store());
    assert!(frame.input_left(&finished, 0).is_none());
    frame.finish(finished, |next| ready.push(next));
    assert_eq!(frame.input_of(&ready[0], 1).and_then(StepOutput::get::<usize>), Some(&7));
    let last = end(&frame, ready.remove(0));
    frame.finish(last, drop);
    assert_eq!(frame.output::<usize>(2), Some(&8));
    assert!(!frame.is_available(0) && frame.contradictions().is_empty());
}

#[test]
fn an_output_that_never_was_here_is_not_dropped_when_its_readers_have_ended() {
    let mut dag = DagBuilder::new();
    let first = dag.cpu("first", (), |()| "text".repeat(9));
    dag.cpu("second", (first,), |(text,)| text.len());
    dag.cpu("third", (first,), |(text,)| text.len());
    let mut frame = frame(dag);
    let mut ready = roots(&frame);
    while let Some(next) = ready.pop() {
        let finished = frame.finish_unread(next);
        frame.finish(finished, |next| ready.push(next));
    }
    let frame = Arc::get_mut(&mut frame).expect("one owner");
    assert!((0..3).all(|step| frame.output_left(step).is_none()));
    assert!(frame.contradictions().is_empty());
}

#[test]
#[should_panic(expected = "`second` starts without the output of `first`")]
fn a_step_does_not_start_without_an_output_that_it_reads() {
    let (frame, mut ready) = unread_chain();
    let finished = frame.finish_unread(ready.remove(0));
    frame.finish(finished, |next| ready.push(next));
    let _ = frame.start(ready.remove(0));
}

#[test]
#[should_panic(expected = "`second` does not read `third`")]
fn only_readers_see_an_output() {
    let (frame, mut ready) = unread_chain();
    let finished = end(&frame, ready.remove(0));
    frame.finish(finished, |next| ready.push(next));
    let _ = frame.input_of(&ready[0], 2);
}

#[test]
fn the_inputs_of_a_failed_step_are_seen_until_it_is_finished() {
    let live = Arc::new(AtomicUsize::new(0));
    let mut dag = DagBuilder::new();
    let for_read = Arc::clone(&live);
    let read = dag.cpu("read", (), move |()| Counted::<64>::new(&for_read));
    dag.try_cpu("fails", (read,), |_| Err::<u8, _>("planted"));
    let mut frame = frame(dag);
    let mut ready = roots(&frame);
    let finished = end(&frame, ready.remove(0));
    frame.finish(finished, |next| ready.push(next));
    let failed = end(&frame, ready.remove(0));
    assert!(frame.input_left(&failed, 0).is_some_and(|output| output.get::<Counted<64>>().is_some()));
    assert!(Arc::get_mut(&mut frame).expect("one owner").output_left(0).is_some());
    frame.finish(failed, drop);
    assert_eq!(live.load(Ordering::Relaxed), 0);
    assert!(Arc::get_mut(&mut frame).expect("one owner").output_left(0).is_none());
}

#[test]
#[should_panic(expected = "the given output has the type that the step returns")]
fn a_step_cannot_be_finished_with_a_value_of_another_type() {
    let mut dag = DagBuilder::new();
    dag.cpu("one", (), |()| 1_u8);
    let frame = frame(dag);
    let _ = frame.finish_with(roots(&frame).remove(0), Given::new(0, 1_u16));
}

struct Woken(Arc<AtomicUsize>);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn giving_an_attempt_up_cancels_its_context_and_no_other() {
    let mut dag = DagBuilder::new();
    dag.io("waits", (), |_| Box::pin(std::future::pending::<Result<(), String>>()));
    let frame = frame(dag);
    let start = |ready, attempt| match frame.start_attempt(ready, attempt) {
        Progress::Suspended(suspended) => suspended,
        other => panic!("the step waits: {other:?}"),
    };
    let why = || GivenUp { kind: FailureKind::TimedOut, note: "too late".to_owned() };

    let (first, second) = (Attempt::new(1, false, true), Attempt::new(2, true, true));
    let suspended = start(roots(&frame).remove(0), first);
    let before = frame.cells.context(0, first);
    let woken = Arc::new(AtomicUsize::new(0));
    let waker = Waker::from(Arc::new(Woken(Arc::clone(&woken))));
    let mut cancelled = before.cancelled();
    let mut poll = || std::pin::Pin::new(&mut cancelled).poll(&mut Context::from_waker(&waker)).is_ready();
    assert!(!poll() && !before.is_cancelled());
    let finished = frame.give_up(0, first, why()).expect("it has not ended");
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    assert!(poll() && before.is_cancelled());
    assert!(frame.cells.context(0, first).is_cancelled(), "asked for too late");

    let (ready, _) = frame.retry(finished).expect("it failed");
    let again = start(ready, second);
    assert!(!frame.cells.context(0, second).is_cancelled() && frame.cells.context(0, first).is_cancelled());
    let finished = frame.give_up(0, second, why()).expect("it has not ended");
    assert!(frame.cells.context(0, second).is_cancelled());
    drop((suspended, again));
    frame.finish(finished, |_| unreachable!("nothing waits for it"));
}

/// A thread that still runs a given-up attempt must not be able to claim the step for a later one.
#[test]
fn an_attempt_that_was_given_up_cannot_be_started_again_under_its_number() {
    for again in [Attempt::new(1, true, true), Attempt::new(0, true, true)] {
        let mut dag = DagBuilder::new();
        dag.cpu("one", (), |()| 1_u8);
        dag.io("waits", (), |_| Box::pin(std::future::pending::<Result<(), String>>()));
        let frame = frame(dag);
        let first = Attempt::new(1, false, true);
        let ready = roots(&frame).into_iter().find(|ready| ready.step() == 1).expect("it waits for nothing");
        let started = frame.start_attempt(ready, first);
        let finished = frame.give_up(1, first, stopped()).expect("it has not ended");
        let (ready, _) = frame.retry(finished).expect("it failed");
        let refused = crate::contain::guard(|| frame.start_attempt(ready, again))
            .expect_err("the number does not grow");
        assert!(refused.starts_with("attempts of a step are numbered upwards"), "{refused}");
        drop(started);
    }
}

#[test]
fn an_attempt_that_failed_cannot_be_started_again_under_its_number() {
    let mut dag = DagBuilder::new();
    dag.try_cpu("fails", (), |()| Err::<u8, _>("planted"));
    let frame = frame(dag);
    let mut ready = roots(&frame).remove(0);
    for number in [1, 2, 5] {
        let attempt = Attempt::new(number, false, true);
        let Progress::Finished(finished) = frame.start_attempt(ready, attempt) else { panic!("it fails") };
        ready = frame.retry(finished).expect("it failed").0;
    }
    let again = Attempt::new(5, false, true);
    assert!(crate::contain::guard(|| frame.start_attempt(ready, again)).is_err());
}

/// A clone of the frame of a cancelled run may still finish steps. That must not give a cancelled step another status.
#[test]
fn a_cancelled_step_stays_cancelled_whatever_its_upstream_steps_do() {
    let live = Arc::new(AtomicUsize::new(0));
    let mut dag = DagBuilder::new();
    let ones: Vec<Handle<u8>> = (0..20).map(|n| dag.cpu(format!("one{n}"), (), |()| 1_u8)).collect();
    let made = Arc::clone(&live);
    dag.cpu("sum", ones, move |_| Counted::<8>::new(&made));
    let frame = frame(dag);
    let started: Vec<Finished> = roots(&frame).into_iter().map(|ready| end(&frame, ready)).collect();
    frame.cancel_rest();
    let sum = frame.plan().len() - 1;
    for finished in started {
        // As `finish` does for each successor.
        assert!(!frame.cells.counters(sum as u32).arrive());
        assert_eq!((frame.status(sum), frame.error(sum).is_none()), (Status::Cancelled, true));
        drop(finished);
    }
    drop(frame);
    assert_eq!(live.load(Ordering::Relaxed), 0);
}
