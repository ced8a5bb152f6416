//! The same work, hand-written on tokio: one task per step, in every style that might be the fastest.
//!
//! - independent: `handles` (spawn all, then await the handles), `join_set`, `halves` (one spawner per worker, as
//!   spawning is the bottleneck).
//! - chain: `starts_next` (each task spawns its successor, without waiting), `awaits_handle` (each task awaits the
//!   handle of the one before), and the general ones.
//! - layered and tree: `counted` (atomic in-degrees; the task that brings one to zero spawns that step), `oneshots`
//!   (all tasks spawned first, one channel per edge), `shared` (each step's handle shared among its readers); for the
//!   tree `spawns_inputs` (from the root down, awaiting two handles).
//!
//! All run inside a worker, where spawning is cheapest. The tasks use the weakest synchronisation: outputs are plain
//! atomics if the style itself orders accesses.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use futures::FutureExt as _;
use futures::future::{Map, Shared};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinError, JoinHandle, JoinSet};

use crate::shapes::{Graph, Shape, step};

type Answer = Pin<Box<dyn Future<Output = u64> + Send>>;

/// A style: its name, and the code that returns the answer.
pub(crate) type Style = (&'static str, fn(Arc<Graph>) -> Answer);

/// The styles that fit a shape.
pub(crate) fn styles(shape: Shape) -> &'static [Style] {
    match shape {
        Shape::Independent => &[("handles", handles), ("join_set", join_set), ("halves", halves)],
        Shape::Chain => &[
            ("starts_next", starts_next),
            ("awaits_handle", awaits_handle),
            ("counted", counted),
            ("oneshots", oneshots),
        ],
        Shape::Layered => &[("counted", counted), ("oneshots", oneshots), ("shared", shared)],
        Shape::Tree => &[
            ("counted", counted),
            ("oneshots", oneshots),
            ("shared", shared),
            ("spawns_inputs", spawns_inputs),
        ],
    }
}

/// A runtime with as many workers as ours has.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(pipeline::settings::cores())
        .enable_all()
        .build()
        .expect("the system gives threads")
}

/// Runs one style inside a worker.
pub(crate) fn run(runtime: &Runtime, graph: &Arc<Graph>, style: Style) -> u64 {
    runtime.block_on(runtime.spawn(style.1(Arc::clone(graph)))).expect("no task panics")
}

#[allow(clippy::unused_async, reason = "spawned as it is")]
async fn one() -> u64 {
    step([].into_iter())
}

async fn sum(handles: Vec<JoinHandle<u64>>) -> u64 {
    let mut sum = 0_u64;
    for handle in handles {
        sum = sum.wrapping_add(handle.await.expect("no task panics"));
    }
    sum
}

fn handles(graph: Arc<Graph>) -> Answer {
    Box::pin(async move { sum((0..graph.len()).map(|_| tokio::spawn(one())).collect()).await })
}

fn join_set(graph: Arc<Graph>) -> Answer {
    Box::pin(async move {
        let mut tasks: JoinSet<u64> = (0..graph.len()).map(|_| one()).collect();
        let mut sum = 0_u64;
        while let Some(output) = tasks.join_next().await {
            sum = sum.wrapping_add(output.expect("no task panics"));
        }
        sum
    })
}

fn halves(graph: Arc<Graph>) -> Answer {
    Box::pin(async move {
        let spawners = pipeline::settings::cores();
        let share = |index: usize| (graph.len() * (index + 1) / spawners) - (graph.len() * index / spawners);
        let spawn = |count| async move { sum((0..count).map(|_| tokio::spawn(one())).collect()).await };
        sum((0..spawners).map(|index| tokio::spawn(spawn(share(index)))).collect()).await
    })
}

fn starts_next(graph: Arc<Graph>) -> Answer {
    fn start(last: u64, left: usize, end: oneshot::Sender<u64>) {
        tokio::spawn(async move {
            let output = step((last > 0).then_some(last).into_iter());
            if left == 0 {
                let _ = end.send(output);
            } else {
                start(output, left - 1, end);
            }
        });
    }
    Box::pin(async move {
        let (end, answer) = oneshot::channel();
        start(0, graph.len() - 1, end);
        answer.await.expect("the last task sends")
    })
}

fn awaits_handle(graph: Arc<Graph>) -> Answer {
    Box::pin(async move {
        let mut last = tokio::spawn(one());
        for _ in 1..graph.len() {
            last = tokio::spawn(async move { step([last.await.expect("no task panics")].into_iter()) });
        }
        last.await.expect("no task panics")
    })
}

/// Shared by the tasks of one `counted` run.
struct State {
    graph: Arc<Graph>,
    missing: Vec<AtomicU32>,
    outputs: Vec<AtomicU64>,
    /// Sinks that have not ended.
    left: AtomicUsize,
    end: Notify,
}

