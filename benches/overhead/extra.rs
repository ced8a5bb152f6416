//! Measurements besides the shapes: memory, start-up, waiting steps, observers, the report, planning, one large value.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use pipeline::limits::{ProcessSampler, Sampler as _};
use pipeline::{Dag, DagBuilder, Handle, Lane, Pipeline, Settings, step};
use tokio::sync::Semaphore;

use crate::shapes::{Graph, Shape};
use crate::table::{
    Options, Sample, Target, Verdicts, interleaved, interleaved_least, least, median, per_step,
};
use crate::{child, observed, ours, tokio_baseline};

/// Prints the table.
pub(crate) fn print(options: &Options, table: &mut Verdicts) {
    println!("\nmeasure,value,unit,target,verdict");
    memory(options, table);
    start_up(options, table);
    waiting(options, table);
    work_of_a_microsecond(options, table);
    #[cfg(feature = "report")]
    recorded(options, table);
    report(options, table);
    sampling(options, table);
    planning(options, table);
    let peak = child::measure("value")[0];
    table.line("256 MiB to 4 consumers: peak memory", peak, "x its size", Target::Most(1.1));
    assert!(peak < 1.1, "a value was copied");
}

fn memory(options: &Options, table: &mut Verdicts) {
    let steps = if options.quick { 100_000 } else { 1_000_000 };
    for shape in Shape::ALL {
        let name = shape.name();
        let growth = child::measure(&format!("memory {name} async {steps}"));
        for (stage, growth) in ["graph", "plan", "run", "run+report"].into_iter().zip(growth) {
            table.line(&format!("memory: {stage} of {name}"), growth, "bytes/step", Target::None);
        }
    }
}

fn start_up(options: &Options, table: &mut Verdicts) {
    for (is_async, lane) in [(true, "async"), (false, "cpu")] {
        let firsts = (0..5).map(|_| child::measure(&format!("start {lane}"))[0]).collect();
        let first = median(firsts);
        table.line(
            &format!("first run of a process to first {lane} step"),
            first,
            "us",
            Target::Most(1000.0),
        );
        let least_of = |what: &str| least((0..5).map(|_| child::measure(&format!("{what} {lane}"))[0]));
        let ratio = least_of("start") / least_of("start-by-hand");
        let what = format!("first run of a process to first {lane} step, the least of 5");
        table.line(&what, ratio, "x a new runtime and task", Target::Ratio(4.0));
        let start = ours::start_of_step(is_async, true);
        let rounds = if options.quick { 20 } else { 200 };
        // A pause before each, so that no thread is still awake from the run before.
        let later = (0..rounds).map(|_| {
            std::thread::sleep(Duration::from_millis(2));
            start()
        });
        table.line(
            &format!("later run to first {lane} step"),
            median(later.collect()),
            "us",
            Target::Most(1000.0),
        );
    }
}

/// How long a waiting step waits.
const WAIT: Duration = Duration::from_millis(5);
/// The maximum number of IO slots of a run.
const SLOTS: usize = 4096;

#[step]
async fn wait() -> u64 {
    tokio::time::sleep(WAIT).await;
    1
}

/// IO steps that really wait: ours and a hand-written spawn per step at the same limit, and the latter without a limit.
/// The floor is the time of one wait times the number of waves.
fn waiting(options: &Options, table: &mut Verdicts) {
    let steps = 10_000;
    let mut builder = DagBuilder::new();
    for step in 0..steps {
        let _: Handle<u64> = builder.add::<wait>().named(format!("wait{step}")).handle();
    }
    let dag = Arc::new(builder.build().expect("a valid graph"));
    let pipeline = |timings| {
        let settings = Settings::default().io(SLOTS).timings(timings);
        Pipeline::new(Arc::clone(&dag)).settings(settings)
    };
    let (plain, timed) = (pipeline(false), pipeline(true));
    let runtime = tokio_baseline::runtime();
    let spawned = |limit: Option<usize>| {
        let begun = Instant::now();
        let answer = runtime.block_on(async { tokio::spawn(spawned_waits(steps, limit)).await });
        assert_eq!(answer.expect("no task panics"), steps as u64);
        begun.elapsed().as_secs_f64() * 1e6
    };
    let one = || {
        let begun = Instant::now();
        runtime.block_on(async { tokio::spawn(tokio::time::sleep(WAIT)).await }).expect("no task panics");
        begun.elapsed().as_secs_f64() * 1e6
    };
    let ours = |pipeline: &Pipeline| {
        let mut succeeded = false;
        let time = ours::timed_run(pipeline, |run| succeeded = run.succeeded());
        assert!(succeeded, "a step did not succeed");
        time.as_secs_f64() * 1e6
    };
    let [floor, plain, timed, limited, unlimited] = interleaved(
        if options.quick { 5 } else { 15 },
        [
            Box::new(one) as Sample<'_>,
            Box::new(|| ours(&plain)),
            Box::new(|| ours(&timed)),
            Box::new(|| spawned(Some(SLOTS))),
            Box::new(|| spawned(None)),
        ],
    );
    let waves = steps.div_ceil(SLOTS) as f64;
    let over = |time: f64, waves: f64| (time - waves * floor) / steps as f64;
    table.line("10000 waits of 5 ms: one wait takes", floor / 1e3, "ms", Target::None);
    table.line(
        "10000 waits of 5 ms in 4096 slots: ours over the floor",
        over(plain, waves),
        "us/step",
        Target::Most(1.0),
    );
    table.line(
        "10000 waits of 5 ms in 4096 slots: ours with report",
        over(timed, waves),
        "us/step",
        Target::None,
    );
    table.line(
        "10000 waits of 5 ms in 4096 slots: tokio with a semaphore",
        over(limited, waves),
        "us/step",
        Target::None,
    );
    table.line("10000 waits of 5 ms at once: tokio", over(unlimited, 1.0), "us/step", Target::None);
}

