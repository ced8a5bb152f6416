//! P18: names, errors and items of users are plain text on the page, whatever they contain.

use pipeline::graph::graph_page;
use pipeline::{DagBuilder, Pipeline, RunReport};
use serde_json::{Value, json};

use crate::browser::{PHONE, WIDE, browse};
use crate::runs::success;

const TEXTS: [&str; 10] = [
    "</script><img src=x onerror=\"window.hostile = 1\"><script>window.hostile = 2</script>",
    "<!--<script>",
    "]]><svg onload=window.hostile=3>",
    "{{data}}{{script}}{{style}}",
    "\u{202e}turned\u{2066}\u{200b}\u{feff}",
    "line\u{2028}break\u{2029}\n\r\t\u{0}\u{1b}[31mred",
    "javascript:window.hostile=4",
    "&lt;b&gt;&amp;\"'`${window.hostile=5}",
    "__proto__",
    "\u{85}\u{7f}\u{9b}31m \u{1f600} 名前",
];

/// A report in which every text is hostile, and different for each step.
fn report() -> RunReport {
    let mut report = serde_json::to_value(success()).unwrap();
    let model = report["steps"][0].clone();
    let long = "<i>".repeat(3400);
    let texts: Vec<&str> = TEXTS.into_iter().chain([long.as_str()]).collect();
    let step = |(number, text): (usize, &&str)| {
        let error = json!({ "kind": "error", "message": text, "causes": [text, text] });
        let mut step = model.clone();
        let changes = json!({
            "name": text, "id": text, "location": text, "group": text, "tags": [text, text], "status": "failed",
            "error": error, "because": texts[0], "attempts": 2, "fallback_for": error,
            "failed_attempts": [{ "attempt": 1, "error": error, "retried_after": { "secs": 0, "nanos": 5 } }],
            "activity": { "counters": { *text: 1 }, "progress": { "done": 1, "total": 2, "note": text } },
            "upstream": if number == 0 { json!([]) } else { json!([0]) },
        });
        step.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        step
    };
    report["steps"] = texts.iter().enumerate().map(step).collect();
    let first = TEXTS[0];
    report["run_id"] = json!(first);
    report["stopped_because"] = json!(first);
    report["status"] = json!("failed");
    report["figures"]["critical_steps"] = json!(TEXTS);
    report["limited_by"] = json!(TEXTS);
    report["provenance"]["packages"] = json!({ first: first });
    report["limits"] =
        json!([{ "name": first, "capacity": 1, "in_use": 0, "peak": 1, "waiting": 0, "breaker": null }]);
    report["dead_letters"] = json!([{ "step": first, "attempt": 1, "item": TEXTS, "error": first }]);
    serde_json::from_value(report).unwrap()
}

/// Selects every step, and counts elements that no text may have made.
const LOOK: &str = r##"
    const all = [];
    for (const step of steps) {
        select(step.index);
        all.push(text("#details"));
    }
    type("onerror");
    await wait(300);
    const found = texts("#steps tbody .col-name .mono").length;
    type("");
    await wait(300);
    const made = "img, svg, iframe, object, embed, link, form, b, i, [onerror], [onload], [href^='javascript']";
    return {
        hostile: String(window.hostile), made: document.querySelectorAll(made).length,
        scripts: document.scripts.length, all: all.join("\n"), page: document.body.innerText, found,
        wide: document.documentElement.scrollWidth, room: innerWidth, title: document.title,
    };
"##;

fn check(name: &str, page: &str) {
    // The page's own two, and the test's.
    let scripts = 2 + 2;
    for look in [WIDE, PHONE] {
        let Some(seen) = browse(&format!("{name}-{}", look.width), page, &look, LOOK) else { return };
        assert_eq!(
            (&seen["hostile"], &seen["made"], &seen["scripts"]),
            (&json!("undefined"), &json!(0), &json!(scripts))
        );
        assert!(seen["wide"].as_u64() <= seen["room"].as_u64(), "{name}: nothing sticks out");
        assert_eq!(seen["found"], 1, "{name}");
        let shown = |field: &str| seen[field].as_str().unwrap().to_owned();
        let (all, page) = (shown("all"), shown("page"));
        for text in [all.as_str(), page.as_str()] {
            assert!(text.contains("</script><img src=x onerror="), "{name}: it is shown as it is");
            assert!(
                text.contains("\\u{202e}turned\\u{2066}\\u{200b}\\u{feff}"),
                "{name}: what does not show is spelled out"
            );
            assert!(text.contains("{{data}}{{script}}"), "{name}");
        }
        let steers =
            |c: char| (c.is_control() && c != '\n' && c != '\t') || ('\u{2028}'..='\u{202e}').contains(&c);
        assert!(
            !all.contains(steers) && !page.contains(steers) && !shown("title").contains(steers),
            "{name}"
        );
    }
}

#[test]
fn hostile_texts_in_every_field_of_a_report_are_only_shown() {
    check("hostile", &report().to_html());
}

#[test]
fn hostile_names_of_a_graph_are_only_shown() {
    let mut dag = DagBuilder::new();
    for text in TEXTS {
        dag.cpu(text, (), |()| ());
    }
    check("hostile-graph", &graph_page(&dag.build().unwrap().document()));
}

#[test]
fn hostile_names_pass_through_a_run() {
    let mut dag = DagBuilder::new();
    for text in TEXTS {
        dag.cpu(text, (), |()| ());
    }
    let page = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap().report().to_html();
    check("hostile-run", &page);
}

/// The contents of the file between the tags, before a browser reads it.
#[test]
fn the_data_of_a_page_is_the_report_without_html() {
    let report = report();
    let page = report.to_html();
    let (_, rest) = page.split_once("<script id=\"data\" type=\"application/json\">").unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    assert!(!data.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{data}");
    let data: Value = serde_json::from_str(data).unwrap();
    let back: RunReport = serde_json::from_value(data["report"].clone()).unwrap();
    assert_eq!(back, report);
    let title = page.split_once("<title>").unwrap().1.split_once("</title>").unwrap().0;
    assert!(!title.contains('<'), "{title}");
}
