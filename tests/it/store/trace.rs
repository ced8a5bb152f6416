//! The timeline of a run has what Perfetto needs, without contradictions.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::*;

/// Ten concurrent steps of each lane, and one that reads two of them; one fails.
fn trace() -> Value {
    let folder = Folder::new();
    let mut dag = DagBuilder::new();
    for n in 0..10 {
        dag.cpu(format!("cpu_{n}"), (), move |()| std::thread::sleep(Duration::from_micros(100 * n)));
        dag.blocking(format!("blocking_{n}"), (), |()| {
            std::thread::sleep(Duration::from_millis(1));
            Ok::<_, String>(())
        });
    }
    let a = dag.cpu("<b>\"a\"\u{1b}", (), |()| 1_u64);
    let b = dag.cpu("b", (), |()| 2_u64);
    let sum = dag.cpu("sum", (a, b), |(a, b)| a + b);
    let failing = dag.try_cpu("failing", (sum,), |(_,)| Err::<u64, _>("planted"));
    dag.cpu("skipped", (failing,), |(_,)| ());
    let settings = Settings::default().sample_every(Duration::from_millis(1));
    let pipeline = Pipeline::new(dag.build().unwrap()).settings(settings);
    let (_, dir) = record(pipeline, &folder.store());
    read_json(dir.join("trace.json"))
}

/// I15
#[test]
fn the_trace_has_what_a_viewer_needs() {
    let trace = trace();
    let events = trace["traceEvents"].as_array().unwrap();
    let mut last = 0.0;
    for event in events {
        let phase = event["ph"].as_str().unwrap();
        assert!(event["pid"].is_u64() && event["tid"].is_u64() && event["name"].is_string(), "{event}");
        if phase == "M" {
            continue;
        }
        let at = event["ts"].as_f64().unwrap();
        assert!(at >= last, "not in order of time: {event}");
        last = at;
        match phase {
            "X" => assert!(
                event["dur"].as_f64().unwrap() >= 0.0 && event["args"]["status"].is_string(),
                "{event}"
            ),
            "s" | "f" => assert!(event["id"].is_u64(), "{event}"),
            "C" => assert!(event["args"].as_object().unwrap().values().all(Value::is_number), "{event}"),
            other => panic!("{other}: {event}"),
        }
    }
    let slices: Vec<&Value> = events.iter().filter(|event| event["ph"] == "X").collect();
    assert_eq!(slices.len(), 24, "every step that ran");
    let failing = slices.iter().find(|slice| slice["name"] == "failing").unwrap();
    assert_eq!(
        (&failing["args"]["status"], &failing["args"]["error"]["message"]),
        (&"failed".into(), &"planted".into())
    );
    assert_eq!(trace["otherData"]["steps_without_times"], 1);
    for counter in ["slots in use", "memory", "cpu"] {
        assert!(events.iter().any(|event| event["ph"] == "C" && event["name"] == counter), "{counter}");
    }
}

#[test]
fn slices_of_one_track_do_not_overlap_and_arrows_have_two_ends() {
    let trace = trace();
    let events = trace["traceEvents"].as_array().unwrap();
    let mut tracks: BTreeMap<u64, Vec<(f64, f64)>> = BTreeMap::new();
    let mut arrows: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    let mut in_use = 0.0;
    for event in events {
        let at = || event["ts"].as_f64().unwrap();
        match event["ph"].as_str().unwrap() {
            "X" => {
                let slice = (at(), at() + event["dur"].as_f64().unwrap());
                tracks.entry(event["tid"].as_u64().unwrap()).or_default().push(slice);
            }
            phase @ ("s" | "f") => arrows.entry(event["id"].as_u64().unwrap()).or_default().push(phase),
            "C" if event["name"] == "slots in use" => {
                in_use = event["args"].as_object().unwrap().values().map(|n| n.as_f64().unwrap()).sum();
                assert!(in_use >= 0.0);
            }
            _ => {}
        }
    }
    for (track, slices) in &tracks {
        // A nanosecond is 0.001.
        assert!(slices.windows(2).all(|pair| pair[0].1 <= pair[1].0 + 0.0005), "{track}: {slices:?}");
        let named = |event: &&Value| event["name"] == "thread_name" && event["tid"] == *track;
        assert_eq!(events.iter().filter(named).count(), 1, "{track}");
    }
    assert_eq!(arrows.len(), 3, "a → sum, b → sum, sum → failing");
    assert!(arrows.values().all(|ends| *ends == ["s", "f"]), "{arrows:?}");
    assert!(in_use.abs() < f64::EPSILON, "at the end nothing runs");
}

#[test]
fn a_run_without_times_has_an_empty_trace() {
    let folder = Folder::new();
    let settings = Settings::default().deterministic(true);
    let (_, dir) = record(two_steps(false).settings(settings), &folder.store());
    let trace = read_json(dir.join("trace.json"));
    assert_eq!(trace["traceEvents"].as_array().unwrap().len(), 1);
    assert_eq!(trace["otherData"]["steps_without_times"], 2);
}

/// E05, I15: each attempt is a slice; between them the step has no track, and arrows connect the slices' ends.
#[test]
fn a_retried_step_has_a_slice_for_each_attempt() {
    use pipeline::prelude::*;
    #[step(cost = 100, retries = 1, backoff = "5ms")]
    fn sliced(#[context] cx: &StepContext) -> Result<u32, String> {
        if cx.attempt() == 1 { Err("busy".to_owned()) } else { Ok(1) }
    }
    #[step]
    fn beside_sliced() {}
    #[step]
    fn after_sliced(sliced: &u32) -> u32 {
        *sliced
    }
    let folder = Folder::new();
    let pipeline =
        Pipeline::to::<after_sliced>().and::<beside_sliced>().settings(Settings::default().workers(1));
    let (run, dir) = record(pipeline, &folder.store());
    let trace = read_json(dir.join("trace.json"));
    let events = trace["traceEvents"].as_array().unwrap();
    let of = |name: &str| -> Vec<&Value> {
        events.iter().filter(|event| event["ph"] == "X" && event["name"] == name).collect()
    };
    let slices = of("sliced");
    let told: Vec<_> = slices.iter().map(|it| (&it["args"]["attempt"], &it["args"]["status"])).collect();
    assert_eq!(told, [(&1.into(), &"failed".into()), (&2.into(), &"succeeded".into())]);
    assert_eq!(slices[0]["args"]["error"]["message"], "busy");
    assert!(slices[1]["args"]["error"].is_null());
    let micros = |time: Duration| time.as_nanos() as f64 / 1e3;
    let step = run.report().step("sliced").unwrap();
    for (slice, times) in slices.iter().zip(step.attempt_times()) {
        let (at, dur) = (slice["ts"].as_f64().unwrap(), slice["dur"].as_f64().unwrap());
        assert_eq!((at, dur), (micros(times.start), micros(times.duration.unwrap())));
    }
    let tracks: Vec<&Value> =
        [of("sliced"), of("beside_sliced")].concat().iter().map(|it| &it["tid"]).collect();
    assert!(tracks.iter().all(|track| *track == tracks[0]), "one worker is one track: {tracks:?}");
    let arrow = events.iter().find(|event| event["ph"] == "s").unwrap();
    let end = step.start.unwrap() + step.duration.unwrap();
    assert!((arrow["ts"].as_f64().unwrap() - micros(end)).abs() < 0.002, "from the last attempt's end");
}
