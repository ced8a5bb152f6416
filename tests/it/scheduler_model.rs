//! The scheduler against a naive sequential model, over random graphs: same statuses, causes and outputs, and a history
//! in which no step starts early, ends twice or is lost, at 1, 2, 4 and 16 workers.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use pipeline::graph::Refs;
use pipeline::prelude::*;
use pipeline::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::{Recorder, Seen, quiet};

/// How a step of the model reads one upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reads {
    Required,
    Option,
    Outcome,
    /// By value; generated only for an upstream without another taker.
    Take,
    After,
}

/// What the code of a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Succeeds,
    Errs,
    Panics,
}

#[derive(Clone, Debug)]
struct StepModel {
    lane: Lane,
    waits: bool,
    does: Does,
    reads: Vec<(usize, Reads)>,
}

/// The model's result of a step: a value, or the failure that is the cause of its absence.
type Outcome = Result<u64, usize>;

fn mix(sum: u64, value: u64) -> u64 {
    (sum ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23)
}

/// The value of a step from its inputs; the same rule in the model and in the steps.
fn value(step: usize, seen: impl Iterator<Item = Option<u64>>) -> u64 {
    seen.fold(step as u64 + 1, |sum, value| mix(sum, value.unwrap_or(u64::MAX)))
}

/// Evaluates the steps one after another, in the order in which they were made.
fn model(steps: &[StepModel]) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    for (position, step) in steps.iter().enumerate() {
        let by_kind = |wanted: Reads| step.reads.iter().filter(move |(_, reads)| *reads == wanted);
        // In the order written: the upstream steps of `after`, then the parameters.
        let mut required = [Reads::After, Reads::Required, Reads::Take].into_iter().flat_map(by_kind);
        let cause = required.find_map(|(from, _)| outcomes[*from].as_ref().err());
        let outcome = match step.does {
            _ if let Some(&cause) = cause => Err(cause),
            Does::Errs | Does::Panics => Err(position),
            Does::Succeeds => {
                let kinds = [Reads::Required, Reads::Take, Reads::Option, Reads::Outcome];
                let seen = kinds.into_iter().flat_map(by_kind).map(|(from, _)| outcomes[*from].ok());
                Ok(value(position, seen))
            }
        };
        outcomes.push(outcome);
    }
    outcomes
}

/// What the run parameter of an instance makes the template step do.
fn act(does: &str) -> Result<(), String> {
    match does {
        "errs" => Err("planted error".into()),
        "panics" => panic!("planted panic"),
        _ => Ok(()),
    }
}

type Boxed = Box<u64>;

/// The output of the neutral source.
const NEUTRAL: u64 = u64::MAX - 1;

fn seen_by(
    required: &[&Boxed],
    taken: Option<&Boxed>,
    options: &[Option<&Boxed>],
    outcomes: &[Result<&Boxed, &StepError>],
) -> Vec<Option<u64>> {
    let required = required.iter().map(|value| Some(***value)).chain(taken.map(|value| Some(**value)));
    let options = options.iter().map(|value| value.map(|value| **value));
    let outcomes = outcomes.iter().map(|outcome| outcome.ok().map(|value| **value));
    required.chain(options).chain(outcomes).filter(|seen| *seen != Some(NEUTRAL)).collect()
}

macro_rules! templates {
    ($(($plain:ident, $taker:ident, [$($option:ident)?], [$($asyncness:tt)?]);)*) => {$(
        #[step($($option)?)]
        $($asyncness)? fn $plain(
            #[input] required: Vec<&Boxed>,
            #[input] options: Vec<Option<&Boxed>>,
            #[input] outcomes: Vec<Result<&Boxed, &StepError>>,
            #[param] position: usize,
            #[param] does: String,
            #[param] waits: bool,
        ) -> Result<Boxed, String> {
            templates!(@wait [$($asyncness)?] waits);
            act(&does)?;
            Ok(Box::new(value(position, seen_by(&required, None, &options, &outcomes).into_iter())))
        }

        #[step($($option)?)]
        $($asyncness)? fn $taker(
            #[input] required: Vec<&Boxed>,
            #[input] taken: Boxed,
            #[input] options: Vec<Option<&Boxed>>,
            #[input] outcomes: Vec<Result<&Boxed, &StepError>>,
            #[param] position: usize,
            #[param] does: String,
            #[param] waits: bool,
        ) -> Result<Boxed, String> {
            templates!(@wait [$($asyncness)?] waits);
            act(&does)?;
            Ok(Box::new(value(position, seen_by(&required, Some(&taken), &options, &outcomes).into_iter())))
        }
    )*};
    (@wait [] $waits:ident) => { let _ = $waits; };
    (@wait [async] $waits:ident) => { if $waits { tokio::task::yield_now().await; } };
}

templates! {
    (model_cpu, model_cpu_taker, [], []);
    (model_blocking, model_blocking_taker, [blocking], []);
    (model_io, model_io_taker, [], [async]);
}

