//! Steps that run alone, and sequences of steps.

use std::sync::Arc;

use pipeline::prelude::*;
use pipeline::*;

use crate::support::{Clock, Gauge, Recorder, Slept, are_apart, many, nap, peak, run_in_time, spans};

/// C16: an exclusive step overlaps with no step of any lane, exclusive or not.
#[test]
fn an_exclusive_step_overlaps_with_nothing_in_any_lane() {
    /// How many other steps this one saw running.
    fn work(gauge: &Arc<Gauge>) -> usize {
        let _inside = gauge.enter();
        let seen = (0..20).map(|_| {
            std::thread::yield_now();
            gauge.now() - 1
        });
        seen.max().unwrap_or(0)
    }
    async fn wait(gauge: &Arc<Gauge>) -> usize {
        let _inside = gauge.enter();
        let mut seen = 0;
        for _ in 0..5 {
            tokio::task::yield_now().await;
            seen = seen.max(gauge.now() - 1);
        }
        seen
    }
    #[step(exclusive)]
    fn ex_cpu(#[resource] gauge: &Arc<Gauge>) -> usize {
        work(gauge)
    }
    #[step(blocking, exclusive)]
    fn ex_blocking(#[resource] gauge: &Arc<Gauge>) -> usize {
        work(gauge)
    }
    #[step(exclusive)]
    async fn ex_io(#[resource] gauge: &Arc<Gauge>) -> usize {
        wait(gauge).await
    }
    #[step]
    fn ex_free(#[resource] gauge: &Arc<Gauge>) -> usize {
        work(gauge)
    }
    #[step(blocking)]
    fn ex_free_blocking(#[resource] gauge: &Arc<Gauge>) -> usize {
        work(gauge)
    }
    #[step]
    async fn ex_free_io(#[resource] gauge: &Arc<Gauge>) -> usize {
        wait(gauge).await
    }
    for workers in [None, Some(1), Some(3)] {
        let mut dag = DagBuilder::new();
        many::<ex_free>(&mut dag, "free_cpu", 20);
        many::<ex_cpu>(&mut dag, "alone_cpu", 5);
        many::<ex_free_blocking>(&mut dag, "free_blocking", 20);
        many::<ex_blocking>(&mut dag, "alone_blocking", 5);
        many::<ex_free_io>(&mut dag, "free_io", 20);
        many::<ex_io>(&mut dag, "alone_io", 5);
        let mut pipeline = Pipeline::new(dag.build().unwrap()).resource(Arc::new(Gauge::default()));
        if let Some(workers) = workers {
            pipeline = pipeline.settings(Settings::default().workers(workers));
        }
        let run = run_in_time(pipeline);
        assert!(run.succeeded());
        let alone = run.available().into_iter().filter(|name| name.starts_with("alone"));
        for name in alone {
            assert_eq!(run.output_named::<usize>(name), Ok(&0), "`{name}` with {workers:?} workers");
        }
        let said = &run.report().limited_by;
        assert_eq!(said.iter().filter(|reason| reason.ends_with("runs alone: it is exclusive")).count(), 15);
    }
}

