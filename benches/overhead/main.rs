//! `cargo bench --bench overhead`: the cost of a step, compared with the same work hand-written on tokio and on rayon.
//!
//! Prints CSV. The first table has one line per shape, lane, size and mode:
//!
//! - `run`: planned once, run many times, timings off;
//! - `run+report`: the same with timings on, the default;
//! - `build+run`: builder, plan, run and drop of all of them.
//!
//! Ratios are ours divided by theirs: below 1, ours is faster. All contenders of a line are timed in turn, in one
//! process, and medians are compared (in the quick form, the least). A baseline is the fastest of the styles that fit the shape (second table); it
//! starts from a finished graph in every mode, so `build+run` includes building for ours only. Every answer is checked.
//! The third table has the other measurements. Options: see [`table::Options`].
//!
//! Exits with 1 if a target is missed. With `--quick`, only if a ratio to a contender of the same process is more than twice its
//! target: smaller misses can be the machine's.
#![allow(clippy::print_stdout, reason = "a bench prints its results")]

mod child;
#[cfg(feature = "cli")]
mod everything;
mod extra;
mod observed;
mod ours;
mod rayon_baseline;
mod shapes;
mod table;
mod tokio_baseline;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use pipeline::Lane;
use tokio::runtime::Runtime;

use crate::shapes::{Graph, Shape};
use crate::table::{Options, Sample, Target, Verdicts, interleaved, interleaved_least, per_step};

fn main() -> ExitCode {
    if child::is_child() {
        child::main();
        return ExitCode::SUCCESS;
    }
    let options = Options::read();
    if options.profile {
        profile(&options);
        return ExitCode::SUCCESS;
    }
    let mut verdicts = Verdicts::new(options.quick);
    #[cfg(feature = "cli")]
    if options.everything {
        everything::print(&options, &mut verdicts);
        return code(&verdicts);
    }
    if !options.skip_shapes {
        shapes(&options, &mut verdicts);
    }
    if !options.skip_extra {
        extra::print(&options, &mut verdicts);
    }
    code(&verdicts)
}

fn code(verdicts: &Verdicts) -> ExitCode {
    if verdicts.are_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints the first two tables.
fn shapes(options: &Options, verdicts: &mut Verdicts) {
    let sizes: &[usize] = if options.quick { &[10_000] } else { &[10_000, 1_000_000] };
    let only = options.steps.map(|steps| [steps]);
    let runtime = tokio_baseline::runtime();
    let mut styles = Vec::new();
    println!("shape,lane,steps,mode,ns_per_step,ratio_to_tokio,ratio_to_rayon,verdict");
    for &steps in only.as_ref().map_or(sizes, |only| &only[..]) {
        let wanted =
            Shape::ALL.into_iter().filter(|shape| options.shape.as_deref().is_none_or(|s| s == shape.name()));
        for shape in wanted {
            let graph = Arc::new(Graph::new(shape, steps));
            let best = Baselines::choose(&runtime, &graph, options, &mut styles);
            for (lane, name) in [(Lane::Io, "async"), (Lane::Cpu, "cpu")] {
                if options.lane.as_deref().is_none_or(|lane| lane == name) {
                    compare(&graph, lane, name, &best, options, verdicts);
                }
            }
        }
    }
    println!("\nshape,steps,library,style,ns_per_step");
    styles.iter().for_each(|line| println!("{line}"));
}

/// How many samples are taken, and how many runs each has: small graphs run several times per sample. Not in the quick form,
/// which compares the least of many short samples: on a busy machine, a long one is always interrupted.
fn rounds(options: &Options, steps: usize) -> (usize, usize) {
    let batch = if options.quick { 1 } else { (50_000 / steps).clamp(1, 20) };
    let rounds = match options.quick {
        true => 51,
        false if steps > 100_000 => 7,
        false => 41,
    };
    (options.rounds.unwrap_or(rounds), batch)
}

/// The best style of each library for one graph.
struct Baselines<'r> {
    runtime: &'r Runtime,
    tokio: tokio_baseline::Style,
    rayon: rayon_baseline::Style,
}

impl<'r> Baselines<'r> {
    /// Times every style and records the results.
    fn choose(runtime: &'r Runtime, graph: &Arc<Graph>, options: &Options, lines: &mut Vec<String>) -> Self {
        let tries = if options.quick || graph.len() > 100_000 { 2 } else { 9 };
        let mut best = |library: &str, name: &str, sample: &mut dyn FnMut() -> f64| {
            sample();
            let cost = table::median((0..tries).map(|_| sample()).collect());
            lines.push(format!("{},{},{library},{name},{cost:.1}", graph.shape.name(), graph.len()));
            cost
        };
        let tokio = tokio_baseline::styles(graph.shape)
            .iter()
            .map(|&style| (best("tokio", style.0, &mut || sample_tokio(runtime, graph, style, 1)), style));
        let tokio = tokio.min_by(|a, b| a.0.total_cmp(&b.0)).expect("every shape has a style").1;
        let rayon = rayon_baseline::styles(graph.shape)
            .iter()
            .map(|&style| (best("rayon", style.0, &mut || sample_rayon(graph, style, 1)), style));
        let rayon = rayon.min_by(|a, b| a.0.total_cmp(&b.0)).expect("every shape has a style").1;
        Baselines { runtime, tokio, rayon }
    }
}

