//! How many steps run at once: up to the limit and never more, in every lane and over all lanes.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use pipeline::graph::Refs;
use pipeline::prelude::*;
use pipeline::report::ThreadKind;
use pipeline::settings::cores;
use pipeline::*;

use crate::support::{Clock, Gauge, Meeting, Slept, alone, peak, rounds};

/// A graph of this many independent steps of a lane; each waits until `size` steps run at once.
fn meeting_steps(lane: Lane, steps: usize, size: usize, gauge: &Arc<Gauge>) -> Dag {
    let mut dag = DagBuilder::new();
    // Rounds of `size` steps: a round ends when all of them run, so the limit is reached.
    let meetings: Vec<Arc<Meeting>> = (0..steps.div_ceil(size)).map(|_| Meeting::new(size)).collect();
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    for n in 0..steps {
        let (gauge, meetings, next) = (Arc::clone(gauge), meetings.clone(), Arc::clone(&next));
        let work = move || {
            let _inside = gauge.enter();
            let turn = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            meetings[turn / size].meet()
        };
        match lane {
            Lane::Cpu => dag.cpu(format!("s{n}"), (), move |()| work()),
            _ => dag.blocking(format!("s{n}"), (), move |()| Ok::<_, Infallible>(work())),
        };
    }
    dag.build().unwrap()
}

fn all_met(run: &Run) -> bool {
    run.available().iter().all(|name| run.output_named::<bool>(name) == Ok(&true))
}

/// C01: in virtual time.
#[tokio::test(start_paused = true)]
async fn independent_steps_run_at_once() {
    let clock = Clock::start();
    let mut dag = DagBuilder::new();
    for n in 0..4 {
        clock.sleeper(&mut dag, format!("s{n}"), vec![], 300);
    }
    let run = Pipeline::new(dag.build().unwrap()).run().await.unwrap();
    assert!(run.succeeded());
    assert_eq!(clock.now(), 300);
}

/// C02: no step waits for a level: a short branch runs far ahead of a long one.
#[tokio::test(start_paused = true)]
async fn there_is_no_barrier_between_levels() {
    let clock = Clock::start();
    let mut dag = DagBuilder::new();
    let slow = clock.sleeper(&mut dag, "slow", vec![], 1000);
    let mut quick = clock.sleeper(&mut dag, "quick_0", vec![], 10);
    for n in 1..50 {
        quick = clock.sleeper(&mut dag, format!("quick_{n}"), vec![quick], 10);
    }
    clock.sleeper(&mut dag, "join", vec![slow, quick], 1);
    let run = Pipeline::new(dag.build().unwrap()).keep_named("quick_49").run().await.unwrap();
    assert_eq!(run.output_named::<Slept>("quick_49").unwrap().to, 500);
    assert_eq!(run.output_named::<Slept>("join").unwrap().from, 1000);
}

/// C03, I04: the peak of the CPU lane equals its limit and never exceeds it.
#[test]
fn cpu_steps_reach_their_limit_and_never_exceed_it() {
    for limit in [1, 2, 5] {
        let gauge = Arc::new(Gauge::default());
        let dag = meeting_steps(Lane::Cpu, limit * 6, limit, &gauge);
        let run = Pipeline::new(dag).settings(Settings::default().cpu(limit)).run_blocking().unwrap();
        assert!(all_met(&run), "limit {limit} was not reached");
        assert_eq!((gauge.peak(), gauge.now()), (limit, 0));
        assert_eq!(run.report().figures.peak_concurrency, limit);
        assert_eq!(run.report().figures.slots, limit);
    }
}

/// C03: the same for the blocking lane, which may be wider than the machine.
#[test]
fn blocking_steps_reach_their_limit_and_never_exceed_it() {
    for limit in [1, 3, 20] {
        let gauge = Arc::new(Gauge::default());
        let dag = meeting_steps(Lane::Blocking, limit * 4, limit, &gauge);
        let run = Pipeline::new(dag).settings(Settings::default().blocking(limit)).run_blocking().unwrap();
        assert!(all_met(&run), "limit {limit} was not reached");
        assert_eq!(gauge.peak(), limit);
    }
}

