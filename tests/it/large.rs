//! Very deep and very wide graphs on a small stack: nothing recurses.

use pipeline::StepDefaults;
use pipeline::graph::{ProblemCode, Refs};
use pipeline::*;

/// Optimised builds test the full size.
#[cfg(not(debug_assertions))]
const STEPS: u64 = 1_000_000;
#[cfg(debug_assertions)]
const STEPS: u64 = 100_000;

/// Runs a test on a thread with a stack of 512 KiB.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    on_a_stack_of(512 * 1024, test);
}

fn on_a_stack_of(bytes: usize, test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(bytes).spawn(test).unwrap();
    thread.join().unwrap();
}

fn names() -> impl Iterator<Item = String> {
    (1..STEPS).map(|n| format!("s{n}"))
}

/// A chain is planned, run and dropped, with outputs that need a drop.
#[test]
fn a_long_chain_is_planned_run_and_dropped_on_a_small_stack() {
    on_a_small_stack(|| {
        let mut dag = DagBuilder::new();
        let mut last = dag.cpu("s0", (), |()| Box::new(0_u64));
        for name in names() {
            last = dag.cpu(name, (last,), |(n,)| Box::new(**n + 1));
        }
        let pipeline = Pipeline::new(dag.build().unwrap());
        let run = pipeline.run_blocking().unwrap();
        let name = format!("s{}", STEPS - 1);
        assert_eq!(run.output_named::<Box<u64>>(&name), Ok(&Box::new(STEPS - 1)));
        assert_eq!(run.report().counts.succeeded as u64, STEPS);
        assert_eq!(pipeline.plan().unwrap().dag().levels().depth() as u64, STEPS);
    });
}

/// The same if the first step fails: a million skips, each with the root as its cause.
#[test]
fn a_long_chain_behind_a_failure_is_skipped_on_a_small_stack() {
    on_a_small_stack(|| {
        let mut dag = DagBuilder::new();
        let mut last = dag.try_cpu("root", (), |()| Err::<u64, _>("no"));
        for name in names() {
            last = dag.cpu(name, (last,), |(n,)| n + 1);
        }
        let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
        let report = run.report();
        assert_eq!((report.counts.failed, report.counts.skipped as u64), (1, STEPS - 1));
        assert_eq!(report.steps.last().unwrap().because.as_deref(), Some("root"));
    });
}

/// A fan out of one step and in to one.
#[test]
fn a_wide_fan_is_planned_run_and_dropped_on_a_small_stack() {
    on_a_small_stack(|| {
        let mut dag = DagBuilder::new();
        let source = dag.cpu("source", (), |()| vec![1_u64]);
        let middle: Vec<Handle<u64>> = names().map(|name| dag.cpu(name, (source,), |(n,)| n[0])).collect();
        dag.cpu("sum", middle, |all: Vec<&u64>| all.into_iter().sum::<u64>());
        let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
        assert_eq!(run.output_named::<u64>("sum"), Ok(&(STEPS - 1)));
    });
}

/// The same if the source fails.
#[test]
fn a_wide_fan_behind_a_failure_is_skipped_on_a_small_stack() {
    on_a_small_stack(|| {
        let mut dag = DagBuilder::new();
        let source = dag.try_cpu("source", (), |()| Err::<u64, _>("no"));
        let middle: Vec<Handle<u64>> = names().map(|name| dag.cpu(name, (source,), |(n,)| *n)).collect();
        dag.cpu("sum", middle, |all: Vec<&u64>| all.into_iter().sum::<u64>());
        let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
        assert_eq!(run.report().counts.skipped as u64, STEPS);
        assert_eq!(run.report().step("sum").unwrap().because.as_deref(), Some("source"));
    });
}