/// The graph of a model, made of template instances and closures. A fan-in has to read something: an empty one reads a
/// neutral source, which the steps ignore.
fn build(steps: &[StepModel]) -> Dag {
    let mut dag = DagBuilder::new();
    let neutral = dag.cpu("neutral", (), |()| Box::new(NEUTRAL));
    let mut handles: Vec<Handle<Boxed>> = Vec::new();
    for (position, step) in steps.iter().enumerate() {
        let of = |wanted: Reads| -> Vec<Handle<Boxed>> {
            step.reads.iter().filter(|(_, reads)| *reads == wanted).map(|(from, _)| handles[*from]).collect()
        };
        let [required, options, outcomes] = [Reads::Required, Reads::Option, Reads::Outcome].map(of);
        let taken = of(Reads::Take);
        if step.reads.iter().all(|(_, reads)| *reads == Reads::Required) && step.does != Does::Errs {
            // Required inputs only: a closure.
            handles.push(closure(&mut dag, position, step, required));
            continue;
        }
        let [required, options, outcomes] =
            [required, options, outcomes].map(|from| if from.is_empty() { vec![neutral] } else { from });
        let instance = match (step.lane, taken.is_empty()) {
            (Lane::Cpu, true) => dag.add::<model_cpu>(),
            (Lane::Cpu, false) => dag.add::<model_cpu_taker>(),
            (Lane::Io, true) => dag.add::<model_io>(),
            (Lane::Io, false) => dag.add::<model_io_taker>(),
            (_, true) => dag.add::<model_blocking>(),
            (_, false) => dag.add::<model_blocking_taker>(),
        };
        let does = match step.does {
            Does::Succeeds => "succeeds",
            Does::Errs => "errs",
            Does::Panics => "panics",
        };
        let mut instance = instance
            .named(name(position))
            .param("position", position)
            .param("does", does)
            .param("waits", step.waits)
            .inputs("required", required)
            .inputs("options", options)
            .inputs("outcomes", outcomes);
        for taken in taken {
            instance = instance.input("taken", taken);
        }
        for after in of(Reads::After) {
            instance = instance.after(after);
        }
        handles.push(instance.handle());
    }
    dag.build().unwrap()
}

fn closure(
    dag: &mut DagBuilder,
    position: usize,
    step: &StepModel,
    from: Vec<Handle<Boxed>>,
) -> Handle<Boxed> {
    let (panics, waits) = (step.does == Does::Panics, step.waits);
    let work = move |all: Vec<&Boxed>| {
        assert!(!panics, "planted panic");
        Box::new(value(position, all.into_iter().map(|value| Some(**value))))
    };
    match step.lane {
        Lane::Cpu => dag.cpu(name(position), from, work),
        Lane::Io => dag.io(name(position), from, move |Refs(all)| {
            Box::pin(async move {
                if waits {
                    tokio::task::yield_now().await;
                }
                Ok::<_, Infallible>(work(all))
            })
        }),
        Lane::Blocking => dag.blocking(name(position), from, move |all| Ok::<_, Infallible>(work(all))),
    }
}

fn name(position: usize) -> String {
    format!("s{position:02}")
}

fn steps() -> impl Strategy<Value = Vec<StepModel>> {
    let lane = prop_oneof![3 => Just(Lane::Cpu), 3 => Just(Lane::Io), 1 => Just(Lane::Blocking)];
    let does = prop_oneof![12 => Just(Does::Succeeds), 1 => Just(Does::Errs), 1 => Just(Does::Panics)];
    let reads = prop_oneof![
        6 => Just(Reads::Required),
        2 => Just(Reads::Option),
        2 => Just(Reads::Outcome),
        1 => Just(Reads::Take),
        1 => Just(Reads::After),
    ];
    let edges = proptest::collection::vec((any::<proptest::sample::Index>(), reads), 0..5);
    let step = (lane, any::<bool>(), does, edges);
    proptest::collection::vec(step, 1..40).prop_map(|drawn| {
        let mut steps: Vec<StepModel> = Vec::new();
        for (lane, waits, does, edges) in drawn {
            let mut reads: Vec<(usize, Reads)> = Vec::new();
            for (index, kind) in edges {
                let Some(from) = (!steps.is_empty()).then(|| index.index(steps.len())) else { continue };
                if reads.iter().all(|(known, _)| *known != from) {
                    reads.push((from, kind));
                }
            }
            steps.push(StepModel { lane, waits, does, reads });
        }
        settle_takers(&mut steps);
        steps
    })
}

/// An output has one taker, which comes after every other reader. So only the last reader in model order takes, at most
/// one output each; other takes become plain reads.
fn settle_takers(steps: &mut [StepModel]) {
    for step in 0..steps.len() {
        let mut takes = 0;
        for edge in 0..steps[step].reads.len() {
            let (from, kind) = steps[step].reads[edge];
            if kind != Reads::Take {
                continue;
            }
            let read_later =
                steps[step + 1..].iter().any(|later| later.reads.iter().any(|(other, _)| *other == from));
            takes += 1;
            if read_later || takes > 1 {
                steps[step].reads[edge].1 = Reads::Required;
            }
        }
    }
}