/// C03, S6: the same for the IO lane, in which waiting steps count.
#[tokio::test(start_paused = true)]
async fn io_steps_reach_their_limit_and_never_exceed_it() {
    for limit in [1, 4, 100] {
        let clock = Clock::start();
        let mut dag = DagBuilder::new();
        for n in 0..limit * 3 {
            clock.sleeper(&mut dag, format!("s{n}"), vec![], 250);
        }
        let pipeline = Pipeline::new(dag.build().unwrap()).settings(Settings::default().io(limit));
        let run = pipeline.run().await.unwrap();
        assert_eq!(clock.now(), 750, "three rounds");
        let spans: Vec<Slept> =
            run.available().iter().map(|name| *run.output_named::<Slept>(name).unwrap()).collect();
        assert_eq!(peak(&spans), limit);
    }
}

/// C03: `workers(n)` limits all lanes together; a mix of them reaches it.
#[test]
fn workers_limit_all_lanes_together() {
    for limit in [1, 2, 3, 6] {
        let gauge = Arc::new(Gauge::default());
        let mut dag = DagBuilder::new();
        let mut last: Vec<Handle<u32>> = Vec::new();
        for n in 0..60_u32 {
            let gauge = Arc::clone(&gauge);
            let from: Vec<Handle<u32>> =
                if n >= 12 { vec![last[n as usize - 12], last[n as usize - 7]] } else { vec![] };
            let spin = move |gauge: &Arc<Gauge>| {
                let _inside = gauge.enter();
                (0..200).for_each(|_| thread::yield_now());
                n
            };
            last.push(match n % 3 {
                0 => dag.cpu(format!("s{n}"), from, move |_| spin(&gauge)),
                1 => dag.blocking(format!("s{n}"), from, move |_| Ok::<_, Infallible>(spin(&gauge))),
                _ => dag.io(format!("s{n}"), from, move |Refs(_)| {
                    let gauge = Arc::clone(&gauge);
                    Box::pin(async move {
                        let _inside = gauge.enter();
                        for _ in 0..20 {
                            tokio::task::yield_now().await;
                        }
                        Ok::<_, Infallible>(n)
                    })
                }),
            });
        }
        let run = Pipeline::new(dag.build().unwrap())
            .settings(Settings::default().workers(limit))
            .run_blocking()
            .unwrap();
        assert!(run.succeeded());
        assert!(gauge.peak() <= limit, "{} of {limit}", gauge.peak());
        assert_eq!(gauge.now(), 0);
        assert!(run.report().figures.peak_concurrency <= limit);
    }
}

/// C03: the limit is reached: two CPU steps and a blocking one meet under `workers(3)`.
#[test]
fn workers_are_all_used_by_a_mix_of_lanes() {
    let meeting = Meeting::new(3);
    let mut dag = DagBuilder::new();
    for n in 0..2 {
        let meeting = Arc::clone(&meeting);
        dag.cpu(format!("cpu_{n}"), (), move |()| meeting.meet());
    }
    let meeting = Arc::clone(&meeting);
    dag.blocking("blocking", (), move |()| Ok::<_, Infallible>(meeting.meet()));
    let run =
        Pipeline::new(dag.build().unwrap()).settings(Settings::default().workers(3)).run_blocking().unwrap();
    assert!(all_met(&run));
}