/// The first step of a chain and of a fan fails under default policies: it is retried, passes through the watchdog, and
/// the rest is skipped.
#[test]
fn a_failure_with_retries_and_timeouts_by_default_skips_a_chain_and_a_fan_on_a_very_small_stack() {
    fn chain(dag: &mut DagBuilder, root: Handle<u64>) {
        names().fold(root, |last, name| dag.cpu(name, (last,), |(n,)| n + 1));
    }
    fn fan(dag: &mut DagBuilder, root: Handle<u64>) {
        let middle: Vec<Handle<u64>> =
            names().skip(1).map(|name| dag.cpu(name, (root,), |(n,)| *n)).collect();
        dag.cpu("sum", middle, |all: Vec<&u64>| all.into_iter().sum::<u64>());
    }
    for shape in [chain, fan] {
        on_a_stack_of(256 * 1024, move || {
            let mut dag = DagBuilder::new();
            let root = dag.try_cpu("root", (), |()| Err::<u64, _>("no"));
            shape(&mut dag, root);
            let settings = Settings::default()
                .defaults(StepDefaults::new().retries(2).timeout(std::time::Duration::from_hours(1)));
            let run = Pipeline::new(dag.build().unwrap()).settings(settings).run_blocking().unwrap();
            let report = run.report();
            assert_eq!((report.counts.failed, report.counts.skipped as u64), (1, STEPS - 1));
            assert_eq!(report.step("root").unwrap().attempts, 3);
            assert_eq!(report.steps.last().unwrap().because.as_deref(), Some("root"));
        });
    }
}

/// A chain of async steps that are ready at once, and a shorter one of steps that wait (each is a task).
#[test]
fn a_long_async_chain_runs_on_a_small_stack() {
    on_a_small_stack(|| {
        for (length, waits) in [(STEPS / 2, false), (STEPS / 20, true)] {
            let mut dag = DagBuilder::new();
            let mut last = dag.cpu("s0", (), |()| 0_u64);
            for name in names().take(length as usize) {
                last = dag.io(name, (last,), move |Refs((n,))| {
                    Box::pin(async move {
                        if waits {
                            tokio::task::yield_now().await;
                        }
                        Ok::<_, std::convert::Infallible>(n + 1)
                    })
                });
            }
            let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
            assert_eq!(run.output_named::<u64>(&format!("s{length}")), Ok(&length));
        }
    });
}

/// A chain of takers, and one that is dropped half way through its run.
#[test]
fn a_long_chain_of_takers_and_a_dropped_run_end_on_a_small_stack() {
    use pipeline::prelude::step;
    #[step]
    fn link(#[input] mut from: Vec<u64>) -> Vec<u64> {
        from[0] += 1;
        from
    }
    on_a_small_stack(|| {
        let mut dag = DagBuilder::new();
        let mut last = dag.cpu("s0", (), |()| vec![0_u64]);
        for name in names().take(50_000) {
            last = dag.add::<link>().named(name).input("from", last).handle();
        }
        let pipeline = Pipeline::new(dag.build().unwrap());
        let run = pipeline.run_blocking().unwrap();
        assert_eq!(run.output_named::<Vec<u64>>("s50000").unwrap()[0], 50_000);
        let handle = pipeline.start().unwrap();
        while handle.status("s10") == Ok(Status::Pending) {
            std::thread::yield_now();
        }
        drop(handle);
    });
}

/// A cycle of many steps is reported without recursion.
#[test]
fn a_large_cycle_is_reported_on_a_small_stack() {
    use pipeline::prelude::step;
    #[step]
    fn ring(#[input] from: &u64) -> u64 {
        *from
    }
    on_a_small_stack(|| {
        let count = 20_000;
        let mut dag = DagBuilder::new();
        for n in 0..count {
            let _ =
                dag.add::<ring>().named(format!("r{n}")).input_named("from", format!("r{}", (n + 1) % count));
        }
        let problems = dag.build().unwrap_err();
        assert!(problems.has(ProblemCode::Cycle));
        assert_eq!(problems.iter().count(), 1);
    });
}
