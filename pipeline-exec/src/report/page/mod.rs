//! The page of a run, or of a graph: one HTML file that needs nothing else, offline, for browsers from 2024 on.
//!
//! The page is assembled from source files in this folder and holds its data as JSON in a block that is not executed.
//! Texts of users are in that block only, and the scripts write them as text, never as HTML. The page's policy allows
//! one script and one style by their hashes, and nothing else: no request, no image, no frame, no form.

mod data;

use pipeline_core::GraphDocument;
use pipeline_core::layout::Layout;
use serde::Serialize;

use self::data::{Drawing, edges_of, width_of};
use super::RunReport;
use crate::text::clean;

const SKELETON: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// The parts of the script, each after those it needs.
const SCRIPTS: [&str; 10] = [
    include_str!("text.js"),
    include_str!("model.js"),
    include_str!("dom.js"),
    include_str!("canvas.js"),
    include_str!("graph.js"),
    include_str!("attempts.js"),
    include_str!("timeline.js"),
    include_str!("table.js"),
    include_str!("details.js"),
    include_str!("page.js"),
];

/// The SHA-256 of the script and of the style, as the policy names them. After a change of either, the failing test in
/// `tests/page/reading.rs` prints them.
const SCRIPT_HASH: &str = "sha256-LXfyd8V0blLehOPP612n2NLCosgbo8aSv2ecd0Q8LRc=";
const STYLE_HASH: &str = "sha256-RABuikcSHuqftEi9DbHAjrGzsHk3rdtb6zPwmZaRzAs=";

impl RunReport {
    /// Returns the report as a page: one HTML file with the graph, the timeline, the table of steps, errors, and the
    /// rest of the report. It works offline, makes no request, and shows any text as it is.
    ///
    /// The page of a run of more than 20,000 steps has a selection of them: those that failed, the unusual and the slowest
    /// ones. It says so.
    ///
    /// Like [`RunReport::to_json`], it holds no input or output of a step, except dead letters.
    ///
    /// # Complexity
    /// O((steps + edges) · log steps).
    pub fn to_html(&self) -> String {
        if let Some(bounded) = self.bounded() {
            return bounded.to_html();
        }
        let widths: Vec<f64> = self.steps.iter().map(|step| width_of(&step.name)).collect();
        let edges = self.steps.iter().enumerate();
        let edges = edges.flat_map(|(to, step)| step.upstream.iter().map(move |&from| (from, to)));
        let drawing = Drawing::of(&Layout::of(&widths, edges));
        page(
            &format!("Run {}", self.run_id),
            &Data { report: Some(self), left_out: self.left_out(), graph: None, drawing },
        )
    }
}

/// Returns a graph without a run as a page: the drawing, the table of steps, and their details. Like the page of a run,
/// it is one HTML file that works offline and makes no request.
///
/// ```
/// # use pipeline_core::{DagBuilder, Problems};
/// let mut dag = DagBuilder::new();
/// dag.cpu("one", (), |()| 1_u64);
/// let page = pipeline_exec::graph_page(&dag.build()?.document());
/// assert!(page.starts_with("<!DOCTYPE html>"));
/// # Ok::<(), Problems>(())
/// ```
pub fn graph_page(graph: &GraphDocument) -> String {
    let widths: Vec<f64> = graph.steps.iter().map(|step| width_of(&step.name)).collect();
    let drawing = Drawing::of(&Layout::of(&widths, edges_of(graph)));
    page("Graph", &Data { report: None, left_out: 0, graph: Some(graph), drawing })
}

/// The data that the script reads.
#[derive(Serialize)]
struct Data<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<&'a RunReport>,
    /// Number of steps of the run that the page does not have.
    left_out: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    graph: Option<&'a GraphDocument>,
    drawing: Drawing,
}

/// Fills the skeleton, each gap once and in order, so that inserted text is never read as a gap.
fn page(title: &str, data: &Data<'_>) -> String {
    let json = serde_json::to_string(data)
        .unwrap_or_else(|error| format!("{{\"unreadable\":{:?}}}", error.to_string()));
    let script = SCRIPTS.concat();
    let policy = policy();
    let gaps = [
        ("{{policy}}", policy.as_str()),
        ("{{title}}", &inert(title)),
        ("{{style}}", STYLE),
        ("{{data}}", &inert_json(&json)),
        ("{{script}}", &script),
    ];
    let mut out = String::with_capacity(SKELETON.len() + STYLE.len() + script.len() + json.len() + 1024);
    let mut rest = SKELETON;
    for (gap, filling) in gaps {
        let (before, behind) =
            rest.split_once(gap).expect("invariant: the skeleton has each gap, in this order");
        out.push_str(before);
        out.push_str(filling);
        rest = behind;
    }
    out.push_str(rest);
    out
}

fn policy() -> String {
    format!(
        "default-src 'none'; script-src '{SCRIPT_HASH}'; style-src '{STYLE_HASH}'; base-uri 'none'; \
         form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
}

/// Escapes text between tags.
fn inert(text: &str) -> String {
    clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Returns JSON for a script block: the same JSON, with escapes for the characters that HTML or an old JavaScript
/// parser could misread. These occur only in strings.
fn inert_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 16);
    for character in json.chars() {
        match character {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            _ => out.push(character),
        }
    }
    out
}
