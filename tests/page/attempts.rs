//! Retried steps: each attempt, as a bar and as text.

use pipeline::RunReport;
use serde_json::{Value, json};

use crate::browser::{WIDE, browse};
use crate::runs::{step, written};

fn ms(ms: u64) -> Value {
    json!({ "secs": ms / 1000, "nanos": ms % 1000 * 1_000_000 })
}

fn times(start: u64, duration: u64) -> Value {
    json!({ "start": ms(start), "duration": ms(duration) })
}

fn failed(attempt: u32, kind: &str, message: &str, retried_after: u64, times: &Value) -> Value {
    json!({ "attempt": attempt, "error": { "kind": kind, "message": message, "causes": [] },
            "retried_after": ms(retried_after), "times": times })
}

fn changed(mut step: Value, changes: &Value) -> Value {
    step.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    step
}

/// A run of a second: `rates` fails at once, then times out, waits for a limit, and succeeds; `steady` is tried once;
/// `stopped` was stopped while it waited for its second attempt.
fn tried_again() -> RunReport {
    let rates = json!({
        "attempts": 3, "start": ms(0), "wait": ms(0), "duration": ms(900), "lane": "io",
        "failed_attempts": [
            failed(1, "error", "503 <b>Service</b>\u{202e} Unavailable", 200, &times(0, 100)),
            failed(2, "timed-out", "it took longer than its timeout of 200ms", 50, &times(320, 200)),
        ],
        "last_attempt": times(700, 200),
    });
    let steady = json!({ "start": ms(100), "wait": ms(100), "duration": ms(800), "lane": "cpu" });
    let stopped = json!({
        "attempts": 1, "start": ms(500), "wait": ms(10), "duration": ms(500), "lane": "cpu",
        "last_attempt": times(500, 100), "error": { "kind": "error", "message": "not yet", "causes": [] },
    });
    let steps = vec![
        changed(step("rates", "succeeded", &[]), &rates),
        changed(step("steady", "succeeded", &[]), &steady),
        changed(step("stopped", "failed", &[]), &stopped),
    ];
    let mut report = serde_json::to_value(written(steps)).unwrap();
    report["wall"] = ms(1000);
    serde_json::from_value(report).unwrap()
}

#[test]
fn each_attempt_is_a_bar_and_the_waits_between_are_light() {
    let seen = browse(
        "attempts",
        &tried_again().to_html(),
        &WIDE,
        r##"
        await wait(200);
        select(null);
        timeline.surface.now();
        const canvas = document.querySelector("#timeline canvas");
        const box = canvas.getBoundingClientRect();
        const ratio = canvas.width / canvas.clientWidth;
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        // The tooltip at each moment of a row, and the colours in the row's lower part, below the names.
        const row = (y) => {
            const seen = [];
            for (let x = 10; x < canvas.clientWidth; x += 2) {
                canvas.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + x, clientY: box.top + y, pointerId: 1, bubbles: true }));
                const said = document.querySelector("#timeline .readout").textContent.split(" · ").slice(-1)[0];
                if (seen.at(-1)?.said !== said) seen.push({ said, colours: new Set() });
                const at = 4 * (Math.round((y + 4) * ratio) * pixels.width + Math.round(x * ratio));
                seen.at(-1).colours.add(pixels.data.slice(at, at + 3).join());
            }
            return seen.map(({ said, colours }) => ({ said, colours: colours.size, most: [...colours][Math.floor(colours.size / 2)] }));
        };
        return { rates: row(22 + 11), steady: row(22 + 33), stopped: row(22 + 55), legend: text("#timeline-legend") };
    "##,
    );
    let Some(seen) = seen else { return };
    let said = |row: &str| -> Vec<String> {
        let told = seen[row].as_array().unwrap().iter().map(|part| part["said"].as_str().unwrap().to_owned());
        told.filter(|said| said.starts_with("attempt ") || said.starts_with("waits ")).collect()
    };
    assert_eq!(
        said("rates"),
        [
            "attempt 1 of 3: failed after 100.0 ms: 503 <b>Service</b>\\u{202e} Unavailable",
            "waits 220.0 ms after attempt 1, 200.0 ms of it backoff",
            "attempt 2 of 3: failed after 200.0 ms: it took longer than its timeout of 200ms",
            "waits 180.0 ms after attempt 2, 50.0 ms of it backoff",
            "attempt 3 of 3: 200.0 ms",
        ],
        "{seen}"
    );
    assert_eq!(said("stopped"), ["attempt 1 of 1: 100.0 ms", "waits 400.0 ms after attempt 1"], "{seen}");
    assert!(said("steady").iter().all(|said| !said.contains("attempt ")), "{seen}");
    let is_told = |part: &&Value| said("rates").iter().any(|said| part["said"] == **said);
    let rates: Vec<&Value> = seen["rates"].as_array().unwrap().iter().filter(is_told).collect();
    let colours: Vec<&Value> = rates.iter().map(|part| &part["most"]).collect();
    assert!(colours[1] != colours[4] && colours[0] != colours[1], "what waits looks different: {seen}");
    assert!(rates[0]["colours"].as_u64() > rates[4]["colours"].as_u64(), "what failed is hatched: {seen}");
    assert!(seen["legend"].as_str().unwrap().contains("Hatched: failed attempt"), "{seen}");
}

#[test]
fn the_times_of_attempts_are_also_text() {
    let seen = browse(
        "attempts-as-text",
        &tried_again().to_html(),
        &WIDE,
        r##"
        const canvas = document.querySelector("#timeline canvas");
        select(null);
        canvas.focus();
        press("ArrowDown");
        const said = text("#said");
        const details = text("#details");
        press("Enter");
        return { said, details, focus: document.activeElement.id, columns: texts("#steps th"), works: texts("#steps tbody .col-work") };
    "##,
    );
    let Some(seen) = seen else { return };
    assert_eq!(seen["said"], "rates · succeeded · 900.0 ms · 3 attempts · 500.0 ms at work");
    assert_eq!(seen["focus"], "details");
    let details = seen["details"].as_str().unwrap();
    for told in [
        "At work\n500.0 ms",
        "Between attempts\n400.0 ms",
        "started 0 after the run began, took 100.0 ms; retried after 200.0 ms",
        "Attempt 2 failed: timed out",
        "started 320.0 ms after the run began, took 200.0 ms; retried after 50.0 ms",
        "Attempt 3\n\nstarted 700.0 ms after the run began, took 200.0 ms",
    ] {
        assert!(details.contains(told), "{told:?} in {details}");
    }
    let columns: Vec<&str> = seen["columns"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(columns[4..], ["Wait", "Time", "Work", "Attempts"][..], "{columns:?}");
    assert_eq!(seen["works"], json!(["500.0 ms", "800.0 ms", "100.0 ms"]));
}
