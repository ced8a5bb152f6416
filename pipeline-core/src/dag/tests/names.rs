//! Finding steps by name.

use super::super::Selection;
use super::{Dag, graph, shop, step, step_in};
use crate::problem::{Problem, ProblemCode};

/// Two steps named `orders`, a deeper one, and two instances of one function.
fn several() -> Dag {
    graph(vec![
        step_in("shop::ingest", "orders"),
        step_in("shop::export", "orders"),
        step_in("shop::ingest", "rates"),
        step_in("shop::ingest", "convert").named("eu"),
        step_in("shop::ingest", "convert").named("us"),
        step_in("shop::ingest", "load").named("load_once"),
    ])
}

fn missing(dag: &Dag, name: &str) -> Problem {
    dag.find(name).expect_err("there is no such step")
}

#[test]
fn a_step_is_found_by_name_identity_and_end_of_identity() {
    let dag = several();
    for (name, position) in [
        ("rates", 2),
        ("shop::ingest::rates", 2),
        ("ingest::rates", 2),
        ("shop::ingest::orders", 0),
        ("export::orders", 1),
        ("eu", 3),
    ] {
        assert_eq!(dag.find(name), Ok(position), "{name}");
    }
}

#[test]
fn the_function_names_its_only_instance() {
    let dag = several();
    assert_eq!(dag.find("load"), Ok(5));
    assert_eq!(dag.find("ingest::load"), Ok(5));
}

#[test]
fn a_full_identity_hides_longer_ones_that_end_with_it() {
    let dag = graph(vec![step_in("shop::ingest", "load"), step_in("ingest", "load")]);
    assert_eq!(dag.find("ingest::load"), Ok(1));
    assert_eq!(dag.find("shop::ingest::load"), Ok(0));
}

#[test]
fn a_step_under_its_own_name_hides_instances_of_it() {
    let dag = graph(vec![step("convert").named("eu"), step("convert")]);
    assert_eq!(dag.find("shop::convert"), Ok(1));
}

#[test]
fn an_ambiguous_name_lists_the_candidates_and_where_they_are() {
    let problem = missing(&several(), "orders");
    assert_eq!(problem.code, ProblemCode::AmbiguousName);
    assert_eq!(
        problem.notes,
        ["`shop::ingest::orders` at src/shop.rs:7", "`shop::export::orders` at src/shop.rs:7"]
    );
    assert_eq!(missing(&several(), "convert").notes, ["`eu` at src/shop.rs:7", "`us` at src/shop.rs:7"]);
}

#[test]
fn a_long_list_of_candidates_is_cut() {
    let dag = graph((0..25).map(|number| step("convert").named(&format!("c{number:02}"))).collect());
    let notes = missing(&dag, "convert").notes;
    assert_eq!(notes.len(), 11);
    assert_eq!(notes.last().map(String::as_str), Some("and 15 more"));
}

#[test]
fn an_unknown_name_suggests_the_closest_and_mentions_the_linker() {
    let problem = missing(&shop(), "revenu");
    assert_eq!(problem.code, ProblemCode::UnknownTarget);
    let hint = problem.hint.expect("a hint");
    assert!(hint.starts_with("did you mean `revenue`?"), "{hint}");
    assert!(hint.contains("use that_crate as _;"), "{hint}");
    let hint = missing(&several(), "order").hint.expect("a hint");
    assert!(hint.starts_with("did you mean `orders`?"), "{hint}");
}

#[test]
fn the_name_of_an_instance_is_a_step_rather_than_a_label_in_hints() {
    let dag = graph(vec![step("convert").named("silver"), step("orders").tags(&["silver"])]);
    let hint = missing(&dag, "silvre").hint.expect("a hint");
    assert!(hint.starts_with("did you mean `silver`?"), "{hint}");
    let group = Selection::parse(&["group:silver"]).expect("it can be read");
    let problems = dag.select(&group).expect_err("it is no group").to_string();
    assert!(problems.contains("`silver` is a step: write `silver`"), "{problems}");
}

#[test]
fn what_only_looks_like_the_end_of_an_identity_is_not_found() {
    let dag = several();
    for name in ["gest::rates", "::rates", "shop::rates", "ates", "", "::", "rates::", "ingest::"] {
        assert_eq!(missing(&dag, name).code, ProblemCode::UnknownTarget, "{name}");
    }
}

#[test]
fn a_registered_step_outside_of_the_graph_is_mentioned() {
    let problem = missing(&shop(), "registered_rows");
    assert!(problem.notes[0].contains("is registered, but no part of this graph"), "{problem}");
    assert!(!problem.to_string().contains("that_crate"), "{problem}");
}
