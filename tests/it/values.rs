//! Outputs: shared, taken, dropped after the last reader, kept on request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pipeline::graph::{ProblemCode, Refs};
use pipeline::prelude::*;
use pipeline::run::{GivenOutput, OutputError};
use pipeline::*;

use crate::support::{Gauge, Inside};

/// A payload that is not `Clone` and counts its live values.
struct Payload {
    bytes: Vec<u8>,
    _inside: Inside,
}

fn payload(gauge: &Arc<Gauge>) -> Payload {
    Payload { bytes: vec![7; 100], _inside: gauge.enter() }
}

/// K03: an output is dropped when its last reader has ended, before the next step starts.
#[test]
fn an_output_is_dropped_after_its_last_reader() {
    let gauge = Arc::new(Gauge::default());
    let mut dag = DagBuilder::new();
    let (made, seen, after) = (Arc::clone(&gauge), Arc::clone(&gauge), Arc::clone(&gauge));
    let source = dag.cpu("source", (), move |()| payload(&made));
    let a = dag.cpu("a", (source,), |(source,)| source.bytes.len());
    let b = dag.cpu("b", (source, a), move |(source, a)| source.bytes.len() + a + seen.now());
    let c = dag.cpu("c", (b,), move |(b,)| b * 10 + after.now());
    let _ = c;
    let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
    assert_eq!(run.output_named::<usize>("c"), Ok(&2010), "alive for `b`, gone for `c`");
    assert!(matches!(run.output_named::<Payload>("source"), Err(OutputError::NotKept { .. })));
    assert_eq!(gauge.now(), 0, "gone while the run is still held");
}

/// K03: in a chain of readers at most two values live at once, in every lane.
#[test]
fn a_chain_holds_at_most_two_values() {
    for lane in Lane::ALL {
        let gauge = Arc::new(Gauge::default());
        let mut dag = DagBuilder::new();
        let made = Arc::clone(&gauge);
        let mut last = dag.cpu("first", (), move |()| payload(&made));
        for n in 1..200 {
            let made = Arc::clone(&gauge);
            let next =
                move |(from,): (&Payload,)| Payload { bytes: from.bytes.clone(), _inside: made.enter() };
            last = match lane {
                Lane::Cpu => dag.cpu(format!("step_{n}"), (last,), next),
                Lane::Blocking => {
                    dag.blocking(format!("step_{n}"), (last,), move |from| Ok::<_, String>(next(from)))
                }
                Lane::Io => {
                    let next = Arc::new(next);
                    dag.io(format!("step_{n}"), (last,), move |Refs(from)| {
                        let next = Arc::clone(&next);
                        Box::pin(async move {
                            if n % 3 == 0 {
                                tokio::task::yield_now().await;
                            }
                            Ok::<_, String>(next(from))
                        })
                    })
                }
            };
        }
        let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
        assert!(run.succeeded());
        assert_eq!(gauge.peak(), 2, "{lane}");
        assert_eq!(gauge.now(), 1, "the last one is the target");
        drop(run);
        assert_eq!(gauge.now(), 0);
    }
}

/// K01: a target is kept to the end of the run, even if steps read it.
#[test]
fn a_target_that_steps_read_is_kept() {
    let gauge = Arc::new(Gauge::default());
    let mut dag = DagBuilder::new();
    let made = Arc::clone(&gauge);
    let source = dag.cpu("source", (), move |()| payload(&made));
    dag.cpu("reader", (source,), |(source,)| source.bytes.len());
    let pipeline = Pipeline::new(dag.build().unwrap()).target("reader").target("source");
    let run = pipeline.run_blocking().unwrap();
    assert_eq!(gauge.now(), 1);
    assert_eq!(run.output_named::<Payload>("source").unwrap().bytes.len(), 100);
    assert_eq!(run.available(), ["source", "reader"]);
    let again = pipeline.run_blocking().unwrap();
    assert_eq!(gauge.now(), 2, "each run has its own");
    drop((run, again));
    assert_eq!(gauge.now(), 0);
}

