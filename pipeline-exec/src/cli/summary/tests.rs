//! Summaries of invented reports: what fits, what is shortened, and that no text steers the terminal.

use console::measure_text_width;
use serde_json::{Value, json};

use super::*;

/// A report of these steps, with the totals that follow from them.
fn report(steps: Vec<Value>) -> RunReport {
    let count = |status: &str| steps.iter().filter(|step| step["status"] == status).count();
    let failed = count("failed") + count("timed-out");
    let value = json!({
        "schema": 1, "run_id": "r-1", "status": if failed > 0 { "failed" } else { "succeeded" },
        "started_unix_ms": 0, "wall": seconds(5.4),
        "counts": {
            "planned": steps.len(), "succeeded": count("succeeded"), "failed": count("failed"),
            "timed_out": count("timed-out"), "skipped": count("skipped"), "cancelled": 0, "cached": 0, "given": 0,
            "retried": 0,
        },
        "figures": {
            "slots": 4, "total": seconds(14.4), "one_at_a_time": seconds(14.4), "critical_path": seconds(5.4),
            "critical_steps": [steps[0]["name"]], "peak_concurrency": 3, "levels": 3, "widest_level": 3,
            "speed_up": 2.667, "parallel_efficiency": 66.667, "critical_path_ratio": 1.0,
            "schedule_efficiency": 1.0, "utilisation": 0.667,
        },
        "stopped_because": null, "limited_by": [], "pressure": [], "resources": null, "limits": [],
        "dead_letters": [], "steps": steps, "provenance": crate::report::Provenance::default(), "settings": {},
        "waits": [], "advice": [],
    });
    let mut report: RunReport = serde_json::from_value(value).unwrap_or_else(|error| panic!("{error}"));
    report.advice = crate::report::advice(&report);
    report
}

fn seconds(seconds: f64) -> Value {
    json!(std::time::Duration::from_secs_f64(seconds))
}

fn step(name: &str, status: &str, took: f64) -> Value {
    json!({
        "name": name, "id": name, "location": "src/steps.rs:7", "group": "silver", "tags": [], "lane": "cpu",
        "thread_kind": null, "thread": null, "status": status, "attempts": 1, "most_attempts": 3,
        "start": seconds(0.0), "wait": seconds(0.001), "duration": seconds(took), "error": null, "because": null,
        "optional": false, "failed_attempts": [], "fallback_used": false, "fallback_for": null,
        "still_running": 0, "slow_poll": null, "last_attempt": null, "inputs": [], "upstream": [],
        "activity": pipeline_core::StepActivity::default(),
    })
}

fn failed(name: &str, message: &str) -> Value {
    let mut step = step(name, "failed", 0.5);
    step["error"] = json!({ "kind": "error", "message": message, "causes": ["the disk is full"] });
    step
}

fn skipped(name: &str, because: &str) -> Value {
    let mut step = step(name, "skipped", 0.0);
    step["because"] = because.into();
    (step["start"], step["wait"], step["duration"], step["attempts"]) =
        (Value::Null, Value::Null, Value::Null, 0.into());
    step
}

/// The summary without styles.
fn plain(report: &RunReport, columns: usize, all: bool) -> String {
    let extent = if all { Extent::All } else { Extent::Most };
    anstream::adapter::strip_str(&text(
        report,
        columns,
        extent,
        Known::Whole(Some(&CommandLine::default()), None),
    ))
    .to_string()
}

#[test]
fn every_line_above_the_failures_fits_the_terminal_whatever_the_names() {
    let names =
        ["short", &"x".repeat(10_000), &"日本語の名前".repeat(100), "a\u{301}e\u{301} 🦀🦀", "\u{1b}[2J"];
    let report = report(names.iter().map(|name| step(name, "succeeded", 2.0)).collect());
    for columns in [80, 100, 160] {
        for line in plain(&report, columns, false).lines() {
            assert!(measure_text_width(line) <= columns, "{columns}: {line}");
        }
    }
}

#[test]
fn a_step_from_the_store_shows_how_long_it_took_when_it_was_made() {
    let mut cached = step("b", "cached", 0.0);
    (cached["start"], cached["wait"], cached["duration"]) = (Value::Null, Value::Null, Value::Null);
    cached["cached_from"] = json!({ "run": "r-0", "made_unix_ms": 1, "took_ms": 1_250 });
    let mut report = report(vec![step("a", "succeeded", 2.0), cached]);
    report.counts.cached = 1;
    report.store = Some(crate::stored::StoreReport::default());
    assert!(!plain(&report, 80, false).contains("\nstore "));
    let store = json!({ "hits": 45, "misses": 4, "stored": 4, "bytes": 2_048, "stored_bytes": 1_024 });
    report.store = Some(serde_json::from_value(store).unwrap_or_else(|error| panic!("{error}")));
    let text = plain(&report, 80, false);
    assert!(text.contains(" (1.25 s)\n") && text.contains("\n(…) time of the run that made "), "{text}");
    assert!(text.contains("\nstore           45 of 49 outputs found (92 %), 4 stored (1.0 KiB)\n"), "{text}");
    assert!(text.contains(": 2 of 2 steps succeeded (1 from the store)"), "{text}");
}

