//! What a person reads on a page.

use pipeline::graph::graph_page;
use pipeline::{DagBuilder, Pipeline, RunReport, Settings};
use serde_json::json;

use crate::browser::{PHONE, WIDE, browse, hash};
use crate::runs::{diamond, failures, harmless, step, success, written};

#[test]
fn a_successful_run_shows_its_figures_its_times_and_its_steps() {
    let report = success();
    let seen = browse(
        "success",
        &report.to_html(),
        &WIDE,
        r##"
        return {
            title: document.title, heading: text("h1"), about: text("#subtitle"),
            errors: isShown("#errors"), figures: texts("#figures dt"), timeline: isShown("#timeline canvas"),
            columns: texts("#steps th"), names: texts("#steps tbody .col-name .mono"), states: texts("#steps tbody .col-status .word"),
            limits: isShown("#limits"), letters: isShown("#letters"), origin: texts("#origin dd"),
            details: text("#details h2"),
        };
    "##,
    );
    let Some(seen) = seen else { return };
    let short_id = &report.run_id[report.run_id.len() - 8..];
    assert_eq!(seen["title"], format!("✓ {} {short_id}", report.program), "{seen}");
    assert!(seen["heading"].as_str().unwrap().starts_with("✓succeeded in "), "{seen}");
    let about = format!("{} · 4 of 4 steps succeeded · 2", report.program);
    assert!(seen["about"].as_str().unwrap().starts_with(&about), "{seen}");
    assert!(seen["about"].as_str().unwrap().ends_with(&format!(" · run {short_id}")), "{seen}");
    assert_eq!(
        (&seen["errors"], &seen["timeline"], &seen["limits"], &seen["letters"]),
        (&json!(false), &json!(true), &json!(false), &json!(false))
    );
    assert_eq!(seen["columns"], json!(["Status", "Step", "Lane", "Start", "Wait", "Time", "Attempts"]));
    let names: Vec<&str> = report.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(seen["names"], json!(names));
    assert_eq!(seen["states"], json!(vec!["succeeded"; 4]));
    assert_eq!(
        seen["figures"].as_array().unwrap()[..5],
        json!(["Duration", "Critical path", "Speed-up", "Schedule", "Slots in use"]).as_array().unwrap()[..]
    );
    assert!(
        seen["origin"].as_array().unwrap().contains(&json!(report.provenance.graph_fingerprint)),
        "{seen}"
    );
    assert_eq!(seen["details"], "No step selected");
}

#[test]
fn the_origin_has_program_command_line_and_parameters() {
    let mut report = serde_json::to_value(success()).unwrap();
    report["program"] = "shop".into();
    report["command_line"] = json!({"verb": "run", "terms": ["a b", "tag:x"], "options": {"--workers": ["2"], "--fail-fast": []}, "params": ["day"]});
    report["provenance"]["params"] = json!({"rate": "f"});
    let report: RunReport = serde_json::from_value(report).unwrap();
    let script = r##"
        const terms = texts("#origin dt"), values = texts("#origin dd");
        return Object.fromEntries(terms.map((term, index) => [term, values[index]]));
    "##;
    let Some(seen) = browse("origin", &report.to_html(), &WIDE, script) else { return };
    assert_eq!(seen["Program"], "shop");
    assert_eq!(seen["Command line"], "shop run 'a b' tag:x --fail-fast --workers 2 -p day=…");
    assert_eq!((&seen["Parameters"], &seen["Run"]), (&json!("day, rate"), &json!(report.run_id)));
}

#[test]
fn errors_come_first_with_their_causes_and_skipped_steps() {
    let report = failures();
    let seen = browse(
        "failures",
        &report.to_html(),
        &WIDE,
        r##"
        const errors = texts("#errors .error");
        const first = [...document.querySelectorAll("main > section")].find((section) => section.getClientRects().length).id;
        const selected = text("#details h2");
        select(steps.find((step) => step.name === "recovers").index);
        const recovers = text("#details");
        select(steps.find((step) => step.name === "sums").index);
        const sums = text("#details");
        document.querySelector("#details .pairs button.link").click();
        const because = text("#details h2");
        select(steps.find((step) => step.name === "loads").index);
        return { errors, first, selected, recovers, sums, because, loads: text("#details"), heading: text("#errors h2"),
                 chips: texts(".chips button") };
    "##,
    );
    let Some(seen) = seen else { return };
    assert_eq!((&seen["first"], &seen["heading"]), (&json!("errors"), &json!("2 errors")));
    let errors = seen["errors"].to_string();
    for told in [
        "the rates could not be read",
        "connection refused",
        "os error 111",
        "2 attempts",
        "2 steps skipped because of it",
        "planted: the well is dry",
        "tests/page/runs.rs:",
    ] {
        assert!(errors.contains(told), "{told}: {errors}");
    }
    let recovers = seen["recovers"].as_str().unwrap();
    assert!(recovers.contains("Attempt 1 failed") && recovers.contains("Attempt 2 failed"), "{recovers}");
    assert!(recovers.contains("not yet") && recovers.contains("succeeded"), "{recovers}");
    let sums = seen["sums"].as_str().unwrap();
    assert!(sums.contains("skipped") && sums.contains("Because of"), "{sums}");
    assert_eq!(seen["because"], "loads", "the link leads to the step because of which it was skipped");
    let loads = seen["loads"].as_str().unwrap();
    assert!(loads.contains("rows_in") && loads.contains("12,345") && loads.contains("bronze"), "{loads}");
    assert!(loads.contains("2 steps because of this one"), "{loads}");
    assert_eq!(seen["chips"], json!(["✕2 failed", "»2 skipped", "✓1 succeeded"]));
}

