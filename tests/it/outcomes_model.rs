//! Retries, optional steps, fallbacks, quorums, disabled steps and given outputs against a naive sequential model, over
//! random graphs: same statuses, attempts, outputs and success of the run, at 1, 2, 4 and 16 workers.

use pipeline::StepDefaults;
use pipeline::prelude::*;
use pipeline::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::quiet;

/// The policy written on a step.
#[derive(Clone, Copy, Debug)]
struct Written {
    retries: u32,
    optional: bool,
    fallback: bool,
}

#[derive(Clone, Debug)]
struct StepModel {
    lane: usize,
    kind: usize,
    /// This many attempts fail, alternating between an error and a panic.
    fails: u32,
    is_off: bool,
    is_given: bool,
    /// The quorum that counts this step.
    group: usize,
    required: Vec<usize>,
    options: Vec<usize>,
}

/// The model's result of a step: an output, a failure, or a skip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Becomes {
    Output(u64),
    Failed,
    Skipped,
}

const FALLBACK: u64 = 7;
const GIVEN: u64 = 11;
/// The output of the neutral source, which steps ignore: a fan-in has to read something.
const NEUTRAL: u64 = u64::MAX;

fn value(required: impl Iterator<Item = u64>, options: impl Iterator<Item = Option<u64>>) -> u64 {
    let options = options.map(|value| value.unwrap_or(3));
    required
        .chain(options)
        .filter(|value| *value != NEUTRAL)
        .fold(1, |sum: u64, value| sum.wrapping_mul(31).wrapping_add(value) % (1 << 40))
}

fn act(fails: u32, required: &[&u64], options: &[Option<&u64>], cx: &StepContext) -> Result<u64, String> {
    if cx.attempt() <= fails {
        assert!(!cx.attempt().is_multiple_of(2), "planted panic {}", cx.attempt());
        return Err(format!("planted error {}", cx.attempt()));
    }
    Ok(value(required.iter().map(|value| **value), options.iter().map(|value| value.copied())))
}

macro_rules! templates {
    ($($kind:literal: ($($option:tt)*) = $written:expr, $cpu:ident $blocking:ident $io:ident;)*) => {
        $(
            #[step($($option)*)]
            fn $cpu(
                #[input] required: Vec<&u64>,
                #[input] options: Vec<Option<&u64>>,
                #[param] fails: u32,
                #[context] cx: &StepContext,
            ) -> Result<u64, String> {
                act(fails, &required, &options, cx)
            }

            #[step(blocking, $($option)*)]
            fn $blocking(
                #[input] required: Vec<&u64>,
                #[input] options: Vec<Option<&u64>>,
                #[param] fails: u32,
                #[context] cx: &StepContext,
            ) -> Result<u64, String> {
                act(fails, &required, &options, cx)
            }

            #[step($($option)*)]
            async fn $io(
                #[input] required: Vec<&u64>,
                #[input] options: Vec<Option<&u64>>,
                #[param] fails: u32,
                #[context] cx: &StepContext,
            ) -> Result<u64, String> {
                tokio::task::yield_now().await;
                act(fails, &required, &options, cx)
            }
        )*

        fn written(kind: usize) -> Written {
            match kind {
                $($kind => $written,)*
                _ => unreachable!("there is no such kind"),
            }
        }

        fn add(
            dag: &mut DagBuilder,
            step: &StepModel,
            name: String,
            required: Vec<Handle<u64>>,
            options: Vec<Handle<u64>>,
        ) -> Handle<u64> {
            match (step.kind, step.lane) {
                $(
                    ($kind, 0) => templates!(@add dag, $cpu, step, name, required, options),
                    ($kind, 1) => templates!(@add dag, $blocking, step, name, required, options),
                    ($kind, _) => templates!(@add dag, $io, step, name, required, options),
                )*
                _ => unreachable!("there is no such kind"),
            }
        }
    };
    (@add $dag:ident, $template:ident, $step:ident, $name:ident, $required:ident, $options:ident) => {
        $dag.add::<$template>()
            .named($name)
            .param("fails", $step.fails)
            .inputs("required", $required)
            .inputs("options", $options)
            .handle()
    };
}

const KINDS: usize = 6;

