//! Graphs written as documents, and loaded again.

use crate::Quorum;
use std::borrow::Cow;

use super::super::{Dag, Format, GraphDocument};
use super::{AT, NeverRun, graph, names_of, shop, step};
use crate::call::Code;
use crate::lane::Lane;
use crate::location::{Location, Package};
use crate::params::{ParamDef, parse_param};
use crate::problem::{ProblemCode, Problems};
use crate::registry::Registration;
use crate::step::{InputDef, InputKind, Mode, Source, StepDef};
use crate::value::TypeDef;

const fn upstream(name: &'static str, source: Source, mode: Mode) -> InputDef {
    let kind = InputKind::Upstream { source, mode, quorum: Quorum::All, ty: TypeDef::of::<u64>() };
    InputDef { name: Cow::Borrowed(name), kind, location: AT }
}

const fn registered(name: &'static str, line: u32, inputs: &'static [InputDef]) -> StepDef {
    StepDef {
        name: Cow::Borrowed(name),
        module: Cow::Borrowed("core::tests"),
        package: Package { name: "core", version: "0.1.0" },
        location: Location { file: "src/tests.rs", line, column: 1 },
        doc: Cow::Borrowed("Has a comment.\nAnd \"quotes\"."),
        lane: Lane::Cpu,
        tags: Cow::Borrowed(&["test"]),
        group: Some(Cow::Borrowed("silver")),
        cost: 3,
        inputs: Cow::Borrowed(inputs),
        after: Cow::Borrowed(&[]),
        cases: Cow::Borrowed(&[]),
        policy: crate::Policy::NONE,
        output: TypeDef::of::<u64>(),
        codec: crate::Codec::NONE,
        trace: None,
        trace_details: None,
        code: Code::Static(&NeverRun),
    }
}

static ROWS: StepDef = registered("registered_rows", 1, &[]);
static DOUBLE: StepDef = registered("registered_double", 2, &DOUBLE_INPUTS);
static DOUBLE_INPUTS: [InputDef; 2] = [
    upstream("rows", Source::Unbound, Mode::Borrow),
    InputDef {
        name: Cow::Borrowed("secret"),
        kind: InputKind::Param(ParamDef {
            name: Cow::Borrowed("secret"),
            ty: TypeDef::of::<String>(),
            has_default: false,
            secret: || Some(false),
            parse: parse_param::<String>,
            default: None,
            default_text: None,
            copy: None,
        }),
        location: AT,
    },
];
static SUM: StepDef = registered("registered_sum", 3, &SUM_INPUTS);
static SUM_INPUTS: [InputDef; 2] = [
    upstream("parts", Source::UnboundMany, Mode::Borrow),
    upstream("rows", Source::Path(|| &ROWS), Mode::Option),
];

inventory::submit!(Registration(|| &ROWS));
inventory::submit!(Registration(|| &DOUBLE));
inventory::submit!(Registration(|| &SUM));

/// Makes two instances of one function, a fan-in, and an order without data.
fn instances() -> Dag {
    let mut builder = crate::DagBuilder::new();
    let rows = builder.add_def::<u64>(&ROWS).handle();
    let eu = builder.add_def::<u64>(&DOUBLE).named("eu").input("rows", rows).param("secret", "hush").handle();
    let us = builder.add_def::<u64>(&DOUBLE).named("us").input("rows", rows).after(eu).handle();
    let _ = builder.add_def::<u64>(&SUM).inputs("parts", [us, eu, us]).handle();
    builder.build().expect("the steps fit together")
}

/// Loads the document of [`instances`] after a change to its JSON.
fn load_changed(from: &str, to: &str) -> Result<Dag, Problems> {
    let json = instances().render(Format::Json);
    assert!(json.contains(from), "{json}");
    Dag::from_document(&GraphDocument::from_json(&json.replace(from, to))?)
}

