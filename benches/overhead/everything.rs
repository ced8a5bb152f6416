//! `cargo bench --features cli --bench overhead -- --everything`: a run with everything on, at 1e3, 1e4, 1e5 and 1e6 steps.
//!
//! Each line compares two child processes: one that builds and runs the graph, and one that also records the run, reports it
//! and prints its summary, as the command line does. A cost that grows faster than the number of steps shows as a ratio
//! that grows from line to line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use pipeline::{Lane, Pipeline};

use crate::shapes::{Graph, Shape};
use crate::table::{Options, Target, Verdicts};
use crate::{child, ours};

const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// Maximum time of a run of a million steps with everything on, as a multiple of the bare run.
const MOST_TIME: f64 = 3.0;
/// Maximum memory and disk space per step, beyond the bare run.
const MOST_BYTES: f64 = 400.0;

/// Prints the table.
pub(crate) fn print(options: &Options, verdicts: &mut Verdicts) {
    println!(
        "shape,steps,bare_s,everything_s,ratio,bare_bytes_per_step,more_bytes_per_step,disk_bytes_per_step,verdict"
    );
    let sizes: &[usize] = if options.quick { &SIZES[..3] } else { &SIZES };
    let only = options.steps.map(|steps| [steps]);
    for &steps in only.as_ref().map_or(sizes, |only| &only[..]) {
        let wanted = |shape: &Shape| options.shape.as_deref().is_none_or(|name| name == shape.name());
        for shape in Shape::ALL.into_iter().filter(wanted) {
            compare(shape, steps, verdicts);
        }
    }
}

fn compare(shape: Shape, steps: usize, verdicts: &mut Verdicts) {
    let folder = folder();
    let name = shape.name();
    let least = |what: &str| {
        let samples = (0..if steps > 100_000 { 1 } else { 3 }).map(|_| {
            let _ = std::fs::remove_dir_all(&folder);
            child::measure(&format!("{what} {name} {steps}"))
        });
        samples.min_by(|a, b| a[0].total_cmp(&b[0])).expect("a sample")
    };
    let (bare, everything) = (least("bare"), least("everything"));
    let per_step = |bytes: f64| bytes / steps as f64;
    let (ratio, more) = (everything[0] / bare[0], per_step(everything[1] - bare[1]));
    let disk = per_step(size_of(&folder) as f64);
    // Smaller runs are dominated by what every process does once.
    let is_largest = steps >= SIZES[3];
    let most = |target: f64| if is_largest { Target::Ratio(target) } else { Target::None };
    let verdict = [verdicts.judge(ratio, most(MOST_TIME)), verdicts.judge(more.max(disk), most(MOST_BYTES))];
    println!(
        "{name},{steps},{:.3},{:.3},{ratio:.2},{:.0},{more:.0},{disk:.0},{}",
        bare[0],
        everything[0],
        per_step(bare[1]),
        verdict.join(" ")
    );
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
}

fn size_of(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).expect("a folder").flatten();
    files
        .map(|file| {
            if file.path().is_dir() {
                size_of(&file.path())
            } else {
                file.metadata().map_or(0, |it| it.len())
            }
        })
        .sum()
}

fn folder() -> PathBuf {
    std::env::temp_dir().join("pipeline-bench-everything")
}

/// In a child: seconds, and peak memory in bytes, of a graph that is built and run.
pub(crate) fn bare(graph: &Graph) -> Vec<f64> {
    measured(|| {
        let dag = Arc::new(ours::dag(graph, Lane::Cpu));
        let run = Pipeline::new(dag).run_blocking().expect("the pipeline can be run");
        assert!(run.succeeded(), "a step did not succeed");
    })
}

/// The same by the command line, recorded.
pub(crate) fn everything(graph: &Graph) -> Vec<f64> {
    measured(|| {
        let dag = Arc::new(ours::dag(graph, Lane::Cpu));
        let code = pipeline::main_with(async move |_| Ok(Pipeline::new(dag)));
        assert_eq!(code, ExitCode::SUCCESS, "the run failed");
    })
}

/// The arguments of such a child.
pub(crate) fn arguments() -> [String; 3] {
    ["run".to_owned(), "--runs-dir".to_owned(), folder().display().to_string()]
}

fn measured(work: impl FnOnce()) -> Vec<f64> {
    let begun = Instant::now();
    work();
    vec![begun.elapsed().as_secs_f64(), child::peak() as f64]
}
