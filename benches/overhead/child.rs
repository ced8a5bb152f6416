//! Measurements that need a separate process: memory, and the first run of a process.

use std::process::Command;
use std::sync::Arc;

use pipeline::{DagBuilder, Lane, Pipeline};

#[cfg(feature = "cli")]
use crate::everything;
use crate::shapes::{Graph, Shape};
use crate::{ours, tokio_baseline};

/// Names the measurement in the child's environment.
const VARIABLE: &str = "PIPELINE_BENCH_CHILD";

/// Size of the large value of [`large_value`].
const LARGE: usize = 256 << 20;

/// Reports whether this process is a child.
pub(crate) fn is_child() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// Runs one measurement in a child process and returns its numbers.
pub(crate) fn measure(name: &str) -> Vec<f64> {
    let program = std::env::current_exe().expect("the bench has a path");
    let mut command = Command::new(program);
    #[cfg(feature = "cli")]
    if name.starts_with("everything ") {
        command.args(everything::arguments());
    }
    let child = command
        .env(VARIABLE, name)
        // Freed arrays are returned to the system at once.
        .env("MALLOC_MMAP_THRESHOLD_", "131072")
        .env("MALLOC_TRIM_THRESHOLD_", "0")
        .output()
        .expect("the bench can start itself");
    let text = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(
        child.status.success(),
        "the measurement {name} failed: {}",
        String::from_utf8_lossy(&child.stderr)
    );
    text.split_whitespace().map(|number| number.parse().expect("the child prints numbers")).collect()
}

/// The child's main function.
pub(crate) fn main() {
    let name = std::env::var(VARIABLE).unwrap_or_default();
    let numbers = match name.split(' ').collect::<Vec<_>>()[..] {
        ["memory", shape, lane, steps] => {
            let shape = Shape::ALL.into_iter().find(|known| known.name() == shape).expect("a known shape");
            let lane = if lane == "async" { Lane::Io } else { Lane::Cpu };
            memory(&Graph::new(shape, steps.parse().expect("a number")), lane)
        }
        #[cfg(feature = "cli")]
        [what @ ("bare" | "everything"), shape, steps] => {
            let shape = Shape::ALL.into_iter().find(|known| known.name() == shape).expect("a known shape");
            let graph = Graph::new(shape, steps.parse().expect("a number"));
            if what == "bare" { everything::bare(&graph) } else { everything::everything(&graph) }
        }
        ["value"] => vec![large_value()],
        ["start", lane] => vec![first_start(lane == "async")],
        ["start-by-hand", lane] => vec![tokio_baseline::first_start_of_task(lane == "async")],
        _ => panic!("no measurement named {name}"),
    };
    numbers.iter().for_each(|number| println!("{number}"));
}

/// Peak growth in bytes per step of building, of planning, of a run, and of a run with timings.
fn memory(graph: &Graph, lane: Lane) -> Vec<f64> {
    let mut growth = Vec::new();
    let mut stage = |work: &mut dyn FnMut()| {
        let before = reset_peak();
        work();
        growth.push((peak() - before) as f64 / graph.len() as f64);
    };
    let (mut dag, mut plain, mut timed) = (None, None, None);
    // On a separate thread with a separate heap: memory that building frees there must not serve later stages
    // unnoticed.
    let build = || std::thread::scope(|scope| scope.spawn(|| ours::dag(graph, lane)).join());
    stage(&mut || dag = Some(Arc::new(build().expect("the builder does not panic"))));
    let dag = dag.expect("the stage was run");
    stage(&mut || plain = Some(ours::planned(&dag, false)));
    let mut run = |pipeline: &Option<Pipeline>| {
        let pipeline = pipeline.as_ref().expect("the stage was run");
        stage(&mut || {
            ours::timed_run(pipeline, |run| assert!(run.succeeded(), "a step did not succeed"));
        });
    };
    run(&plain);
    timed.get_or_insert_with(|| ours::planned(&dag, true));
    run(&timed);
    growth
}

/// The peak memory of a run in which one step makes 256 MiB and four read them, as a multiple of the value's size.
fn large_value() -> f64 {
    let mut builder = DagBuilder::new();
    let value = builder.cpu("value", (), |()| vec![1_u8; LARGE]);
    let sums: Vec<_> = (0..4)
        .map(|reader| builder.cpu(format!("reader{reader}"), (value,), |(value,)| sum(value)))
        .collect();
    let _ = builder.cpu("total", sums, |sums: Vec<&u64>| sums.into_iter().sum::<u64>());
    let pipeline = Pipeline::new(builder.build().expect("a valid graph"));
    let run = pipeline.run_blocking().expect("the pipeline can be run");
    assert_eq!(run.output_named::<u64>("total").ok(), Some(&(4 * LARGE as u64)));
    peak() as f64 / LARGE as f64
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte)).sum()
}

/// Microseconds from the call of the process's first run to its first step.
fn first_start(is_async: bool) -> f64 {
    ours::start_of_step(is_async, true)()
}

/// Resets the peak to the resident memory, in bytes, and returns it.
fn reset_peak() -> u64 {
    // If the kernel does not allow this, the peak so far stays, and later stages show too little.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    status("VmRSS:")
}

pub(crate) fn peak() -> u64 {
    status("VmHWM:")
}

fn status(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux has /proc");
    let line = text.lines().find(|line| line.starts_with(field)).expect("the field exists");
    1024 * line
        .split_whitespace()
        .nth(1)
        .and_then(|number| number.parse::<u64>().ok())
        .expect("a number of kB")
}
