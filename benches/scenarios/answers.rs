//! The scenarios that promise an answer, a count or a number of waves: S8, S13, S15 to S20, S24, S25. Three wait for what the
//! framework does not have yet: S23 for a cache, the maps of S16 and S18 for maps over a step's output.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pipeline::limits::{Sample, Sampler};
use pipeline::prelude::*;
use pipeline::{Dag, DagBuilder, Handle, Run, Status};

use crate::table::Table;
use crate::{definitions, naps};

/// Runs all of them. `unit` is the time that a wait of 100 ms takes by hand, in seconds.
pub(crate) fn all(table: &mut Table, unit: f64) {
    waves(table, unit);
    quorum(table);
    handlers(table);
    medallion_with_a_failure(table);
    chunks(table);
    same_at_every_width(table);
    fan_in(table);
}

fn run(pipeline: &Pipeline) -> Run {
    pipeline.run_blocking().expect("the pipeline can be run")
}

fn workers(count: usize) -> Settings {
    Settings::default().workers(count)
}

fn built(dag: DagBuilder) -> Arc<Dag> {
    Arc::new(dag.build().expect("a valid graph"))
}

const UNIT: Duration = Duration::from_millis(100);

#[step]
async fn free() {
    tokio::time::sleep(UNIT).await;
}

#[step(sequential = "state")]
async fn state() {
    tokio::time::sleep(UNIT).await;
}

#[step(memory = "1GB")]
async fn large() {
    tokio::time::sleep(UNIT).await;
}

/// S8, S18, S19: as many units as the slots, the sequence and the memory allow.
fn waves(table: &mut Table, unit: f64) {
    let (mut exclusive, mut memory) = (DagBuilder::new(), DagBuilder::new());
    for step in 0..5 {
        let _ = exclusive.add::<free>().named(format!("free{step}"));
    }
    for step in 0..7 {
        let _ = exclusive.add::<state>().named(format!("state{step}"));
    }
    for step in 0..12 {
        let _ = memory.add::<large>().named(format!("large{step}"));
    }
    for (scenario, dag, settings, units) in [
        ("S8", built(exclusive), workers(4), 7.0),
        ("S18 5 chunks", naps::independent(5, 100), workers(4), 2.0),
        ("S18 10 chunks", naps::independent(10, 100), workers(4), 3.0),
        ("S19", built(memory), workers(8).memory_limit(4_000_000_000), 3.0),
    ] {
        let sampler = || Box::new(|| Ok(Sample::of_memory(1))) as Box<dyn Sampler>;
        let pipeline = Pipeline::new(dag).settings(settings).sampler(sampler);
        let begun = Instant::now();
        let run = run(&pipeline);
        let wall = begun.elapsed().as_secs_f64();
        assert!(run.succeeded(), "{scenario}: a step did not succeed");
        let figures = &run.report().figures;
        definitions::check(run.report());
        table.ratio(&format!("{scenario} against {units} units by hand"), wall / (units * unit), 1.02, 0.03);
        table.exactly(&format!("{scenario} peak concurrency"), figures.peak_concurrency, 4);
        table.figures(scenario, wall, figures);
    }
}

/// S13: five branches of which three fail or hang; two are enough.
fn quorum(table: &mut Table) {
    #[step]
    async fn answers() -> u32 {
        1
    }
    #[step]
    async fn fails() -> Result<u32, String> {
        Err("down".to_owned())
    }
    #[step(timeout = "20ms")]
    async fn hangs() -> u32 {
        std::future::pending().await
    }
    #[step]
    async fn answers_too() -> u32 {
        5
    }
    #[step]
    async fn fails_too() -> Result<u32, String> {
        Err("down".to_owned())
    }
    #[step]
    fn merged(
        #[from(answers, fails, hangs, fails_too, answers_too, at_least = 2)] some: BTreeMap<&str, &u32>,
    ) -> usize {
        some.len()
    }
    let run = run(&Pipeline::to::<merged>());
    table.exactly("S13 branches that a merge has", *run.output::<merged>().expect("two are enough"), 2);
    let failed = run.report().steps.iter().filter(|step| step.status.is_failure()).count();
    table.exactly("S13 branches that the report names", failed, 3);
}

/// S15: three services, one of which fails, and one has a fallback.
fn handlers(table: &mut Table) {
    #[step]
    async fn orders() -> u32 {
        10
    }
    #[step(optional)]
    async fn stock() -> Result<u32, String> {
        Err("no stock".to_owned())
    }
    #[step(fallback = 8)]
    fn price() -> Result<u32, String> {
        Err("no price".to_owned())
    }
    #[step]
    fn aggregated(orders: &u32, stock: Result<&u32, &StepError>, price: &u32) -> [Option<u32>; 3] {
        [Some(*orders), stock.ok().copied(), Some(*price)]
    }
    let run = run(&Pipeline::to::<aggregated>());
    assert!(run.succeeded(), "S15: the run did not succeed");
    assert_eq!(run.output::<aggregated>(), Ok(&[Some(10), None, Some(8)]));
    let fallbacks = run.report().steps.iter().filter(|step| step.fallback_used).count();
    table.exactly("S15 fallbacks", fallbacks, 1);
}