/// C06: a waiting async step is one task; one that is ready at once is none.
#[test]
fn an_async_step_is_at_most_one_task() {
    if !alone("limits::an_async_step_is_at_most_one_task") {
        return;
    }
    let count = |waiting: bool| {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let most = Arc::new(Mutex::new(0_usize));
        let mut dag = DagBuilder::new();
        for n in 0..200 {
            let most = Arc::clone(&most);
            dag.io(format!("s{n}"), (), move |Refs(())| {
                let most = Arc::clone(&most);
                Box::pin(async move {
                    if waiting {
                        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                    }
                    let alive = tokio::runtime::Handle::current().metrics().num_alive_tasks();
                    let mut most = most.lock().unwrap();
                    *most = alive.max(*most);
                    Ok::<_, Infallible>(())
                })
            });
        }
        let run = runtime.block_on(Pipeline::new(dag.build().unwrap()).run()).unwrap();
        assert!(run.succeeded());
        *most.lock().unwrap()
    };
    let (ready, waiting) = (count(false), count(true));
    assert!(ready <= cores(), "drivers only: {ready}");
    assert!((200..=200 + cores()).contains(&waiting), "one each: {waiting}");
}

/// C07: on separate threads.
#[test]
fn two_cpu_steps_run_on_two_threads_at_once() {
    let (meeting, threads) = (Meeting::new(2), Arc::new(Mutex::new(HashSet::new())));
    let mut dag = DagBuilder::new();
    for n in 0..2 {
        let (meeting, threads) = (Arc::clone(&meeting), Arc::clone(&threads));
        dag.cpu(format!("s{n}"), (), move |()| {
            threads.lock().unwrap().insert(thread::current().id());
            meeting.meet()
        });
    }
    let run =
        Pipeline::new(dag.build().unwrap()).settings(Settings::default().cpu(2)).run_blocking().unwrap();
    assert!(all_met(&run));
    assert_eq!(threads.lock().unwrap().len(), 2);
    let report = run.report();
    assert_ne!(report.steps[0].thread, report.steps[1].thread);
    assert!(report.steps.iter().all(|step| step.thread_kind != Some(ThreadKind::TokioTask)));
}

/// C08: steps of each lane make steps of another ready: CPU by IO, IO by CPU, both by blocking.
#[test]
fn steps_of_one_lane_make_steps_of_another_ready() {
    for workers in [None, Some(1), Some(2)] {
        let mut dag = DagBuilder::new();
        let mut last = dag.cpu("start", (), |()| 0_u64);
        for n in 0..300 {
            last = match n % 5 {
                0 => dag.io(format!("ready_{n}"), (last,), |Refs((n,))| {
                    Box::pin(async move { Ok::<_, Infallible>(n + 1) })
                }),
                1 => dag.cpu(format!("cpu_{n}"), (last,), |(n,)| n + 1),
                2 => dag.io(format!("io_{n}"), (last,), |Refs((n,))| {
                    Box::pin(async move {
                        tokio::task::yield_now().await;
                        Ok::<_, Infallible>(n + 1)
                    })
                }),
                3 => dag.blocking(format!("blocking_{n}"), (last,), |(n,)| Ok::<_, Infallible>(n + 1)),
                _ => dag.cpu(format!("again_{n}"), (last,), |(n,)| n + 1),
            };
        }
        let mut pipeline = Pipeline::new(dag.build().unwrap());
        if let Some(workers) = workers {
            pipeline = pipeline.settings(Settings::default().workers(workers));
        }
        let run = pipeline.run_blocking().unwrap();
        assert_eq!(run.output_named::<u64>("again_299"), Ok(&300));
        let report = run.report();
        assert_eq!(report.step("io_2").unwrap().thread_kind, Some(ThreadKind::TokioTask));
        assert_ne!(report.step("cpu_1").unwrap().thread_kind, Some(ThreadKind::TokioTask));
    }
}

