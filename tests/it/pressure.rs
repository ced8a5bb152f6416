//! Memory pressure: slots are taken away and given back; each test chooses the sampler's readings.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use futures::executor::block_on;
use pipeline::graph::Refs;
use pipeline::limits::Sampler;
use pipeline::limits::{Sample, Share};
use pipeline::report::Pressure;
use pipeline::*;

use crate::support::{Gauge, LIMIT, Meeting, quiet, run_in_time};

const SLOTS: usize = 8;

/// The sampler: each queued reading once, then 750 of 1000, at which nothing changes.
#[derive(Default)]
struct Dial {
    state: Mutex<(VecDeque<u64>, u64)>,
    sampled: Condvar,
}

impl Dial {
    fn sample(&self) -> Sample {
        let mut state = self.state.lock().unwrap();
        state.1 += 1;
        let memory = state.0.pop_front().unwrap_or(750);
        self.sampled.notify_all();
        Sample::of_memory(memory)
    }

    /// Queues these readings; returns after the next sample, when they have taken effect.
    fn show(&self, readings: &[u64]) {
        let mut state = self.state.lock().unwrap();
        state.0.extend(readings);
        let (state, waited) =
            self.sampled.wait_timeout_while(state, LIMIT, |state| !state.0.is_empty()).unwrap();
        assert!(!waited.timed_out(), "the run is sampled");
        let taken = state.1;
        let waited = self.sampled.wait_timeout_while(state, LIMIT, |state| state.1 == taken).unwrap();
        assert!(!waited.1.timed_out(), "the run is sampled");
    }

    fn taken(&self) -> u64 {
        self.state.lock().unwrap().1
    }
}

fn under(dial: &Arc<Dial>, dag: DagBuilder, settings: Settings) -> Pipeline {
    sampled(dial, dag, settings.memory_limit(1000), Ok)
}

/// A pipeline whose sampler returns what `seen` makes of the dial's sample.
fn sampled(
    dial: &Arc<Dial>,
    dag: DagBuilder,
    settings: Settings,
    seen: impl Fn(Sample) -> io::Result<Sample> + Copy + Send + Sync + 'static,
) -> Pipeline {
    let dial = Arc::clone(dial);
    let sampler = move || -> Box<dyn Sampler> {
        let dial = Arc::clone(&dial);
        Box::new(move || seen(dial.sample()))
    };
    let settings = settings.sample_every(Duration::from_millis(1));
    Pipeline::new(dag.build().unwrap()).sampler(sampler).settings(settings)
}

/// Runs a pipeline that succeeds; meanwhile `act` changes the memory.
#[track_caller]
fn run_while(pipeline: Pipeline, act: impl FnOnce(&RunHandle)) -> Run {
    let handle = pipeline.start().unwrap();
    act(&handle);
    let run = block_on(handle.wait());
    assert!(run.succeeded());
    run
}

/// Steps that run after `after`, in rounds of `size`: each waits until that many run at once.
struct Wave {
    gauge: Arc<Gauge>,
    in_vain: Arc<AtomicUsize>,
    steps: Vec<Handle<()>>,
}

impl Wave {
    /// Adds steps; if lanes are `mixed`, every second one in the blocking lane.
    fn add(dag: &mut DagBuilder, name: &str, after: &[Handle<()>], size: usize, mixed: bool) -> Wave {
        let (gauge, in_vain) = (Arc::new(Gauge::default()), Arc::<AtomicUsize>::default());
        let rounds: Arc<Vec<_>> = Arc::new((0..3).map(|_| Meeting::new(size)).collect());
        let turn = Arc::<AtomicUsize>::default();
        let steps = (0..3 * size).map(|n| {
            let (gauge, in_vain, rounds, turn) =
                (Arc::clone(&gauge), Arc::clone(&in_vain), Arc::clone(&rounds), Arc::clone(&turn));
            let work = move || {
                let _inside = gauge.enter();
                let turn = turn.fetch_add(1, Ordering::SeqCst);
                if !rounds[turn / size].meet() {
                    in_vain.fetch_add(1, Ordering::SeqCst);
                }
            };
            let name = format!("{name}_{n}");
            if mixed && n % 2 == 0 {
                dag.blocking(name, after.to_vec(), move |_: Vec<&()>| {
                    work();
                    Ok::<_, Infallible>(())
                })
            } else {
                dag.cpu(name, after.to_vec(), move |_: Vec<&()>| work())
            }
        });
        let steps = steps.collect();
        Wave { gauge, in_vain, steps }
    }