#[test]
fn the_columns_are_aligned_beside_wide_names() {
    let names = ["short", "日本語の名前", "ｗｉｄｅ", &"日".repeat(500)];
    let report = report(names.iter().map(|name| step(name, "succeeded", 2.0)).collect());
    let table = table::table(&report, 80, false);
    let table = anstream::adapter::strip_str(&table).to_string();
    let before_status = |line: &str| line.find("succeeded").map(|at| measure_text_width(&line[..at]));
    let places: Vec<usize> = table.lines().filter_map(before_status).collect();
    assert_eq!(places.len(), 4, "{table}");
    assert!(places.iter().all(|place| *place == places[0]), "{places:?}\n{table}");
}

#[test]
fn many_steps_are_reduced_to_the_failed_and_the_slowest() {
    let mut steps: Vec<Value> =
        (0..9_999).map(|n| step(&format!("s{n}"), "succeeded", f64::from(n) / 1e4)).collect();
    steps.push(failed("the_last", "no"));
    let report = report(steps);
    let text = plain(&report, 80, false);
    let rows: Vec<&str> = text.lines().skip(1).take_while(|line| !line.starts_with('…')).collect();
    assert!(rows[0].starts_with("the_last ") && rows[1].starts_with("s9998 "), "{text}");
    assert_eq!(rows.len(), 30, "{text}");
    assert!(text.contains("\n… and 9,970 more succeeded (-v shows all)\n"), "{text}");
    assert!(text.lines().count() < 80, "{text}");
    assert!(plain(&report, 80, true).lines().count() > 10_000);
}

#[test]
fn equal_failures_share_a_block() {
    let mut steps: Vec<Value> = (0..100).map(|n| failed(&format!("shard_{n}"), "no route to host")).collect();
    steps.push(failed("other", "out of paper"));
    let text = plain(&report(steps), 80, false);
    assert_eq!(text.matches("error: no route to host").count(), 1, "{text}");
    let head = "error[PL0101]: step `shard_0` failed, and 99 more like it: shard_1, shard_2,";
    assert!(text.contains(head) && text.contains(" and 91 more\n"), "{text}");
    assert!(text.contains("error[PL0101]: step `other` failed\n"), "{text}");
    assert_eq!(text.matches(" explain PL0101").count(), 1, "{text}");
}

