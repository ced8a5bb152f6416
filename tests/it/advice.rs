//! The advice in a report, the waits of its steps, and the origin of a failed step's inputs.

use std::time::Duration;

use pipeline::context::StepActivity;
use pipeline::limits::LimitSettings;
use pipeline::prelude::*;
use pipeline::report::{Advice, AdviceKind, InputOrigin, Provenance, StageReport, WaitedFor, advice};
use pipeline::*;
use serde_json::{Value, json};

fn seconds(seconds: f64) -> Value {
    json!(Duration::from_secs_f64(seconds))
}

/// A step with this duration.
fn step(name: &str, took: f64) -> Value {
    json!({
        "name": name, "id": name, "location": "a.rs:1", "group": null, "tags": [], "lane": "cpu", "thread_kind": null,
        "thread": null, "status": "succeeded", "attempts": 1, "start": seconds(0.0), "wait": seconds(0.0),
        "duration": seconds(took), "error": null, "because": null, "optional": false, "failed_attempts": [],
        "fallback_used": false, "fallback_for": null, "still_running": 0, "slow_poll": null, "most_attempts": 1,
        "last_attempt": null, "inputs": [], "upstream": [], "activity": StepActivity::default(),
    })
}

/// A report that no run produced; without `more`, nothing waited.
fn made_up(wall: f64, figures: Value, steps: Vec<Value>, more: Value) -> RunReport {
    let mut value = json!({
        "schema": 1, "run_id": "r", "status": "succeeded", "started_unix_ms": 0, "wall": seconds(wall),
        "counts": { "planned": steps.len(), "succeeded": steps.len(), "failed": 0, "timed_out": 0, "skipped": 0,
            "cancelled": 0, "cached": 0, "given": 0, "retried": 0 },
        "figures": { "slots": 4, "total": seconds(0.0), "one_at_a_time": seconds(0.0), "critical_path": seconds(0.0), "critical_steps": [],
            "peak_concurrency": 1, "levels": 1, "widest_level": 1, "speed_up": 1.0, "parallel_efficiency": 1.0,
            "critical_path_ratio": 1.0, "schedule_efficiency": 1.0, "utilisation": 1.0 },
        "stopped_because": null, "limited_by": [], "pressure": [], "resources": null, "limits": [],
        "dead_letters": [], "steps": steps, "provenance": Provenance::default(), "settings": {}, "waits": [],
        "advice": [],
    });
    let merge = |into: &mut Value, from: &Value| {
        from.as_object().unwrap().iter().for_each(|(key, value)| into[key] = value.clone());
    };
    merge(&mut value["figures"], &figures);
    merge(&mut value, &more);
    serde_json::from_value(value).unwrap()
}

fn of_kind(report: &RunReport, kind: AdviceKind) -> Option<Advice> {
    advice(report).into_iter().find(|advice| advice.kind == kind)
}

/// I13: the report names the critical path and its longest step, and does not recommend more slots.
#[test]
fn more_slots_are_not_advised_if_the_critical_path_is_the_limit() {
    let figures =
        json!({ "total": seconds(14.4), "critical_path": seconds(5.0), "critical_steps": ["a", "b", "c"] });
    let steps = vec![step("a", 1.0), step("b", 3.1), step("c", 0.9)];
    let report = made_up(5.4, figures, steps, json!({}));
    let advice = of_kind(&report, AdviceKind::CriticalPath).unwrap();
    assert_eq!(
        advice.text,
        "the run is bound by its critical path (93 % of the time), so more slots would gain nothing; make `b` (3.10 s, 62 % \
         of the path) faster, or split it"
    );
    assert_eq!(advice.steps, ["a", "b", "c"]);
    assert_eq!(of_kind(&report, AdviceKind::Slots), None);
}

/// I13: the critical path and the sum of all durations bound the gain of more slots.
#[test]
fn waiting_for_slots_is_reported_with_the_gain_of_more_slots() {
    let waits = json!({ "waits": [
        { "waited_for": { "slots": ["cpu", 2] }, "steps": 8, "total": seconds(12.3), "longest": "last" }] });
    let figures = json!({ "slots": 2, "total": seconds(16.0), "critical_path": seconds(5.0) });
    let report = made_up(8.0, figures, vec![step("last", 1.0)], waits.clone());
    let told = of_kind(&report, AdviceKind::Slots).unwrap();
    assert_eq!(
        told.text,
        "ready steps waited 12.30 s in total for one of the 2 cpu slots: 4 slots would make the run up to \
         1.6 × faster, if that many cores are available"
    );
    // The path takes as long as the run, so there is nothing to gain.
    let figures = json!({ "slots": 2, "total": seconds(16.0), "critical_path": seconds(7.9) });
    let report = made_up(8.0, figures, vec![step("last", 1.0)], waits);
    assert_eq!(of_kind(&report, AdviceKind::Slots), None);
}

