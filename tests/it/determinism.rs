//! The same seed gives the same run: outputs, errors and report, at any width and in any schedule. Also: what a report
//! says about where its run came from.

use std::collections::BTreeSet;
use std::sync::mpsc;

use pipeline::prelude::*;
use pipeline::report::{Fingerprint, StepReport};
use pipeline::*;
use rand_core::Rng as _;

use crate::support::{LIMIT, alone};

/// Silences planted panics, while the framework still records their locations on every thread: its hook runs before
/// this one. For a child process, before its first run.
fn quiet_with_places() {
    std::panic::set_hook(Box::new(|info| {
        if !info.payload_as_str().is_some_and(|text| text.starts_with("planted")) {
            eprintln!("{info}");
        }
    }));
}

/// Output of the random steps below: comparable, and large enough to be boxed.
type Drawn = Vec<u64>;

/// Draws with `rand_core`'s methods and the framework's own, and fails or panics if the dice say so.
fn draw(cx: &StepContext, seen: impl Iterator<Item = Option<u64>>) -> Result<Drawn, String> {
    let mut rng = cx.rng();
    let luck = rng.below(12);
    if luck == 0 {
        return Err(format!("planted: {} drew {}", cx.step(), rng.next_u32()));
    }
    assert!(luck > 1, "planted: {} drew {}", cx.step(), rng.unit_f64());
    let seen = seen.map(|value| value.unwrap_or(u64::MAX));
    let mixed = seen.fold(rng.next_u64(), |sum, value| sum.rotate_left(9) ^ value.wrapping_mul(3));
    Ok((0..rng.below(6)).map(|_| rng.below(1000)).chain([mixed]).collect())
}

fn last(drawn: &Drawn) -> u64 {
    drawn.last().copied().unwrap_or(0)
}

#[step]
fn dt_source_cpu(#[context] cx: &StepContext) -> Result<Drawn, String> {
    draw(cx, std::iter::empty())
}

#[step]
async fn dt_source_io(#[context] cx: &StepContext) -> Result<Drawn, String> {
    for _ in 0..cx.rng_for(1).below(4) {
        tokio::task::yield_now().await;
    }
    draw(cx, std::iter::empty())
}

#[step]
fn dt_all_cpu(#[input] all: Vec<&Drawn>, #[context] cx: &StepContext) -> Result<Drawn, String> {
    draw(cx, all.into_iter().map(|drawn| Some(last(drawn))))
}

#[step(blocking)]
fn dt_any_blocking(#[input] any: Vec<Option<&Drawn>>, #[context] cx: &StepContext) -> Result<Drawn, String> {
    draw(cx, any.into_iter().map(|drawn| drawn.map(last)))
}

#[step]
async fn dt_outcomes_io(
    #[input] outcomes: Vec<Result<&Drawn, &StepError>>,
    #[context] cx: &StepContext,
) -> Result<Drawn, String> {
    for _ in 0..cx.rng_for(1).below(4) {
        tokio::task::yield_now().await;
    }
    draw(cx, outcomes.into_iter().map(|outcome| outcome.ok().map(last)))
}

/// Layers of random steps in every lane; each step reads some of the layer before.
fn layers() -> Pipeline {
    const WIDTH: usize = 8;
    let mut dag = DagBuilder::new();
    let mut layer: Vec<Handle<Drawn>> = (0..WIDTH)
        .map(|at| match at % 2 {
            0 => dag.add::<dt_source_cpu>().named(format!("source_{at}")).handle(),
            _ => dag.add::<dt_source_io>().named(format!("source_{at}")).handle(),
        })
        .collect();
    for depth in 0..6 {
        let read = |at: usize| [layer[at], layer[(at + 1) % WIDTH], layer[(at * 3 + 2) % WIDTH]];
        layer = (0..WIDTH)
            .map(|at| match (at + depth) % 3 {
                0 => dag
                    .add::<dt_all_cpu>()
                    .inputs("all", [read(at)[0]])
                    .named(format!("all_{depth}_{at}"))
                    .handle(),
                1 => dag
                    .add::<dt_any_blocking>()
                    .inputs("any", read(at))
                    .named(format!("any_{depth}_{at}"))
                    .handle(),
                _ => dag
                    .add::<dt_outcomes_io>()
                    .inputs("outcomes", read(at))
                    .named(format!("outcomes_{depth}_{at}"))
                    .handle(),
            })
            .collect();
    }
    Pipeline::new(dag.build().unwrap()).keep_all()
}

