//! Selections, in words.

use super::super::{Dag, Selection};
use super::{graph, names_of, shop, step, step_in};
use crate::problem::{ProblemCode, Problems};

fn select(dag: &Dag, terms: &[&str], without: &[&str]) -> Result<Vec<usize>, Problems> {
    dag.select(&Selection::parse(terms)?.exclude(without)?)
}

#[track_caller]
fn check(terms: &[&str], without: &[&str], expected: &[&str]) {
    let dag = shop();
    let found = select(&dag, terms, without).expect("the selection fits the graph");
    assert_eq!(names_of(&dag, found), expected);
}

#[test]
fn terms_are_united() {
    check(&["revenue"], &[], &["revenue"]);
    check(&["revenue", "orders", "revenue"], &[], &["orders", "revenue"]);
    check(&["shop::rates", "tag:nightly"], &[], &["orders", "rates"]);
}

#[test]
fn globs_match_names_and_identities() {
    check(&["r*"], &[], &["rates", "revenue"]);
    check(&["{orders,mail}"], &[], &["orders", "mail"]);
    check(&["shop::*"], &["vol???"], &["orders", "rates", "revenue", "mail"]);
}

#[test]
fn tags_and_groups_select_all_that_have_them() {
    check(&["tag:source"], &[], &["orders", "rates"]);
    check(&["tag:night*"], &[], &["orders"]);
    check(&["group:gold"], &[], &["volume", "revenue"]);
    check(&["group:{gold,bronze}"], &[], &["orders", "rates", "volume", "revenue"]);
}

#[test]
fn a_plus_adds_what_is_upstream_or_downstream() {
    check(&["+revenue"], &[], &["orders", "rates", "revenue"]);
    check(&["rates+"], &[], &["rates", "revenue", "mail"]);
    check(&["+revenue+"], &[], &["orders", "rates", "revenue", "mail"]);
    check(&["+group:gold"], &[], &["orders", "rates", "volume", "revenue"]);
    check(&["tag:nightly+"], &[], &["orders", "volume", "revenue", "mail"]);
    // What one term reaches does not stop another.
    check(&["revenue", "orders+", "+mail"], &[], &["orders", "rates", "volume", "revenue", "mail"]);
}

#[test]
fn a_number_says_how_far_a_plus_reaches() {
    check(&["1+mail"], &[], &["revenue", "mail"]);
    check(&["2+mail"], &[], &["orders", "rates", "revenue", "mail"]);
    check(&["0+mail"], &[], &["mail"]);
    check(&["rates+1"], &[], &["rates", "revenue"]);
    check(&["1+revenue+1"], &[], &["orders", "rates", "revenue", "mail"]);
    check(&["99999999999999999999999+mail"], &[], &["orders", "rates", "revenue", "mail"]);
}

#[test]
fn a_comma_is_what_all_parts_select() {
    check(&["group:gold,r*"], &[], &["revenue"]);
    check(&["orders+,+mail"], &[], &["orders", "revenue", "mail"]);
    check(&["{orders,mail},tag:nightly", "volume"], &[], &["orders", "volume"]);
    let problems = select(&shop(), &["group:gold,tag:source"], &[]).expect_err("no step is both");
    let text = problems.to_string();
    for expected in ["no step is in all of its parts", "`group:gold` selects 2", "a comma is *and*"] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}

#[test]
fn lanes_and_packages_are_labels() {
    check(&["package:shop,lane:cpu,group:bronze"], &[], &["orders"]);
    let problems =
        select(&shop(), &["lane:gpu", "package:shoq"], &[]).expect_err("there is none").to_string();
    for expected in ["no step is of the lane `gpu`", "did you mean `shop`?"] {
        assert!(problems.contains(expected), "{expected}\n{problems}");
    }
}

#[test]
fn exclusion_wins() {
    check(&["+mail"], &["tag:source"], &["revenue", "mail"]);
    check(&[], &["+revenue"], &["volume", "mail"]);
    check(&[], &[], &["orders", "rates", "volume", "revenue", "mail"]);
    check(&["mail"], &["*"], &[]);
}

#[test]
fn names_with_special_characters_mean_themselves() {
    let dag = graph(vec![
        step("c++"),
        step("shard[0]"),
        step("tag:x").tags(&["x"]),
        step("other").tags(&["x"]),
        step("eu/orders"),
        step("+a+"),
        step("a").reads("c", 0),
    ]);
    let check = |terms: &[&str], expected: &[&str]| {
        let found = select(&dag, terms, &[]).expect("the selection fits the graph");
        assert_eq!(names_of(&dag, found), expected, "{terms:?}");
    };
    check(&["c++"], &["c++"]);
    check(&["shard[0]"], &["shard[0]"]);
    check(&["tag:x"], &["tag:x"]);
    check(&["tag:[x]"], &["tag:x", "other"]);
    check(&["*orders", "eu/*"], &["eu/orders"]);
    check(&["+a+"], &["+a+"]);
    check(&["+a"], &["c++", "a"]);
}

#[test]
fn every_term_that_selects_nothing_is_reported() {
    let problems = select(&shop(), &["revenu", "tag:sources", "group:silver", "x*"], &["tag:weekly"]);
    let problems = problems.expect_err("nothing fits").into_vec();
    assert_eq!(problems.len(), 5);
    assert!(problems.iter().all(|problem| problem.code == ProblemCode::UnknownTarget));
    let text = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for expected in [
        "`group:silver` selects nothing: no step has the group `silver`",
        "did you mean `source`?",
        "did you mean `revenue`?",
        "there are bronze, gold",
        "`x*` selects nothing: no step has a name like `x*`",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}

#[test]
fn an_ambiguous_name_is_reported_and_a_glob_takes_all() {
    let dag = graph(vec![step_in("a", "load"), step_in("b", "load")]);
    let problems = select(&dag, &["load"], &[]).expect_err("it fits two");
    assert!(problems.has(ProblemCode::AmbiguousName));
    assert_eq!(select(&dag, &["*::load"], &[]), Ok(vec![0, 1]));
}

#[test]
fn every_unreadable_term_is_reported() {
    let terms = ["", "+", "++", "tag:", "group: ", "+tag:+", "a,", "1+", "a[b", "a{b", "a\\", "!a", "fine"];
    let problems = Selection::parse(&terms).expect_err("unreadable").into_vec();
    assert_eq!(problems.len(), terms.len() - 1);
    assert!(problems.iter().all(|problem| problem.code == ProblemCode::InvalidSelection));
    assert!(Selection::all().exclude(&["+"]).is_err());
}