/// C10, A14, S4: sequential gives the same outputs, one step at a time.
#[test]
fn sequential_runs_one_step_at_a_time_with_the_same_outputs() {
    #[step]
    fn digits() -> Vec<u64> {
        (1..=20).collect()
    }
    #[step]
    async fn squares(digits: &[u64], #[resource] gauge: &Arc<Gauge>) -> Vec<u64> {
        let _inside = gauge.enter();
        tokio::task::yield_now().await;
        digits.iter().map(|n| n * n).collect()
    }
    #[step(blocking)]
    fn cubes(digits: &[u64], #[resource] gauge: &Arc<Gauge>) -> Vec<u64> {
        let _inside = gauge.enter();
        digits.iter().map(|n| n * n * n).collect()
    }
    #[step]
    fn sum_of(squares: &[u64], cubes: &[u64], #[resource] gauge: &Arc<Gauge>) -> u64 {
        let _inside = gauge.enter();
        squares.iter().chain(cubes).sum()
    }
    let gauge = Arc::new(Gauge::default());
    let pipeline = Pipeline::to::<sum_of>().and::<squares>().resource(Arc::clone(&gauge));
    let parallel = pipeline.clone().run_blocking().unwrap();
    let alone = Arc::new(Gauge::default());
    for sequential in [
        pipeline.clone().resource(Arc::clone(&alone)).settings(Settings::default().workers(1)),
        pipeline.clone().resource(Arc::clone(&alone)).settings(Settings::default().workers(1)),
        pipeline.clone().resource(Arc::clone(&alone)).settings(Settings::default().workers(1)),
    ] {
        let run = sequential.run_blocking().unwrap();
        assert_eq!(run.output::<sum_of>(), parallel.output::<sum_of>());
        assert_eq!(run.output::<squares>(), parallel.output::<squares>());
        assert_eq!(run.report().figures.slots, 1);
        assert_eq!(run.report().figures.peak_concurrency, 1);
    }
    assert_eq!(alone.peak(), 1);
}

/// C15: a thousand CPU steps use as many threads as the lane has slots.
#[test]
fn a_thousand_cpu_steps_use_no_more_threads_than_slots() {
    if !alone("limits::a_thousand_cpu_steps_use_no_more_threads_than_slots") {
        return;
    }
    let threads = || -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        status.lines().find_map(|line| line.strip_prefix("Threads:")).unwrap().trim().parse().unwrap()
    };
    let before = threads();
    let limit = 4;
    let most = Arc::new(Mutex::new(0));
    let mut dag = DagBuilder::new();
    for n in 0..1000 {
        let most = Arc::clone(&most);
        dag.cpu(format!("s{n}"), (), move |()| {
            let now = threads();
            let mut most = most.lock().unwrap();
            *most = now.max(*most);
        });
    }
    let pipeline = Pipeline::new(dag.build().unwrap()).settings(Settings::default().cpu(limit));
    for _ in 0..3 {
        assert!(pipeline.run_blocking().unwrap().succeeded());
    }
    let most = *most.lock().unwrap();
    // In addition to the slots: the runtime's workers, and threads of its pool that are between two drivers.
    assert!(most - before <= limit + cores() + 2, "{most} threads, {before} before, {limit} slots");
}

/// C09: one pipeline at different widths, chosen at run time.
#[test]
fn the_width_is_a_run_option() {
    #[step]
    fn wide_work() -> u64 {
        (0..1000).sum()
    }
    let pipeline = Pipeline::to::<wide_work>();
    for settings in [
        Settings::default().workers(1),
        Settings::conservative(),
        Settings::high_performance(),
        Settings::default(),
    ] {
        let run = pipeline.clone().settings(settings).run_blocking().unwrap();
        assert_eq!(run.output::<wide_work>(), Ok(&499_500));
    }
}

/// Thousands of short runs that pass work from lane to lane all end.
#[test]
fn no_ready_step_is_lost_between_lanes() {
    if !alone("limits::no_ready_step_is_lost_between_lanes") {
        return;
    }
    let mut dag = DagBuilder::new();
    let mut last: Vec<Handle<u32>> = Vec::new();
    for n in 0..24_usize {
        let from = if n < 4 { vec![] } else { vec![last[n - 4], last[n - 1 - n % 3]] };
        last.push(match n % 4 {
            0 => dag.cpu(format!("s{n}"), from, |_| 1),
            1 => dag.blocking(format!("s{n}"), from, |_| Ok::<_, Infallible>(1)),
            m => dag.io(format!("s{n}"), from, move |Refs(_)| {
                Box::pin(async move {
                    if m == 3 {
                        tokio::task::yield_now().await;
                    }
                    Ok::<_, Infallible>(1)
                })
            }),
        });
    }
    let pipeline = Pipeline::new(dag.build().unwrap());
    let narrow = Settings::default().io(1).cpu(1).blocking(1);
    for settings in
        [Settings::default(), narrow, Settings::default().workers(1), Settings::default().workers(3)]
    {
        let pipeline = pipeline.clone().settings(settings);
        for _ in rounds(200) {
            assert!(pipeline.run_blocking().unwrap().succeeded());
            assert!(futures::executor::block_on(pipeline.run()).unwrap().succeeded());
        }
    }
}