#[test]
fn a_failure_names_place_attempt_causes_inputs_and_all_that_was_skipped_because_of_it() {
    let mut first = failed("load", "cannot read");
    first["attempts"] = 3.into();
    let earlier = json!({ "kind": "panic", "message": "busy, at src/a.rs:1:1", "causes": [] });
    first["failed_attempts"] = json!([{ "attempt": 1, "error": earlier, "retried_after": seconds(0.01) }]);
    first["inputs"] = json!([
        { "name": "path", "origin": { "param": "the environment, PIPELINE_PARAM_path" } },
        { "name": "rows", "origin": { "steps": [1] } },
        { "name": "db", "origin": { "resource": "shop::Db" } },
    ]);
    let steps =
        vec![first, step("rows", "succeeded", 1.0), skipped("behind", "load"), skipped("far", "behind")];
    let text = plain(&report(steps), 100, false);
    for part in [
        "error[PL0101]: step `load` failed\n",
        "    at src/steps.rs:7, attempt 3 of 3\n",
        "    error: cannot read\n    because the disk is full\n",
        "    attempt 1: busy, at src/a.rs:1:1 (retried after 10.0 ms)\n",
        "    input `path`: a run parameter, from the environment, PIPELINE_PARAM_path\n",
        "    input `rows`: from step rows\n",
        "    input `db`: a resource given to the run, `shop::Db`\n",
        "    2 steps were skipped because `load` failed: behind, far\n",
        "run r-1 failed in 5.40 s: 1 of 4 steps succeeded, 1 failed, 2 skipped\nto retry: ",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
}

/// Everything that a user, or a user's data, can put into a report.
#[test]
fn no_text_of_a_report_steers_the_terminal() {
    const EVIL: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\r\u{202e}evil\u{9b}31m\u{2066}\u{8}\u{7f}";
    let mut first = failed(EVIL, EVIL);
    first["error"]["causes"] = json!([EVIL]);
    first["location"] = EVIL.into();
    first["group"] = EVIL.into();
    first["activity"] = json!({ "progress": null, "counters": { EVIL: 7 } });
    let error = first["error"].clone();
    first["failed_attempts"] = json!([{ "attempt": 1, "error": error, "retried_after": seconds(0.01) }]);
    first["inputs"] = json!([{ "name": EVIL, "origin": { "param": EVIL } }, { "name": EVIL, "origin": { "resource": EVIL } }]);
    let mut odd = step(EVIL, "succeeded", 1.0);
    (odd["fallback_used"], odd["fallback_for"], odd["slow_poll"]) =
        (true.into(), first["error"].clone(), seconds(2.0));
    let mut report = report(vec![first, odd, skipped("behind", EVIL)]);
    report.run_id = EVIL.into();
    report.limited_by = vec![EVIL.into()];
    report.stopped_because = Some(EVIL.into());
    report.dead_letters =
        serde_json::from_value(json!([{ "step": EVIL, "attempt": 1, "item": null, "error": EVIL }]))
            .unwrap_or_default();
    report.waits = serde_json::from_value(
        json!([{ "waited_for": { "limit": EVIL }, "steps": 1, "total": seconds(3.0), "longest": EVIL }]),
    )
    .unwrap_or_default();
    report.advice = crate::report::advice(&report);
    assert!(report.waits.len() == 1 && report.dead_letters.len() == 1);
    let shown = text(&report, 80, Extent::All, Known::Whole(Some(&CommandLine::default()), None));
    assert!(shown.contains("\\u{1b}]0;owned"), "shown, not sent: {shown}");
    let styles = without_styles(&shown);
    let steers =
        |c: char| c != '\n' && c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || c == '\u{2066}';
    assert!(!styles.chars().any(steers), "{styles:?}");
}

/// Takes out what sets colours and weights, and nothing else that begins with an escape.
fn without_styles(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        kept.push_str(before);
        let end = after.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(after.len());
        if after[end..].starts_with('m') {
            rest = &after[end + 1..];
        } else {
            kept.push_str("\u{1b}[");
            rest = after;
        }
    }
    kept + rest
}

/// Of a run that went well, what is below the table is read at a glance.
#[test]
fn the_main_figures_take_a_few_lines_and_verbose_shows_the_others() {
    let mut report =
        report((0..13).map(|n| step(&format!("s{n}"), "succeeded", f64::from(n) / 10.0)).collect());
    report.advice = crate::report::advice(&report);
    let text = plain(&report, 80, false);
    let (_, below) = text.split_once("* on the critical path\n\n").unwrap_or_else(|| panic!("{text}"));
    assert!(below.starts_with(
        "critical path   5.40 s: s0\nspeed-up        2.67 × faster than sequential (at best 2.67 ×)\n\
         at once         at most 3, with 4 slots\n"
    ));
    assert!(below.lines().count() <= 8, "{below}");
    for left_out in ["efficiency", "groups", "levels", "slowest"] {
        assert!(!text.contains(left_out), "{left_out}: {text}");
        assert!(plain(&report, 80, true).contains(left_out), "{left_out}");
    }
}