fn check(steps: &[StepModel], dag: &Arc<Dag>, workers: usize) -> Result<(), TestCaseError> {
    let outcomes = model(steps);
    let recorder = Recorder::default();
    let pipeline = Pipeline::new(Arc::clone(dag))
        .settings(Settings::default().workers(workers))
        .keep_all()
        .observe(recorder.clone());
    let run = pipeline.run_blocking().map_err(|problems| TestCaseError::fail(problems.to_string()))?;
    let report = run.report();
    prop_assert_eq!(report.steps.len(), steps.len() + 1);
    let is_taken = |step: usize| steps.iter().any(|later| later.reads.contains(&(step, Reads::Take)));
    for (position, outcome) in outcomes.iter().enumerate() {
        let told = report.step(&name(position)).unwrap();
        match outcome {
            Ok(value) => {
                prop_assert_eq!(told.status, Status::Succeeded, "{}", name(position));
                if !is_taken(position) {
                    prop_assert_eq!(run.output_named::<Boxed>(&name(position)), Ok(&Box::new(*value)));
                }
            }
            Err(cause) if *cause == position => {
                prop_assert_eq!(told.status, Status::Failed, "{}", name(position));
                let wanted =
                    if steps[position].does == Does::Errs { FailureKind::Error } else { FailureKind::Panic };
                prop_assert_eq!(told.error.as_ref().unwrap().kind, wanted);
            }
            Err(cause) => {
                prop_assert_eq!(told.status, Status::Skipped, "{}", name(position));
                prop_assert_eq!(told.because.clone(), Some(name(*cause)));
            }
        }
    }
    let counts = report.counts;
    prop_assert_eq!(
        counts.planned,
        counts.succeeded + counts.failed + counts.skipped + counts.cancelled + counts.given
    );
    prop_assert_eq!(counts.cancelled, 0);
    prop_assert!(report.figures.peak_concurrency <= workers);
    history(dag, &recorder.seen(), workers)
}

/// Asserts that no step starts before its upstreams have ended, every step ends once, every started step ends, and no
/// more than the limit run at once.
fn history(dag: &Dag, seen: &[Seen], workers: usize) -> Result<(), TestCaseError> {
    let (mut started, mut ended): (HashMap<&str, usize>, HashMap<&str, usize>) = Default::default();
    for (at, event) in seen.iter().enumerate() {
        match event {
            Seen::Started(step) => prop_assert!(started.insert(step, at).is_none(), "`{step}` started twice"),
            Seen::Finished(step, _) => prop_assert!(ended.insert(step, at).is_none(), "`{step}` ended twice"),
            Seen::RunStarted(_, planned) => prop_assert_eq!((at, *planned), (0, dag.len())),
            Seen::RunFinished(..) => prop_assert_eq!(ended.len(), dag.len(), "the run ends last"),
        }
        prop_assert!(started.len().saturating_sub(ended.len()) <= workers);
    }
    prop_assert_eq!(ended.len(), dag.len(), "each step ends");
    prop_assert!(matches!(seen.last(), Some(Seen::RunFinished(..))));
    for (step, &start) in &started {
        let position = dag.find(step).map_err(|problem| TestCaseError::fail(problem.to_string()))?;
        prop_assert!(start < ended[step]);
        for &earlier in dag.upstream(position) {
            prop_assert!(ended[dag.step(earlier as usize).name()] < start, "`{step}` started early");
        }
    }
    Ok(())
}

/// Checks this many random graphs at one width.
fn random_graphs(cases: u32, workers: usize) {
    quiet();
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
    let outcome = TestRunner::new(config).run(&steps(), |steps| {
        let dag = Arc::new(build(&steps));
        check(&steps, &dag, workers)
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

#[test]
fn random_graphs_match_the_model_with_1_worker() {
    random_graphs(2500, 1);
}

#[test]
fn random_graphs_match_the_model_with_2_workers() {
    random_graphs(2500, 2);
}

#[test]
fn random_graphs_match_the_model_with_4_workers() {
    random_graphs(2500, 4);
}

#[test]
fn random_graphs_match_the_model_with_16_workers() {
    random_graphs(2500, 16);
}

/// H01: one graph gives the same outputs, statuses and causes at every width, and without a shared limit.
#[test]
fn one_graph_gives_the_same_outputs_at_every_width() {
    quiet();
    let config = Config { cases: 150, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&steps(), |steps| {
        let dag = Arc::new(build(&steps));
        let mut told = None;
        for workers in [Some(1), Some(2), Some(4), Some(16), None] {
            let mut pipeline = Pipeline::new(Arc::clone(&dag)).keep_all();
            if let Some(workers) = workers {
                pipeline = pipeline.settings(Settings::default().workers(workers));
            }
            let run = pipeline.run_blocking().unwrap();
            let outputs: Vec<_> = run
                .report()
                .steps
                .iter()
                .map(|step| {
                    (
                        format!("{} {} {:?}", step.name, step.status, step.because),
                        run.output_named::<Boxed>(&step.name).ok().map(|value| **value),
                    )
                })
                .collect();
            prop_assert_eq!(told.get_or_insert_with(|| outputs.clone()), &outputs);
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