    /// Asserts that exactly this many ran at once.
    #[track_caller]
    fn assert_peak(&self, peak: usize) {
        assert_eq!((self.gauge.peak(), self.in_vain.load(Ordering::SeqCst)), (peak, 0));
    }
}

/// A step that signals that it runs, then waits for the test.
struct Pause(Arc<Meeting>, Arc<Meeting>, Handle<()>);

impl Pause {
    fn add(dag: &mut DagBuilder, name: &str, after: &[Handle<()>]) -> Pause {
        let (here, on) = (Meeting::new(2), Meeting::new(2));
        let meetings = (Arc::clone(&here), Arc::clone(&on));
        let step = if after.is_empty() {
            dag.cpu(name.to_owned(), (), move |()| {
                meetings.0.meet();
                meetings.1.meet();
            })
        } else {
            dag.cpu(name.to_owned(), after.to_vec(), move |_: Vec<&()>| {
                meetings.0.meet();
                meetings.1.meet();
            })
        };
        Pause(here, on, step)
    }

    /// Shows readings while only this step runs.
    #[track_caller]
    fn show(&self, dial: &Dial, readings: &[u64]) {
        assert!(self.0.meet(), "the step runs");
        dial.show(readings);
        self.1.meet();
    }
}

/// The shares in a report's list of changes.
fn shares(run: &Run) -> Vec<Share> {
    run.report().pressure.iter().map(|change| change.share).collect()
}

/// G05, C19, G04: in one run slots are halved twice and come back. Each change is an event, a line of the report and a
/// reason, and the run does not fail because of it.
#[test]
fn slots_shrink_under_pressure_and_grow_back() {
    let dial = Arc::new(Dial::default());
    let mut dag = DagBuilder::new();
    let begin = Pause::add(&mut dag, "begin", &[]);
    let whole = Wave::add(&mut dag, "whole", &[begin.2], SLOTS, false);
    let high = Pause::add(&mut dag, "high", &whole.steps);
    let half = Wave::add(&mut dag, "half", &[high.2], SLOTS / 2, false);
    let higher = Pause::add(&mut dag, "higher", &half.steps);
    let quarter = Wave::add(&mut dag, "quarter", &[higher.2], SLOTS / 4, false);
    let calm = Pause::add(&mut dag, "calm", &quarter.steps);
    let again = Wave::add(&mut dag, "again", &[calm.2], SLOTS, false);
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let observer = move |event: &Event<'_>| {
        if let Event::SlotsChanged { share, reason, .. } = event {
            seen.lock().unwrap().push((*share, (*reason).to_owned()));
        }
    };
    let pipeline = under(&dial, dag, Settings::default().cpu(SLOTS)).observe(observer);
    let run = run_while(pipeline, |_| {
        begin.show(&dial, &[100, 790]);
        high.show(&dial, &[850]);
        higher.show(&dial, &[800]);
        // Two calm readings in a row are not enough; three double the share.
        calm.show(&dial, &[100, 100, 750, 100, 100, 100, 690, 690, 690]);
    });
    [(&whole, SLOTS), (&half, SLOTS / 2), (&quarter, SLOTS / 4), (&again, SLOTS)]
        .into_iter()
        .for_each(|(wave, peak)| wave.assert_peak(peak));
    let report = run.report();
    let pressures: Vec<Pressure> = report.pressure.iter().map(|change| change.pressure).collect();
    assert_eq!(pressures, [Pressure::High, Pressure::High, Pressure::Recovering, Pressure::Normal]);
    assert_eq!(shares(&run).iter().map(|share| share.of(SLOTS)).collect::<Vec<_>>(), [4, 2, 4, 8]);
    let told: Vec<_> = report.pressure.iter().map(|change| (change.share, change.reason.clone())).collect();
    assert_eq!(*events.lock().unwrap(), told, "the events are what the report has");
    assert_eq!(report.limited_by.len(), 4, "{:?}", report.limited_by);
    assert!(report.limited_by[0].contains("memory 850 B of 1000 B (85 %)"), "{:?}", report.limited_by);
    assert!(report.to_string().contains("limited: memory 850 B of 1000 B"), "{report}");
    assert!(report.pressure.is_sorted_by_key(|change| change.at));
}