#[test]
fn each_figure_has_a_line() {
    let mut steps: Vec<Value> = (0..3).map(|n| step(&format!("s{n}"), "succeeded", 1.4)).collect();
    steps[0]["activity"] = json!({ "progress": null, "counters": { "rows_in": 54_000, "rows_rejected": 3 } });
    steps[1]["activity"] = json!({ "progress": null, "counters": { "rows_in": 1 } });
    let text = plain(&report(steps), 100, true);
    for part in [
        "critical path   5.40 s of 14.40 s in total; the run took 1.00 × as long: s0\n",
        "speed-up        2.67 × faster than sequential (at best 2.67 ×)\n",
        "efficiency      100.0 % of the best possible schedule, 66.7 % parallel, slots 66.7 % busy\n",
        "at once         at most 3, with 4 slots; 3 levels, the widest with 3 steps\n",
        "groups          silver: 1.40 s (3 steps, 4.20 s in total)\n",
        "counted         rows_in 54,001 (10,000/s), rows_rejected 3 (0.6/s)\n",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
}

/// Of many steps those that worked the longest are shown, not one that waited to be tried again.
#[test]
fn a_step_that_waited_between_attempts_is_not_among_the_slowest() {
    let mut patient = step("patient", "succeeded", 5.0);
    patient["attempts"] = 2.into();
    let error = json!({ "kind": "error", "message": "503", "causes": [] });
    let times = |start: f64| json!({ "start": seconds(start), "duration": seconds(0.1) });
    patient["failed_attempts"] =
        json!([{ "attempt": 1, "error": error, "retried_after": seconds(4.0), "times": times(0.0) }]);
    patient["last_attempt"] = times(4.9);
    let steps = (0..40).map(|n| step(&format!("s{n}"), "succeeded", 1.0)).chain([patient]);
    let shown = plain(&report(steps.collect()), 100, false);
    assert!(shown.contains("\ns29 ") && !shown.contains("\npatient "), "{shown}");
    let retried = "1 attempt failed, retried after 4.80 s in total: patient\n";
    assert!(shown.contains(retried), "{shown}");
}

/// A step waits for its next attempt without a slot, and this wait is no work.
#[test]
fn a_retried_step_is_not_called_slow_and_holds_no_slot_between_attempts() {
    let mut again = step("again", "succeeded", 5.0);
    again["attempts"] = 2.into();
    let error = json!({ "kind": "error", "message": "503", "causes": [] });
    let times = |start: f64| json!({ "start": seconds(start), "duration": seconds(2.4) });
    again["failed_attempts"] =
        json!([{ "attempt": 1, "error": error, "retried_after": seconds(0.2), "times": times(0.0) }]);
    again["last_attempt"] = times(2.6);
    let mut report = report(vec![again, step("beside", "succeeded", 1.0)]);
    report.figures.slots = 2;
    let shown = plain(&report, 100, false);
    assert!(shown.contains("at most 3, with 2 slots (steps between attempts hold no slot)\n"), "{shown}");
    assert!(shown.contains("1 attempt failed, retried after 200.0 ms in total: again\n"), "{shown}");
    assert!(
        shown.contains("`again` worked for 4.80 s in 2 attempts") && !shown.contains("split it"),
        "{shown}"
    );
}

/// Of such times, the figures would be those of the scheduler: "0.02 × faster".
#[test]
fn times_below_a_millisecond_have_no_speed_up() {
    let mut report = report(vec![step("brief", "succeeded", 0.0009)]);
    report.figures.one_at_a_time = std::time::Duration::from_micros(900);
    for text in [plain(&report, 80, true), report.to_string()] {
        assert!(!text.contains("speed-up") && !text.contains("efficiency"), "{text}");
        assert!(text.contains("at once"), "{text}");
    }
    report.figures.one_at_a_time *= 2;
    assert!(plain(&report, 80, false).contains("\nspeed-up "));
    assert!(report.to_string().contains("speed-up "));
}

/// The items are values of the user: only `report` shows them.
#[test]
fn dead_letters_are_listed_and_their_items_only_on_request() {
    let mut report = report(vec![step("reads", "succeeded", 2.0)]);
    let letter =
        |n: u32| json!({"step": "reads", "attempt": n, "item": {"row": n}, "error": "no\u{1b}[2J price"});
    report.dead_letters =
        serde_json::from_value((1..=7).map(letter).collect()).expect("a list of dead letters");
    let said = plain(&report, 80, false);
    assert!(said.contains("7 items could not be processed:\n    `reads`: no"), "{said}");
    assert!(!said.contains("row") && !said.contains('\u{1b}'), "{said}");
    let recorded = |extent| {
        let known = Known::Recorded { state: RunState::Succeeded, can_be_resumed: false };
        let text = text(&report, 80, extent, known);
        anstream::adapter::strip_str(&text).to_string()
    };
    let few = recorded(Extent::Most);
    assert!(few.contains("`reads`, attempt 2: no") && few.contains(": {\"row\":2}\n"), "{few}");
    assert!(
        few.contains("… and 2 further items in the report as JSON") && !few.contains("{\"row\":6}"),
        "{few}"
    );
    assert!(recorded(Extent::All).contains(": {\"row\":7}\n"));
}

/// Of a large run, the report has a selection of the steps: the others had begun as well.
#[test]
fn a_selection_of_steps_does_not_say_which_are_left() {
    let mut large = report(vec![step("a", "succeeded", 1.0), failed("b", "no"), skipped("c", "b")]);
    large.counts.planned = 30_000;
    large.rest = Some(crate::report::Rest::default());
    let line = CommandLine { params: vec!["token".to_owned()], ..CommandLine::default() };
    let text = text(&large, 100, Extent::Most, Known::Whole(Some(&line), None));
    let text = anstream::adapter::strip_str(&text).to_string();
    assert!(text.contains("to retry: ") && text.contains("(add `-p token=…`)"), "{text}");
    assert!(!text.contains("had not begun") && !text.contains(" left: "), "{text}");
    large.rest = None;
    assert!(plain(&large, 100, false).contains("and 29997 that had not begun"));
}
