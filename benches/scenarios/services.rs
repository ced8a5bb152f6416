//! S14 at a hundredth: three services with timeouts of 30, 50 and 100 ms, of which the last hangs.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use pipeline::{Pipeline, Run, Status, step};

/// The timeout of the service that hangs, in milliseconds: the run takes that long.
pub(crate) const LONGEST: u64 = 100;

#[step(timeout = "30ms")]
async fn quick() -> u32 {
    tokio::time::sleep(Duration::from_millis(3)).await;
    3
}

#[step(timeout = "50ms")]
async fn slower() -> u32 {
    tokio::time::sleep(Duration::from_millis(5)).await;
    5
}

#[step(timeout = "100ms")]
async fn hangs_waiting() -> u32 {
    std::future::pending().await
}

/// Hangs until the other end is dropped.
struct Line(Mutex<Receiver<()>>);

#[step(blocking, timeout = "100ms")]
fn hangs_on_a_thread(#[resource] line: &Line) -> u32 {
    u32::from(line.0.lock().unwrap_or_else(PoisonError::into_inner).recv().is_ok())
}

#[step]
fn answer_of_waiting(quick: &u32, slower: &u32, hangs_waiting: Option<&u32>) -> u32 {
    hangs_waiting.copied().unwrap_or(0) + quick + slower
}

#[step]
fn answer_of_a_thread(quick: &u32, slower: &u32, hangs_on_a_thread: Option<&u32>) -> u32 {
    hangs_on_a_thread.copied().unwrap_or(0) + quick + slower
}

/// Asks the services. Returns how many seconds after its deadline the one that hangs was given up, and how many the run took.
pub(crate) fn ask(on_a_thread: bool) -> (f64, f64) {
    let (hangs, pipeline, _end): (_, _, Option<Sender<()>>) = if on_a_thread {
        let (end, line) = channel();
        let pipeline = Pipeline::to::<answer_of_a_thread>().resource(Line(Mutex::new(line)));
        ("hangs_on_a_thread", pipeline, Some(end))
    } else {
        ("hangs_waiting", Pipeline::to::<answer_of_waiting>(), None)
    };
    pipeline.plan().expect("the graph can be planned");
    let begun = Instant::now();
    let run: Run = pipeline.run_blocking().expect("the pipeline can be run");
    let wall = begun.elapsed().as_secs_f64();
    let answer =
        if on_a_thread { run.output::<answer_of_a_thread>() } else { run.output::<answer_of_waiting>() };
    assert_eq!((answer, run.status(hangs)), (Ok(&8), Ok(Status::TimedOut)));
    let took = run.report().step(hangs).and_then(|step| step.duration).expect("it started");
    (took.saturating_sub(Duration::from_millis(LONGEST)).as_secs_f64(), wall)
}