/// C11, G05: near the limit one step runs at a time over all lanes, which is reported; then all slots come back.
#[test]
fn near_its_limit_a_run_has_one_step_at_a_time_over_all_lanes() {
    let dial = Arc::new(Dial::default());
    let mut dag = DagBuilder::new();
    let begin = Pause::add(&mut dag, "begin", &[]);
    let gauge = Arc::new(Gauge::default());
    let mut alone = Vec::new();
    for n in 0..30 {
        let gauge = Arc::clone(&gauge);
        let (name, after) = (format!("alone_{n}"), vec![begin.2]);
        let work = move |gauge: &Arc<Gauge>| {
            let _inside = gauge.enter();
            (0..10).for_each(|_| std::thread::yield_now());
        };
        alone.push(match n % 3 {
            0 => dag.cpu(name, after, move |_: Vec<&()>| work(&gauge)),
            1 => dag.blocking(name, after, move |_: Vec<&()>| {
                work(&gauge);
                Ok::<_, Infallible>(())
            }),
            _ => dag.io(name, after, move |Refs(_)| {
                let gauge = Arc::clone(&gauge);
                Box::pin(async move {
                    let _inside = gauge.enter();
                    for _ in 0..5 {
                        tokio::task::yield_now().await;
                    }
                    Ok::<_, Infallible>(())
                })
            }),
        });
    }
    let calm = Pause::add(&mut dag, "calm", &alone);
    let again = Wave::add(&mut dag, "again", &[calm.2], SLOTS, false);
    let pipeline = under(&dial, dag, Settings::default().cpu(SLOTS).blocking(SLOTS));
    let run = run_while(pipeline, |_| {
        begin.show(&dial, &[990]);
        calm.show(&dial, &[0; 12]);
    });
    assert_eq!((gauge.peak(), gauge.now()), (1, 0));
    again.assert_peak(SLOTS);
    assert_eq!(shares(&run)[0], Share::ONE);
    assert_eq!(shares(&run).last(), Some(&Share::ALL));
    assert_eq!(run.report().pressure[0].pressure, Pressure::Critical);
    let reason = &run.report().limited_by[0];
    assert!(
        reason.contains("memory 990 B of 1000 B (99 %)") && reason.contains("one step at a time"),
        "{reason}"
    );
}

/// G05, C03
#[test]
fn a_limit_over_all_lanes_shrinks_under_pressure() {
    let dial = Arc::new(Dial::default());
    let mut dag = DagBuilder::new();
    let begin = Pause::add(&mut dag, "begin", &[]);
    let half = Wave::add(&mut dag, "half", &[begin.2], SLOTS / 2, true);
    let pipeline = under(&dial, dag, Settings::default().workers(SLOTS));
    run_while(pipeline, |_| begin.show(&dial, &[850]));
    half.assert_peak(SLOTS / 2);
}

/// C09, G05: a lane that is resized under pressure has the same share of its new slots.
#[test]
fn a_lane_that_is_resized_keeps_its_share() {
    let dial = Arc::new(Dial::default());
    let mut dag = DagBuilder::new();
    let begin = Pause::add(&mut dag, "begin", &[]);
    let two = Wave::add(&mut dag, "two", &[begin.2], 2, false);
    run_while(under(&dial, dag, Settings::default().cpu(SLOTS)), |handle| {
        assert!(begin.0.meet());
        dial.show(&[850]);
        handle.resize(Lane::Cpu, 4).unwrap();
        begin.1.meet();
    });
    two.assert_peak(2);
}

/// G01, G04: a smaller limit set by the system applies instead, and is named.
#[test]
fn a_smaller_system_limit_applies() {
    let mut dag = DagBuilder::new();
    let begin = Pause::add(&mut dag, "begin", &[]);
    let dial = Arc::new(Dial::default());
    let pipeline = sampled(&dial, dag, Settings::default().memory_limit(1_000_000), |mut sample| {
        sample.limit_seen = Some(800);
        Ok(sample)
    });
    let run = run_while(pipeline, |_| begin.show(&dial, &[]));
    let reason = &run.report().limited_by[0];
    assert!(reason.contains("750 B of 800 B") && reason.contains("cgroup"), "{reason}");
}