templates! {
    0: () = Written { retries: 0, optional: false, fallback: false }, om_cpu_0 om_blocking_0 om_io_0;
    1: (retries = 2) = Written { retries: 2, optional: false, fallback: false }, om_cpu_1 om_blocking_1 om_io_1;
    2: (optional) = Written { retries: 0, optional: true, fallback: false }, om_cpu_2 om_blocking_2 om_io_2;
    3: (retries = 1, optional) = Written { retries: 1, optional: true, fallback: false },
        om_cpu_3 om_blocking_3 om_io_3;
    4: (fallback = FALLBACK) = Written { retries: 0, optional: false, fallback: true }, om_cpu_4 om_blocking_4 om_io_4;
    5: (retries = 1, fallback = FALLBACK, limit("om" = 1)) = Written { retries: 1, optional: false, fallback: true },
        om_cpu_5 om_blocking_5 om_io_5;
}

macro_rules! quorums {
    ($($name:ident($pattern:literal, $least:literal);)*) => {
        $(
            #[step]
            fn $name(#[from($pattern, at_least = $least)] members: Vec<&u64>) -> usize {
                members.len()
            }
        )*
        fn add_quorums(dag: &mut DagBuilder) {
            $(dag.add::<$name>().handle();)*
        }
        /// Name, group, and how many have to succeed.
        const QUORUMS: &[(&str, usize, usize)] = &[$((stringify!($name), group_of($pattern), $least),)*];
    };
}

const fn group_of(pattern: &str) -> usize {
    (pattern.as_bytes()[1] - b'0') as usize
}

quorums! {
    om_quorum_0_0("g0_*", 0);
    om_quorum_0_1("g0_*", 1);
    om_quorum_0_4("g0_*", 4);
    om_quorum_1_2("g1_*", 2);
    om_quorum_1_7("g1_*", 7);
}

fn name(position: usize, step: &StepModel) -> String {
    format!("g{}_{position:02}", step.group)
}

fn model(steps: &[StepModel]) -> Vec<Becomes> {
    let mut all: Vec<Becomes> = Vec::new();
    for step in steps {
        let output = |from: usize| if let Becomes::Output(value) = all[from] { Some(value) } else { None };
        let (required, options) = (step.required.iter(), step.options.iter());
        let required: Vec<Option<u64>> = required.map(|from| output(*from)).collect();
        let written = written(step.kind);
        let becomes = if step.is_given {
            Becomes::Output(GIVEN)
        } else if step.is_off || required.contains(&None) {
            Becomes::Skipped
        } else if step.fails <= written.retries {
            Becomes::Output(value(required.into_iter().flatten(), options.map(|from| output(*from))))
        } else if written.fallback {
            Becomes::Output(FALLBACK)
        } else {
            Becomes::Failed
        };
        all.push(becomes);
    }
    all
}

fn build(steps: &[StepModel]) -> Dag {
    let mut dag = DagBuilder::new();
    let neutral = dag.cpu("neutral", (), |()| NEUTRAL);
    // A quorum has to be reachable: each group has one member that succeeds, and six optional ones that fail.
    for group in 0..2 {
        dag.cpu(format!("g{group}_base"), (), |()| 1_u64);
        for n in 0..6 {
            let spare = dag.add::<om_cpu_2>().named(format!("g{group}_spare_{n}")).param("fails", 9);
            spare.inputs("required", vec![neutral]).inputs("options", vec![neutral]).handle();
        }
    }
    let mut handles: Vec<Handle<u64>> = Vec::new();
    for (position, step) in steps.iter().enumerate() {
        let of = |from: &[usize]| match from {
            [] => vec![neutral],
            _ => from.iter().map(|from| handles[*from]).collect(),
        };
        let handle = add(&mut dag, step, name(position, step), of(&step.required), of(&step.options));
        handles.push(handle);
    }
    add_quorums(&mut dag);
    dag.build().unwrap()
}