fn sample_tokio(runtime: &Runtime, graph: &Arc<Graph>, style: tokio_baseline::Style, batch: usize) -> f64 {
    let begun = Instant::now();
    for _ in 0..batch {
        graph.check(tokio_baseline::run(runtime, graph, style), style.0);
    }
    per_step(begun.elapsed(), batch * graph.len())
}

fn sample_rayon(graph: &Graph, style: rayon_baseline::Style, batch: usize) -> f64 {
    let begun = Instant::now();
    for _ in 0..batch {
        graph.check(style.1(graph), style.0);
    }
    per_step(begun.elapsed(), batch * graph.len())
}

/// Prints the lines of one graph and lane.
fn compare(
    graph: &Arc<Graph>,
    lane: Lane,
    lane_name: &str,
    best: &Baselines<'_>,
    options: &Options,
    verdicts: &mut Verdicts,
) {
    let dag = Arc::new(ours::dag(graph, lane));
    let (plain, with_report) = (ours::planned(&dag, false), ours::planned(&dag, true));
    let timeouts = ours::planned_with_timeouts(&dag, false);
    let timeouts_report = ours::planned_with_timeouts(&dag, true);
    // The first run is checked in full; it also warms up.
    for pipeline in [&plain, &with_report, &timeouts, &timeouts_report] {
        ours::timed_run(pipeline, |run| ours::check(graph, run));
    }
    let (rounds, batch) = rounds(options, graph.len());
    let check = |run: &pipeline::Run| ours::check(graph, run);
    let sample = |pipeline: &pipeline::Pipeline| {
        let total = (0..batch).map(|_| ours::timed_run(pipeline, check)).sum();
        per_step(total, batch * graph.len())
    };
    let compared = if options.quick { interleaved_least } else { interleaved };
    let [run, report, with_timeouts, with_both, build, tokio, rayon] = compared(
        rounds,
        [
            Box::new(|| sample(&plain)) as Sample<'_>,
            Box::new(|| sample(&with_report)),
            Box::new(|| sample(&timeouts)),
            Box::new(|| sample(&timeouts_report)),
            Box::new(|| per_step(ours::timed_build_and_run(graph, lane, check), graph.len())),
            Box::new(|| sample_tokio(best.runtime, graph, best.tokio, batch)),
            Box::new(|| sample_rayon(graph, best.rayon, batch)),
        ],
    );
    let modes = [
        ("run", run),
        ("run+report", report),
        ("run+timeouts", with_timeouts),
        ("run+report+timeouts", with_both),
        ("build+run", build),
    ];
    for (mode, ours) in modes {
        let (shape, steps) = (graph.shape.name(), graph.len());
        // Building is timed for ours only.
        let target = if mode == "build+run" { Target::None } else { Target::Ratio(1.0) };
        let verdict = verdicts.judge(ours / tokio, target);
        let (to_tokio, to_rayon) = (ours / tokio, ours / rayon);
        println!("{shape},{lane_name},{steps},{mode},{ours:.1},{to_tokio:.3},{to_rayon:.3},{verdict}");
    }
}

/// Runs only our own side, for a profiler: `--profile --shape chain --lane cpu --steps 1000000 --rounds 20`. With
/// `--report`, timings are on; with `--observed observer`, the run has an observer ([`observed::KINDS`]).
fn profile(options: &Options) {
    let (steps, rounds) = (options.steps.unwrap_or(1_000_000), options.rounds.unwrap_or(20));
    for shape in
        Shape::ALL.into_iter().filter(|shape| options.shape.as_deref().is_none_or(|s| s == shape.name()))
    {
        for (lane, name) in [(Lane::Io, "async"), (Lane::Cpu, "cpu")] {
            if options.lane.as_deref().is_some_and(|lane| lane != name) {
                continue;
            }
            let graph = Graph::new(shape, steps);
            let dag = Arc::new(ours::dag(&graph, lane));
            let pipeline = if options.timeouts {
                ours::planned_with_timeouts(&dag, options.report)
            } else {
                ours::planned(&dag, options.report)
            };
            let observed = options.observed.as_deref().map(|kind| observed::with(&pipeline, kind));
            let pipeline = observed.unwrap_or(pipeline);
            let samples = (0..rounds)
                .map(|_| per_step(ours::timed_run(&pipeline, |_| ()), graph.len()))
                .collect::<Vec<_>>();
            let least = samples.iter().copied().fold(f64::INFINITY, f64::min);
            println!("{},{name},{},{:.1},{least:.1}", shape.name(), graph.len(), table::median(samples));
        }
    }
}
