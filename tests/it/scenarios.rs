//! The scenarios with numbers, in virtual time: they compare schedules, not machines.

use pipeline::prelude::*;
use pipeline::*;

use crate::definitions;
use crate::support::{Clock, Slept, many, nap, peak};

/// Runs three bronze, three silver and one gold step of these durations (ms); returns the total and their spans.
async fn medallion(bronze: [u64; 3], silver: [u64; 3], gold: u64, settings: Settings) -> (u128, Vec<Slept>) {
    let clock = Clock::start();
    let mut dag = DagBuilder::new();
    let mut silvers = Vec::new();
    for n in 0..3 {
        let bronze = clock.sleeper(&mut dag, format!("bronze_{n}"), vec![], bronze[n]);
        silvers.push(clock.sleeper(&mut dag, format!("silver_{n}"), vec![bronze], silver[n]));
    }
    clock.sleeper(&mut dag, "gold", silvers, gold);
    spans(clock, dag, settings).await
}

async fn spans(clock: Clock, dag: DagBuilder, settings: Settings) -> (u128, Vec<Slept>) {
    let run = Pipeline::new(dag.build().unwrap()).keep_all().settings(settings).run().await.unwrap();
    assert!(run.succeeded());
    let now = clock.now();
    definitions::check(run.report());
    let names = run.available();
    (now, names.iter().map(|name| *run.output_named::<Slept>(name).unwrap()).collect())
}

fn four() -> Settings {
    Settings::default().workers(4)
}

/// S1, S5, I01: 5.4 with four workers and with sixteen; and the arithmetic behind 66 per cent.
#[tokio::test(start_paused = true)]
async fn s1_the_even_medallion_takes_its_critical_path() {
    for settings in [four(), Settings::default().workers(16)] {
        let (wall, spans) = medallion([1400; 3], [3100; 3], 900, settings).await;
        assert_eq!(wall, 5400);
        let busy: u128 = spans.iter().map(|span| span.to - span.from).sum();
        assert_eq!((busy, peak(&spans)), (14_400, 3));
        assert_eq!(1000 * busy / 4 / wall, 666, "the efficiency that SparkForge reports as 66");
    }
}

/// S2: the uneven medallion takes its critical path, not the sum of its levels.
#[tokio::test(start_paused = true)]
async fn s2_the_uneven_medallion_has_no_barriers() {
    let (wall, _) = medallion([1400, 800, 300], [900, 1600, 3100], 900, four()).await;
    assert_eq!(wall, 4300);
}

/// S3.
#[tokio::test(start_paused = true)]
async fn s3_the_small_medallion_takes_six_tenths() {
    let (wall, _) = medallion([100, 200, 400], [400, 200, 100], 100, four()).await;
    assert_eq!(wall, 600);
}

/// S4: sequential takes the sum, and the one slot is always busy.
#[tokio::test(start_paused = true)]
async fn s4_sequential_takes_the_sum() {
    let (wall, spans) =
        medallion([1400, 800, 300], [900, 1600, 3100], 900, Settings::default().workers(1)).await;
    assert_eq!((wall, peak(&spans)), (9000, 1));
    assert_eq!(spans.iter().map(|span| span.to - span.from).sum::<u128>(), wall);
}

/// S6
#[tokio::test(start_paused = true)]
async fn s6_sixteen_steps_run_four_at_a_time() {
    let clock = Clock::start();
    let mut dag = DagBuilder::new();
    for n in 0..16 {
        clock.sleeper(&mut dag, format!("s{n}"), vec![], 250);
    }
    let (wall, spans) = spans(clock, dag, four()).await;
    assert_eq!((wall, peak(&spans)), (1000, 4));
}

/// S6, I03, I04: the widest level is sixteen while the peak is four.
#[test]
fn s6_the_widest_level_is_not_the_peak() {
    let mut dag = DagBuilder::new();
    for n in 0..16 {
        dag.cpu(format!("s{n}"), (), |()| ());
    }
    let run =
        Pipeline::new(dag.build().unwrap()).settings(Settings::default().workers(4)).run_blocking().unwrap();
    definitions::check(run.report());
    assert_eq!(run.report().figures.widest_level, 16);
    assert!(run.report().figures.peak_concurrency <= 4);
}

/// S7
#[tokio::test(start_paused = true)]
async fn s7_nine_steps_take_three_units_with_four_workers() {
    let clock = Clock::start();
    let mut dag = DagBuilder::new();
    for n in 0..9 {
        clock.sleeper(&mut dag, format!("stg_{n}"), vec![], 1000);
    }
    let (wall, _) = spans(clock, dag, four()).await;
    assert_eq!(wall, 3000);
}

/// S9, C12: three years whose events need the state of the year before: 60 units, critical path 31.
async fn three_years(workers: usize) -> u128 {
    let clock = Clock::start();
    let mut dag = DagBuilder::new();
    let mut state: Option<Handle<Slept>> = None;
    for year in 0..3 {
        let mut step = |name: String, from: Vec<Handle<Slept>>| {
            clock.sleeper(&mut dag, format!("{name}_{year}"), from, 1000)
        };
        let staging: Vec<_> = (0..4).map(|n| step(format!("staging_{n}"), vec![])).collect();
        let low: Vec<_> =
            (0..2).map(|n| step(format!("low_{n}"), staging[2 * n..2 * n + 2].to_vec())).collect();
        let high: Vec<_> = (0..2).map(|n| step(format!("high_{n}"), low.clone())).collect();
        let mut last = step("events_0".into(), high.iter().copied().chain(state).collect());
        for n in 1..5 {
            last = step(format!("events_{n}"), vec![last]);
        }
        for n in 0..4 {
            last = step(format!("state_{n}"), vec![last]);
        }
        state = Some(last);
        for n in 0..3 {
            step(format!("validation_{n}"), vec![last]);
        }
    }
    let (wall, spans) = spans(clock, dag, Settings::default().workers(workers)).await;
    assert_eq!(spans.len(), 60);
    assert!(peak(&spans) <= workers);
    wall / 1000
}