/// I13: one worker; a named limit.
#[test]
fn one_worker_or_a_named_limit_is_reported_as_the_bottleneck() {
    let figures = json!({ "slots": 1, "total": seconds(9.0), "critical_path": seconds(4.3) });
    let told = of_kind(&made_up(9.0, figures, vec![], json!({})), AdviceKind::OneAtATime).unwrap();
    assert!(told.text.contains("3 slots would make it up to 2.1 × faster"), "{}", told.text);
    let waits = json!({ "waits": [
        { "waited_for": { "limit": "db" }, "steps": 8, "total": seconds(3.0), "longest": "saves" }] });
    let figures = json!({ "total": seconds(9.0), "critical_path": seconds(1.0) });
    let told = of_kind(&made_up(9.0, figures, vec![], waits), AdviceKind::Limit).unwrap();
    assert!(told.text.starts_with("the limit `db` held 8 steps for 3.00 s in total"), "{}", told.text);
    assert_eq!(told.steps, ["saves"]);
}

/// I12, I13: these are reported whatever the figures are.
#[test]
fn memory_pressure_blocked_threads_and_retries_are_reported() {
    let mut slow = step("polls", 1.0);
    slow["slow_poll"] = seconds(0.7);
    let mut again = step("flaky", 1.0);
    again["attempts"] = 3.into();
    let error = json!({ "kind": "error", "message": "busy\nvery", "causes": [] });
    again["failed_attempts"] = json!([{ "attempt": 1, "error": error, "retried_after": seconds(0.1) }]);
    let pressure = json!({ "pressure": [{ "at": seconds(1.0), "pressure": "high", "before": 1, "share": 2,
        "reason": "memory 3.4 GiB of 4.0 GiB (85 %)" }] });
    let report = made_up(2.0, json!({}), vec![slow, again], pressure);
    let texts: Vec<String> = advice(&report).into_iter().map(|advice| advice.text).collect();
    for part in [
        "memory pressure took slots away (memory 3.4 GiB of 4.0 GiB (85 %))",
        "async step `polls` blocked its thread for 700.0 ms: make it a plain `fn`",
        "`flaky` took 3 attempts; the last failed attempt that was retried: busy",
    ] {
        assert!(texts.iter().any(|text| text.contains(part)), "{part:?} in {texts:?}");
    }
}

/// A retried step: `works` is the time of each attempt, `waits` the wait after each failed one.
fn tried_again(name: &str, works: &[f64], between: f64, backoff: f64) -> Value {
    let took = works.iter().sum::<f64>() + between * (works.len() - 1) as f64;
    let mut made = step(name, took);
    made["attempts"] = works.len().into();
    let error = json!({ "kind": "error", "message": "busy", "causes": [] });
    let (mut at, mut attempts) = (0.0, Vec::new());
    for (number, work) in (1..).zip(works) {
        let times = json!({ "start": seconds(at), "duration": seconds(*work) });
        attempts.push((number, times));
        at += work + between;
    }
    made["last_attempt"] = attempts.pop().unwrap().1;
    let failed = attempts.into_iter().map(|(number, times)| {
        json!({ "attempt": number, "error": error, "retried_after": seconds(backoff), "times": times })
    });
    made["failed_attempts"] = failed.collect();
    made
}