/// G03, G02: the samples from start to end of the run are in the report; reading the report takes no more.
#[test]
fn samples_are_in_the_report_and_reading_it_takes_no_more() {
    let dial = Arc::new(Dial::default());
    let mut dag = DagBuilder::new();
    let begin = Pause::add(&mut dag, "begin", &[]);
    let run = run_while(under(&dial, dag, Settings::default()), |_| begin.show(&dial, &[10, 40, 720, 20]));
    // The minimum: a change carried out too late would be in the report too.
    dial.state.lock().unwrap().0.extend([990, 990, 990]);
    let taken = dial.taken();
    let report = run.report();
    assert_eq!(dial.taken(), taken, "the run had ended");
    let curve = report.resources.as_ref().unwrap();
    assert!(curve.samples >= 6, "{curve:?}");
    assert_eq!(curve.peak_memory, 750);
    assert!(curve.points.is_sorted_by_key(|point| point.at));
    assert!(curve.points.iter().any(|point| point.memory == 720));
    assert_eq!(report.pressure, []);
    assert_eq!(report.limited_by, Vec::<String>::new());
}

/// G03: each step has the most memory of the process that was sampled while it ran; a step without a sample has none.
#[test]
fn each_step_has_the_memory_sampled_while_it_ran() {
    /// The memory that samples show, and how many were taken.
    #[derive(Default)]
    struct Shown(Mutex<(u64, u64)>, Condvar);
    /// Shows this memory until a sample has it.
    fn show(shown: &Shown, memory: u64) {
        let mut state = shown.0.lock().unwrap();
        state.0 = memory;
        let taken = state.1;
        let waited = shown.1.wait_timeout_while(state, LIMIT, |state| state.1 < taken + 2).unwrap();
        assert!(!waited.1.timed_out(), "the run is sampled");
        drop(waited);
        shown.0.lock().unwrap().0 = 100;
    }
    let shown = Arc::new(Shown::default());
    let (of_sampler, of_one, of_two) = (Arc::clone(&shown), Arc::clone(&shown), shown);
    let sampler = move || -> Box<dyn Sampler> {
        let shown = Arc::clone(&of_sampler);
        Box::new(move || {
            let mut state = shown.0.lock().unwrap();
            state.1 += 1;
            shown.1.notify_all();
            Ok(Sample::of_memory(state.0))
        })
    };
    let mut dag = DagBuilder::new();
    let one = dag.cpu("one", (), move |()| show(&of_one, 300));
    let two = dag.cpu("two", (one,), move |((),)| show(&of_two, 200));
    dag.try_cpu("fails", (two,), |((),)| Err::<u32, _>("planted"));
    let settings = Settings::default().sample_every(Duration::from_millis(1));
    let pipeline = Pipeline::new(dag.build().unwrap()).sampler(sampler);
    let run = run_in_time(pipeline.clone().settings(settings));
    let peak = |step: &str| run.report().step(step).unwrap().peak_memory;
    assert_eq!((peak("one"), peak("two")), (Some(300), Some(200)));
    let back: RunReport = serde_json::from_str(&run.report().to_json()).unwrap();
    assert_eq!(back.step("one").unwrap().peak_memory, Some(300));
}

/// G03: sampling without a limit only records, at any memory use.
#[test]
fn sampling_without_a_limit_only_records() {
    let mut dag = DagBuilder::new();
    let begin = Pause::add(&mut dag, "begin", &[]);
    let eight = Wave::add(&mut dag, "eight", &[begin.2], SLOTS, false);
    let dial = Arc::new(Dial::default());
    let pipeline = sampled(&dial, dag, Settings::default().cpu(SLOTS), Ok);
    let run = run_while(pipeline, |_| begin.show(&dial, &[u64::MAX, 1 << 60]));
    eight.assert_peak(SLOTS);
    assert_eq!(run.report().resources.as_ref().unwrap().peak_memory, u64::MAX);
    assert_eq!(run.report().pressure, []);
}

