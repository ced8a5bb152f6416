//! Counted once: whatever the errors, payloads, outputs and hooks of steps do, each step is in exactly one count, every run
//! ends, and what went wrong is in the report.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use pipeline::frame::{Execute, Frame, Progress, Ready};
use pipeline::prelude::*;
use pipeline::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::quiet;

/// An output whose drop may panic. Large, so that it is boxed in its slot.
struct Out {
    is_bomb: bool,
    _rest: [u64; 8],
}

impl Out {
    fn new(is_bomb: bool) -> Self {
        Out { is_bomb, _rest: [0; 8] }
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        assert!(!self.is_bomb, "planted in an output's drop");
    }
}

/// An error of which each method may be hostile.
#[derive(Default)]
struct Hostile {
    display: Option<fn(&mut fmt::Formatter<'_>) -> fmt::Result>,
    source: Option<for<'a> fn(&'a Hostile) -> &'a (dyn Error + 'static)>,
    drop_panics: bool,
}

impl fmt::Display for Hostile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.display {
            Some(display) => display(f),
            None => f.write_str("hostile"),
        }
    }
}

impl fmt::Debug for Hostile {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("planted in Debug")
    }
}

impl Error for Hostile {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.map(|source| source(self))
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        assert!(!self.drop_panics, "planted in an error's drop");
    }
}

fn display_panics(_: &mut fmt::Formatter<'_>) -> fmt::Result {
    panic!("planted in Display")
}

fn display_fails(_: &mut fmt::Formatter<'_>) -> fmt::Result {
    Err(fmt::Error)
}

/// Writes for as long as someone takes it.
fn display_is_endless(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    loop {
        f.write_str("planted, ")?;
    }
}

fn source_panics(_: &Hostile) -> &(dyn Error + 'static) {
    panic!("planted in source")
}

fn source_is_itself(error: &Hostile) -> &(dyn Error + 'static) {
    error
}

/// A payload whose drop panics, with a payload whose drop panics.
struct Payload(bool);

impl Drop for Payload {
    fn drop(&mut self) {
        if self.0 {
            std::panic::panic_any(Payload(false));
        }
        panic!("planted in a payload's drop");
    }
}

const OK: u32 = 0;
const OK_WITH_BOMB: u32 = 1;
const CONDITION_PANICS: u32 = 11;
const CONDITION_IS_FALSE: u32 = 12;
const ACTS: u32 = 13;

fn act(act: u32) -> Result<Out, Hostile> {
    let hostile = Hostile::default;
    Err(match act {
        OK_WITH_BOMB => return Ok(Out::new(true)),
        2 => hostile(),
        3 => Hostile { display: Some(display_panics), ..hostile() },
        4 => Hostile { display: Some(display_fails), ..hostile() },
        5 => Hostile { display: Some(display_is_endless), ..hostile() },
        6 => Hostile { source: Some(source_panics), ..hostile() },
        7 => Hostile { source: Some(source_is_itself), ..hostile() },
        8 => Hostile { drop_panics: true, source: Some(source_panics), display: Some(display_panics) },
        9 => panic!("planted in a step"),
        10 => std::panic::panic_any(Payload(true)),
        _ => return Ok(Out::new(false)),
    })
}

fn fails(act: u32) -> bool {
    (2..=10).contains(&act)
}

fn bad_filter(_: &Hostile) -> bool {
    panic!("planted in retry_if")
}

fn bad_hook(_: &StepError) {
    panic!("planted in on_failure")
}

fn bad_fallback(_: &StepError) -> Out {
    panic!("planted in a fallback")
}

fn bomb() -> Out {
    Out::new(true)
}

fn bad_choice() -> bool {
    panic!("planted in parallel_if")
}

#[allow(clippy::ptr_arg)]
fn condition(_: &[&Out], _: &[Option<&Out>], acts: &u32) -> bool {
    assert!(*acts != CONDITION_PANICS, "planted in a condition");
    *acts != CONDITION_IS_FALSE
}