/// K01: a taker gets the value itself after every reader: the same buffer, no clone.
#[test]
fn a_taker_gets_the_same_buffer_after_all_readers() {
    #[step]
    fn buffer() -> Vec<u64> {
        (0..1000).collect()
    }
    #[step]
    fn address(buffer: &[u64]) -> usize {
        buffer.as_ptr().addr()
    }
    #[step]
    async fn slow_sum(buffer: &[u64]) -> u64 {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        buffer.iter().sum()
    }
    #[step]
    fn taker(mut buffer: Vec<u64>) -> (usize, Vec<u64>) {
        let address = buffer.as_ptr().addr();
        buffer.clear();
        (address, buffer)
    }
    for _ in 0..20 {
        let run = Pipeline::to::<taker>().and::<address>().and::<slow_sum>().run_blocking().unwrap();
        let (taken, _) = run.output::<taker>().unwrap();
        assert_eq!(run.output::<address>(), Ok(taken));
        assert_eq!(run.output::<slow_sum>(), Ok(&499_500), "read before it was cleared");
    }
}

/// K01: through a chain of takers one buffer moves from end to end, and out of the run.
#[test]
fn a_buffer_moves_through_a_chain_of_takers_and_out() {
    #[step]
    fn start() -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        bytes.push(1);
        bytes
    }
    #[step]
    async fn second(mut start: Vec<u8>) -> Vec<u8> {
        start.push(start.as_ptr().addr() as u8);
        tokio::task::yield_now().await;
        start
    }
    #[step(blocking)]
    fn third(mut second: Vec<u8>) -> Vec<u8> {
        second.push(second.as_ptr().addr() as u8);
        second
    }
    let mut run = Pipeline::to::<third>().settings(Settings::default().workers(1)).run_blocking().unwrap();
    let kept = run.output::<third>().unwrap().as_ptr().addr();
    let bytes = run.output::<third>().unwrap().clone();
    assert_eq!((bytes[1], bytes[2]), (kept as u8, kept as u8));
    std::thread::yield_now();
    let _ = &mut run;
}

/// Values too large for a slot are boxed once and never copied: all readers see the same address.
#[test]
fn large_values_have_one_address_for_all_readers() {
    #[step]
    fn large() -> [u64; 512] {
        [3; 512]
    }
    #[step]
    fn one(large: &[u64; 512]) -> usize {
        std::ptr::from_ref(large).addr()
    }
    #[step]
    async fn two(large: &[u64; 512]) -> usize {
        tokio::task::yield_now().await;
        std::ptr::from_ref(large).addr()
    }
    let run = Pipeline::to::<one>().and::<two>().and::<large>().run_blocking().unwrap();
    assert_eq!(run.output::<one>(), run.output::<two>());
    assert_eq!(std::ptr::from_ref(run.output::<large>().unwrap()).addr(), *run.output::<one>().unwrap());
}

/// K03
#[test]
fn a_value_whose_taker_is_skipped_is_dropped() {
    let gauge = Arc::new(Gauge::default());
    #[step]
    fn payload_source(#[resource] gauge: &Arc<Gauge>) -> Payload {
        payload(gauge)
    }
    #[step]
    fn fails_first() -> Result<u32, String> {
        Err("no".into())
    }
    #[step]
    fn takes(payload_source: Payload, fails_first: &u32) -> usize {
        payload_source.bytes.len() + *fails_first as usize
    }
    let run = Pipeline::to::<takes>().resource(Arc::clone(&gauge)).run_blocking().unwrap();
    assert_eq!(run.status("takes"), Ok(Status::Skipped));
    assert_eq!((gauge.peak(), gauge.now()), (1, 0));
}