/// G03: without a limit or an interval nothing is sampled, and no sampler is made.
#[test]
fn nothing_is_sampled_unless_requested() {
    let made = Arc::<AtomicU64>::default();
    let of_sampler = Arc::clone(&made);
    let mut dag = DagBuilder::new();
    dag.cpu("only", (), |()| ());
    let pipeline = Pipeline::new(dag.build().unwrap()).sampler(move || {
        of_sampler.fetch_add(1, Ordering::SeqCst);
        Box::new(|| Ok(Sample::of_memory(1)))
    });
    let run = pipeline.run_blocking().unwrap();
    assert_eq!((made.load(Ordering::SeqCst), &run.report().resources), (0, &None));
    let sampled = pipeline.clone().settings(Settings::default().memory_limit(10));
    assert!(sampled.run_blocking().unwrap().report().resources.is_some());
    assert!(sampled.run_blocking().unwrap().report().resources.is_some());
    assert_eq!(made.load(Ordering::SeqCst), 2, "one for each run");
}

/// G05: if the sampler fails or panics, the run keeps its slots and succeeds.
#[test]
fn a_sampler_that_fails_changes_nothing() {
    quiet();
    for panics in [false, true] {
        let mut dag = DagBuilder::new();
        let begin = Pause::add(&mut dag, "begin", &[]);
        let eight = Wave::add(&mut dag, "eight", &[begin.2], SLOTS, false);
        let dial = Arc::new(Dial::default());
        let settings = Settings::default().cpu(SLOTS).memory_limit(1000);
        let pipeline = sampled(&dial, dag, settings, move |_| {
            assert!(!panics, "planted");
            Err(io::Error::other("no such file"))
        });
        let run = run_while(pipeline, |_| begin.show(&dial, &[990, 990]));
        eight.assert_peak(SLOTS);
        assert_eq!(run.report().pressure, []);
        assert_eq!(run.report().resources.as_ref().map(|curve| curve.samples), Some(0));
    }
}

/// G05: a sampler that fails after it took slots away has not given them back.
#[test]
fn a_sampler_that_fails_later_leaves_the_slots_as_they_are() {
    let mut dag = DagBuilder::new();
    let begin = Pause::add(&mut dag, "begin", &[]);
    let half = Wave::add(&mut dag, "half", &[begin.2], SLOTS / 2, false);
    let dial = Arc::new(Dial::default());
    let settings = Settings::default().cpu(SLOTS).memory_limit(1000);
    let pipeline = sampled(&dial, dag, settings, |sample| {
        if sample.memory == 750 { Err(io::Error::other("no such file")) } else { Ok(sample) }
    });
    run_while(pipeline, |_| begin.show(&dial, &[850]));
    half.assert_peak(SLOTS / 2);
}

/// G05, E13: a sampler that cannot be made is a problem of the run; it does not panic in the caller.
#[test]
fn a_sampler_that_cannot_be_made_is_a_problem() {
    quiet();
    let mut dag = DagBuilder::new();
    dag.cpu("never", (), |()| -> u32 { panic!("nothing runs") });
    let pipeline = Pipeline::new(dag.build().unwrap())
        .sampler(|| panic!("planted: no sampler"))
        .settings(Settings::default().memory_limit(1000));
    let problems = pipeline.run_blocking().unwrap_err();
    assert!(problems.to_string().contains("planted: no sampler"), "{problems}");
}

/// G03: the sampler of this process.
#[cfg(target_os = "linux")]
#[test]
fn the_process_itself_is_sampled() {
    let mut dag = DagBuilder::new();
    dag.cpu("holds", (), |()| vec![1_u8; 1 << 22].iter().map(|byte| u64::from(*byte)).sum::<u64>());
    let settings = Settings::default().sample_every(Duration::from_millis(1));
    let run = run_in_time(Pipeline::new(dag.build().unwrap()).settings(settings));
    let curve = run.report().resources.as_ref().unwrap();
    assert!(curve.samples >= 1 && curve.peak_memory > 1 << 20 && curve.peak_threads >= 1, "{curve:?}");
}

/// C11: one worker is reported as the reason for one step at a time, as memory pressure is.
#[test]
fn one_worker_is_reported_as_a_limit() {
    let mut dag = DagBuilder::new();
    dag.cpu("only", (), |()| ());
    let run =
        Pipeline::new(dag.build().unwrap()).settings(Settings::default().workers(1)).run_blocking().unwrap();
    assert_eq!(run.report().limited_by, ["one step at a time: the settings have one worker"]);
}