/// A hash of every output and every error of a run of [`layers`].
fn hash(run: &Run) -> String {
    let tell = |step: &StepReport| match run.output_named::<Drawn>(&step.name) {
        Ok(drawn) => format!("{} {drawn:?}", step.name),
        Err(_) => format!("{} {:?} {:?}", step.name, step.error, step.because),
    };
    let told: Vec<String> = run.report().steps.iter().map(tell).collect();
    Fingerprint::of_texts(&told.iter().map(String::as_str).collect::<Vec<_>>()).to_string()
}

/// Fails at the first line that differs.
fn assert_same_lines(left: &str, right: &str) {
    left.lines().zip(right.lines()).for_each(|(left, right)| assert_eq!(left, right));
    assert_eq!(left.len(), right.len());
}

/// S20, H01, H03: pseudo-random steps with seed 42 in every lane, some failing, give one hash of outputs and errors and
/// one byte-identical report at 1, 2, 4, 8 and 16 workers, sequentially, and at full lane width.
#[test]
fn a_seed_gives_one_report_to_the_byte_at_any_width() {
    if !alone("determinism::a_seed_gives_one_report_to_the_byte_at_any_width") {
        return;
    }
    quiet_with_places();
    let at = |settings: Settings| layers().settings(settings.deterministic(true).seed(42));
    let mut pipelines: Vec<Pipeline> =
        [1, 2, 4, 8, 16].into_iter().map(|workers| at(Settings::default().workers(workers))).collect();
    pipelines.push(at(Settings::default()).settings(Settings::default().workers(1)));
    pipelines.extend([Settings::default(), Settings::conservative(), Settings::high_performance()].map(at));
    let of = |pipeline: &Pipeline| {
        let run = pipeline.run_blocking().unwrap();
        (hash(&run), run.report().to_json(), run.report().to_string(), run.id().to_owned())
    };
    let first = of(&pipelines[0]);
    for pipeline in &pipelines {
        for _ in 0..10 {
            let again = of(pipeline);
            assert_eq!((&again.0, &again.3), (&first.0, &first.3), "outputs and id");
            assert_same_lines(&again.1, &first.1);
            assert_same_lines(&again.2, &first.2);
        }
    }
    assert!(
        first.1.contains("drew") && first.1.contains("determinism.rs:"),
        "errors and locations are reported"
    );
    let counts = pipelines[0].run_blocking().unwrap().report().counts;
    assert!(
        counts.succeeded > 10 && counts.failed > 3 && counts.skipped > 0,
        "all of it is tried: {counts:?}"
    );
    let other = of(&at(Settings::default()).settings(Settings::default().seed(43)));
    assert!(other.0 != first.0 && other.1 != first.1 && other.3 != first.3);
}

/// H01: the same holds for a run that is not deterministic; only its report depends on the schedule.
#[test]
fn outputs_follow_from_the_seed_in_every_run() {
    if !alone("determinism::outputs_follow_from_the_seed_in_every_run") {
        return;
    }
    quiet_with_places();
    let of = |settings: Settings| hash(&layers().settings(settings.seed(42)).run_blocking().unwrap());
    let deterministic = of(Settings::default().deterministic(true));
    assert_eq!(of(Settings::default()), deterministic);
    assert_eq!(of(Settings::default().workers(1)), deterministic);
}

/// H02: what a step draws depends only on the run's seed and its name: a test with that name and seed draws the same.
#[test]
fn random_numbers_depend_on_the_seed_and_the_step_name() {
    #[step]
    fn dt_draws(#[context] cx: &StepContext) -> (u64, u64) {
        (cx.seed(), cx.rng().next_u64())
    }
    #[step]
    fn dt_draws_later(#[input] _first: &(u64, u64), #[context] cx: &StepContext) -> (u64, u64) {
        (cx.seed(), cx.rng().next_u64())
    }
    let mut dag = DagBuilder::new();
    let mut earlier = dag.add::<dt_draws>().named("0").handle();
    let alone: Vec<_> =
        (0..20).map(|at| dag.add::<dt_draws>().named(format!("alone {at}")).handle()).collect();
    for at in 1..20 {
        earlier = dag.add::<dt_draws_later>().input("first", earlier).named(at.to_string()).handle();
    }
    let run = Pipeline::new(dag.build().unwrap())
        .keep_all()
        .settings(Settings::default().seed(7).workers(4))
        .run_blocking()
        .unwrap();
    let mut seen = BTreeSet::new();
    let names = (0..20).map(|at| at.to_string()).chain((0..alone.len()).map(|at| format!("alone {at}")));
    for name in names {
        let drawn = run.output_named::<(u64, u64)>(&name).unwrap();
        let cx = StepContext::for_test_seeded(name, 7);
        assert_eq!(*drawn, (cx.seed(), cx.rng().next_u64()));
        assert!(seen.insert(drawn.0) && seen.insert(drawn.1), "every step has its own");
    }
    let by_hand = dt_draws(&StepContext::for_test_seeded("0", 7));
    assert_eq!(run.output_named::<(u64, u64)>("0"), Ok(&by_hand));
    assert_ne!(dt_draws(&StepContext::for_test("0")), by_hand);
}

