//! The timeline of a run: what Perfetto needs is there, and fits together.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::*;

/// Ten steps of each lane beside each other, and one that reads two of them; one fails.
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