/// C01, C03: a step that makes many ready fills every slot, however short it is, from any lane.
#[test]
fn a_step_that_makes_many_ready_fills_every_slot() {
    for (lane, long) in
        [(Lane::Cpu, false), (Lane::Cpu, true), (Lane::Blocking, false), (Lane::Blocking, true)]
    {
        let meeting = Meeting::new(12);
        let mut dag = DagBuilder::new();
        let begin = dag.cpu("begin", (), move |()| {
            let begun = std::time::Instant::now();
            while long && begun.elapsed().as_millis() < 1 {
                thread::yield_now();
            }
        });
        for n in 0..12 {
            let meeting = Arc::clone(&meeting);
            match lane {
                Lane::Cpu => dag.cpu(format!("s{n}"), (begin,), move |_| meeting.meet()),
                _ => dag.blocking(format!("s{n}"), (begin,), move |_| Ok::<_, Infallible>(meeting.meet())),
            };
        }
        let run = Pipeline::new(dag.build().unwrap())
            .settings(Settings::default().cpu(12).blocking(12))
            .run_blocking()
            .unwrap();
        assert!(all_of(&run, "s"), "all twelve run at once in the {} lane", lane.name());
    }
}

/// Reports whether all steps with this name prefix met the others.
fn all_of(run: &Run, prefix: &str) -> bool {
    let names = run.available().into_iter().filter(|name| name.starts_with(prefix));
    names.map(|name| run.output_named::<bool>(name)).all(|met| met == Ok(&true))
}

/// C09: the width of a lane changes during the run. Two steps that wait for each other need two slots.
#[test]
fn a_lane_grows_during_a_run() {
    let barrier = Arc::new(Barrier::new(2));
    let mut dag = DagBuilder::new();
    for n in 0..2 {
        let barrier = Arc::clone(&barrier);
        dag.cpu(format!("meets_{n}"), (), move |()| barrier.wait().is_leader());
    }
    let pipeline = Pipeline::new(dag.build().unwrap()).settings(Settings::default().cpu(1));
    let handle = pipeline.start().unwrap();
    assert!(handle.resize(Lane::Cpu, 0).is_err(), "a lane needs a slot");
    handle.resize(Lane::Cpu, 2).unwrap();
    let run = futures::executor::block_on(handle.wait());
    assert!(run.succeeded());
}

/// C09: a narrowed lane is narrower from the next step on.
#[test]
fn a_lane_shrinks_during_a_run() {
    let (narrow, now, most) =
        (Arc::new(Barrier::new(3)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut dag = DagBuilder::new();
    let first: Vec<_> = (0..2)
        .map(|n| {
            let narrow = Arc::clone(&narrow);
            dag.cpu(format!("first_{n}"), (), move |()| {
                narrow.wait();
                narrow.wait();
            })
        })
        .collect();
    for n in 0..20 {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        dag.cpu(format!("later_{n}"), first.clone(), move |_: Vec<&()>| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::yield_now();
            now.fetch_sub(1, Ordering::SeqCst);
        });
    }
    let pipeline = Pipeline::new(dag.build().unwrap()).settings(Settings::default().cpu(2));
    let handle = pipeline.start().unwrap();
    narrow.wait();
    handle.resize(Lane::Cpu, 1).unwrap();
    narrow.wait();
    let run = futures::executor::block_on(handle.wait());
    assert!(run.succeeded());
    assert_eq!(most.load(Ordering::SeqCst), 1);
}
