//! The engine in virtual time: random graphs of async steps on one thread, with random waits, failures, retries,
//! limits, pauses and stops. Every history is checked, and a seed always gives the same history. `PIPELINE_SEED=n` runs
//! one seed.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipeline::StepDefaults;
use pipeline::context::StepRng;
use pipeline::graph::{Backoff, Instance, Refs};
use pipeline::limits::LimitSettings;
use pipeline::prelude::*;
use pipeline::testing::Recorder;
use pipeline::*;
use tokio::time::{Instant, sleep};

const SEEDS: u64 = 1000;

/// One attempt: how long it waits, and whether it succeeds.
type Act = (u64, bool);

async fn act(acts: &[Act], attempt: u32, at: u64, from: impl Iterator<Item = u64>) -> Result<u64, String> {
    let (wait, succeeds) = acts[(attempt as usize - 1).min(acts.len() - 1)];
    if wait > 0 {
        sleep(Duration::from_millis(wait)).await;
    }
    if succeeds { Ok(from.fold(at, u64::wrapping_add)) } else { Err("planted".to_owned()) }
}

macro_rules! kinds {
    ($($name:ident [$($option:tt)*] $tries:literal;)*) => {
        $(
            #[step($($option)*)]
            async fn $name(
                #[input] from: Vec<&u64>,
                #[input] perhaps: Vec<Option<&u64>>,
                #[param] at: u64,
                #[param] acts: Vec<Act>,
                #[context] context: &StepContext,
            ) -> Result<u64, String> {
                let from = from.into_iter().copied().chain(perhaps.into_iter().flatten().copied());
                act(&acts, context.attempt(), at, from).await
            }
        )*

        /// The number of attempts of each kind.
        const TRIES: &[usize] = &[$($tries),*];

        fn add(dag: &mut DagBuilder, kind: usize) -> Instance<'_, u64> {
            let adds: &[fn(&mut DagBuilder) -> Instance<'_, u64>] = &[$(|dag| dag.add::<$name>()),*];
            adds[kind](dag)
        }
    };
}

kinds! {
    vt_plain [] 1;
    vt_other [] 1;
    vt_retried [retries = 2, backoff = "10ms..40ms"] 3;
    vt_base [limit("base" = 2)] 1;
    vt_base_retried [limit("base"), retries = 1, backoff = "5ms"] 2;
    vt_both [limit("base", "line"), retries = 1] 2;
    vt_line [limit("line")] 1;
    vt_alone [exclusive] 1;
    vt_alone_retried [exclusive, retries = 1, backoff = "7ms"] 2;
    vt_first [sequential = "first"] 1;
    vt_first_retried [sequential = "first", retries = 1, backoff = "3ms"] 2;
    vt_second [sequential = "second", limit("base")] 1;
    vt_optional [optional, retries = 1] 2;
}

#[derive(Clone, Debug)]
struct Sketch {
    kind: usize,
    acts: Vec<Act>,
    from: Vec<usize>,
    perhaps: Vec<usize>,
}

impl Sketch {
    fn succeeds(&self) -> bool {
        self.acts.iter().take(TRIES[self.kind]).any(|(_, succeeds)| *succeeds)
    }
}

fn draw(rng: &mut StepRng) -> Vec<Sketch> {
    let faults = rng.below(3);
    let mut steps: Vec<Sketch> = Vec::new();
    for _ in 0..=rng.below(12) {
        let some = |rng: &mut StepRng| -> Vec<usize> {
            let count = if steps.is_empty() { 0 } else { rng.below(3) };
            let mut from: Vec<usize> = (0..count).map(|_| rng.below(steps.len() as u64) as usize).collect();
            from.sort_unstable();
            from.dedup();
            from
        };
        let (from, perhaps) = (some(rng), some(rng));
        let acts = (0..3).map(|_| (rng.below(5) * 10, rng.below(6) >= faults)).collect();
        steps.push(Sketch { kind: rng.below(TRIES.len() as u64) as usize, acts, from, perhaps });
    }
    steps
}

fn name(step: usize) -> String {
    format!("s{step:02}")
}

fn build(steps: &[Sketch]) -> Dag {
    let mut dag = DagBuilder::new();
    // A fan-in has to read something: without inputs in the sketch, a zero.
    let zero = dag.io("zero", (), |Refs(())| Box::pin(async { Ok::<_, Infallible>(0_u64) }));
    let mut handles: Vec<Handle<u64>> = Vec::new();
    for (position, step) in steps.iter().enumerate() {
        let of = |from: &[usize]| {
            if from.is_empty() { vec![zero] } else { from.iter().map(|step| handles[*step]).collect() }
        };
        let (from, perhaps) = (of(&step.from), of(&step.perhaps));
        let instance = add(&mut dag, step.kind).named(name(position)).param("at", position as u64 + 1);
        let instance = instance.param("acts", &step.acts).inputs("from", from).inputs("perhaps", perhaps);
        handles.push(instance.handle());
    }
    dag.build().unwrap()
}

/// The result of each step if the run is not stopped.
fn model(steps: &[Sketch]) -> Vec<Result<u64, Status>> {
    let mut ends: Vec<Result<u64, Status>> = Vec::new();
    for (position, step) in steps.iter().enumerate() {
        let lacks = step.from.iter().any(|from| ends[*from].is_err());
        let values = step.from.iter().chain(&step.perhaps).filter_map(|from| ends[*from].ok());
        let value = values.fold(position as u64 + 1, u64::wrapping_add);
        ends.push(match (lacks, step.succeeds()) {
            (true, _) => Err(Status::Skipped),
            (false, true) => Ok(value),
            (false, false) => Err(Status::Failed),
        });
    }
    ends
}

