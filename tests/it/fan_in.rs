//! Many inputs of one step: any width, by name, outcomes, options.

use std::collections::BTreeMap;

use pipeline::prelude::*;
use pipeline::*;

/// D01, S24: a thousand inputs, all present, in order.
#[test]
fn a_fan_in_of_a_thousand_keeps_their_order() {
    #[step]
    fn numbered(#[param] n: usize) -> usize {
        n
    }
    #[step]
    fn all_of_them(#[input] numbers: Vec<&usize>) -> Vec<usize> {
        numbers.into_iter().copied().collect()
    }
    for width in [7, 1000] {
        let mut dag = DagBuilder::new();
        let steps: Vec<Handle<usize>> =
            (0..width).map(|n| dag.add::<numbered>().named(format!("n{n}")).param("n", n).handle()).collect();
        let closures = dag.cpu("closures", steps.clone(), |all: Vec<&usize>| all.into_iter().sum::<usize>());
        let _ = dag.add::<all_of_them>().inputs("numbers", steps.into_iter().rev());
        let _ = closures;
        let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
        let wanted: Vec<usize> = (0..width).rev().collect();
        assert_eq!(run.output_named::<Vec<usize>>("all_of_them"), Ok(&wanted));
        assert_eq!(run.output_named::<usize>("closures"), Ok(&wanted.iter().sum()));
    }
}

/// D02
#[test]
fn a_merge_is_keyed_by_the_names_of_its_branches() {
    #[step]
    fn north() -> u32 {
        1
    }
    #[step]
    fn south() -> u32 {
        2
    }
    #[step]
    fn merged(#[from(south, north)] regions: BTreeMap<&str, &u32>) -> String {
        regions.iter().map(|(name, n)| format!("{name}={n};")).collect()
    }
    let run = Pipeline::to::<merged>().run_blocking().unwrap();
    assert_eq!(run.output::<merged>().unwrap(), "north=1;south=2;");
}

/// D03, D04, E10: a merge of outcomes sees successes and failures, with their causes.
#[test]
fn a_merge_of_outcomes_sees_successes_failures_and_skips() {
    crate::support::quiet();
    #[step]
    fn fine() -> u32 {
        1
    }
    #[step]
    fn erring() -> Result<u32, std::num::ParseIntError> {
        "x".parse::<u32>()
    }
    #[step]
    async fn panicking() -> u32 {
        panic!("planted")
    }
    #[step]
    fn behind(erring: &u32) -> u32 {
        *erring
    }
    #[step]
    fn outcomes(#[from(fine, erring, panicking, behind)] all: Vec<Result<&u32, &StepError>>) -> Vec<String> {
        let told = |outcome: Result<&u32, &StepError>| match outcome {
            Ok(n) => format!("ok {n}"),
            Err(error) => format!("{} {}", error.step(), error.kind().name()),
        };
        all.into_iter().map(told).collect()
    }
    #[step]
    fn available(
        #[from(fine, erring, panicking, behind)] all: Vec<Option<&u32>>,
        #[from(fine, erring, behind)] named: BTreeMap<&str, Option<&u32>>,
        #[from(erring, behind)] errors: BTreeMap<&str, Result<&u32, &StepError>>,
    ) -> (usize, Vec<String>) {
        let failed = named.iter().filter(|(_, n)| n.is_none()).map(|(name, _)| (*name).to_owned()).collect();
        (all.iter().flatten().count() + errors.values().filter(|error| error.is_err()).count(), failed)
    }
    let run = Pipeline::to::<outcomes>().and::<available>().run_blocking().unwrap();
    assert_eq!(
        run.output::<outcomes>().unwrap(),
        &["ok 1", "erring error", "panicking panic", "erring error"]
    );
    assert_eq!(run.output::<available>().unwrap(), &(3, vec!["behind".to_owned(), "erring".to_owned()]));
    assert!(!run.succeeded(), "the failures are failures still");
}

/// D01: steps collected by pattern or tag come in name order, without the reader itself.
#[test]
fn steps_are_collected_by_pattern_and_by_tag() {
    #[step(tags("fan_in_source"))]
    fn fan_in_src_b() -> u32 {
        2
    }
    #[step(tags("fan_in_source"))]
    fn fan_in_src_a() -> u32 {
        1
    }
    #[step]
    fn fan_in_src_c(#[from("fan_in_src_*")] all: Vec<&u32>) -> u32 {
        all.into_iter().fold(0, |sum, n| sum * 10 + n)
    }
    #[step]
    fn tagged(#[from(tag = "fan_in_source")] all: BTreeMap<&str, &u32>) -> Vec<String> {
        all.keys().map(|name| (*name).to_owned()).collect()
    }
    let run = Pipeline::to::<fan_in_src_c>().and::<tagged>().run_blocking().unwrap();
    assert_eq!(run.output::<fan_in_src_c>(), Ok(&12));
    assert_eq!(run.output::<tagged>().unwrap(), &["fan_in_src_a", "fan_in_src_b"]);
}

