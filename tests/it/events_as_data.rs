//! Events as data: the lines that `docs/events.md` promises, and reading them back.

use std::time::Duration;

use pipeline::event::{EventKind, EventRecord};
use serde_json::Value;

const DOCUMENT: &str = include_str!("../../docs/events.md");

fn read(line: &str) -> EventRecord {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// I14, I22: the golden list.
#[test]
fn the_document_lists_every_kind_and_shows_each_as_it_is_written() {
    let rows =
        DOCUMENT.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|row| row.split('`').next());
    let listed: Vec<&str> = rows.filter(|name| name.contains('_') && *name != "run_id").collect();
    assert_eq!(listed, EventKind::NAMES, "kinds in the table of docs/events.md");
    let lines: Vec<&str> = DOCUMENT.lines().filter(|line| line.starts_with("{\"v\":1,")).collect();
    let mut shown = Vec::new();
    for line in lines {
        let record = read(line);
        assert_eq!(Value::from(record.kind.name()), serde_json::from_str::<Value>(line).unwrap()["event"]);
        // Reading and writing a line again gives the same fields and values, in the same order.
        assert_eq!(record.to_line(), line);
        shown.push(record.kind.name());
    }
    shown.sort_unstable();
    shown.dedup();
    let mut wanted = EventKind::NAMES.to_vec();
    wanted.retain(|name| *name != "run_reported");
    wanted.sort_unstable();
    assert_eq!(shown, wanted, "kinds in the example of docs/events.md");
}

#[test]
fn a_line_with_additions_of_a_later_version_can_be_read() {
    let more =
        r#"{"v":1,"at":1,"run_id":"r","event":"step_started","step":"s","lane":"io","host":"h","n":[1]}"#;
    assert!(matches!(&read(more).kind, EventKind::StepStarted { step, .. } if step == "s"));
    let other = r#"{"v":1,"at":1.5,"run_id":"r","event":"step_dreamt","of":{"sheep":2}}"#;
    let record = read(other);
    assert_eq!((record.kind, record.at, record.run_id.as_str()), (EventKind::Unknown, 1.5, "r"));
    assert!(serde_json::from_str::<EventRecord>(r#"{"v":1,"at":1,"run_id":"r"}"#).is_err(), "no kind at all");
}

#[test]
fn a_record_is_read_back_as_it_was_written() {
    use std::sync::{Arc, Mutex};

    use pipeline::{DagBuilder, Event, Pipeline};

    let mut dag = DagBuilder::new();
    let first = dag.cpu("line\nbreak \"quoted\" \u{1b}", (), |()| 1_u32);
    let fails = dag.blocking("fails", (first,), |_| Err::<u32, _>("reason"));
    let behind = dag.cpu("behind", (fails,), |_| 1_u32);
    dag.cpu("far", (behind,), |_| 1_u32);
    let records = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&records);
    let pipeline = Pipeline::new(dag.build().unwrap()).observe(move |event: &Event<'_>| {
        seen.lock().unwrap().push(EventRecord::of(event, Duration::from_micros(1_500)));
    });
    pipeline.run_blocking().unwrap();
    let records = records.lock().unwrap();
    assert_eq!(records.len(), 8);
    let skipped = records.iter().filter_map(|record| match &record.kind {
        EventKind::StepFinished { step, because: Some(because), .. } => {
            Some((step.as_str(), because.as_str()))
        }
        _ => None,
    });
    assert_eq!(skipped.collect::<Vec<_>>(), [("behind", "fails"), ("far", "fails")]);
    for record in records.iter() {
        let line = record.to_line();
        assert!(!line.contains(['\n', '\u{1b}']), "{line}");
        assert_eq!(&read(&line), record);
    }
}