/// What is done to a run from outside, each after some more virtual milliseconds.
#[derive(Clone, Copy, Debug)]
enum Move {
    Pause,
    Resume,
    Stop,
}

fn draw_moves(rng: &mut StepRng) -> Vec<(u64, Move)> {
    let mut moves = Vec::new();
    for _ in 0..rng.below(3) {
        moves.push((rng.below(40), Move::Pause));
        moves.push((rng.below(40), Move::Resume));
    }
    if rng.below(4) == 0 {
        moves.truncate(rng.below(moves.len() as u64 + 1) as usize);
        moves.push((rng.below(60), Move::Stop));
    }
    moves
}

fn settings(rng: &mut StepRng, seed: u64) -> Settings {
    let settings =
        Settings::default()
            .io(1 + rng.below(4) as usize)
            .limit("base", LimitSettings::new(2))
            .limit("line", LimitSettings::new(1))
            .defaults(StepDefaults::new().backoff(
                Backoff::exponential(Duration::from_millis(4), Duration::from_millis(30)).jitter(0.5),
            ))
            .fail_fast(rng.below(6) == 0)
            .seed(seed)
            .shuffle(seed);
    if rng.below(3) == 0 { settings.workers(1 + rng.below(3) as usize) } else { settings }
}

/// Runs one seed; returns what happened when, in virtual milliseconds, and what is wrong with it.
fn simulate(seed: u64) -> (String, Vec<String>) {
    let mut rng = StepRng::new(seed);
    let steps = draw(&mut rng);
    let (settings, moves) = (settings(&mut rng, seed), draw_moves(&mut rng));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let began = Instant::now();
        let (recorder, history) = (Recorder::new(), Arc::new(Mutex::new(String::new())));
        let write = Arc::clone(&history);
        let pipeline = Pipeline::new(build(&steps))
            .keep_all()
            .settings(settings.clone())
            .observe(recorder.clone())
            .observe(move |event: &Event<'_>| {
                let what = match event {
                    Event::StepStarted { step, .. } => format!("{step} starts"),
                    Event::StepFinished { step, status, .. } => format!("{step} {status}"),
                    Event::AttemptFailed { step, attempt, .. } => format!("{step} failed {attempt}"),
                    _ => return,
                };
                let _ = writeln!(write.lock().unwrap(), "{:>5} {what}", began.elapsed().as_millis());
            });
        let handle = pipeline.start().unwrap();
        for (wait, what) in &moves {
            sleep(Duration::from_millis(*wait)).await;
            match what {
                Move::Pause => handle.pause(),
                Move::Resume => handle.resume(),
                Move::Stop => handle.stop(),
            }
        }
        // Virtual time advances at once when all is idle: a run that hangs is detected at once.
        let Ok(run) = tokio::time::timeout(Duration::from_hours(1), handle.wait()).await else {
            return (history.lock().unwrap().clone(), vec![format!("the run hangs; {moves:?}")]);
        };
        let (plan, report) = (pipeline.plan().unwrap(), run.report());
        let mut wrong = recorder.violations_under(&settings, &plan, report);
        let interrupted = settings.fail_fast || moves.iter().any(|(_, what)| matches!(what, Move::Stop));
        for (step, end) in model(&steps).into_iter().enumerate().filter(|_| !interrupted) {
            let told = report.step(&name(step)).unwrap().status;
            let value = run.output_named::<u64>(&name(step)).ok().copied();
            if (told, value) != (end.err().unwrap_or(Status::Succeeded), end.ok()) {
                wrong.push(format!("{} is {told} with {value:?}, and not {end:?}", name(step)));
            }
        }
        let mut history = history.lock().unwrap().clone();
        for step in &report.steps {
            let _ = writeln!(history, "      {} {} after {}", step.name, step.status, step.attempts);
        }
        (history, wrong)
    })
}

#[test]
fn every_seed_follows_the_rules_and_gives_one_history() {
    let only = std::env::var("PIPELINE_SEED").ok().and_then(|seed| seed.parse().ok());
    for seed in only.map_or(0..SEEDS, |seed: u64| seed..seed + 1) {
        let (history, wrong) = simulate(seed);
        assert!(wrong.is_empty(), "PIPELINE_SEED={seed}\n{}\nThe history:\n{history}", wrong.join("\n"));
        // Only every third is run again, to save time.
        if seed % 3 == 0 || only.is_some() {
            let (again, _) = simulate(seed);
            assert_eq!(history, again, "PIPELINE_SEED={seed}: two runs differ");
        }
    }
}

/// Histories differ, and the checker detects a wrong one.
#[test]
fn seeds_give_different_histories_and_wrong_ones_are_detected() {
    let (one, other) = (simulate(1).0, simulate(2).0);
    assert_ne!(one, other);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let steps = vec![Sketch { kind: 3, acts: vec![(10, true)], from: vec![], perhaps: vec![] }; 2];
        let recorder = Recorder::new();
        let loose = Settings::default().io(4).limit("base", LimitSettings::new(4));
        let pipeline = Pipeline::new(build(&steps)).settings(loose.clone()).observe(recorder.clone());
        let run = pipeline.run().await.unwrap();
        let plan = pipeline.plan().unwrap();
        assert_eq!(recorder.violations_under(&loose, &plan, run.report()), Vec::<String>::new());
        let tight = Settings::default().io(1).limit("base", LimitSettings::new(3)).workers(1);
        let told = recorder.violations_under(&tight, &plan, run.report()).join("\n");
        for wanted in ["2 of 1 workers", "2 of 1 slots of lane `io`", "4 of 3 `base`"] {
            assert!(told.contains(wanted), "{wanted} is not in {told}");
        }
    });
}
