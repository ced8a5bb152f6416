//! Settings: defaults from the machine, presets, ranges.

use pipeline::graph::ProblemCode;
use pipeline::limits::LimitSettings;
use pipeline::prelude::*;
use pipeline::run::Executor;
use pipeline::settings::{MOST_SLOTS, SettingsStack, cores};
use pipeline::*;

/// L01, C04: without configuration a run is parallel, as wide as the machine allows.
#[test]
fn the_defaults_come_from_the_machine() {
    let settings = Settings::default();
    assert_eq!(settings.cpu, std::thread::available_parallelism().unwrap().get());
    assert_eq!(settings.cpu, cores());
    assert_eq!((settings.io, settings.blocking, settings.workers), (256, 64, None));
    assert!(settings.timings && !settings.fail_fast);
}

/// C05: some cores can be left to others, but not all.
#[test]
fn cores_can_be_reserved() {
    assert_eq!(Settings::default().reserve_cores(1).cpu, (cores() - 1).max(1));
    assert_eq!(Settings::default().reserve_cores(10_000).cpu, 1);
}

/// L02: a preset is the same by its constructor and by its name.
#[test]
fn presets_have_their_documented_values() {
    let by_name = |name: &str| {
        SettingsStack::new().flag("preset", name, "--preset").resolve().map(|all| all.settings().clone())
    };
    assert_eq!(by_name("default"), Ok(Settings::default()));
    assert_eq!(by_name("conservative"), Ok(Settings::conservative()));
    assert_eq!(by_name("high-performance"), Ok(Settings::high_performance()));
    assert_eq!(by_name("sequential").unwrap().workers, Some(1));
    assert!(by_name("fast").is_err());
}

/// L04: settings are a struct with a builder, and data.
#[test]
fn settings_are_built_and_written() {
    let settings = Settings::default().io(7).cpu(3).blocking(2).fail_fast(true).timings(false);
    assert_eq!(
        [settings.slots(Lane::Io), settings.slots(Lane::Cpu), settings.slots(Lane::Blocking)],
        [7, 3, 2]
    );
    let json = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
    assert_eq!(serde_json::from_str::<Settings>(r#"{"io": 9}"#).unwrap(), Settings::default().io(9));
    let unknown = serde_json::from_str::<Settings>(r#"{"ios": 9}"#).unwrap_err();
    assert!(unknown.to_string().contains("ios"), "{unknown}");
}

/// L06: each setting out of range is reported by name, and nothing runs.
#[test]
fn settings_out_of_range_are_problems() {
    #[step]
    fn never_runs() -> u32 {
        panic!("nothing runs")
    }
    let settings = Settings::default().io(0).cpu(MOST_SLOTS + 1).blocking(0);
    let problems = Pipeline::to::<never_runs>().settings(settings).run_blocking().unwrap_err();
    assert_eq!(problems.iter().filter(|problem| problem.code == ProblemCode::InvalidSetting).count(), 3);
    let problems = Pipeline::to::<never_runs>().settings(Settings::default().workers(0)).check().unwrap_err();
    assert!(problems.to_string().contains("`workers` is `0`"), "{problems}");
    assert!(Executor::new(0).is_err());
}

/// Without timings: same outputs and statuses, no times.
#[test]
fn without_timings_the_report_has_no_times() {
    #[step]
    fn untimed() -> u32 {
        1
    }
    let run = Pipeline::to::<untimed>().settings(Settings::default().timings(false)).run_blocking().unwrap();
    let step = run.report().step("untimed").unwrap();
    assert_eq!((step.status, step.attempts, step.duration, step.wait), (Status::Succeeded, 1, None, None));
    assert_eq!(run.report().figures.peak_concurrency, 0);
    assert_eq!(run.output::<untimed>(), Ok(&1));
}

/// L04: settings that would block a run for ever, or keep a core busy idling, are problems before anything runs.
#[test]
fn settings_under_which_nothing_could_run_are_problems() {
    use std::time::Duration;
    let problems = |settings: Settings| {
        let mut dag = DagBuilder::new();
        dag.cpu("step", (), |()| ());
        Pipeline::new(dag.build().unwrap()).settings(settings).check().err().map(|found| found.to_string())
    };
    let told = problems(
        Settings::default().memory_limit(0).sample_every(Duration::ZERO).limit("db", LimitSettings::new(0)),
    );
    let told = told.unwrap();
    for setting in ["`memory_limit` is `0`", "`sample_every` is `0s`", "limit `db` has a capacity of 0"] {
        assert!(told.contains(setting), "{told}");
    }
    let whole = Settings::default()
        .memory_limit(1)
        .sample_every(Duration::from_secs(1))
        .limit("db", LimitSettings::new(1));
    assert_eq!(problems(whole), None);
}
