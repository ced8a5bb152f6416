//! Which columns a narrow table of steps has: the name disappears last.

use pipeline::Dag;
use pipeline::graph::graph_page;
use serde_json::{Value, json};

use crate::browser::{Look, browse};
use crate::runs::{diamond, failures, success};

/// The visible columns, and the width of the one with the names.
const COLUMNS: &str = r##"
const columns = () => ({
    shown: [...document.querySelectorAll("#steps th")].filter((heading) => heading.getClientRects().length).map((heading) => heading.innerText),
    name: document.querySelector("#steps th.col-name").getBoundingClientRect().width,
    sticksOut: document.querySelector(".rows").scrollWidth - document.querySelector(".rows").clientWidth,
});
"##;

#[test]
fn step_names_are_readable_at_any_width() {
    let page = failures().to_html();
    for width in [800, 1200, 1280, 1440] {
        let script = format!(
            "{COLUMNS} const open = columns(); select(null); const closed = columns(); return {{ open, closed, room: innerWidth }};"
        );
        let look = Look { width, timers: true };
        let Some(seen) = browse(&format!("columns-{width}"), &page, &look, &script) else { return };
        assert_eq!(seen["room"], width, "{seen}");
        for panel in ["open", "closed"] {
            let columns = &seen[panel];
            assert!(columns["name"].as_f64() >= Some(130.0), "{width}, {panel}: {columns}");
            assert_eq!(columns["sticksOut"], 0, "{width}, {panel}: {columns}");
            let names = columns["shown"].as_array().unwrap();
            for kept in ["Status", "Step", "Group", "Time", "Attempts"] {
                assert!(names.contains(&json!(kept)), "{width}, {panel}, {kept}: {columns}");
            }
        }
    }
}

#[test]
fn other_columns_disappear_one_by_one_and_the_name_stays() {
    let script = format!(
        r#"{COLUMNS}
        const seen = [];
        for (let width = 1300; width >= 200; width -= 10) {{
            document.querySelector(".rows").style.width = `${{width}}px`;
            seen.push({{ width, ...columns() }});
        }}
        return seen;"#
    );
    let look = Look { width: 1440, timers: true };
    let grouped = [failures().to_html(), graph_page(&with_a_group().document())];
    let plain = [success().to_html(), graph_page(&diamond().document())];
    let pages = grouped.into_iter().chain(plain).zip([(9, 2), (6, 1), (7, 2), (5, 1)]);
    for (number, (page, (most, fewest))) in pages.enumerate() {
        let Some(seen) = browse(&format!("columns-of-{number}"), &page, &look, &script) else { return };
        let all: Vec<&Value> = seen.as_array().unwrap().iter().collect();
        let shown = |columns: &Value| columns["shown"].as_array().unwrap().len();
        assert_eq!(
            (shown(all[0]), shown(all[all.len() - 1])),
            (most, fewest),
            "from all to the last: {seen}"
        );
        for pair in all.windows(2) {
            assert!(shown(pair[1]) <= shown(pair[0]), "what has gone stays away: {pair:?}");
        }
        for columns in all {
            assert!(columns["name"].as_f64() >= Some(130.0), "{number}: {columns}");
            assert_eq!(columns["sticksOut"], 0, "{number}: {columns}");
            assert!(columns["shown"].as_array().unwrap().contains(&json!("Step")), "{number}: {columns}");
        }
    }
}

/// A graph of two steps, one of them in a group.
fn with_a_group() -> Dag {
    use pipeline::prelude::*;

    #[step(group = "bronze")]
    fn source() -> u64 {
        1
    }
    #[step]
    fn reader(source: &u64) -> u64 {
        *source
    }
    Dag::of::<reader>().unwrap()
}