#[test]
fn fatal_failures_come_before_optional_ones() {
    let report = harmless(true);
    let names: Vec<&str> = report.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["adorns", "counts", "sells"], "the harmless one runs first");
    let script = r##"
        return { selected: text("#details h2"), heading: text("#errors h2"), names: texts("#errors .error .link"),
                 errors: texts("#errors .error"), harmless: texts("#errors .harmless") };
    "##;
    let Some(seen) = browse("harmless", &report.to_html(), &WIDE, script) else { return };
    assert_eq!(seen["selected"], "sells", "the page opens on what failed the run");
    assert_eq!(seen["heading"], "1 error, 1 warning");
    assert_eq!(seen["names"], json!(["sells", "adorns"]));
    let told = "optional: the run continues without it";
    assert!(!seen["errors"][0].as_str().unwrap().contains(told), "{seen}");
    let harmless = seen["harmless"].as_array().unwrap();
    assert!(harmless.len() == 1 && harmless[0].as_str().unwrap().contains(told), "{seen}");
}

#[test]
fn a_successful_run_with_an_optional_failure_opens_without_a_selection() {
    let script = r##"return { title: text("h1"), selected: text("#details h2"), heading: text("#errors h2"), errors: text("#errors .body") };"##;
    let Some(seen) = browse("only-harmless", &harmless(false).to_html(), &WIDE, script) else { return };
    assert!(seen["title"].as_str().unwrap().contains("succeeded"), "{seen}");
    assert_eq!((&seen["selected"], &seen["heading"]), (&json!("No step selected"), &json!("Warning")));
    let errors = seen["errors"].as_str().unwrap();
    assert!(
        errors.contains("optional: the run continues without it") && errors.contains("picture"),
        "{errors}"
    );
}

#[test]
fn a_page_fits_a_phone() {
    let report = failures();
    let seen = browse(
        "phone",
        &report.to_html(),
        &PHONE,
        r#"
        select(0);
        return { wide: document.documentElement.scrollWidth, room: innerWidth,
                 canvas: document.querySelector("canvas").clientWidth };
    "#,
    );
    let Some(seen) = seen else { return };
    assert!(seen["wide"].as_u64() <= seen["room"].as_u64(), "nothing sticks out: {seen}");
    assert!(seen["canvas"].as_u64() > Some(300), "{seen}");
}

#[test]
fn a_graph_without_a_run_is_also_a_page() {
    let page = graph_page(&diamond().document());
    let seen = browse(
        "graph",
        &page,
        &WIDE,
        r##"
        select(3);
        return { heading: text("h1"), about: text("#subtitle"), names: texts("#steps tbody .col-name .mono"), columns: texts("#steps th"),
                 shown: ["#timeline", "#figures", "#errors", "#origin"].filter(isShown), details: text("#details") };
    "##,
    );
    let Some(seen) = seen else { return };
    assert_eq!((&seen["heading"], &seen["about"]), (&json!("Graph"), &json!("4 steps, 4 edges")));
    assert_eq!(seen["columns"], json!(["Step", "Lane", "Cost", "Waits for", "Read by"]));
    assert_eq!(seen["names"], json!(["source", "left", "right", "sum"]));
    assert_eq!(seen["shown"], json!([]));
    assert!(seen["details"].as_str().unwrap().contains("Waits for 2 steps"), "{seen}");
}

#[test]
fn a_deterministic_run_shows_no_times() {
    let settings = Settings::default().deterministic(true);
    let report = Pipeline::new(diamond()).settings(settings).run_blocking().unwrap().report().clone();
    assert_eq!(report.to_html(), report.to_html());
    let script = r##"return { timeline: isShown("#timeline"), figures: isShown("#figures"), all: document.body.innerText };"##;
    let Some(seen) = browse("deterministic", &report.to_html(), &WIDE, script) else { return };
    assert_eq!((&seen["timeline"], &seen["figures"]), (&json!(false), &json!(false)));
    let all = seen["all"].as_str().unwrap();
    assert!(!all.contains("NaN") && !all.contains("undefined") && !all.contains("Invalid"), "{all}");
}