/// S25: one of three branches of a medallion fails at its start.
fn medallion_with_a_failure(table: &mut Table) {
    let mut dag = DagBuilder::new();
    let silver: Vec<Handle<u64>> = ["a", "b", "c"]
        .into_iter()
        .map(|name| {
            let bronze = dag.try_cpu(format!("bronze_{name}"), (), move |()| {
                if name == "b" { Err("planted") } else { Ok(1_u64) }
            });
            dag.cpu(format!("silver_{name}"), (bronze,), |(bronze,)| *bronze)
        })
        .collect();
    dag.cpu("gold", silver, |silver: Vec<&u64>| silver.into_iter().sum::<u64>());
    let run = run(&Pipeline::new(built(dag)));
    let skipped = ["silver_b", "gold"];
    for name in skipped {
        let step = run.report().step(name).expect("it is planned");
        assert_eq!((step.status, step.because.as_deref()), (Status::Skipped, Some("bronze_b")));
    }
    table.exactly("S25 steps that complete", run.report().counts.succeeded, 4);
    table.exactly("S25 steps skipped with their cause", run.report().counts.skipped, skipped.len());
}

/// S17: 10 000 records in chunks of 1000 on four processors, in their order.
fn chunks(table: &mut Table) {
    let mut dag = DagBuilder::new();
    let parts: Vec<Handle<Vec<u64>>> = (0..10_u64)
        .map(|chunk| {
            dag.io(format!("chunk{chunk}"), (), move |_| {
                Box::pin(async move {
                    // Later chunks end first.
                    tokio::time::sleep(Duration::from_millis(40 - 4 * chunk)).await;
                    Ok::<_, std::io::Error>((1000 * chunk..1000 * (chunk + 1)).collect())
                })
            })
        })
        .collect();
    dag.cpu("restored", parts, |parts: Vec<&Vec<u64>>| {
        parts.into_iter().flatten().copied().collect::<Vec<_>>()
    });
    let run = run(&Pipeline::new(built(dag)).settings(workers(4)));
    let restored = run.output_named::<Vec<u64>>("restored").expect("it succeeds");
    assert!(restored.iter().copied().eq(0..10_000), "S17: the order was not restored");
    table.exactly("S17 chunks at once", run.report().figures.peak_concurrency, 4);
}

/// S16, S20: a word count by four mappers and two reducers, and steps with random numbers, are the same at every width.
fn same_at_every_width(table: &mut Table) {
    #[step]
    fn mapped(#[param] part: usize, #[context] cx: &StepContext) -> BTreeMap<String, u64> {
        const TEXT: &str = "the sea was calm and the ship came over the sea as the sun went down";
        let mut counts = BTreeMap::new();
        for word in TEXT.split(' ').skip(part).step_by(4) {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
        counts.insert("random".to_owned(), cx.rng().below(1000));
        counts
    }
    #[step]
    fn reduced(#[input] parts: Vec<&BTreeMap<String, u64>>, #[param] part: usize) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        let pairs = parts.into_iter().flatten().filter(|(word, _)| word.len() % 2 == part);
        pairs.for_each(|(word, count)| *counts.entry(word.clone()).or_default() += count);
        counts
    }
    let mut dag = DagBuilder::new();
    let mappers: Vec<_> = (0..4_usize)
        .map(|part| dag.add::<mapped>().named(format!("map{part}")).param("part", part).handle())
        .collect();
    for part in 0..2_usize {
        let reducer = dag.add::<reduced>().named(format!("reduce{part}")).param("part", part);
        let _ = reducer.inputs("parts", mappers.iter().copied());
    }
    let dag = built(dag);
    let at = |count| {
        let run = run(&Pipeline::new(Arc::clone(&dag)).settings(workers(count).seed(42)));
        let counts = |name| run.output_named::<BTreeMap<String, u64>>(name).expect("it succeeds").clone();
        (counts("reduce0"), counts("reduce1"))
    };
    let sequential = at(1);
    assert_eq!(sequential.1.get("the"), Some(&4), "S16: a word was counted wrongly");
    let same = [2, 4, 8].into_iter().filter(|&count| at(count) == sequential).count();
    table.exactly("S16 S20 widths with the answer of a sequential run", same, 3);
}

/// S24: fan-ins of seven and of a thousand.
fn fan_in(table: &mut Table) {
    for width in [7, 1000] {
        let mut dag = DagBuilder::new();
        let all: Vec<Handle<u64>> =
            (0..width).map(|n| dag.cpu(format!("branch{n}"), (), move |()| n as u64)).collect();
        dag.cpu("merged", all, |all: Vec<&u64>| {
            all.iter().enumerate().filter(|(n, value)| ***value == *n as u64).count()
        });
        let run = run(&Pipeline::new(built(dag)));
        let merged = *run.output_named::<usize>("merged").expect("it succeeds");
        table.exactly(&format!("S24 inputs of a fan-in of {width}"), merged, width);
    }
}