async fn spawned_waits(steps: usize, limit: Option<usize>) -> u64 {
    let places = limit.map(|limit| Arc::new(Semaphore::new(limit)));
    let mut tasks = Vec::with_capacity(steps);
    for _ in 0..steps {
        let place = match &places {
            Some(places) => {
                Some(Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed"))
            }
            None => None,
        };
        tasks.push(tokio::spawn(async move {
            tokio::time::sleep(WAIT).await;
            drop(place);
            1
        }));
    }
    let mut sum = 0;
    for task in tasks {
        sum += task.await.expect("no task panics");
    }
    sum
}

/// Work of about a microsecond, the same each time.
fn microsecond() -> u64 {
    static MULTIPLICATIONS: OnceLock<u32> = OnceLock::new();
    let count = *MULTIPLICATIONS.get_or_init(|| {
        let begun = Instant::now();
        std::hint::black_box(multiply(1_000_000));
        (1e9 / begun.elapsed().as_nanos() as f64) as u32
    });
    multiply(count)
}

fn multiply(count: u32) -> u64 {
    (0..count).fold(1, |x: u64, _| std::hint::black_box(x).wrapping_mul(6_364_136_223_846_793_005))
}

#[step]
fn busy() -> u64 {
    microsecond()
}

/// Steps of a microsecond, with observers, with timings, with neither; and a plain loop over as many cores.
fn work_of_a_microsecond(options: &Options, table: &mut Verdicts) {
    let steps = 10_000;
    let mut builder = DagBuilder::new();
    for step in 0..steps {
        let _: Handle<u64> = builder.add::<busy>().named(format!("busy{step}")).handle();
    }
    let dag = Arc::new(builder.build().expect("a valid graph"));
    let (plain, timed_pipeline) = (ours::planned(&dag, false), ours::planned(&dag, true));
    let sample = |pipeline: &Pipeline| {
        per_step(ours::timed_run(pipeline, |run| assert!(run.succeeded(), "a step did not succeed")), steps)
    };
    let alone = || {
        let begun = Instant::now();
        for _ in 0..steps {
            std::hint::black_box(microsecond());
        }
        per_step(begun.elapsed(), steps)
    };
    let [plain, timed, alone] = interleaved(
        if options.quick { 11 } else { 61 },
        [Box::new(|| sample(&plain)) as Sample<'_>, Box::new(|| sample(&timed_pipeline)), Box::new(alone)],
    );
    table.line("1 us steps: one alone takes", alone, "ns", Target::None);
    table.line("1 us steps: ours per step without report", plain, "ns", Target::None);
    table.line("1 us steps: with report", timed / plain, "x without", Target::Ratio(1.05));
    for &kind in observed::KINDS {
        let pipeline = observed::with(&timed_pipeline, kind);
        let [timed, observed] = interleaved(
            if options.quick { 11 } else { 61 },
            [Box::new(|| sample(&timed_pipeline)) as Sample<'_>, Box::new(|| sample(&pipeline))],
        );
        // The others do work of their own at each event.
        let target = if kind == "observer" { Target::Ratio(1.05) } else { Target::None };
        table.line(&format!("1 us steps: {kind} on top of the report"), observed / timed, "x report", target);
    }
}

/// Steps of a microsecond, recorded in a runs directory and not: the cost of the journal during the run, and of the
/// files before and after it.
#[cfg(feature = "report")]
fn recorded(options: &Options, table: &mut Verdicts) {
    let dir = std::env::temp_dir().join(format!("pipeline-bench-{}", std::process::id()));
    let store = pipeline::RunStore::open(&dir).expect("the folder can be made").keep_runs(1);
    for steps in [1000, 20_000] {
        let mut builder = DagBuilder::new();
        for step in 0..steps {
            let _: Handle<u64> = builder.add::<busy>().named(format!("busy{step}")).handle();
        }
        let plain = ours::planned(&Arc::new(builder.build().expect("a valid graph")), true);
        let journalled = plain.clone().record_to(&store);
        let durations = |pipeline: &Pipeline| {
            let run = pipeline.run_blocking().expect("the pipeline can be run");
            assert!(run.succeeded(), "a step did not succeed");
            per_step(run.duration(), steps)
        };
        let all = |pipeline: &Pipeline| {
            let begun = Instant::now();
            drop(pipeline.run_blocking().expect("the pipeline can be run"));
            begun.elapsed().as_secs_f64() * 1e3
        };
        let [off, on, without, with] = interleaved(
            if options.quick { 11 } else { 31 },
            [
                Box::new(|| durations(&plain)) as Sample<'_>,
                Box::new(|| durations(&journalled)),
                Box::new(|| all(&plain)),
                Box::new(|| all(&journalled)),
            ],
        );
        let what = format!("{steps} steps of 1 us");
        table.line(&format!("{what}: the run, recorded"), on / off, "x not recorded", Target::Ratio(1.05));
        table.line(
            &format!("{what}: files before and after, with the report"),
            with - without,
            "ms",
            Target::None,
        );
    }
    std::fs::remove_dir_all(&dir).expect("the folder can be removed");
}

/// The report on and off, on 1000 no-ops, by the least of many runs: medians are mostly the wake-ups of threads.
///
/// Two stamps take 7 to 9 ns, a fifth of a no-op. On steps of a microsecond they are below 1 %.
fn report(options: &Options, table: &mut Verdicts) {
    let rounds = if options.quick { 51 } else { 501 };
    for shape in [Shape::Independent, Shape::Chain] {
        for (lane, name) in [(Lane::Io, "async"), (Lane::Cpu, "cpu")] {
            let dag = Arc::new(ours::dag(&Graph::new(shape, 1000), lane));
            let (off, on) = (ours::planned(&dag, false), ours::planned(&dag, true));
            let sample = |pipeline: &Pipeline| {
                ours::timed_run(pipeline, |run| assert!(run.succeeded(), "a step did not succeed"))
                    .as_secs_f64()
                    * 1e6
            };
            let [off, on, made] = interleaved_least(
                rounds,
                [
                    Box::new(|| sample(&off)) as Sample<'_>,
                    Box::new(|| sample(&on)),
                    Box::new(|| {
                        let run = on.run_blocking().expect("the pipeline can be run");
                        let begun = Instant::now();
                        assert_eq!(run.report().steps.len(), 1000);
                        begun.elapsed().as_secs_f64() * 1e6
                    }),
                ],
            );
            let what = format!("1000 no-ops: {} {name}", shape.name());
            table.line(&format!("{what}: without report"), off, "us", Target::None);
            table.line(&format!("{what}: with report"), on / off, "x without", Target::Ratio(1.3));
            table.line(&format!("{what}: making the report"), made, "us", Target::None);
        }
    }
}

/// G03: the time of sampling memory and processor, as a share of the interval at which a memory limit samples.
fn sampling(options: &Options, table: &mut Verdicts) {
    let mut sampler = ProcessSampler::new().expect("the process can be sampled");
    let rounds = if options.quick { 50 } else { 500 };
    let samples = (0..rounds).map(|_| {
        let begun = Instant::now();
        sampler.sample().expect("the process can be sampled");
        begun.elapsed().as_secs_f64()
    });
    let share = 100.0 * least(samples) / 0.25;
    table.line("a sample of memory and processor", share, "% of 250 ms", Target::Ratio(0.1));
}

/// 10 000 steps, from the builder to a plan.
fn planning(options: &Options, table: &mut Verdicts) {
    let graph = Graph::new(Shape::Layered, 10_000);
    let rounds = if options.quick { 5 } else { 31 };
    let (mut built, mut planned) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let begun = Instant::now();
        let dag: Arc<Dag> = Arc::new(ours::dag(&graph, Lane::Io));
        let graph_made = begun.elapsed();
        let begun = Instant::now();
        drop(ours::planned(&dag, false));
        planned.push(begun.elapsed().as_secs_f64() * 1e3);
        built.push(graph_made.as_secs_f64() * 1e3);
    }
    let (built, planned) = (median(built), median(planned));
    table.line("10000 layered steps: builder and checks", built, "ms", Target::None);
    table.line("10000 layered steps: plan", planned, "ms", Target::None);
    table.line("10000 layered steps: both", built + planned, "ms", Target::Most(50.0));
}
