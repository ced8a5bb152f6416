//! Every setting has an effect, is checked, and is read from text.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use pipeline::StepDefaults;
use pipeline::graph::{Backoff, Plan, ProblemCode, Refs};
use pipeline::limits::{Breaker, LimitSettings, RateLimit, Sample, Sampler, Verdict};
use pipeline::prelude::*;
use pipeline::settings::{MOST_SLOTS, SettingsStack, TagSettings};
use pipeline::*;

use crate::support::{
    Clock, Gauge, LIMIT, Slept, are_apart, many, nap, peak, quiet_later, run_in_time, spans,
};

/// What a run under some settings shows about one of them.
type Shown = String;

/// Two settings that differ in one field, and a probe that shows the difference.
type Case = (Settings, Settings, fn(&Settings) -> Shown);

/// For every field, in the order of the names: two settings that differ in it, and a probe that shows the difference.
fn cases() -> BTreeMap<&'static str, Case> {
    let base = Settings::default;
    let secs = Duration::from_secs;
    let twice = LimitSettings::new(2);
    let thrice = || base().defaults(StepDefaults::new().retries(3));
    let cases = vec![
        ("io", (base().io(1), base().io(3), io_peak as fn(&Settings) -> Shown)),
        ("cpu", (base().cpu(1), base().cpu(3), cpu_slots)),
        ("blocking", (base().blocking(1), base().blocking(3), blocking_slots)),
        ("workers", (base(), one_worker(), workers)),
        ("fail_fast", (base(), base().fail_fast(true), after_a_failure)),
        ("timings", (base(), base().timings(false), timings)),
        ("seed", (base().seed(1), base().seed(2), random_number)),
        ("deterministic", (base(), base().deterministic(true), run_id_of_two_runs)),
        ("shuffle", (base().shuffle(1).workers(1), base().shuffle(9).workers(1), order)),
        ("defaults", (base(), base().defaults(StepDefaults::new().retries(2)), attempts)),
        ("groups", (base(), base().group("es", StepDefaults::new().retries(2)), attempts)),
        ("tags", (base(), base().tag("es-tag", TagSettings::new().enabled(false)), attempts)),
        ("steps", (base(), base().step("es_fails", StepDefaults::new().retries(2)), attempts)),
        ("deadline", (base(), base().deadline(Duration::from_millis(20)), how_it_ends)),
        ("retry_budget", (thrice(), thrice().retry_budget(1), attempts)),
        ("grace", (base(), base().grace(Duration::from_millis(1)), after_a_stop)),
        ("max_detached", (detaching(9), detaching(0), after_left_behind)),
        ("slow_poll", (without_slow_poll(), base().slow_poll(Duration::from_millis(5)), slow_poll)),
        ("memory_limit", (base(), base().memory_limit(1000), declared_memory)),
        ("sample_every", (base(), base().sample_every(secs(1)), sampled)),
        ("limits", (base(), base().limit("es-db", twice), limited)),
        ("conditional", (base(), base().conditional(false), conditional)),
        ("fallback", (base(), base().fallback(false), fallen_back)),
        ("validate", (base(), base().validate(false), validated)),
        ("no_write", (base(), base().no_write(true), written)),
    ];
    cases.into_iter().collect()
}

fn without_slow_poll() -> Settings {
    let mut settings = Settings::default();
    settings.slow_poll = None;
    settings
}

fn one_worker() -> Settings {
    let mut settings = Settings::default();
    settings.workers = Some(1);
    settings
}

/// These are about files of runs and about the store: the modules `store` and `stored` show their effect.
const ELSEWHERE: [&str; 8] =
    ["runs_dir", "keep_runs", "record_params", "exclusive_run", "store", "cache", "resume", "durability"];