#[tokio::test(start_paused = true)]
async fn s9_three_years_take_their_critical_path_with_four_workers() {
    assert_eq!(three_years(4).await, 31);
}

#[tokio::test(start_paused = true)]
async fn s9_three_years_are_within_a_tenth_of_their_bound_with_two_workers() {
    let units = three_years(2).await;
    assert!(units <= 33, "{units} units, 31 at best");
}

/// C12: of two ready steps, the one on the longer path starts first; `cost` counts.
#[tokio::test(start_paused = true)]
async fn the_step_on_the_longest_path_goes_first() {
    #[step]
    async fn short_way(#[resource] order: &std::sync::Mutex<Vec<&'static str>>) {
        order.lock().unwrap().push("short");
    }
    #[step]
    async fn long_way(#[resource] order: &std::sync::Mutex<Vec<&'static str>>) {
        order.lock().unwrap().push("long");
    }
    #[step]
    async fn long_end(_long_way: &()) {}
    #[step(cost = 10)]
    async fn costly(#[resource] order: &std::sync::Mutex<Vec<&'static str>>) {
        order.lock().unwrap().push("costly");
    }
    let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::<&str>::new()));
    let pipeline = Pipeline::to::<short_way>().and::<long_end>().and::<costly>().resource(order.clone());
    pipeline.settings(Settings::default().workers(1)).run().await.unwrap();
    assert_eq!(*order.lock().unwrap(), ["costly", "long", "short"]);
}

/// A11: a group labels its steps and never holds back another: the silver step of a short bronze one starts while the other
/// bronze steps run, and ends before them.
#[tokio::test(start_paused = true)]
async fn a_group_is_no_barrier() {
    #[step(group = "sc-bronze")]
    async fn sc_bronze(#[param] millis: u64, #[resource] clock: &Clock) -> Slept {
        nap(clock, millis).await
    }
    #[step(group = "sc-silver")]
    async fn sc_silver(#[input] bronze: &Slept, #[param] millis: u64, #[resource] clock: &Clock) -> Slept {
        let _ = bronze;
        nap(clock, millis).await
    }
    let mut dag = DagBuilder::new();
    for (n, (bronze, silver)) in [(1000, 10), (20, 30), (500, 10)].into_iter().enumerate() {
        let bronze =
            dag.add::<sc_bronze>().named(format!("bronze_{n}")).param("millis", bronze as u64).handle();
        let silver = dag.add::<sc_silver>().named(format!("silver_{n}")).param("millis", silver as u64);
        let _ = silver.input("bronze", bronze);
    }
    let clock = Clock::start();
    let run = Pipeline::new(dag.build().unwrap()).keep_all().resource(clock).run().await.unwrap();
    let slept = |name: &str| *run.output_named::<Slept>(name).unwrap();
    assert_eq!(slept("silver_1"), Slept { from: 20, to: 50 });
    assert_eq!(slept("silver_2"), Slept { from: 500, to: 510 });
    assert_eq!((slept("bronze_0").to, clock.now()), (1000, 1010), "the longest path alone");
    let groups: Vec<_> = run.report().steps.iter().map(|step| step.group.as_deref().unwrap()).collect();
    assert_eq!(groups.iter().filter(|group| **group == "sc-bronze").count(), 3, "the report has the labels");
}

/// S18: equal chunks take as many waves as four workers need, and a merge has them in the order in which they were made,
/// although they end in the reverse order.
#[tokio::test(start_paused = true)]
async fn s18_chunks_take_their_waves_and_keep_their_order() {
    #[step]
    async fn sc_chunk(#[resource] clock: &Clock) -> Slept {
        nap(clock, 1000).await
    }
    for (chunks, waves) in [(5, 2000), (10, 3000)] {
        let mut dag = DagBuilder::new();
        many::<sc_chunk>(&mut dag, "chunk", chunks);
        let clock = Clock::start();
        let run = Pipeline::new(dag.build().unwrap()).settings(four()).resource(clock).run().await.unwrap();
        assert!(run.succeeded());
        assert_eq!(clock.now(), waves, "{chunks} chunks");
    }
    let clock = Clock::start();
    let mut dag = DagBuilder::new();
    let delayed: Vec<_> =
        (1..=4).map(|n| clock.sleeper(&mut dag, format!("item_{n}"), vec![], 50 - 10 * n)).collect();
    dag.cpu("restored", delayed, |items: Vec<&Slept>| items.iter().map(|item| item.to).collect::<Vec<_>>());
    let run =
        Pipeline::new(dag.build().unwrap()).settings(Settings::default().workers(8)).run().await.unwrap();
    assert_eq!(run.output_named::<Vec<u128>>("restored"), Ok(&vec![40, 30, 20, 10]), "[1, 2, 3, 4]");
}