fn counted(graph: Arc<Graph>) -> Answer {
    Box::pin(async move {
        let state = Arc::new(State {
            missing: (0..graph.len()).map(|step| AtomicU32::new(graph.inputs(step).len() as u32)).collect(),
            outputs: (0..graph.len()).map(|_| AtomicU64::new(0)).collect(),
            left: AtomicUsize::new(graph.sinks.len()),
            end: Notify::new(),
            graph,
        });
        state.graph.roots().for_each(|root| spawn_counted(&state, root));
        state.end.notified().await;
        let sinks = state.graph.sinks.iter();
        sinks.map(|&sink| state.outputs[sink as usize].load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    })
}

fn spawn_counted(state: &Arc<State>, this: usize) {
    let state = Arc::clone(state);
    tokio::spawn(async move {
        let inputs = state.graph.inputs(this).iter();
        let output = step(inputs.map(|&input| state.outputs[input as usize].load(Ordering::Relaxed)));
        state.outputs[this].store(output, Ordering::Relaxed);
        let successors = state.graph.successors(this);
        for &next in successors {
            if state.missing[next as usize].fetch_sub(1, Ordering::AcqRel) == 1 {
                spawn_counted(&state, next as usize);
            }
        }
        if successors.is_empty() && state.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            state.end.notify_one();
        }
    });
}

fn oneshots(graph: Arc<Graph>) -> Answer {
    Box::pin(async move {
        let mut receivers: Vec<Vec<oneshot::Receiver<u64>>> = (0..graph.len()).map(|_| Vec::new()).collect();
        let mut sinks = Vec::new();
        for this in 0..graph.len() {
            let inputs = std::mem::take(&mut receivers[this]);
            let mut senders = Vec::with_capacity(graph.successors(this).len());
            for &next in graph.successors(this) {
                let (sender, receiver) = oneshot::channel();
                senders.push(sender);
                receivers[next as usize].push(receiver);
            }
            let is_sink = senders.is_empty();
            let task = tokio::spawn(async move {
                let mut values = [0; 3];
                let count = inputs.len();
                for (value, input) in values.iter_mut().zip(inputs) {
                    *value = input.await.expect("every task sends");
                }
                let output = step(values.into_iter().take(count));
                for sender in senders {
                    let _ = sender.send(output);
                }
                output
            });
            if is_sink {
                sinks.push(task);
            }
        }
        sum(sinks).await
    })
}

/// The handle of a step, shared by its readers.
type SharedHandle = Shared<Map<JoinHandle<u64>, fn(Result<u64, JoinError>) -> Option<u64>>>;

fn shared(graph: Arc<Graph>) -> Answer {
    Box::pin(async move {
        let mut steps: Vec<SharedHandle> = Vec::with_capacity(graph.len());
        for this in 0..graph.len() {
            let inputs: Vec<SharedHandle> =
                graph.inputs(this).iter().map(|&input| steps[input as usize].clone()).collect();
            let task = tokio::spawn(async move {
                let mut values = [0; 3];
                let count = inputs.len();
                for (value, input) in values.iter_mut().zip(inputs) {
                    *value = input.await.expect("no task panics");
                }
                step(values.into_iter().take(count))
            });
            steps.push(task.map(Result::ok as fn(_) -> _).shared());
        }
        let mut sum = 0_u64;
        for &sink in &graph.sinks {
            sum = sum.wrapping_add(steps[sink as usize].clone().await.expect("no task panics"));
        }
        sum
    })
}

fn spawns_inputs(graph: Arc<Graph>) -> Answer {
    fn spawn(graph: &Arc<Graph>, this: usize) -> JoinHandle<u64> {
        match *graph.inputs(this) {
            [left, right] => {
                let graph = Arc::clone(graph);
                tokio::spawn(async move {
                    let (left, right) = (spawn(&graph, left as usize), spawn(&graph, right as usize));
                    let left = left.await.expect("no task panics");
                    step([left, right.await.expect("no task panics")].into_iter())
                })
            }
            _ => tokio::spawn(one()),
        }
    }
    Box::pin(async move { spawn(&graph, graph.len() - 1).await.expect("no task panics") })
}

/// Returns the microseconds from spawning a task, or work for a thread, to its start.
pub(crate) fn start_of_task(runtime: &Runtime, is_async: bool) -> f64 {
    let started = Arc::new(AtomicU64::new(0));
    let (note, begun) = (Arc::clone(&started), Instant::now());
    let note = move || note.store(begun.elapsed().as_nanos() as u64, Ordering::Relaxed);
    let task = if is_async { runtime.spawn(async move { note() }) } else { runtime.spawn_blocking(note) };
    runtime.block_on(task).expect("the task does not panic");
    started.load(Ordering::Relaxed) as f64 / 1e3
}

/// The same with a runtime that has to be made first.
pub(crate) fn first_start_of_task(is_async: bool) -> f64 {
    let begun = Instant::now();
    let runtime = runtime();
    begun.elapsed().as_secs_f64() * 1e6 + start_of_task(&runtime, is_async)
}