/// L09, L11: each setting, changed, changes a run. A field without a case fails.
#[test]
fn every_setting_has_an_effect() {
    let written = serde_json::to_value(Settings::default()).unwrap();
    let fields: BTreeSet<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
    let cases = cases();
    let fields: BTreeSet<&str> = fields.into_iter().filter(|name| !ELSEWHERE.contains(name)).collect();
    assert_eq!(fields, cases.keys().copied().collect(), "a case for every field, and a field for every case");
    for (field, (one, other, show)) in cases {
        let (before, after) = (serde_json::to_value(&one).unwrap(), serde_json::to_value(&other).unwrap());
        for name in &fields {
            assert_eq!(before[name] == after[name], *name != field, "`{name}` in the case of `{field}`");
        }
        let (one, again, other) = (show(&one), show(&one), show(&other));
        assert_ne!(one, other, "`{field}` has no effect");
        assert_eq!(one, again, "the probe of `{field}` is the same for the same settings");
    }
}

/// Runs in virtual time.
fn paused(pipeline: Pipeline) -> Run {
    quiet_later();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async { pipeline.resource(Clock::start()).run().await.unwrap() })
}

#[step]
async fn es_naps(#[resource] clock: &Clock) -> Slept {
    nap(clock, 100).await
}

fn naps<S: Step<Output = Slept>>(settings: &Settings) -> Run {
    let mut dag = DagBuilder::new();
    many::<S>(&mut dag, "nap", 4);
    let sampler = || -> Box<dyn Sampler> { Box::new(|| Ok(Sample::of_memory(1))) };
    paused(Pipeline::new(dag.build().unwrap()).sampler(sampler).settings(settings.clone()))
}

fn io_peak(settings: &Settings) -> Shown {
    peak(&spans(&naps::<es_naps>(settings), "")).to_string()
}

/// The number of slots for steps on threads: never exceeded, and equal to the report's.
fn slots(settings: &Settings, lane: Lane) -> Shown {
    let gauge = Arc::new(Gauge::default());
    let mut dag = DagBuilder::new();
    for n in 0..8 {
        let gauge = Arc::clone(&gauge);
        let work = move || {
            let _inside = gauge.enter();
            std::thread::yield_now();
        };
        match lane {
            Lane::Cpu => dag.cpu(format!("s{n}"), (), move |()| work()),
            _ => dag.blocking(format!("s{n}"), (), move |()| {
                work();
                Ok::<_, Infallible>(())
            }),
        };
    }
    let run = run_in_time(Pipeline::new(dag.build().unwrap()).settings(settings.clone()));
    assert!(gauge.peak() <= settings.slots(lane));
    run.report().figures.slots.to_string()
}

fn cpu_slots(settings: &Settings) -> Shown {
    slots(settings, Lane::Cpu)
}

fn blocking_slots(settings: &Settings) -> Shown {
    slots(settings, Lane::Blocking)
}

fn workers(settings: &Settings) -> Shown {
    let run = naps::<es_naps>(settings);
    format!("{} {:?}", are_apart(&spans(&run, "")), run.report().limited_by)
}

fn after_a_failure(settings: &Settings) -> Shown {
    let mut dag = DagBuilder::new();
    let fails = dag.try_cpu("fails", (), |()| Err::<u32, _>("planted"));
    dag.cpu("needs", (fails,), |(fails,)| *fails);
    let run = paused(Pipeline::new(dag.build().unwrap()).settings(settings.clone()));
    run.status("needs").unwrap().name().to_owned()
}

fn timings(settings: &Settings) -> Shown {
    naps::<es_naps>(settings).report().steps[0].duration.is_some().to_string()
}

fn random_number(settings: &Settings) -> Shown {
    #[step]
    fn es_random(#[context] context: &StepContext) -> u64 {
        context.rng().next_u64()
    }
    let run = Pipeline::to::<es_random>().settings(settings.clone()).run_blocking().unwrap();
    run.output::<es_random>().unwrap().to_string()
}

fn run_id_of_two_runs(settings: &Settings) -> Shown {
    (naps::<es_naps>(settings).id() == naps::<es_naps>(settings).id()).to_string()
}

fn order(settings: &Settings) -> Shown {
    let recorder = crate::support::Recorder::default();
    let mut dag = DagBuilder::new();
    many::<es_naps>(&mut dag, "nap", 12);
    paused(Pipeline::new(dag.build().unwrap()).settings(settings.clone()).observe(recorder.clone()));
    recorder.started().join(" ")
}

