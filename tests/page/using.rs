//! What a person does on a page: by keyboard, by pointer, by search.

use std::time::Duration;

use serde_json::json;

use crate::browser::{WIDE, browse};
use crate::runs::{busy, failures, step, success, written};

#[test]
fn a_page_works_by_keyboard_alone() {
    let seen = browse(
        "keys",
        &success().to_html(),
        &WIDE,
        r##"
        const seen = {};
        press("/", document.body);
        seen.focus = document.activeElement.id;
        type("right");
        await wait(50);
        seen.found = texts("#steps tbody .col-name .mono");
        press("Enter");
        seen.entered = text("#details h2");
        press("Escape");
        seen.cleared = [document.getElementById("search").value, text("#shown")];
        const rows = document.querySelector(".rows");
        rows.focus();
        press("Home");
        press("ArrowDown");
        seen.moved = text("#details h2");
        seen.row = text("tr[aria-selected=true] .col-name .mono");
        press("Enter");
        seen.details = document.activeElement.id;
        document.querySelector("#graph canvas").focus();
        press("ArrowRight");
        seen.right = text("#details h2");
        press("ArrowLeft");
        press("ArrowLeft");
        seen.left = text("#details h2");
        press("+");
        press("0");
        document.querySelector("#timeline canvas").focus();
        press("ArrowDown");
        seen.next = text("#details h2");
        press("Escape");
        seen.none = text("#details h2");
        return seen;
    "##,
    );
    let Some(seen) = seen else { return };
    assert_eq!(
        (&seen["focus"], &seen["found"], &seen["entered"]),
        (&json!("search"), &json!(["right"]), &json!("right"))
    );
    assert_eq!(seen["cleared"], json!(["", "4 steps"]));
    assert_eq!(
        (&seen["moved"], &seen["row"], &seen["details"]),
        (&json!("left"), &json!("left"), &json!("details"))
    );
    assert_eq!((&seen["right"], &seen["left"]), (&json!("sum"), &json!("source")));
    assert!(["left", "right"].contains(&seen["next"].as_str().unwrap()), "{seen}");
    assert_eq!(seen["none"], "No step selected");
}

#[test]
fn a_click_in_the_graph_the_timeline_or_the_table_selects_a_step() {
    let seen = browse(
        "pointer",
        &success().to_html(),
        &WIDE,
        r##"
        const click = (canvas, x, y) => {
            const box = canvas.getBoundingClientRect();
            const at = { clientX: box.left + x, clientY: box.top + y, pointerId: 1, bubbles: true };
            canvas.dispatchEvent(new PointerEvent("pointerdown", at));
            canvas.dispatchEvent(new PointerEvent("pointerup", at));
        };
        // Finds the shapes: tests every few pixels of the drawings, since a step of no time is only a few pixels wide.
        const selectable = (canvas) => {
            const found = new Set();
            for (let y = 4; y < canvas.clientHeight; y += 8) {
                for (let x = 4; x < canvas.clientWidth; x += 3) {
                    click(canvas, x, y);
                    if (selected !== null) found.add(steps[selected].name);
                }
            }
            return [...found].sort();
        };
        await wait(200);
        const graph = selectable(document.querySelector("#graph canvas"));
        select(null);
        const timeline = selectable(document.querySelector("#timeline canvas"));
        document.querySelectorAll("#steps tbody tr[data-step] td")[1].click();
        return { graph, timeline, table: text("#details h2") };
    "##,
    );
    let Some(seen) = seen else { return };
    let all = json!(["left", "right", "source", "sum"]);
    assert_eq!((&seen["graph"], &seen["timeline"], &seen["table"]), (&all, &all, &json!("source")));
}

#[test]
fn steps_are_found_by_name_tag_group_and_status_and_sorted_by_any_column() {
    let seen = browse(
        "search",
        &failures().to_html(),
        &WIDE,
        r##"
        const seen = {};
        for (const query of ["S", "tag:source", "group:gold", "status:skipped", "failed breaks", "nothing like it"]) {
            type(query);
            await wait(50);
            seen[query] = texts("#steps tbody .col-name .mono").sort();
        }
        const chip = [...document.querySelectorAll(".chips button")].find((chip) => chip.innerText.includes("succeeded"));
        chip.click();
        seen.chip = [texts("#steps tbody .col-name .mono"), chip.getAttribute("aria-pressed"), document.getElementById("search").value];
        chip.click();
        const heading = document.querySelector("th.col-name button");
        heading.click();
        seen.up = [texts("#steps tbody .col-name .mono"), heading.parentElement.getAttribute("aria-sort")];
        heading.click();
        seen.down = [texts("#steps tbody .col-name .mono"), heading.parentElement.getAttribute("aria-sort")];
        return seen;
    "##,
    );
    let Some(seen) = seen else { return };
    assert_eq!(seen["tag:source"], json!(["loads"]));
    assert_eq!(seen["group:gold"], json!(["sums"]));
    assert_eq!(seen["status:skipped"], json!(["cleans", "sums"]));
    assert_eq!(seen["failed breaks"], json!(["breaks"]));
    assert_eq!(seen["nothing like it"], json!([]));
    assert_eq!(
        seen["chip"].as_array().unwrap()[1..],
        json!(["true", "status:succeeded"]).as_array().unwrap()[..]
    );
    let mut names = vec!["breaks", "cleans", "loads", "recovers", "sums"];
    assert_eq!(seen["up"], json!([names, "ascending"]));
    names.reverse();
    assert_eq!(seen["down"], json!([names, "descending"]));
}