/// K03
#[test]
fn a_value_whose_readers_fail_or_are_skipped_is_dropped() {
    let gauge = Arc::new(Gauge::default());
    let mut dag = DagBuilder::new();
    let made = Arc::clone(&gauge);
    let source = dag.cpu("source", (), move |()| payload(&made));
    let failing = dag.try_cpu("failing", (source,), |(_,)| Err::<u32, _>("no"));
    let skipped = dag.cpu("skipped", (source, failing), |(source, _)| source.bytes.len());
    dag.cpu("last", (skipped,), |(n,)| *n);
    let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
    assert_eq!(run.status("last"), Ok(Status::Skipped));
    assert_eq!((gauge.peak(), gauge.now()), (1, 0));
}

/// K03: an output without readers is dropped as soon as its step has ended.
#[test]
fn an_output_without_readers_is_dropped_at_once() {
    let gauge = Arc::new(Gauge::default());
    let mut dag = DagBuilder::new();
    let mut last = dag.cpu("zero", (), |()| 0_usize);
    for n in 0..50 {
        let made = Arc::clone(&gauge);
        let waste = dag.cpu(format!("waste_{n}"), (last,), move |(_,)| payload(&made));
        let reader = dag.cpu(format!("reader_{n}"), (waste,), |(_,)| 1_usize);
        last = dag.cpu(format!("next_{n}"), (reader, last), |(a, b)| a + b);
    }
    let run = Pipeline::new(dag.build().unwrap()).target("next_49").run_blocking().unwrap();
    assert_eq!(run.output_named::<usize>("next_49"), Ok(&50));
    assert_eq!((gauge.peak(), gauge.now()), (1, 0));
}

/// K02, K01: what can be read, by type or by name, and why something cannot.
#[test]
fn readable_outputs_are_listed_and_others_have_a_reason() {
    #[step]
    fn number() -> u32 {
        1
    }
    #[step]
    fn doubled(number: &u32) -> u32 {
        number * 2
    }
    #[step]
    fn bad(number: &u32) -> Result<u32, String> {
        Err(format!("bad {number}"))
    }
    #[step]
    fn never(bad: &u32) -> u32 {
        *bad
    }
    #[step]
    fn elsewhere() -> u32 {
        3
    }
    let run = Pipeline::to::<doubled>().and::<never>().run_blocking().unwrap();
    assert_eq!(run.available(), ["doubled"]);
    assert_eq!(run.output_named::<u32>("doubled"), Ok(&2));
    let text = |error: Result<&u32, OutputError>| error.unwrap_err().to_string();
    assert!(text(run.output::<number>()).contains("keep it with `.keep`"));
    let never = text(run.output::<never>());
    assert!(never.contains("skipped") && never.contains("step `bad` failed: bad 1"), "{never}");
    assert!(text(run.output_named("doubles")).contains("did you mean `doubled`?"));
    assert!(text(run.output::<elsewhere>()).contains("not part of the run"));
    assert!(matches!(run.output_named::<u8>("doubled"), Err(OutputError::OtherType { .. })));
    let kept = Pipeline::to::<doubled>().keep::<number>().run_blocking().unwrap();
    assert_eq!(kept.available(), ["number", "doubled"]);
    assert_eq!(kept.output::<number>(), Ok(&1));
}

/// K01
#[test]
fn a_target_can_be_read_during_the_run() {
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let mut dag = DagBuilder::new();
    let early = dag.cpu("early", (), |()| vec![1_u8, 2]);
    dag.blocking("late", (early,), move |(early,)| {
        gate.lock().unwrap().recv().map_err(|error| error.to_string())?;
        Ok::<_, String>(early.len())
    });
    let handle = Pipeline::new(dag.build().unwrap()).target("early").target("late").start().unwrap();
    while handle.status("early") != Ok(Status::Succeeded) {
        std::thread::yield_now();
    }
    assert_eq!(handle.output_named::<Vec<u8>>("early").map(Vec::len), Ok(2));
    assert!(matches!(handle.output_named::<usize>("late"), Err(OutputError::NoOutput { .. })));
    open.send(()).unwrap();
    let run = futures::executor::block_on(handle.wait());
    assert_eq!(run.output_named::<usize>("late"), Ok(&2));
}

