//! Pages of ten thousand steps stay usable.

use std::io::Write;

use serde_json::json;

use crate::browser::{MEASURED, WIDE, browse};
use crate::runs::{chain_and_fan, ten_thousand};

/// Generous: a page that takes this long on a busy CI machine takes a tenth of it elsewhere.
const MOST_MS: f64 = 8_000.0;

#[test]
fn a_page_of_ten_thousand_steps_loads_and_answers_within_seconds() {
    let seen = browse(
        "large",
        &ten_thousand().to_html(),
        &MEASURED,
        r##"
        const times = { load: performance.now() };
        const measure = (name, act) => {
            const begin = performance.now();
            act();
            // Waits for the layout.
            document.body.offsetHeight;
            times[name] = performance.now() - begin;
        };
        measure("draw", () => { graph.surface.now(); timeline.surface.now(); });
        measure("select", () => { select(5000, { reveal: true }); graph.surface.now(); timeline.surface.now(); });
        measure("search", () => { search("level_42"); graph.surface.now(); timeline.surface.now(); });
        measure("sort", () => document.querySelector(".col-duration button").click());
        measure("scroll", () => { document.querySelector(".rows").scrollTop = 200000; table.draw(); });
        // Reading a pixel waits for all drawing.
        measure("paint", () => document.querySelectorAll("canvas").forEach((canvas) => canvas.getContext("2d").getImageData(0, 0, 1, 1)));
        return { times, rows: document.querySelectorAll("#steps tbody tr").length, shown: text("#shown") };
    "##,
    );
    let Some(seen) = seen else { return };
    let _ = writeln!(std::io::stderr(), "ms: {}", seen["times"]);
    assert_eq!(seen["shown"], "100 of 10,000 steps");
    for (what, time) in seen["times"].as_object().unwrap() {
        assert!(time.as_f64().unwrap() < MOST_MS, "{what} took {time} ms");
    }
}

#[test]
fn a_table_of_ten_thousand_steps_has_only_visible_rows() {
    let seen = browse(
        "large-table",
        &ten_thousand().to_html(),
        &WIDE,
        r##"
        const rows = document.querySelector(".rows");
        const first = texts("#steps tbody .col-name .mono").length;
        rows.scrollTop = rows.scrollHeight;
        // Without a screen there are no frames, with which the browser would send the event.
        rows.dispatchEvent(new Event("scroll"));
        const last = texts("#steps tbody .col-name .mono");
        return { first, rows: last.length, last: last.at(-1), count: rows.querySelector("table").getAttribute("aria-rowcount"),
                 by: document.querySelector("#rows").value };
    "##,
    );
    let Some(seen) = seen else { return };
    assert!(seen["first"].as_u64() < Some(80) && seen["rows"].as_u64() < Some(80), "{seen}");
    assert!(seen["last"].as_str().unwrap().starts_with("level_99.step_"), "{seen}");
    assert_eq!((&seen["count"], &seen["by"]), (&json!("10001"), &json!("lane")));
}

/// Drawn as they are, one would be a thin line and the other a tower.
#[test]
fn a_chain_and_a_fan_of_ten_thousand_steps_fit_the_canvas() {
    for (name, report) in ["chain", "fan"].into_iter().zip(chain_and_fan()) {
        let script = r##"
            const { canvas } = graph.surface;
            const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            const paper = pixels.slice(0, 3).join();
            let drawn = 0;
            for (let at = 0; at < pixels.length; at += 4) drawn += pixels.slice(at, at + 3).join() !== paper;
            return { drawn: drawn / (pixels.length / 4), all: document.querySelector("#graph .readout").textContent };
        "##;
        let Some(seen) = browse(name, &report.to_html(), &WIDE, script) else { return };
        assert!(seen["drawn"].as_f64() > Some(0.1), "{name}: much of the canvas has something on it: {seen}");
        assert_eq!(seen["all"], "", "{name}: nothing is outside of it");
    }
}