#[track_caller]
fn check_refused(from: &str, to: &str, expected: &[&str]) {
    let text = load_changed(from, to).expect_err("does not load").to_string();
    for expected in expected {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}

#[test]
fn a_document_survives_json() {
    for dag in [shop(), instances(), graph(vec![]), graph(vec![step("q\"\n\u{0}\u{1f600}")])] {
        let document = dag.document();
        assert_eq!(GraphDocument::from_json(&document.to_json()), Ok(document));
    }
}

#[test]
fn a_document_holds_names_and_no_values() {
    let json = instances().render(Format::Json);
    assert!(json.contains("\"params\": [\n        \"secret\"\n      ]"), "{json}");
    assert!(!json.contains("hush"), "{json}");
    let document = instances().document();
    let [rows, eu, us, sum] = document.steps.as_slice() else { panic!("four steps") };
    assert_eq!((rows.name.as_str(), rows.id.as_str()), ("registered_rows", "core::tests::registered_rows"));
    assert_eq!((eu.name.as_str(), eu.id.as_str()), ("eu", "core::tests::registered_double"));
    assert_eq!((us.after.as_slice(), us.cost), (["eu".to_owned()].as_slice(), 3));
    let parts = &sum.inputs[0];
    assert_eq!(
        (parts.kind.as_str(), parts.mode.as_deref(), parts.ty.as_deref()),
        ("upstream", Some("borrow"), Some("u64"))
    );
    assert_eq!(parts.from, ["us", "eu", "us"]);
    assert_eq!(eu.inputs[1].given_as.as_deref(), Some("secret"));
}

#[test]
fn a_document_loads_back_into_the_same_graph() {
    let dag = instances();
    let document = GraphDocument::from_json(&dag.render(Format::Json)).expect("reads back");
    let loaded = Dag::from_document(&document).expect("loads");
    assert_eq!(names_of(&loaded, 0..loaded.len()), ["registered_rows", "eu", "us", "registered_sum"]);
    assert_eq!(loaded.render(Format::Dot), dag.render(Format::Dot));
    assert_eq!(loaded.sources(3, 0), dag.sources(3, 0));
    // Only the values of parameters and the locations of instances are lost.
    let again = loaded.document();
    assert!(again.steps.iter().all(|step| step.params.is_empty()));
    assert_eq!(Dag::from_document(&again).expect("loads").document(), again);
}

#[test]
fn unknown_fields_are_ignored_and_missing_ones_have_defaults() {
    let json = r#"{ "schema": 1, "made_by": "a later version", "steps": [
        { "name": "rows", "id": "core::tests::registered_rows", "lane": "cpu", "colour": [1, { "x": null }] } ] }"#;
    let document = GraphDocument::from_json(json).expect("reads");
    assert_eq!(document.steps[0].cost, 1);
    assert_eq!(Dag::from_document(&document).map(|dag| dag.len()), Ok(1));
}

#[test]
fn a_newer_schema_is_refused() {
    let problem =
        GraphDocument::from_json(r#"{ "schema": 2, "steps": "of another form" }"#).expect_err("newer");
    assert_eq!(problem.code, ProblemCode::InvalidDocument);
    assert!(problem.message.contains("schema 2; this version reads up to 1"), "{problem}");
}

#[test]
fn other_json_is_refused() {
    let deep = "[".repeat(100_000);
    for json in
        ["", "{}", "[]", r#"{"schema": 1}"#, r#"{"schema": 0, "steps": []}"#, r#"{"schema": -1}"#, &deep]
    {
        let problem = GraphDocument::from_json(json).expect_err("no document");
        assert_eq!(problem.code, ProblemCode::InvalidDocument, "{json:.20}");
    }
}

#[test]
fn closures_cannot_be_loaded() {
    let problems = Dag::from_document(&shop().document()).expect_err("all are closures").into_vec();
    assert_eq!(problems.len(), 5, "all problems at once");
    assert!(problems[0].message.contains("is a closure, which a document cannot hold"), "{}", problems[0]);
}

#[test]
fn a_document_that_does_not_fit_the_program_is_refused() {
    check_refused(
        "core::tests::registered_rows",
        "core::tests::registered_row",
        &[
            "step `registered_rows` is `core::tests::registered_row`, which this program does not have",
            "did you mean `core::tests::registered_rows`? if it lives in a library",
        ],
    );
    check_refused(
        "\"parameter\": \"parts\"",
        "\"parameter\": \"part\"",
        &["step `registered_sum` has no input `part` in this program", "did you mean `parts`?"],
    );
    check_refused("\"registered_rows\"\n", "\"registered_rowz\"\n", &["which is not in the document"]);
    check_refused("\"name\": \"us\"", "\"name\": \"eu\"", &["the document has two steps named `eu`"]);
    check_refused("\"registered_rows\"\n", "\"eu\", \"us\"\n", &["reads one step, not 2"]);
    check_refused("\"after\": []", "\"after\": [\"registered_sum\"]", &["steps wait for each other"]);
}