/// Overrides: a given output replaces its step, and what only that step needs.
#[test]
fn a_given_output_leaves_out_its_step_and_what_only_it_needs() {
    #[step]
    fn never_called() -> u32 {
        panic!("an override leaves this out")
    }
    #[step]
    fn fetched(never_called: &u32) -> Vec<u32> {
        vec![*never_called]
    }
    #[step]
    fn both() -> u32 {
        5
    }
    #[step]
    fn summed(fetched: &[u32], both: &u32) -> u32 {
        fetched.iter().sum::<u32>() + both
    }
    #[step]
    fn taken(fetched: Vec<u32>) -> usize {
        fetched.len()
    }
    let pipeline = Pipeline::to::<summed>().and::<taken>().with_output::<fetched>(vec![1, 2, 3]);
    for _ in 0..3 {
        let run = pipeline.run_blocking().unwrap();
        assert_eq!(run.output::<summed>(), Ok(&11));
        assert_eq!(run.output::<taken>(), Ok(&3));
        assert_eq!(run.status("fetched"), Ok(Status::Given));
        assert!(run.status("never_called").is_err());
        let counts = run.report().counts;
        assert_eq!((counts.planned, counts.succeeded, counts.given), (4, 3, 1));
        assert!(run.succeeded());
    }
    let last_wins = Pipeline::to::<summed>().with_output::<both>(1).with_output::<both>(2);
    let last_wins =
        last_wins.with_output_named("fetched", GivenOutput::from_fn(|| vec![10_u32])).run_blocking().unwrap();
    assert_eq!(last_wins.output::<summed>(), Ok(&12));
}

/// Overrides by name, of the target itself, of another type, and of an unknown step.
#[test]
fn a_given_output_can_be_named_and_is_checked() {
    #[step]
    fn given_target() -> u32 {
        panic!("an override leaves this out")
    }
    let run = Pipeline::to::<given_target>().with_output_named("given_target", 4_u32).run_blocking().unwrap();
    assert_eq!(run.output::<given_target>(), Ok(&4));
    let wrong =
        Pipeline::to::<given_target>().with_output_named("given_target", "4").run_blocking().unwrap_err();
    assert!(wrong.has(ProblemCode::OverrideMismatch), "{wrong}");
    let gone =
        Pipeline::to::<given_target>().with_output_named("given_targe", 4_u32).run_blocking().unwrap_err();
    assert!(gone.has(ProblemCode::UnknownTarget), "{gone}");
}

/// Given outputs are dropped by the run, each once.
#[test]
fn given_outputs_are_dropped_once_per_run() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    struct Counted;
    impl Drop for Counted {
        fn drop(&mut self) {
            DROPS.fetch_add(1, Ordering::SeqCst);
        }
    }
    #[step]
    fn drop_counted() -> Counted {
        Counted
    }
    #[step]
    fn reads_counted(drop_counted: &Counted) -> u32 {
        let _ = drop_counted;
        1
    }
    let pipeline =
        Pipeline::to::<reads_counted>().with_output_named("drop_counted", GivenOutput::from_fn(|| Counted));
    for n in 1..=3 {
        let run = pipeline.run_blocking().unwrap();
        assert!(run.succeeded());
        assert_eq!(DROPS.load(Ordering::SeqCst), n, "after its last reader, while the run is held");
    }
}

/// Zero-sized outputs, and outputs without drop glue.
#[test]
fn zero_sized_outputs_are_dropped_once_each() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPS.fetch_add(1, Ordering::SeqCst);
        }
    }
    #[step]
    fn nothing() -> Nothing {
        Nothing
    }
    #[step]
    fn more(nothing: Nothing) -> (Nothing, Nothing) {
        (nothing, Nothing)
    }
    drop(Pipeline::to::<more>().run_blocking().unwrap());
    assert_eq!(DROPS.load(Ordering::SeqCst), 2);
}
