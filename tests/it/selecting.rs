//! K10: selecting what runs: up to a step, from a step on.

use std::collections::BTreeSet;

use pipeline::graph::ProblemCode;
use pipeline::prelude::*;
use pipeline::*;

#[step]
fn se_left() -> u64 {
    1
}
#[step]
fn se_right() -> u64 {
    2
}
#[step]
fn se_middle(se_left: &u64) -> u64 {
    se_left + 1
}
#[step]
fn se_end(se_middle: &u64, se_right: &u64) -> u64 {
    se_middle + se_right
}
#[step]
fn se_after(se_end: &u64) -> u64 {
    se_end + 1
}

fn all() -> Pipeline {
    Pipeline::new(Dag::of::<se_after>().unwrap())
}

#[track_caller]
fn runs(pipeline: Pipeline, expected: &[&str]) {
    let run = pipeline.run_blocking().unwrap();
    let report = run.report();
    let names: BTreeSet<&str> = report.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, expected.iter().copied().collect());
    assert!(run.succeeded());
}

#[test]
fn until_ends_a_run_with_that_step() {
    runs(all().until(["se_middle"]), &["se_left", "se_middle"]);
    runs(Pipeline::to::<se_after>().until(["se_middle"]), &["se_left", "se_middle"]);
    runs(all().until(["se_middle", "se_right"]), &["se_left", "se_right", "se_middle"]);
    runs(all().until(["se_*d*"]), &["se_left", "se_right", "se_middle", "se_end"]);
}

#[test]
fn from_selects_a_steps_dependents_and_what_they_need() {
    runs(all().from_steps(["se_end"]), &["se_left", "se_right", "se_middle", "se_end", "se_after"]);
    runs(all().from_steps(["se_left"]).until(["se_middle"]), &["se_left", "se_middle"]);
    runs(all().from_steps(["se_right"]).until(["se_end"]), &["se_left", "se_right", "se_middle", "se_end"]);
    runs(
        all().from_steps(["se_middle"]).with_output::<se_left>(10).until(["se_middle"]),
        &["se_left", "se_middle"],
    );
}

#[test]
fn ends_narrow_the_selection_and_exclusion_narrows_the_rest() {
    runs(all().select(["se_left", "se_after"]).until(["se_middle"]), &["se_left"]);
    runs(all().until(["se_end"]).exclude(["se_end"]), &["se_left", "se_right", "se_middle"]);
    runs(all().select(["1+se_end"]).exclude(["se_end"]), &["se_left", "se_right", "se_middle"]);
    runs(all().select(["+se_end,se_right+"]).exclude(["se_end"]), &["se_right"]);
}

#[test]
fn an_empty_selection_is_an_error_with_its_reason() {
    let why = |pipeline: Pipeline| {
        let problems = pipeline.run_blocking().unwrap_err();
        assert!(problems.has(ProblemCode::InvalidSelection), "{problems}");
        problems.to_string()
    };
    let text = why(all().from_steps(["se_right"]).until(["se_middle"]));
    assert!(text.contains("`se_middle` does not depend on `se_right`"), "{text}");
    let text = why(all().select(["se_after"]).until(["se_middle"]));
    assert!(text.contains("no selected step is within the bounds"), "{text}");
    let text = why(all().exclude(["*"]));
    assert!(text.contains("every selected step is excluded"), "{text}");
}

#[test]
fn an_unknown_end_is_reported_with_the_closest_name() {
    let problems = all().until(["se_midle"]).from_steps(["tag:none"]).run_blocking().unwrap_err();
    let text = problems.to_string();
    assert!(problems.has(ProblemCode::UnknownTarget), "{text}");
    assert!(
        text.contains("did you mean `se_middle`?") && text.contains("no step has the tag `none`"),
        "{text}"
    );
    assert!(!text.contains("nothing to run"), "one mistake is reported once: {text}");
}