/// C16: other steps run together before and after, and no unit of time is lost.
#[tokio::test(start_paused = true)]
async fn exclusive_steps_cost_their_own_time_only() {
    #[step(exclusive)]
    async fn et_alone(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    #[step]
    async fn et_free(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    let mut dag = DagBuilder::new();
    many::<et_free>(&mut dag, "free", 6);
    many::<et_alone>(&mut dag, "alone", 3);
    let clock = Clock::start();
    let run = Pipeline::new(dag.build().unwrap()).resource(clock).run().await.unwrap();
    let (alone, all) = (spans(&run, "alone"), spans(&run, ""));
    for alone in &alone {
        let beside = all.iter().filter(|span| span.from < alone.to && alone.from < span.to).count();
        assert_eq!(beside, 1, "{alone:?} of {all:?}");
    }
    assert_eq!(clock.now(), 400, "three alone, then the others together");
}

/// S8, C16: 5 free steps and 7 that share a state, of unit time: 7 units, while alternating stages need 9.
#[tokio::test(start_paused = true)]
async fn s8_free_steps_overlap_a_sequence() {
    #[step(sequential = "s8-state")]
    async fn s8_state(#[resource] clock: &Clock) -> Slept {
        nap(clock, 1000).await
    }
    #[step]
    async fn s8_free(#[resource] clock: &Clock) -> Slept {
        nap(clock, 1000).await
    }
    let mut dag = DagBuilder::new();
    many::<s8_free>(&mut dag, "free", 3);
    many::<s8_state>(&mut dag, "state", 7);
    many::<s8_free>(&mut dag, "later", 2);
    let clock = Clock::start();
    let run = Pipeline::new(dag.build().unwrap())
        .settings(Settings::default().workers(4))
        .resource(clock)
        .run()
        .await
        .unwrap();
    assert_eq!(clock.now(), 7000, "1.71 times as fast as one at a time");
    let state = spans(&run, "state");
    let starts: Vec<u128> = state.iter().map(|span| span.from).collect();
    assert_eq!(starts, [0, 1000, 2000, 3000, 4000, 5000, 6000], "in plan order");
    assert_eq!(peak(&spans(&run, "")), 4, "three others run at the same time");
}

/// S9, C12: the three years, with a sequence instead of the edges within a year's chain.
async fn three_years(workers: usize) -> u128 {
    #[step]
    async fn s9_staging(#[resource] clock: &Clock) -> Slept {
        nap(clock, 1000).await
    }
    #[step]
    async fn s9_free(#[input] from: Vec<&Slept>, #[resource] clock: &Clock) -> Slept {
        let _ = from;
        nap(clock, 1000).await
    }
    #[step(sequential = "s9-state")]
    async fn s9_state(#[input] from: Vec<&Slept>, #[resource] clock: &Clock) -> Slept {
        let _ = from;
        nap(clock, 1000).await
    }
    let mut dag = DagBuilder::new();
    let mut last_year = Vec::new();
    for year in 0..3 {
        let free = |dag: &mut DagBuilder, name: String, from: &[Handle<Slept>]| {
            dag.add::<s9_free>().named(format!("{name}_{year}")).inputs("from", from.to_vec()).handle()
        };
        let state = |dag: &mut DagBuilder, name: String, from: &[Handle<Slept>]| {
            dag.add::<s9_state>().named(format!("state_{name}_{year}")).inputs("from", from.to_vec()).handle()
        };
        let staging = many::<s9_staging>(&mut dag, &format!("staging_{year}"), 4);
        let low: Vec<_> =
            (0..2).map(|n| free(&mut dag, format!("low_{n}"), &staging[2 * n..2 * n + 2])).collect();
        let high: Vec<_> = (0..2).map(|n| free(&mut dag, format!("high_{n}"), &low)).collect();
        // Only the sequence orders the events and states.
        let from = [high, last_year].concat();
        let events: Vec<_> = (0..5).map(|n| state(&mut dag, format!("event_{n}"), &from)).collect();
        let states: Vec<_> = (0..4).map(|n| state(&mut dag, format!("new_{n}"), &events)).collect();
        for n in 0..3 {
            free(&mut dag, format!("validation_{n}"), &states);
        }
        last_year = states;
    }
    let clock = Clock::start();
    let pipeline = Pipeline::new(dag.build().unwrap())
        .keep_all()
        .settings(Settings::default().workers(workers))
        .resource(clock);
    let run = pipeline.run().await.unwrap();
    let all = spans(&run, "");
    assert_eq!(all.len(), 60);
    assert!(peak(&all) <= workers);
    assert!(are_apart(&spans(&run, "state")));
    clock.now() / 1000
}

#[tokio::test(start_paused = true)]
async fn s9_three_years_in_sequence_take_their_critical_path_with_four_workers() {
    assert_eq!(three_years(4).await, 31);
}

#[tokio::test(start_paused = true)]
async fn s9_three_years_in_sequence_are_within_a_tenth_of_their_bound_with_two_workers() {
    let units = three_years(2).await;
    assert!(units <= 33, "{units} units, 31 at best");
}

/// C16: a sequence follows plan order, over lanes, with data edges between its steps, and if written backwards.
#[test]
fn a_sequence_is_in_plan_order_whatever_the_edges_between_its_steps() {
    #[step(sequential = "sq-state")]
    fn sq_reads(#[input] from: Vec<&u32>) -> u32 {
        from.len() as u32
    }
    #[step(sequential = "sq-state")]
    async fn sq_io(#[input] from: Vec<&u32>) -> u32 {
        tokio::task::yield_now().await;
        from.len() as u32
    }
    #[step(blocking)]
    fn sq_between(#[input] from: Vec<&u32>) -> u32 {
        from.len() as u32
    }
    for _ in 0..10 {
        let recorder = Recorder::default();
        let dag = {
            let mut dag = DagBuilder::new();
            let mut last: Vec<Handle<u32>> = vec![dag.cpu("s1000", (), |()| 0)];
            for n in 1..60_usize {
                let from: Vec<_> =
                    if n >= 3 && n % 2 == 0 { vec![last[n / 2], last[n - 3]] } else { vec![last[0]] };
                let step = match n % 3 {
                    0 => dag.add::<sq_reads>(),
                    1 => dag.add::<sq_between>(),
                    _ => dag.add::<sq_io>(),
                };
                last.push(step.named(format!("s{n}")).inputs("from", from).handle());
            }
            dag.build().unwrap()
        };
        let run = run_in_time(Pipeline::new(dag).observe(recorder.clone()));
        assert!(run.succeeded());
        let is_in_sequence = |name: &&str| name[1..].parse::<usize>().unwrap() % 3 != 1;
        let planned: Vec<&str> = run.report().steps.iter().map(|step| step.name.as_str()).collect();
        let planned: Vec<&str> = planned.into_iter().filter(is_in_sequence).collect();
        let started = recorder.started();
        let started: Vec<&str> = started.iter().map(String::as_str).filter(is_in_sequence).collect();
        assert_eq!(started, planned);
        let report = run.report();
        let ends = |name: &str| {
            let step = report.step(name).unwrap();
            (step.start.unwrap(), step.start.unwrap() + step.duration.unwrap())
        };
        assert!(planned.windows(2).all(|pair| ends(pair[0]).1 <= ends(pair[1]).0), "none overlap");
    }
}

/// C16, E03: a sequence is an order and not a dependency: a failure in it skips no other step.
#[test]
fn a_failure_in_a_sequence_does_not_skip_the_rest_of_it() {
    #[step(sequential = "sf-state")]
    fn sf_one(#[param] fails: bool) -> Result<u32, String> {
        if fails { Err("planted".to_owned()) } else { Ok(1) }
    }
    let mut dag = DagBuilder::new();
    for n in 0..6 {
        let _ = dag.add::<sf_one>().named(format!("s{n}")).param("fails", n % 2 == 0);
    }
    let run = run_in_time(Pipeline::new(dag.build().unwrap()));
    assert_eq!((run.report().counts.failed, run.report().counts.succeeded), (3, 3));
}