/// I12: a wait between attempts is not work: it is not on the critical path and not among the slowest steps.
#[test]
fn waits_between_attempts_are_not_reported_as_slow_steps() {
    let advise = |steps: Vec<Value>| {
        let path: Vec<&Value> = steps.iter().take(2).map(|step| &step["name"]).collect();
        let figures =
            json!({ "total": seconds(4.0), "critical_path": seconds(10.0), "critical_steps": path });
        let report = made_up(10.0, figures, steps, json!({}));
        let text = |kind| of_kind(&report, kind).map_or_else(String::new, |advice| advice.text);
        (text(AdviceKind::CriticalPath), text(AdviceKind::SlowestSteps))
    };
    let others = || [step("works", 2.0), step("a", 0.5), step("b", 0.5)];
    // It took the longest, but mostly waited.
    let patient = tried_again("patient", &[0.5, 0.5], 7.0, 7.0);
    let (path, slowest) = advise([vec![patient], others().into()].concat());
    let wanted = "`patient` waited 7.00 s between its 2 attempts (its backoff), and worked for 1.00 s: see why they fail, \
                  or let it wait for less";
    assert!(path.contains(wanted), "{path}");
    assert!(
        slowest.starts_with("the slowest steps: `works` 2.00 s (50 %), `patient` 1.00 s (25 %)"),
        "{slowest}"
    );
    // Here it mostly waited for a limit.
    let (path, _) = advise([vec![tried_again("patient", &[0.5, 0.5], 7.0, 1.0)], others().into()].concat());
    assert!(path.contains("(1.00 s of backoff, 6.00 s for a slot or a limit)"), "{path}");
    // It waited too, but another step is the one to make faster.
    let patient = tried_again("patient", &[0.2, 0.2], 1.9, 1.9);
    let (path, _) = advise(vec![patient, step("works", 6.0)]);
    assert!(path.contains("make `works` (6.00 s, 60 % of the path) faster, or split it"), "{path}");
    // Its attempts are its work.
    let (path, _) = advise([vec![tried_again("hard", &[3.0, 3.0], 0.1, 0.1)], others().into()].concat());
    assert!(
        path.contains("`hard` worked for 6.00 s in 2 attempts: see why they fail, or make it faster"),
        "{path}"
    );
}

/// Advice is a function of the report: a run and its JSON give the same. A report without advice can be read.
#[test]
fn advice_is_the_same_from_a_run_and_from_its_json() {
    let mut dag = DagBuilder::new();
    let first = dag.cpu("first", (), |()| std::thread::sleep(Duration::from_millis(5)));
    let second = dag.cpu("second", (first,), |((),)| std::thread::sleep(Duration::from_millis(1)));
    let third = dag.cpu("third", (second,), |((),)| ());
    dag.cpu("fourth", (third,), |((),)| ());
    let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
    let read: RunReport = serde_json::from_str(&run.report().to_json()).unwrap();
    assert_eq!(read.advice, run.report().advice);
    assert_eq!(advice(&read), read.advice);
    assert!(!read.advice.is_empty(), "{read}");
    assert_eq!(made_up(1.0, json!({}), vec![], json!({})).advice, []);
}

/// I07: a ready step waited for a slot if all were busy, otherwise for its limit.
#[test]
fn waits_are_split_by_what_was_missing() {
    let nap = || std::thread::sleep(Duration::from_millis(5));
    let mut dag = DagBuilder::new();
    for name in ["a", "b"] {
        dag.cpu(name, (), move |()| nap());
    }
    let run = Pipeline::new(dag.build().unwrap()).settings(Settings::default().workers(1));
    let report = run.run_blocking().unwrap().report().clone();
    assert_eq!(report.waits.len(), 1, "{:?}", report.waits);
    let (wait, second) = (&report.waits[0], report.steps.iter().max_by_key(|step| step.start).unwrap());
    assert_eq!((&wait.waited_for, &wait.longest), (&WaitedFor::Workers(1), &second.name));
    assert!(wait.total <= second.wait.unwrap() && wait.total > Duration::ZERO);

    #[step(limit = "db")]
    async fn limited_a() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    #[step(limit = "db")]
    async fn limited_b() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let settings = Settings::default().limit("db", LimitSettings::new(1));
    let run = Pipeline::to::<limited_a>().and::<limited_b>().settings(settings).run_blocking().unwrap();
    let waits: Vec<_> = run.report().waits.iter().map(|wait| (&wait.waited_for, wait.steps)).collect();
    assert_eq!(waits, [(&WaitedFor::Limit("db".to_owned()), 1)]);
}