fn attempts(settings: &Settings) -> Shown {
    #[step(group = "es", tags("es-tag"))]
    fn es_fails() -> Result<u32, String> {
        Err("planted".to_owned())
    }
    let run = paused(Pipeline::to::<es_fails>().settings(settings.clone()));
    run.report().step("es_fails").unwrap().attempts.to_string()
}

fn how_it_ends(settings: &Settings) -> Shown {
    let mut dag = DagBuilder::new();
    dag.io("waits", (), |Refs(())| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok::<_, Infallible>(())
        })
    });
    let run = run_in_time(Pipeline::new(dag.build().unwrap()).settings(settings.clone()));
    format!("{} {}", run.status("waits").unwrap().name(), run.report().stopped_because.is_some())
}

/// A step on a thread that ends when its run has ended, or after a second.
fn holding(dag: &mut DagBuilder) -> (std::sync::mpsc::Receiver<()>, std::sync::mpsc::Sender<()>) {
    let ((begun, has_begun), (open, opened)) = (std::sync::mpsc::channel(), std::sync::mpsc::channel());
    let opened = std::sync::Mutex::new(opened);
    dag.blocking("holds", (), move |()| {
        begun.send(()).unwrap();
        let _ = opened.lock().unwrap().recv_timeout(Duration::from_secs(1));
        Ok::<_, Infallible>(())
    });
    (has_begun, open)
}

fn after_a_stop(settings: &Settings) -> Shown {
    let mut dag = DagBuilder::new();
    let (begun, open) = holding(&mut dag);
    let handle = Pipeline::new(dag.build().unwrap()).settings(settings.clone()).start().unwrap();
    begun.recv().unwrap();
    handle.stop();
    let run = futures::executor::block_on(handle.wait());
    let shown = run.status("holds").unwrap().name().to_owned();
    drop(open);
    shown
}

/// Settings under which each attempt has a short time limit.
fn short_attempts() -> Settings {
    Settings::default().defaults(StepDefaults::new().timeout(Duration::from_millis(5)))
}

/// Settings under which a step on a thread is detached.
fn detaching(most: usize) -> Settings {
    short_attempts().max_detached(most)
}

fn after_left_behind(settings: &Settings) -> Shown {
    let mut dag = DagBuilder::new();
    let (_begun, open) = holding(&mut dag);
    let handle = Pipeline::new(dag.build().unwrap()).settings(settings.clone()).start().unwrap();
    let run = futures::executor::block_on(handle.wait());
    let shown = run.report().stopped_because.is_some().to_string();
    drop(open);
    shown
}

fn slow_poll(settings: &Settings) -> Shown {
    let mut dag = DagBuilder::new();
    dag.io("keeps", (), |Refs(())| {
        Box::pin(async {
            // This shows that a thread is kept alive: the only place where a test sleeps for its own sake.
            std::thread::sleep(Duration::from_millis(150));
            Ok::<_, Infallible>(())
        })
    });
    let run = run_in_time(Pipeline::new(dag.build().unwrap()).settings(settings.clone()));
    run.report().step("keeps").unwrap().slow_poll.is_some().to_string()
}

