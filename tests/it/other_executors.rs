//! C17: executors other than this crate's engine.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use pipeline::frame::Execute;
use pipeline::frame::{Attempt, Finished, Frame, Progress, Ready};
use pipeline::prelude::*;
use pipeline::*;

use crate::support::quiet;

fn roots(frame: &Frame) -> VecDeque<Ready> {
    let mut ready = VecDeque::new();
    for lane in Lane::ALL {
        let mut roots = frame.take_roots(lane, usize::MAX, 1);
        ready.extend(std::iter::from_fn(|| frame.next_root(&mut roots)));
    }
    ready
}

fn ended(progress: Progress) -> Option<Finished> {
    match progress {
        Progress::Finished(finished) => Some(finished),
        Progress::Suspended(waits) => futures::executor::block_on(waits),
        Progress::Late => None,
    }
}

/// Runs steps one after another, in the order in which they become ready, with their retries.
pub(crate) struct OneByOne;

impl Execute for OneByOne {
    fn execute(&self, frame: &Arc<Frame>) {
        let mut ready = roots(frame);
        while let Some(next) = ready.pop_front() {
            let step = next.step();
            let retries = frame.plan().policy(step).retries.unwrap_or(0);
            let mut next = Some(next);
            for number in 1.. {
                let Some(token) = next.take() else { break };
                let last = number > retries;
                let progress = frame.start_attempt(token, Attempt::new(number, last, false));
                let Some(finished) = ended(progress) else { break };
                if finished.status().is_failure() && !last {
                    next = frame.retry(finished).ok().map(|(ready, _)| ready);
                } else {
                    frame.finish(finished, |next| ready.push_back(next));
                }
            }
        }
    }
}

/// Two plain threads and a channel between them.
struct TwoThreads;

impl Execute for TwoThreads {
    fn execute(&self, frame: &Arc<Frame>) {
        let (sender, receiver) = mpsc::channel::<Option<Ready>>();
        let receiver = Mutex::new(receiver);
        let left = std::sync::atomic::AtomicUsize::new(frame.plan().planned());
        roots(frame).into_iter().for_each(|ready| sender.send(Some(ready)).unwrap());
        std::thread::scope(|scope| {
            for _ in 0..2 {
                let (sender, receiver, left) = (sender.clone(), &receiver, &left);
                scope.spawn(move || {
                    loop {
                        let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv().unwrap();
                        let Some(next) = next else { return };
                        let Some(finished) = ended(frame.start(next)) else { return };
                        frame.finish(finished, |next| sender.send(Some(next)).unwrap());
                        if left.fetch_sub(1, std::sync::atomic::Ordering::AcqRel) == 1 {
                            (0..2).for_each(|_| sender.send(None).unwrap());
                        }
                    }
                });
            }
        });
    }
}

/// Starts nothing.
struct Idle;

impl Execute for Idle {
    fn execute(&self, _: &Arc<Frame>) {}
}

#[step(retries = 2)]
fn flaky_source(#[context] cx: &StepContext) -> Result<Vec<u64>, String> {
    if cx.attempt() < 3 { Err(format!("attempt {}", cx.attempt())) } else { Ok(vec![1, 2, 3]) }
}

#[step]
async fn doubled(flaky_source: &[u64]) -> Vec<u64> {
    tokio::task::yield_now().await;
    flaky_source.iter().map(|n| n * 2).collect()
}

#[step]
fn taken(mut doubled: Vec<u64>) -> u64 {
    doubled.pop().unwrap()
}

/// C17: a second implementation runs a pipeline with retries, an async step and a taken value.
#[test]
fn a_custom_executor_runs_a_pipeline() {
    let run = Pipeline::to::<taken>().run_with(&OneByOne).unwrap();
    assert_eq!(run.output::<taken>(), Ok(&6));
    assert!(run.succeeded());
    assert_eq!(run.report().status, RunStatus::Succeeded);
}

/// C17: failures, skips and a wide graph have the same outcomes as on this crate's executor.
#[test]
fn another_executor_gives_the_same_outcomes() {
    quiet();
    let mut dag = DagBuilder::new();
    let mut layer: Vec<Handle<u64>> = Vec::new();
    for n in 0..50_u64 {
        layer.push(dag.try_cpu(format!("source_{n}"), (), move |()| match n % 7 {
            3 => Err("no"),
            5 => panic!("planted"),
            _ => Ok(n),
        }));
    }
    for n in 0..40_usize {
        let inputs = vec![layer[n], layer[n + 1], layer[n + 10]];
        dag.cpu(format!("sum_{n}"), inputs, |all: Vec<&u64>| all.into_iter().sum::<u64>());
    }
    let pipeline = Pipeline::new(dag.build().unwrap()).keep_all();
    let own = pipeline.run_blocking().unwrap();
    let other = pipeline.run_with(&TwoThreads).unwrap();
    let outcome =
        |run: &Run, name: &str| (run.status(name).unwrap(), run.output_named::<u64>(name).ok().copied());
    for step in &own.report().steps {
        assert_eq!(outcome(&own, &step.name), outcome(&other, &step.name), "{}", step.name);
    }
    assert_eq!(own.report().counts, other.report().counts);
}

/// C17: steps that an executor does not start are cancelled, and reported as such.
#[test]
fn steps_that_an_executor_does_not_start_are_cancelled() {
    let run = Pipeline::to::<taken>().run_with(&Idle).unwrap();
    assert_eq!(run.report().counts.cancelled, 3);
    assert_eq!(run.report().status, RunStatus::Cancelled);
}