#[test]
fn the_theme_can_be_chosen_and_print_is_light() {
    let seen = browse(
        "theme",
        &success().to_html(),
        &WIDE,
        r#"
        const paper = () => getComputedStyle(document.body).backgroundColor;
        const button = document.getElementById("theme");
        const seen = [];
        for (let press = 0; press < 3; press += 1) {
            button.click();
            seen.push([button.innerText, paper()]);
        }
        button.click();
        button.click();
        dispatchEvent(new Event("beforeprint"));
        seen.push(document.documentElement.dataset.theme);
        dispatchEvent(new Event("afterprint"));
        seen.push(document.documentElement.dataset.theme);
        return seen;
    "#,
    );
    let Some(seen) = seen else { return };
    let (light, dark) = ("rgb(246, 247, 249)", "rgb(14, 18, 23)");
    assert_eq!(seen[0], json!(["Theme: light", light]));
    assert_eq!(seen[1], json!(["Theme: dark", dark]));
    assert_eq!(seen[2][0], "Theme: auto");
    assert_eq!(seen.as_array().unwrap()[3..], json!(["light", "dark"]).as_array().unwrap()[..]);
}

#[test]
fn memory_processor_time_and_slot_changes_are_below_the_timeline() {
    let seen = browse(
        "busy",
        &busy().to_html(),
        &WIDE,
        r##"
        const canvas = document.querySelector("#timeline canvas");
        const box = canvas.getBoundingClientRect();
        const at = (share) => {
            const place = { clientX: box.left + 92 + (box.width - 100) * share, clientY: box.bottom - 20, pointerId: 1 };
            canvas.dispatchEvent(new PointerEvent("pointermove", place));
            return document.querySelector("#timeline .readout").textContent;
        };
        const seen = { early: at(0.1), late: at(0.75) };
        seen.memory = texts("#figures dt").at(-1);
        for (const by of ["lane", "thread", "step"]) {
            const rows = document.getElementById("rows");
            rows.value = by;
            rows.dispatchEvent(new Event("change"));
            seen[by] = canvas.clientHeight;
        }
        return seen;
    "##,
    );
    let Some(seen) = seen else { return };
    let (early, late) = (seen["early"].as_str().unwrap(), seen["late"].as_str().unwrap());
    assert!(early.contains("memory") && early.contains("cores") && !early.contains("of 200 MiB"), "{early}");
    assert!(late.contains("memory 181 MiB of 200 MiB (90 %)"), "{late}");
    assert_eq!(seen["memory"], "Memory");
    assert!(seen["lane"].as_u64() < seen["step"].as_u64(), "steps share the rows of a lane: {seen}");
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// What a drawing writes, in a script: `written(surface)` returns each text with its place.
const WRITTEN: &str = r"
const written = (surface) => {
    const texts = [];
    const write = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, x, y) { texts.push({ text, x, y }); write.call(this, text, x, y); };
    surface.now();
    CanvasRenderingContext2D.prototype.fillText = write;
    return texts;
};
";

#[test]
fn bars_that_are_too_short_have_their_names_beside_them() {
    let mut steps: Vec<_> = ["a_name_that_is_longer_than_its_bar", "first", "last_step_at_the_right_edge"]
        .map(|name| step(name, "succeeded", &[]))
        .into();
    for (step, (start, time)) in steps.iter_mut().zip([(0.5, 0.001), (0.0, 0.9), (0.999, 0.001)]) {
        (step["start"], step["duration"]) = (json!(seconds(start)), json!(seconds(time)));
    }
    let mut report = written(steps);
    report.wall = seconds(1.0);
    let script = r#"
        const at = (name) => written(timeline.surface).find((one) => one.text === name)?.x ?? null;
        return { width: timeline.surface.width, beside: at("a_name_that_is_longer_than_its_bar"), inside: at("first"), edge: at("last_step_at_the_right_edge") };
    "#;
    let Some(seen) = browse("short-bars", &report.to_html(), &WIDE, &format!("{WRITTEN}{script}")) else {
        return;
    };
    let at = |name: &str| seen[name].as_f64().unwrap_or_else(|| panic!("{name} is not written: {seen}"));
    let width = at("width");
    assert!(at("beside") > width / 2.0 && at("beside") < width * 0.6, "right of its bar: {seen}");
    assert!(at("inside") < 200.0, "in its bar: {seen}");
    assert!(at("edge") < width - 150.0, "left of its bar: {seen}");
}