#[test]
fn the_page_shows_what_limited_the_run_and_its_dead_letters() {
    let mut report = serde_json::to_value(success()).unwrap();
    report["limited_by"] = json!(["`sum` runs alone: it is exclusive"]);
    report["stopped_because"] = json!("SIGTERM");
    report["limits"] = json!([{ "name": "db", "capacity": 4, "in_use": 0, "peak": 3, "waiting": 0, "breaker": "half-open" }]);
    report["dead_letters"] =
        json!([{ "step": "left", "attempt": 1, "item": { "id": 7 }, "error": "no such customer" }]);
    report["advice"] = json!([{ "kind": "slots", "text": "give it more slots", "steps": ["sum"] }]);
    let report: RunReport = serde_json::from_value(report).unwrap();
    let page = report.to_html();
    let script = r##"return [text("#notice"), text("#advice"), text("#limits"), text("#letters")];"##;
    let Some(seen) = browse("others", &page, &WIDE, script) else { return };
    assert_eq!(seen[0], "Stopped: SIGTERM");
    for (place, told) in [
        (1, "it is exclusive"),
        (1, "give it more slots\n✓sum"),
        (2, "half-open"),
        (3, "no such customer"),
        (3, "{\"id\":7}"),
    ] {
        assert!(seen[place].as_str().unwrap().contains(told), "{told}: {seen}");
    }
}

#[test]
fn an_empty_run_and_a_damaged_report_are_also_pages() {
    let empty = written(Vec::new());
    let damaged = written(vec![step("a", "succeeded", &[0, 5, 99]), step("b", "skipped", &[1, 0, 0])]);
    for (name, report, steps) in [("empty", empty, 0), ("damaged", damaged, 2)] {
        let script = r##"return texts("#steps tbody .col-name .mono").length;"##;
        let Some(seen) = browse(name, &report.to_html(), &WIDE, script) else { return };
        assert_eq!(seen, json!(steps), "{name}");
    }
}

/// P17: the page contains only the report, which has no value.
#[test]
fn no_value_of_a_step_is_in_the_page() {
    let mut dag = DagBuilder::new();
    let secret = dag.cpu("secret", (), |()| "canary-4711".to_owned());
    dag.cpu("reader", (secret,), |(secret,): (&String,)| secret.len());
    let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
    assert!(!run.report().to_html().contains("canary-4711"));
}

/// JavaScript's numbers are exact up to 2^53.
#[test]
fn large_numbers_are_shown_with_all_their_digits() {
    let mut report = serde_json::to_value(success()).unwrap();
    let most = u64::MAX;
    report["provenance"]["seed"] = json!(most);
    report["settings"] = json!({ "memory_limit": most - 1 });
    report["dead_letters"] =
        json!([{ "step": "a", "attempt": 1, "item": [most - 2, 1.5e300], "error": "no" }]);
    report["steps"][0]["activity"] = json!({ "counters": { "rows": most - 3 }, "progress": { "done": most - 4, "total": most, "note": "" } });
    let report: RunReport = serde_json::from_value(report).unwrap();
    let script = r##"
        select(0);
        return { origin: texts("#origin dd"), letters: text("#letters pre"), details: text("#details") };
    "##;
    let Some(seen) = browse("large-numbers", &report.to_html(), &WIDE, script) else { return };
    for digits in ["18446744073709551615", "18446744073709551614"] {
        assert!(seen["origin"].as_array().unwrap().contains(&json!(digits)), "{digits}: {seen}");
    }
    assert_eq!(seen["letters"], "[18446744073709551613,1.5e+300]", "{seen}");
    let details = seen["details"].as_str().unwrap();
    for digits in ["18,446,744,073,709,551,612", "18,446,744,073,709,551,611 of 18,446,744,073,709,551,615"] {
        assert!(details.contains(digits), "{digits}: {details}");
    }
}

/// The policy allows the page's script and style by hashes, written in `pipeline-exec/src/report/page/mod.rs`.
#[test]
fn the_policy_has_the_hashes_of_the_script_and_the_style() {
    let page = success().to_html();
    let between = |start: &str, end: &str| page.split_once(start).unwrap().1.split_once(end).unwrap().0;
    let (script, style) =
        (hash(between("</script>\n<script>", "</script>")), hash(between("<style>", "</style>")));
    let policy = between("Content-Security-Policy\" content=\"", "\"");
    assert!(
        policy.contains(&format!("script-src '{script}';"))
            && policy.contains(&format!("style-src '{style}';")),
        "write these into pipeline-exec/src/report/page/mod.rs: SCRIPT_HASH {script}, STYLE_HASH {style}"
    );
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
}