fn declared_memory(settings: &Settings) -> Shown {
    #[step(memory = "600B")]
    async fn es_large(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    peak(&spans(&naps::<es_large>(settings), "")).to_string()
}

fn sampled(settings: &Settings) -> Shown {
    naps::<es_naps>(settings).report().resources.is_some().to_string()
}

fn limited(settings: &Settings) -> Shown {
    #[step(limit = "es-db")]
    async fn es_query(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    peak(&spans(&naps::<es_query>(settings), "")).to_string()
}

fn conditional(settings: &Settings) -> Shown {
    #[step(parallel_if = || true)]
    async fn es_beside(#[resource] clock: &Clock) -> Slept {
        nap(clock, 100).await
    }
    peak(&spans(&naps::<es_beside>(settings), "")).to_string()
}

fn fallen_back(settings: &Settings) -> Shown {
    #[step(fallback = |_: &StepError| 7)]
    fn es_has_fallback() -> Result<u32, String> {
        Err("planted".to_owned())
    }
    let run = paused(Pipeline::to::<es_has_fallback>().settings(settings.clone()));
    run.status("es_has_fallback").unwrap().name().to_owned()
}

fn validated(settings: &Settings) -> Shown {
    let alone = |_: &Plan| Verdict::OneAtATime("planted".to_owned());
    let mut dag = DagBuilder::new();
    many::<es_naps>(&mut dag, "nap", 4);
    let run = paused(Pipeline::new(dag.build().unwrap()).validator(alone).settings(settings.clone()));
    peak(&spans(&run, "")).to_string()
}

/// L09: without `fallback`, memory pressure takes no slots; declared needs still count.
#[test]
fn without_fallback_memory_pressure_takes_no_slots() {
    let changes = |on: bool| {
        let taken = Arc::new((std::sync::Mutex::new(0), std::sync::Condvar::new()));
        let sampled = Arc::clone(&taken);
        let sampler = move || -> Box<dyn Sampler> {
            let sampled = Arc::clone(&sampled);
            Box::new(move || {
                *sampled.0.lock().unwrap() += 1;
                sampled.1.notify_all();
                Ok(Sample::of_memory(999))
            })
        };
        let mut dag = DagBuilder::new();
        dag.cpu("sampled_ten_times", (), move |()| {
            let taken = taken.1.wait_timeout_while(taken.0.lock().unwrap(), LIMIT, |taken| *taken < 10);
            assert!(!taken.unwrap().1.timed_out(), "the run is sampled");
        });
        let settings = Settings::default().memory_limit(1000).fallback(on);
        let settings = settings.sample_every(Duration::from_millis(1));
        let run = run_in_time(Pipeline::new(dag.build().unwrap()).sampler(sampler).settings(settings));
        assert!(run.succeeded(), "{}", run.report());
        run.report().limited_by.iter().filter(|reason| reason.contains("memory 999")).count()
    };
    assert_eq!((changes(true) > 0, changes(false)), (true, 0));
}

fn written(settings: &Settings) -> Shown {
    #[step(writes)]
    fn es_written() {}
    let run = Pipeline::to::<es_written>().settings(settings.clone()).run_blocking().unwrap();
    run.status("es_written").unwrap().to_string()
}

/// A07, L11: each field of the defaults, for the run and for a group.
#[test]
fn every_default_of_steps_has_an_effect() {
    let none = StepDefaults::new;
    let retried = || none().retries(4);
    let (long, short) = (Duration::from_secs(100), Duration::from_millis(10));
    let mut jittered = retried().backoff(Backoff::fixed(long));
    jittered.jitter = Some(1.0);
    let cases = BTreeMap::from([
        ("timeout", (none(), none().timeout(short))),
        ("deadline", (none(), none().deadline(short))),
        ("retries", (none(), none().retries(2))),
        ("backoff", (retried(), retried().backoff(Backoff::fixed(long)))),
        ("jitter", (retried().backoff(Backoff::fixed(long)), jittered)),
        ("enabled", (none(), none().enabled(false))),
    ]);
    let mut every =
        none().timeout(long).deadline(long).retries(1).backoff(Backoff::fixed(long)).enabled(true);
    every.jitter = Some(0.5);
    let every = serde_json::to_value(every).unwrap();
    let fields: BTreeSet<&str> = every.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, cases.keys().copied().collect(), "a case for every field");
    for (field, (one, other)) in cases {
        let gives_up = matches!(field, "timeout" | "deadline");
        for whose in [Whose::Run, Whose::Group, Whose::Step] {
            let show = |defaults: &StepDefaults| {
                let settings = with_defaults(defaults, whose);
                if gives_up { after_a_while(&settings) } else { when_it_has_failed(&settings) }
            };
            assert_ne!(show(&one), show(&other), "`{field}` has no effect, of the {whose:?}");
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Whose {
    Run,
    Group,
    Step,
}

fn with_defaults(defaults: &StepDefaults, whose: Whose) -> Settings {
    let mut settings = Settings::default().seed(5);
    match whose {
        Whose::Run => settings.defaults = defaults.clone(),
        Whose::Group => {
            let other = StepDefaults::new().retries(9);
            settings = settings.group("ed", defaults.clone()).group("es", other);
        }
        Whose::Step => settings = settings.step("ed_*", defaults.clone()),
    }
    settings
}

/// How a step that takes its time ends, by the real clock.
fn after_a_while(settings: &Settings) -> Shown {
    #[step(group = "ed")]
    async fn ed_waits() {
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    let run = run_in_time(Pipeline::to::<ed_waits>().settings(settings.clone()));
    run.status("ed_waits").unwrap().name().to_owned()
}

/// When a step has finally failed, in virtual time.
fn when_it_has_failed(settings: &Settings) -> Shown {
    #[step(group = "ed")]
    async fn ed_fails(#[resource] clock: &Clock) -> Result<u32, String> {
        nap(clock, 10).await;
        Err(format!("planted at {}", clock.now()))
    }
    let run = paused(Pipeline::to::<ed_fails>().settings(settings.clone()));
    run.error("ed_fails").unwrap().message().to_owned()
}

/// L06: all values out of range are reported at once with the setting's name, before any step runs.
#[test]
fn values_out_of_range_are_problems_before_a_step_runs() {
    #[step]
    fn er_never() -> u32 {
        panic!("nothing runs")
    }
    let zero = Duration::ZERO;
    let base = Settings::default;
    let mut jitter = StepDefaults::new();
    jitter.jitter = Some(1.5);
    let mut no_number = StepDefaults::new();
    no_number.jitter = Some(f64::NAN);
    let breaker = |failures, probes| {
        LimitSettings::new(1).breaker(Breaker::new(failures, Duration::from_secs(1)).probes(probes))
    };
    let mut cases = vec![
        (base().io(0), "`io` is `0`"),
        (base().cpu(MOST_SLOTS + 1), "`cpu` is `4097`"),
        (base().blocking(0), "`blocking` is `0`"),
        (base().workers(0), "`workers` is `0`"),
        (base().defaults(StepDefaults::new().timeout(zero)), "`defaults.timeout` is `0s`"),
        (base().deadline(zero), "`deadline` is `0s`"),
        (base().group("g", StepDefaults::new().timeout(zero)), "`groups.g.timeout` is `0s`"),
        (base().group("g", StepDefaults::new().deadline(zero)), "`groups.g.deadline` is `0s`"),
        (base().group("g", jitter), "`groups.g.jitter` is `1.5`"),
        (base().group("g", no_number), "`groups.g.jitter` is"),
        (base().memory_limit(0), "`memory_limit` is `0`"),
        (base().sample_every(zero), "`sample_every` is `0s`"),
        (base().slow_poll(zero), "`slow_poll` is `0s`"),
        (base().limit("db", LimitSettings::new(0)), "limit `db` has a capacity of 0"),
        (base().limit("db", breaker(0, 1)), "limit `db`: its breaker opens after 0 failures"),
        (base().limit("db", breaker(1, 0)), "limit `db`: its breaker closes after 0 probes"),
    ];
    if !cfg!(feature = "rate") {
        let rate = LimitSettings::new(1).rate("10/s".parse().unwrap());
        cases
            .push((base().limit("db", rate), "limit `db`: it has a rate, which this build does not support"));
    }
    for (settings, message) in cases {
        let problems = Pipeline::to::<er_never>().settings(settings).run_blocking().unwrap_err();
        assert!(problems.to_string().contains(message), "{problems}");
        assert_eq!(problems.iter().filter(|problem| problem.code == ProblemCode::InvalidSetting).count(), 1);
        assert!(problems.to_string().contains("hint:"), "{problems}");
    }
    let short = StepDefaults::new().timeout(zero);
    let all = base().io(0).defaults(short).memory_limit(0).limit("db", LimitSettings::new(0));
    let problems = Pipeline::to::<er_never>().settings(all).check().unwrap_err();
    assert_eq!(problems.iter().count(), 4, "{problems}");
}

/// L06: no time is too long and no amount too large for a run that does not reach it.
#[test]
fn the_longest_times_and_largest_amounts_are_accepted() {
    #[step(retries = 1, memory = "1GiB", limit("el-db" = 4_294_967_295))]
    async fn el_step(#[context] context: &StepContext) -> Result<u32, String> {
        tokio::task::yield_now().await;
        if context.attempt() > 1 { Ok(1) } else { Err("planted".to_owned()) }
    }
    #[step]
    fn el_after(el_step: &u32) -> u32 {
        *el_step
    }
    let long = Duration::MAX;
    let settings = Settings::default()
        .defaults(StepDefaults::new().timeout(long).deadline(long))
        .deadline(long)
        .grace(long)
        .memory_limit(u64::MAX)
        .sample_every(long)
        .slow_poll(long)
        .max_detached(usize::MAX)
        .retry_budget(u32::MAX)
        .limit("el-db", LimitSettings::new(u64::MAX));
    let sampler = || -> Box<dyn Sampler> { Box::new(|| Ok(Sample::of_memory(1))) };
    let pipeline = Pipeline::to::<el_after>().sampler(sampler).settings(settings);
    let run = run_in_time(pipeline.clone());
    assert!(run.succeeded(), "{}", run.report());
    let handle = pipeline.start().unwrap();
    handle.stop();
    let stopped = futures::executor::block_on(handle.wait());
    assert_ne!(
        stopped.status("el_after"),
        Ok(Status::Pending),
        "a stop adds the grace time to the current time"
    );
    // The watchdog is still running.
    let mut dag = DagBuilder::new();
    dag.io("waits", (), |Refs(())| Box::pin(std::future::pending::<Result<u32, Infallible>>()));
    let short = short_attempts();
    let run = run_in_time(Pipeline::new(dag.build().unwrap()).settings(short));
    assert_eq!(run.status("waits"), Ok(Status::TimedOut));
}

/// L05: every setting is read from text; times and amounts of memory in human form.
#[test]
fn every_setting_is_read_from_text() {
    let text = r#"{
        "io": 7, "cpu": 3, "blocking": 2, "workers": 2, "fail_fast": true, "timings": false,
        "seed": 42, "deterministic": true, "shuffle": 1,
        "defaults": { "timeout": "1m 30s", "retries": 2, "backoff": "100ms..10s", "jitter": 0.25 },
        "groups": { "gold": { "deadline": "1h", "backoff": "50ms" } },
        "deadline": "2h", "retry_budget": 9, "grace": "500ms", "max_detached": 1, "slow_poll": "1s",
        "memory_limit": "1.5 GiB", "sample_every": "250ms",
        "limits": {
            "db": { "capacity": 4, "breaker": { "failures": 3, "cooldown": "30s" } },
            "api": { "rate": "10/s" }
        },
        "tags": { "slow": { "enabled": false } }, "steps": { "fetch": { "retries": 1 } }, "fallback": false,
        "validate": false,
        "conditional": false, "runs_dir": "runs", "keep_runs": 9, "record_params": false, "exclusive_run": true, "no_write": true,
        "store": "values", "cache": "all", "resume": "always", "durability": "power"
    }"#;
    let settings: Settings = serde_json::from_str(text).unwrap();
    let written = serde_json::to_value(&settings).unwrap();
    let default = serde_json::to_value(Settings::default()).unwrap();
    for (field, value) in written.as_object().unwrap() {
        assert_ne!(value, &default[field], "`{field}` was not read, or is not in the text above");
    }
    assert_eq!(settings.defaults.timeout, Some(Duration::from_secs(90)));
    let doubling = Backoff::exponential(Duration::from_millis(100), Duration::from_secs(10));
    assert_eq!(settings.defaults.backoff, Some(doubling));
    assert_eq!(settings.groups["gold"].backoff, Some(Backoff::fixed(Duration::from_millis(50))));
    assert_eq!(settings.memory_limit, Some(3 << 29));
    assert_eq!(settings.limits["db"].breaker, Some(Breaker::new(3, Duration::from_secs(30))));
    assert_eq!(settings.limits["api"].rate, Some(RateLimit::new(10, Duration::from_secs(1))));
    assert_eq!(serde_json::from_value::<Settings>(written).unwrap(), settings, "and back");
    let off: Settings = serde_json::from_str(r#"{"slow_poll": null, "memory_limit": 1024}"#).unwrap();
    assert_eq!((off.slow_poll, off.memory_limit), (None, Some(1024)));
}

/// L05: a written setting reads back as the same value.
#[test]
fn settings_are_read_as_they_were_written() {
    for (_, (one, other, _)) in cases() {
        for settings in [one, other] {
            let json = serde_json::to_string(&settings).unwrap();
            assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings, "{json}");
        }
    }
}

/// L07: an unknown key is refused at every level with the valid ones; so is an unreadable value, with what is expected.
#[test]
fn unknown_keys_and_unreadable_values_are_refused_helpfully() {
    for (text, wanted) in [
        (r#"{"worker": 2}"#, ["`worker`", "`workers`"]),
        (r#"{"defaults": {"timeouts": "1s"}}"#, ["`timeouts`", "`timeout`"]),
        (r#"{"groups": {"gold": {"retry": 1}}}"#, ["`retry`", "`retries`"]),
        (r#"{"limits": {"db": {"capcity": 1}}}"#, ["`capcity`", "`capacity`"]),
        (r#"{"limits": {"db": {"breaker": {"failure": 1, "cooldown": "1s"}}}}"#, ["`failure`", "`failures`"]),
        (r#"{"deadline": "soon"}"#, ["soon", "time"]),
        (r#"{"defaults": {"backoff": "100"}}"#, ["`100` is not a time", "`30s`"]),
        (r#"{"memory_limit": "4 GX"}"#, ["`4 GX` is not an amount of memory", "`4 GiB`"]),
        (r#"{"limits": {"api": {"rate": "ten"}}}"#, ["`ten` is not a rate", "`10/s`"]),
        (r#"{"limits": {"db": {"breaker": {"failures": 1, "cooldown": "now"}}}}"#, ["`now`", "`30s`"]),
    ] {
        let error = serde_json::from_str::<Settings>(text).unwrap_err().to_string();
        assert!(wanted.iter().all(|wanted| error.contains(wanted)), "{text}: {error}");
    }
}

/// L02: every preset is valid, has a name, and runs.
#[test]
fn every_preset_runs() {
    let presets =
        ["default", "high-performance", "conservative", "sequential", "development", "production", "test"];
    for name in presets {
        let resolved = SettingsStack::new().flag("preset", name, "--preset").resolve().unwrap();
        let settings = resolved.settings().clone();
        assert_eq!(naps::<es_naps>(&settings).report().counts.succeeded, 4, "{name}");
    }
    assert_eq!(io_peak(&Settings::default().workers(1)), "1");
}

#[step(tags("l8-slow"), group = "l8-silver")]
fn l8_report() -> u32 {
    1
}
#[step(tags("l8-slow"))]
fn l8_mail(l8_report: &u32) -> u32 {
    *l8_report + 1
}
#[step(group = "l8-gold")]
fn l8_sum(l8_report: Option<&u32>) -> u32 {
    l8_report.copied().unwrap_or(0) + 10
}

/// L08: steps are disabled by name, group and tag, with their dependents; the others run.
#[test]
fn steps_are_disabled_by_name_group_and_tag() {
    let pipeline = || Pipeline::to::<l8_mail>().and::<l8_sum>();
    let ran = |pipeline: Pipeline| {
        let run = pipeline.run_blocking().unwrap();
        assert!(run.succeeded());
        run.report().steps.iter().map(|step| step.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ran(pipeline()).len(), 3);
    for terms in [["l8_mail"], ["l8_mail+"], ["*_mail"]] {
        assert_eq!(ran(pipeline().exclude(terms)), ["l8_report", "l8_sum"], "{terms:?}");
    }
    assert_eq!(ran(pipeline().exclude(["group:l8-gold"])), ["l8_report", "l8_mail"]);
    assert_eq!(ran(pipeline().select(["tag:l8-slow"]).exclude(["l8_sum"])), ["l8_report", "l8_mail"]);
    // A remaining step needs an excluded one: a problem.
    let needed = pipeline().exclude(["tag:l8-slow"]).run_blocking().unwrap_err().to_string();
    assert!(needed.contains("`l8_report` is excluded, but `l8_sum` needs it"), "{needed}");
}