fn steps() -> impl Strategy<Value = Vec<StepModel>> {
    let fails = prop_oneof![4 => Just(0_u32), 1 => Just(1_u32), 1 => Just(2), 1 => Just(9)];
    let edges = proptest::collection::vec((any::<proptest::sample::Index>(), any::<bool>()), 0..4);
    let (off, given) = (proptest::bool::weighted(0.12), proptest::bool::weighted(0.12));
    let step = (0..3_usize, 0..KINDS, fails, 0..2_usize, edges, off, given);
    proptest::collection::vec(step, 1..25).prop_map(|drawn| {
        let mut steps: Vec<StepModel> = Vec::new();
        for (lane, kind, fails, group, edges, is_off, is_given) in drawn {
            let (required, options) = (Vec::new(), Vec::new());
            let mut step = StepModel { lane, kind, fails, is_off, is_given, group, required, options };
            for (index, is_required) in edges.into_iter().filter(|_| !steps.is_empty()) {
                let from = index.index(steps.len());
                if !step.required.contains(&from) && !step.options.contains(&from) {
                    if is_required { step.required.push(from) } else { step.options.push(from) }
                }
            }
            steps.push(step);
        }
        steps
    })
}

fn check(steps: &[StepModel], workers: usize) -> Result<(), TestCaseError> {
    let mut pipeline = Pipeline::new(build(steps)).keep_all();
    let mut settings = Settings::default().workers(workers);
    for (position, step) in steps.iter().enumerate() {
        if step.is_off {
            settings = settings.step(name(position, step), StepDefaults::new().enabled(false));
        }
        if step.is_given {
            pipeline = pipeline.with_output_named(name(position, step), GIVEN);
        }
    }
    let pipeline = pipeline.settings(settings);
    let run = pipeline.run_blocking().map_err(|problems| TestCaseError::fail(problems.to_string()))?;
    let all = model(steps);
    for (position, (step, becomes)) in steps.iter().zip(&all).enumerate() {
        let name = name(position, step);
        let (told, written) = (run.report().step(&name).unwrap(), written(step.kind));
        let tries = step.fails.min(written.retries) + 1;
        let (status, tries) = match becomes {
            Becomes::Output(value) => {
                prop_assert_eq!(run.output_named::<u64>(&name), Ok(value));
                if step.is_given { (Status::Given, 0) } else { (Status::Succeeded, tries) }
            }
            Becomes::Failed => (Status::Failed, tries),
            Becomes::Skipped => (Status::Skipped, 0),
        };
        prop_assert_eq!((told.status, told.attempts), (status, tries), "{}", name);
        prop_assert_eq!(told.failed_attempts.len(), tries.saturating_sub(1) as usize);
        let falls_back = status == Status::Succeeded && step.fails > written.retries;
        prop_assert_eq!(told.fallback_used, falls_back, "{}", name);
    }
    for (name, group, least) in QUORUMS {
        let members = steps.iter().zip(&all).filter(|(step, _)| step.group == *group);
        let successes = 1 + members.filter(|(_, becomes)| matches!(becomes, Becomes::Output(_))).count();
        let told = run.report().step(name).unwrap();
        if successes >= *least {
            prop_assert_eq!(run.output_named::<usize>(name), Ok(&successes));
        } else {
            prop_assert_eq!(told.status, Status::Skipped, "{}", name);
        }
    }
    let is_missed =
        |(becomes, step): (&Becomes, &StepModel)| *becomes == Becomes::Failed && !written(step.kind).optional;
    let missed = all.iter().zip(steps).any(is_missed);
    prop_assert_eq!(run.succeeded(), !missed, "{}", run.report());
    prop_assert_eq!(run.report().status == RunStatus::Failed, missed);
    let counts = run.report().counts;
    prop_assert_eq!(counts.planned, counts.succeeded + counts.failed + counts.skipped + counts.given);
    prop_assert_eq!(counts.planned, run.report().steps.len());
    Ok(())
}

fn random_graphs(workers: usize) {
    quiet();
    let config =
        Config { cases: 400, failure_persistence: None, max_shrink_iters: 1000, ..Config::default() };
    if let Err(error) = TestRunner::new(config).run(&steps(), |steps| check(&steps, workers)) {
        panic!("{error}");
    }
}

/// A15, D05, E02, E05, E09, P1.
#[test]
fn random_policies_match_the_model_with_1_worker() {
    random_graphs(1);
}

#[test]
fn random_policies_match_the_model_with_2_workers() {
    random_graphs(2);
}

#[test]
fn random_policies_match_the_model_with_4_workers() {
    random_graphs(4);
}

#[test]
fn random_policies_match_the_model_with_16_workers() {
    random_graphs(16);
}