/// H05: without a seed each run gets a new one, which the report contains; with it, the run is repeated.
#[test]
fn a_run_without_a_seed_is_repeated_with_the_one_in_its_report() {
    if !alone("determinism::a_run_without_a_seed_is_repeated_with_the_one_in_its_report") {
        return;
    }
    quiet_with_places();
    let (first, second) = (layers().run_blocking().unwrap(), layers().run_blocking().unwrap());
    let seed = first.report().provenance.seed;
    assert_ne!(seed, second.report().provenance.seed);
    assert_ne!(hash(&first), hash(&second));
    let again = layers().settings(Settings::default().seed(seed)).run_blocking().unwrap();
    assert_eq!(hash(&again), hash(&first));
    assert_eq!(again.report().provenance, first.report().provenance);
    let json: serde_json::Value = serde_json::from_str(&first.report().to_json()).unwrap();
    assert_eq!(json["provenance"]["seed"].as_u64(), Some(seed));
    assert_eq!(json["provenance"]["seed"].as_f64().map(|seed| seed as u64), Some(seed), "even as a float");
}

/// A deterministic report contains no times or threads, even if an observer received them.
#[test]
fn a_deterministic_report_has_no_times_threads_or_slots() {
    #[step]
    fn dt_spins() -> u64 {
        (0..100_000_u64).map(std::hint::black_box).sum()
    }
    let settings = Settings::default().deterministic(true);
    let pipeline = Pipeline::to::<dt_spins>().settings(settings);
    let observed = pipeline.clone().observe(|_: &Event<'_>| {}).run_blocking().unwrap();
    let report = observed.report();
    assert_eq!(report.to_json(), pipeline.run_blocking().unwrap().report().to_json());
    assert!(observed.duration() > std::time::Duration::ZERO, "the run itself was timed");
    assert_eq!((report.started_unix_ms, report.wall.as_nanos()), (0, 0));
    let step = report.step("dt_spins").unwrap();
    assert_eq!((step.start, step.wait, step.duration), (None, None, None));
    assert_eq!((step.thread, step.thread_kind, step.attempts), (None, None, 1));
    assert_eq!((report.figures.slots, report.figures.peak_concurrency), (0, 0));
    assert_eq!((report.figures.levels, report.figures.total.as_nanos()), (1, 0));
    assert_eq!(report.provenance.seed, 0, "the seed where none is given");
    assert!(
        report.to_string().contains(&format!("run {} succeeded: 1 of 1", &report.run_id[28..])),
        "{report}"
    );
    assert_eq!(report.run_id.len(), 36);
    assert_eq!(report.run_id.as_bytes()[14], b'8', "a UUID of one's own making: {}", report.run_id);
}

/// H05: what changes the fingerprint of the configuration, and what does not.
#[test]
fn the_fingerprint_of_the_configuration_follows_settings_and_parameters() {
    #[step]
    fn dt_configured(
        #[param(default = 1)] n: u32,
        #[param(default = String::new())] secret: String,
    ) -> usize {
        n as usize + secret.len()
    }
    let base = || Pipeline::to::<dt_configured>().settings(Settings::default().seed(1));
    let of = |pipeline: Pipeline| pipeline.run_blocking().unwrap().report().provenance.clone();
    let first = of(base());
    assert_eq!(first.config_fingerprint.len(), 32);
    let same = [
        base(),
        base().settings(Settings::default().seed(2)),
        base().observe(|_: &Event<'_>| {}),
        base().settings(Settings::default()),
    ];
    for pipeline in same {
        assert_eq!(of(pipeline).config_fingerprint, first.config_fingerprint);
    }
    let others = [
        base().param("n", 1),
        base().param("n", 2),
        base().param("secret", "hunter2"),
        base().settings(Settings::default().fail_fast(true)),
        base().settings(Settings::default().workers(3)),
        base().settings(Settings::default().deterministic(true)),
    ];
    let mut seen = BTreeSet::from([first.config_fingerprint.clone()]);
    for pipeline in others {
        let provenance = of(pipeline);
        assert_eq!(provenance.graph_fingerprint, first.graph_fingerprint);
        assert!(seen.insert(provenance.config_fingerprint));
    }
    let of_text = of(base().param_text("secret", "hunter2")).config_fingerprint;
    assert_eq!(of_text, of(base().param("secret", "hunter2")).config_fingerprint, "text is a string");
    let of_one = of(base().param("dt_configured.n", 2)).config_fingerprint;
    assert_eq!(of_one, of(base().param("n", 2)).config_fingerprint, "it is the value that counts");
}

/// H05: values of parameters are in the fingerprint, but not in the report.
#[test]
fn no_value_of_a_parameter_is_in_the_report() {
    #[step]
    fn dt_secretive(#[param] secret: String) -> usize {
        secret.len()
    }
    let run = Pipeline::to::<dt_secretive>().param("secret", "hunter2").run_blocking().unwrap();
    assert!(!run.report().to_json().contains("hunter2") && !run.report().to_string().contains("hunter2"));
}

/// H05: versions, and a description of what has changed since an earlier run.
#[test]
fn provenance_names_packages_and_reports_drift() {
    #[step]
    fn dt_one() -> u32 {
        1
    }
    #[step]
    fn dt_two(dt_one: &u32) -> u32 {
        dt_one + 1
    }
    let of = |pipeline: Pipeline| pipeline.run_blocking().unwrap().report().provenance.clone();
    let first = of(Pipeline::to::<dt_two>().settings(Settings::default().seed(1)));
    let packages: Vec<_> = first.packages.iter().collect();
    assert_eq!(packages, [(&env!("CARGO_PKG_NAME").to_owned(), &env!("CARGO_PKG_VERSION").to_owned())]);
    assert_eq!(first.framework, env!("CARGO_PKG_VERSION"));
    assert_eq!(
        of(Pipeline::to::<dt_two>().settings(Settings::default().seed(1))).drift(&first),
        Vec::<String>::new()
    );
    let now = of(Pipeline::to::<dt_one>().settings(Settings::default().seed(2).fail_fast(true)));
    let expected = ["the graph has changed", "the settings or run parameters have changed", "seed 1 → 2"];
    assert_eq!(now.drift(&first), expected);
    let mut closures = DagBuilder::new();
    closures.cpu("one", (), |()| 1_u32);
    assert!(of(Pipeline::new(closures.build().unwrap())).packages.is_empty(), "closures belong to none");
}

/// E14: a step on a thread, and a task that a step has spawned, wait for the stop of the run without polling.
#[test]
fn stopping_wakes_steps_and_tasks_that_await_it() {
    #[step(blocking)]
    fn dt_awaits(#[resource] told: &mpsc::Sender<&'static str>, #[context] cx: &StepContext) -> bool {
        let cancelled = cx.cancelled();
        told.send("waits").unwrap();
        futures::executor::block_on(cancelled);
        cx.is_cancelled()
    }
    #[step]
    async fn dt_leaves_a_task(#[resource] told: &mpsc::Sender<&'static str>, #[context] cx: &StepContext) {
        let (told, cancelled) = (told.clone(), cx.cancelled());
        tokio::spawn(async move {
            cancelled.await;
            told.send("the task ends").unwrap();
        });
    }
    let (told, hear) = mpsc::channel();
    let pipeline = Pipeline::to::<dt_awaits>().and::<dt_leaves_a_task>().resource(told);
    let handle = pipeline.start().unwrap();
    assert_eq!(hear.recv_timeout(LIMIT), Ok("waits"));
    while handle.status("dt_leaves_a_task").unwrap() != Status::Succeeded {
        std::thread::yield_now();
    }
    handle.stop();
    assert_eq!(hear.recv_timeout(LIMIT), Ok("the task ends"));
    let run = futures::executor::block_on(handle.wait());
    assert_eq!(run.output::<dt_awaits>(), Ok(&true));
}

/// Settings of seed and schedule are data, like all others.
#[test]
fn seeds_are_settings() {
    let settings = Settings::default().seed(u64::MAX).deterministic(true).shuffle(3);
    assert_eq!((settings.seed, settings.deterministic, settings.shuffle), (Some(u64::MAX), true, Some(3)));
    let json = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
    let read = serde_json::from_str::<Settings>(r#"{"seed": 9}"#).unwrap();
    assert_eq!((read.seed, read.deterministic, read.shuffle), (Some(9), false, None));
    assert_eq!(Settings::default().seed, None);
}