/// The origin of each input of a failed step is reported, but no value.
#[test]
fn the_inputs_of_a_failed_step_are_listed_with_their_origin() {
    #[step]
    fn io_source() -> u32 {
        1
    }
    #[step(retries = 1)]
    fn io_fails(
        io_source: &u32,
        #[param] given: String,
        #[param(default = 3)] left: u32,
        #[resource] text: &String,
        #[context] cx: &StepContext,
    ) -> Result<u32, String> {
        Err(format!("{io_source} {} {left} {} {}", given.len(), text.len(), cx.attempt()))
    }
    let pipeline = Pipeline::to::<io_fails>().param("given", "canary-1").resource("canary-2".to_owned());
    let run = pipeline.run_blocking().unwrap();
    let step = run.report().step("io_fails").unwrap();
    let told: Vec<(&str, &InputOrigin)> =
        step.inputs.iter().map(|input| (input.name.as_str(), &input.origin)).collect();
    let resource = InputOrigin::Resource("alloc::string::String".to_owned());
    assert_eq!(
        told,
        [
            ("io_source", &InputOrigin::Steps(vec![0])),
            ("given", &InputOrigin::Param("the program's code".to_owned())),
            ("left", &InputOrigin::Param("its default".to_owned())),
            ("text", &resource),
        ]
    );
    assert_eq!((step.attempts, step.most_attempts, run.report().counts.retried), (2, 2, 1));
    assert!(run.report().step("io_source").unwrap().inputs.is_empty(), "only of steps that failed");
    assert!(!run.report().to_json().contains("canary"));
}

/// I07, I09: times by group and by level, and the sums of all counters.
#[test]
fn groups_levels_and_counters_are_sums_over_their_steps() {
    #[step(group = "bronze")]
    fn st_one(#[context] cx: &StepContext) -> u32 {
        cx.count("rows_in", 3);
        1
    }
    #[step(group = "bronze")]
    fn st_two(#[context] cx: &StepContext) -> u32 {
        cx.count("rows_in", 4);
        2
    }
    #[step(group = "gold")]
    fn st_sum(st_one: &u32, st_two: &u32) -> u32 {
        st_one + st_two
    }
    let run = Pipeline::to::<st_sum>().run_blocking().unwrap();
    let report = run.report();
    assert_eq!(report.counters().into_iter().collect::<Vec<_>>(), [("rows_in", 7)]);
    let shape = |stages: &[StageReport]| stages.iter().map(|s| (s.name.clone(), s.steps)).collect::<Vec<_>>();
    let (groups, levels) = (report.groups(), report.levels());
    assert_eq!(shape(&groups), [("bronze".to_owned(), 2), ("gold".to_owned(), 1)]);
    assert_eq!(shape(&levels), [("0".to_owned(), 2), ("1".to_owned(), 1)]);
    let took = |name: &str| report.step(name).unwrap().duration.unwrap();
    assert_eq!(groups[0].total, took("st_one") + took("st_two"));
    assert_eq!((levels[1].wall, levels[1].total), (took("st_sum"), took("st_sum")));
    assert!(groups[0].wall >= took("st_one").max(took("st_two")) && groups[0].wall <= report.wall);
}

/// Before anything can be made faster, it has to work.
#[test]
fn advice_begins_with_the_failure() {
    let mut steps = vec![step("a", 2.0), step("b", 1.0), step("c", 0.1), step("d", 0.1), step("e", 0.1)];
    for (index, optional, message) in
        [(0, true, "harmless"), (1, false, "no connection"), (2, false, "no table")]
    {
        steps[index]["status"] = "failed".into();
        steps[index]["optional"] = optional.into();
        steps[index]["error"] = json!({ "kind": "error", "message": message, "causes": [] });
    }
    steps[3]["status"] = "skipped".into();
    let counts = json!({ "planned": 5, "succeeded": 1, "failed": 3, "timed_out": 0, "skipped": 1, "cancelled": 0,
        "cached": 0, "given": 0, "retried": 0 });
    let figures = json!({ "total": seconds(3.3) });
    let report = made_up(3.3, figures, steps.clone(), json!({ "status": "failed", "counts": counts }));
    let all = advice(&report);
    assert_eq!(
        (all[0].kind, &all[0].steps[..]),
        (AdviceKind::Failure, &["b".to_owned(), "c".to_owned()][..])
    );
    assert_eq!(
        all[0].text,
        "fix `b`, which failed (and 1 other step failed): no connection, then run it again with the 1 step that did not run"
    );
    assert!(all.len() > 1, "{all:?}");
    let stopped = json!({ "status": "cancelled", "stopped_because": "SIGINT", "counts": counts });
    let report = made_up(3.3, json!({}), steps, stopped);
    assert!(advice(&report)[0].text.starts_with("the run was stopped (SIGINT): run it again for the "));
    assert_eq!(of_kind(&made_up(1.0, json!({}), vec![], json!({})), AdviceKind::Failure), None);
}