macro_rules! templates {
    ($($kind:literal: ($($option:tt)*) $cpu:ident $blocking:ident $io:ident;)*) => {
        $(
            #[step($($option)*)]
            fn $cpu(
                #[input] required: Vec<&Out>,
                #[input] options: Vec<Option<&Out>>,
                #[param] acts: u32,
            ) -> Result<Out, Hostile> {
                let _ = (required, options);
                act(acts)
            }

            #[step(blocking, $($option)*)]
            fn $blocking(
                #[input] required: Vec<&Out>,
                #[input] options: Vec<Option<&Out>>,
                #[param] acts: u32,
            ) -> Result<Out, Hostile> {
                let _ = (required, options);
                act(acts)
            }

            #[step($($option)*)]
            async fn $io(
                #[input] required: Vec<&Out>,
                #[input] options: Vec<Option<&Out>>,
                #[param] acts: u32,
            ) -> Result<Out, Hostile> {
                let _ = (required, options);
                if acts.is_multiple_of(2) {
                    tokio::task::yield_now().await;
                }
                act(acts)
            }
        )*

        fn add(
            dag: &mut DagBuilder,
            step: &Drawn,
            name: String,
            required: Vec<Handle<Out>>,
            options: Vec<Handle<Out>>,
        ) -> Handle<Out> {
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
            .param("acts", $step.acts)
            .inputs("required", $required)
            .inputs("options", $options)
            .handle()
    };
}

const KINDS: usize = 9;
const WITH_BOMB_AS_FALLBACK: usize = 5;
const WITH_CONDITION: [usize; 2] = [7, 8];

templates! {
    0: () hostile_cpu_0 hostile_blocking_0 hostile_io_0;
    1: (retries = 1) hostile_cpu_1 hostile_blocking_1 hostile_io_1;
    2: (retries = 1, retry_if = bad_filter) hostile_cpu_2 hostile_blocking_2 hostile_io_2;
    3: (on_failure = bad_hook) hostile_cpu_3 hostile_blocking_3 hostile_io_3;
    4: (fallback = bad_fallback) hostile_cpu_4 hostile_blocking_4 hostile_io_4;
    5: (fallback = bomb) hostile_cpu_5 hostile_blocking_5 hostile_io_5;
    6: (timeout = "1h", retries = 1) hostile_cpu_6 hostile_blocking_6 hostile_io_6;
    7: (when = condition) hostile_cpu_7 hostile_blocking_7 hostile_io_7;
    8: (
        timeout = "1h",
        retries = 1,
        when = condition,
        on_failure = bad_hook,
        fallback = bad_fallback,
        parallel_if = bad_choice,
    ) hostile_cpu_8 hostile_blocking_8 hostile_io_8;
}

/// A random step. Its inputs are positions of earlier steps.
#[derive(Clone, Debug)]
struct Drawn {
    lane: usize,
    kind: usize,
    acts: u32,
    required: Vec<usize>,
    options: Vec<usize>,
}

fn steps() -> impl Strategy<Value = Vec<Drawn>> {
    let acts = prop_oneof![3 => Just(OK), 2 => Just(OK_WITH_BOMB), 6 => 2..ACTS];
    let edges =
        proptest::collection::vec((any::<proptest::sample::Index>(), proptest::bool::weighted(0.3)), 0..4);
    proptest::collection::vec((0..3_usize, 0..KINDS, acts, edges), 1..16).prop_map(|drawn| {
        let mut steps: Vec<Drawn> = Vec::new();
        for (lane, kind, acts, edges) in drawn {
            let mut step = Drawn { lane, kind, acts, required: Vec::new(), options: Vec::new() };
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

fn build(steps: &[Drawn]) -> Dag {
    let mut dag = DagBuilder::new();
    let neutral = dag.cpu("neutral", (), |()| Out::new(false));
    let mut handles = Vec::new();
    for (position, step) in steps.iter().enumerate() {
        let of = |from: &[usize]| match from {
            [] => vec![neutral],
            _ => from.iter().map(|from| handles[*from]).collect(),
        };
        let (required, options) = (of(&step.required), of(&step.options));
        let handle = add(&mut dag, step, format!("s{position:02}"), required, options);
        handles.push(handle);
    }
    dag.build().unwrap()
}

/// How each step ends. `is_kept`: whether its output stays to the end of the run.
fn model(steps: &[Drawn], is_kept: impl Fn(usize) -> bool, has_policies: bool) -> Vec<Status> {
    let mut ended: Vec<Status> = Vec::new();
    let mut has_output: Vec<bool> = Vec::new();
    for (position, step) in steps.iter().enumerate() {
        let conditional = WITH_CONDITION.contains(&step.kind);
        let falls_back = has_policies && step.kind == WITH_BOMB_AS_FALLBACK && fails(step.acts);
        let has_bomb = step.acts == OK_WITH_BOMB || falls_back;
        let (status, output) = if step.required.iter().any(|from| !has_output[*from])
            || conditional && step.acts == CONDITION_IS_FALSE
        {
            (Status::Skipped, false)
        } else if fails(step.acts) && !falls_back || conditional && step.acts == CONDITION_PANICS {
            (Status::Failed, false)
        } else if has_bomb && !is_kept(position) {
            // Its readers ran.
            (Status::Failed, true)
        } else {
            (Status::Succeeded, true)
        };
        ended.push(status);
        has_output.push(output);
    }
    ended
}

/// One step after another, without their policies.
struct Inline;

impl Execute for Inline {
    fn execute(&self, frame: &Arc<Frame>) {
        let mut ready: Vec<Ready> = Vec::new();
        for lane in Lane::ALL {
            let mut roots = frame.take_roots(lane, usize::MAX, 1);
            ready.extend(std::iter::from_fn(|| frame.next_root(&mut roots)));
        }
        while let Some(next) = ready.pop() {
            let finished = match frame.start(next) {
                Progress::Finished(finished) => Some(finished),
                Progress::Suspended(waits) => futures::executor::block_on(waits),
                Progress::Late => None,
            };
            if let Some(finished) = finished {
                frame.finish(finished, |next| ready.push(next));
            }
        }
    }
}

fn check(steps: &[Drawn], workers: Option<usize>, seen: bool) -> Result<(), TestCaseError> {
    let mut pipeline = Pipeline::new(build(steps));
    if seen {
        pipeline = pipeline.observe(|_: &Event<'_>| std::panic::panic_any(Payload(true)));
    }
    let run = match workers {
        Some(workers) => pipeline.settings(Settings::default().workers(workers)).run_blocking(),
        None => pipeline.run_with(&Inline),
    };
    let run = run.map_err(|problems| TestCaseError::fail(problems.to_string()))?;
    let available: Vec<String> = run.available().into_iter().map(str::to_owned).collect();
    let is_kept = |position: usize| available.contains(&format!("s{position:02}"));
    for (position, expected) in model(steps, is_kept, workers.is_some()).into_iter().enumerate() {
        let told = run.report().step(&format!("s{position:02}")).unwrap();
        prop_assert_eq!(told.status, expected, "s{:02}: {:?}", position, &told.error);
        let texts = told.error.iter().flat_map(|error| error.causes.iter().chain([&error.message]));
        for text in texts {
            prop_assert!(text.len() < 100_000, "{} bytes", text.len());
        }
        let causes = told.error.as_ref().map_or(0, |error| error.causes.len());
        prop_assert!(causes <= 33, "{causes} causes");
    }
    let counts = run.report().counts;
    let sum = counts.succeeded + counts.failed + counts.timed_out + counts.skipped + counts.cancelled;
    prop_assert_eq!(counts.planned, sum + counts.cached + counts.given);
    prop_assert_eq!(counts.planned, steps.len() + 1);
    let _ = run.into_result().map(drop).map_err(|failed| failed.to_string());
    Ok(())
}

fn random_graphs(workers: Option<usize>, seen: bool) {
    quiet();
    let config =
        Config { cases: 300, failure_persistence: None, max_shrink_iters: 1000, ..Config::default() };
    if let Err(error) = TestRunner::new(config).run(&steps(), |steps| check(&steps, workers, seen)) {
        panic!("{error}");
    }
}

#[test]
fn hostile_steps_are_counted_once_with_1_worker() {
    random_graphs(Some(1), true);
}

#[test]
fn hostile_steps_are_counted_once_with_2_workers() {
    random_graphs(Some(2), false);
}

#[test]
fn hostile_steps_are_counted_once_with_4_workers() {
    random_graphs(Some(4), true);
}

#[test]
fn hostile_steps_are_counted_once_by_another_executor() {
    random_graphs(None, false);
}