#[test]
fn the_graph_uses_the_width() {
    let steps = vec![step("a", "succeeded", &[]), step("b", "succeeded", &[0]), step("c", "succeeded", &[1])];
    let script = r#"
        const places = written(graph.surface).filter((one) => ["a", "b", "c"].includes(one.text)).map((one) => one.x);
        return { places, width: wideOf() };
        function wideOf() { return graph.surface.width; }
    "#;
    let page = written(steps).to_html();
    let Some(seen) = browse("wide", &page, &WIDE, &format!("{WRITTEN}{script}")) else { return };
    let places: Vec<f64> = seen["places"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    // Boxes are 96 pixels wide and their columns 168 apart, unless there is room.
    assert!(places.len() == 3 && places[1] - places[0] > 400.0, "{seen}");
    assert!(places[2] - places[0] < seen["width"].as_f64().unwrap(), "{seen}");
}

#[test]
fn texts_and_the_address_of_the_page_lead_to_steps() {
    let script = r##"
        const advice = [...document.querySelectorAll("#advice li")].map((item) => item.innerText);
        const link = document.querySelector("#advice li button.link");
        link.click();
        const clicked = text("#details h2");
        location.hash = "#" + encodeURIComponent("recovers");
        await wait(50);
        return { advice, name: link.innerText, clicked, addressed: text("#details h2") };
    "##;
    let Some(seen) = browse("links", &failures().to_html(), &WIDE, script) else { return };
    let first = seen["advice"][0].as_str().unwrap();
    assert!(
        first.starts_with("fix ") && first.contains("which failed (and 1 other step failed): "),
        "{seen}"
    );
    assert_eq!((&seen["name"], &seen["addressed"]), (&seen["clicked"], &json!("recovers")));
    assert!(["loads", "breaks"].contains(&seen["name"].as_str().unwrap()), "{seen}");
}

#[test]
fn a_step_from_the_store_names_the_run_that_made_it_and_the_page_has_the_hit_rate() {
    let report = written(vec![step("source", "cached", &[]), step("left", "succeeded", &[0])]);
    let mut report = serde_json::to_value(report).unwrap();
    report["steps"][0]["cached_from"] =
        json!({ "run": "0000-1a2b3c4d", "made_unix_ms": 1_700_000_000_000_u64, "took_ms": 1_250 });
    let again = json!([{ "step": "left", "reason": "its code changed" }]);
    report["store"] = json!({
        "hits": 9_999, "misses": 1, "stored": 1, "bytes": 1, "stored_bytes": 1,
        "resumed": { "run": "0000-5e6f7a8b", "done": 1, "again": again },
    });
    let report: pipeline::RunReport = serde_json::from_value(report).unwrap();
    let seen = browse(
        "stored",
        &report.to_html(),
        &WIDE,
        r##"
        const seen = { notice: text("#notice"), terms: texts("#figures dt"), values: texts("#figures dd") };
        press("/", document.body);
        type("status:cached");
        await wait(50);
        seen.found = texts("#steps tbody .col-name .mono");
        press("Enter");
        seen.details = text("#details");
        return seen;
    "##,
    );
    let Some(seen) = seen else { return };
    let notice = seen["notice"].as_str().unwrap();
    assert!(notice.contains("Resumes run 5e6f7a8b: 1 of "), "{notice}");
    assert!(notice.contains("left ran again: its code changed"), "{notice}");
    let terms: Vec<&str> =
        seen["terms"].as_array().unwrap().iter().filter_map(|term| term.as_str()).collect();
    let place = terms.iter().position(|term| *term == "From the store").unwrap();
    let value = seen["values"][place].as_str().unwrap();
    assert!(value.starts_with("99 %") && value.contains("9,999 of 10,000 outputs found"), "{value}");
    assert_eq!(seen["found"], json!(["source"]));
    let details = seen["details"].as_str().unwrap();
    for wanted in ["made by run 1a2b3c4d", "2023-11-1", "1.25 s"] {
        assert!(details.contains(wanted), "{wanted}: {details}");
    }
}
