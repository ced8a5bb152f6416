//! The report: order, counts, times, figures, JSON.

use std::time::Duration;

use pipeline::prelude::*;
use pipeline::report::StepReport;
use pipeline::*;

use crate::support::Meeting;

/// A diamond with a failure and a skip, and one given output.
fn report() -> RunReport {
    #[step(tags("t1"), group = "bronze")]
    fn rp_source() -> u64 {
        (0..20_000_u64).map(std::hint::black_box).sum()
    }
    #[step]
    async fn rp_left(rp_source: &u64) -> u64 {
        tokio::task::yield_now().await;
        (0..*rp_source % 30_000).map(std::hint::black_box).sum()
    }
    #[step(blocking)]
    fn rp_right(rp_source: &u64, #[from(rp_given)] given: &u64) -> u64 {
        (0..20_000 + given).map(std::hint::black_box).sum::<u64>() + rp_source
    }
    #[step]
    fn rp_given() -> u64 {
        0
    }
    #[step]
    fn rp_joined(rp_left: &u64, rp_right: &u64) -> u64 {
        rp_left ^ rp_right
    }
    #[step]
    fn rp_fails(rp_source: &u64) -> Result<u64, String> {
        Err(format!("fails {rp_source}"))
    }
    #[step]
    fn rp_skipped(rp_fails: &u64) -> u64 {
        *rp_fails
    }
    let run =
        Pipeline::to::<rp_joined>().and::<rp_skipped>().with_output::<rp_given>(5).run_blocking().unwrap();
    run.report().clone()
}

/// H03: steps are in plan order, whatever the order in which they ended.
#[test]
fn steps_are_reported_in_plan_order_whatever_ends_first() {
    let (meeting, done) = (Meeting::new(2), Meeting::new(2));
    let mut dag = DagBuilder::new();
    let (last, wait) = (std::sync::Arc::clone(&meeting), std::sync::Arc::clone(&done));
    dag.cpu("ends_last", (), move |()| last.meet() && wait.meet());
    let first = std::sync::Arc::clone(&meeting);
    let early = dag.cpu("ends_first", (), move |()| first.meet());
    dag.cpu("lets_go", (early,), move |(_,)| done.meet());
    let run =
        Pipeline::new(dag.build().unwrap()).settings(Settings::default().cpu(2)).run_blocking().unwrap();
    assert!(run.succeeded());
    let names: Vec<&str> = run.report().steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["ends_last", "ends_first", "lets_go"]);
    assert!((0..20).all(|_| {
        report().steps.iter().map(|step| &step.name).eq(report().steps.iter().map(|step| &step.name))
    }));
}

/// I08, P1
#[test]
fn planned_is_the_sum_of_the_terminal_states() {
    let counts = report().counts;
    let sum = counts.succeeded + counts.failed + counts.skipped + counts.cancelled + counts.given;
    assert_eq!(counts.planned, sum);
    assert_eq!((counts.succeeded, counts.failed, counts.skipped, counts.given), (4, 1, 1, 1));
}

/// I07: each step that ran has start, wait and duration; the figures are their sums.
#[test]
fn each_step_that_ran_has_its_times() {
    let report = report();
    for step in &report.steps {
        let ran = matches!(step.status, Status::Succeeded | Status::Failed);
        assert_eq!(
            (step.start.is_some(), step.wait.is_some(), step.duration.is_some()),
            (ran, ran, ran),
            "{}",
            step.name
        );
        if let (Some(start), Some(wait), Some(duration)) = (step.start, step.wait, step.duration) {
            assert!(wait <= start && start + duration <= report.wall);
        }
    }
    let source = report.step("rp_source").unwrap();
    let joined = report.step("rp_joined").unwrap();
    assert!(source.start.unwrap() + source.duration.unwrap() <= joined.start.unwrap());
    assert_eq!((source.group.as_deref(), source.tags.as_slice()), (Some("bronze"), &["t1".to_owned()][..]));
    assert!(source.location.contains("report.rs:"));
}

/// I01, I05, I06: every figure equals its documented formula.
#[test]
fn figures_match_their_formulas() {
    let report = report();
    let figures = &report.figures;
    let ran = |step: &&StepReport| step.duration.is_some();
    let total: Duration = report.steps.iter().filter(ran).filter_map(|step| step.duration).sum();
    let (t, d, p) = (report.wall.as_secs_f64(), total.as_secs_f64(), figures.critical_path.as_secs_f64());
    let w = figures.slots as f64;
    let same = |a: f64, b: f64| assert!((a - b).abs() <= 1e-6 * a.abs().max(1.0), "{a} is not {b}");
    assert_eq!(figures.total, total, "what was skipped took no time");
    assert_eq!(figures.one_at_a_time, total, "nothing was tried again");
    same(figures.speed_up, d / t);
    same(figures.speed_up_bound(), d / p.max(d / w));
    same(figures.parallel_efficiency, (100.0 * (d / w) / t).min(100.0));
    same(figures.critical_path_ratio, t / p);
    same(figures.schedule_efficiency, p.max(d / w) / t);
    same(figures.utilisation, d / (w * t));
    let on_path: Duration =
        figures.critical_steps.iter().filter_map(|name| report.step(name)?.duration).sum();
    assert_eq!(on_path, figures.critical_path);
    assert!(figures.critical_steps.contains(&"rp_source".to_owned()));
}

/// I02, I03, I04: levels, the widest of them, and the peak.
#[test]
fn levels_and_peak_are_reported() {
    let figures = report().figures;
    assert_eq!(figures.levels, 3);
    assert_eq!(figures.widest_level, 3, "left, right, fails");
    assert!((1..=3).contains(&figures.peak_concurrency));
}

/// I14: JSON with a schema version, written and read.
#[test]
fn a_report_survives_a_round_trip_through_json() {
    // Many, because whether a ratio survives a round trip depends on its digits.
    for _ in 0..100 {
        let report = report();
        assert_eq!(serde_json::from_str::<RunReport>(&report.to_json()).unwrap(), report);
    }
    let report = report();
    let json = report.to_json();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["schema"], 1);
    assert_eq!(value["run_id"], report.run_id.as_str());
    assert_eq!(value["status"], "failed");
    assert_eq!(value["counts"]["planned"], 7);
    let failed = value["steps"].as_array().unwrap().iter().find(|step| step["name"] == "rp_fails").unwrap();
    assert_eq!(
        (&failed["status"], &failed["error"]["kind"], &failed["lane"]),
        (&"failed".into(), &"error".into(), &"cpu".into())
    );
    assert!(value["figures"]["parallel_efficiency"].is_number());
}

/// I14
#[test]
fn a_report_is_also_text() {
    let report = report();
    let text = report.to_string();
    assert!(report.steps.iter().all(|step| text.contains(&step.name)), "{text}");
    let id = &report.run_id[report.run_id.len() - 8..];
    for part in
        ["5 of 7 steps succeeded, 1 failed, 1 skipped", "critical path", " at once", &format!("run {id} ")]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
}

/// I25: observers and timings change only the report.
#[test]
fn metrics_change_no_outputs() {
    #[step]
    fn metered() -> Vec<u32> {
        (0..10).collect()
    }
    let plain =
        Pipeline::to::<metered>().settings(Settings::default().timings(false)).run_blocking().unwrap();
    let metered_run = Pipeline::to::<metered>().observe(|_: &Event<'_>| {}).run_blocking().unwrap();
    assert_eq!(plain.output::<metered>(), metered_run.output::<metered>());
}