/// A fan-in of no steps is as empty as its list.
#[test]
fn a_fan_in_can_be_empty() {
    #[step]
    fn fan_in_total(#[input] parts: Vec<&u64>) -> u64 {
        parts.into_iter().sum()
    }
    #[step]
    fn fan_in_names(#[input] parts: BTreeMap<&str, Result<&u64, &StepError>>) -> usize {
        parts.len()
    }
    #[step]
    fn fan_in_nothing_like_it(#[from("no_such_step_*", or_none)] parts: Vec<&u64>) -> usize {
        parts.len()
    }
    #[step]
    fn fan_in_nothing_tagged(
        #[from(tag = "no_such_tag", or_none)] parts: BTreeMap<&str, &u64>,
        #[from("no_such_step_*", at_least = 0)] others: Vec<&u64>,
    ) -> usize {
        parts.len() + others.len()
    }
    let none = Vec::<Handle<u64>>::new;
    let mut dag = DagBuilder::new();
    let _ = dag.add::<fan_in_total>().inputs("parts", none());
    let _ = dag.add::<fan_in_names>().inputs("parts", none());
    dag.cpu("closure", none(), |parts| parts.len());
    dag.add::<fan_in_nothing_like_it>();
    let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
    assert_eq!(run.output_named("fan_in_total"), Ok(&0_u64));
    for step in ["fan_in_names", "closure", "fan_in_nothing_like_it"] {
        assert_eq!(run.output_named(step), Ok(&0_usize), "{step}");
    }
    let run = Pipeline::to::<fan_in_nothing_like_it>().and::<fan_in_nothing_tagged>().run_blocking().unwrap();
    assert_eq!(run.output::<fan_in_nothing_like_it>(), Ok(&0));
    assert_eq!(run.output::<fan_in_nothing_tagged>(), Ok(&0));
}

/// Unless the step says otherwise, a pattern without a match is a mistake.
#[test]
fn a_pattern_or_tag_that_matches_nothing_is_reported() {
    #[step]
    fn fan_in_mistaken(
        #[from("no_such_step_*")] _like: Vec<&u64>,
        #[from(tag = "no_such_tag")] _tagged: Vec<&u64>,
    ) -> u64 {
        0
    }
    #[step]
    fn fan_in_too_few(#[input] _parts: Vec<&u64>, #[from("no_such_step_*", at_least = 1)] _few: Vec<&u64>) {}
    let problems = Pipeline::to::<fan_in_mistaken>().plan().unwrap_err().to_string();
    for part in
        ["no step has a name like `no_such_step_*`", "no step has the tag `no_such_tag`", "write `or_none`"]
    {
        assert!(problems.contains(part), "{part}\n{problems}");
    }
    assert_eq!(problems.matches("it reads steps that return u64").count(), 2, "{problems}");
    let mut dag = DagBuilder::new();
    let _ = dag.add::<fan_in_too_few>().inputs("_parts", Vec::<Handle<u64>>::new());
    assert!(dag.build().unwrap_err().to_string().contains("needs 1 successes of 0 steps"));
}

/// One step feeds several parameters, and one fan-in twice.
#[test]
fn one_step_can_feed_many_parameters() {
    #[step]
    fn single() -> String {
        "x".into()
    }
    #[step]
    fn many_times(
        single: &str,
        #[from(single)] again: &String,
        #[from(single, single)] twice: Vec<&str>,
        #[from(single)] option: Option<&str>,
        #[from(single)] outcome: Result<&str, &StepError>,
    ) -> usize {
        single.len() + again.len() + twice.len() + option.map_or(0, str::len) + outcome.map_or(0, str::len)
    }
    let run = Pipeline::to::<many_times>().run_blocking().unwrap();
    assert_eq!(run.output::<many_times>(), Ok(&6));
}

/// A required fan-in is skipped because of its first failure in the order written.
#[test]
fn a_required_fan_in_is_skipped_for_its_first_failure() {
    #[step]
    fn broken_one() -> Result<u32, String> {
        Err("one".into())
    }
    #[step]
    fn broken_two() -> Result<u32, String> {
        Err("two".into())
    }
    #[step]
    fn needs_both(#[from(broken_two, broken_one)] all: Vec<&u32>) -> usize {
        all.len()
    }
    for _ in 0..20 {
        let run = Pipeline::to::<needs_both>().run_blocking().unwrap();
        assert_eq!(run.report().step("needs_both").unwrap().because.as_deref(), Some("broken_two"));
    }
}
