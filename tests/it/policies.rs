//! Conditions, switches and quorums, as written in `#[step]`.

use std::collections::BTreeMap;

use pipeline::prelude::*;
use pipeline::*;

#[test]
fn a_condition_sees_every_parameter_and_an_async_step_has_one_too() {
    #[step]
    fn ws_good() -> Vec<u64> {
        vec![3]
    }
    #[step]
    fn ws_bad() -> Result<Vec<u64>, String> {
        Err("no".to_owned())
    }
    #[step]
    fn ws_taken() -> String {
        "taken".to_owned()
    }
    #[step(when = |list, map, taken, lost, context| {
        list.len() == 2 && map["ws_good"].is_some() && taken == "taken" && lost.is_err() && context.step() == "ws_all"
    })]
    async fn ws_all(
        #[from(ws_good, ws_bad)] list: Vec<Option<&[u64]>>,
        #[from(ws_good, ws_bad)] map: BTreeMap<&str, Option<&[u64]>>,
        #[from(ws_taken)] taken: String,
        #[from(ws_bad)] lost: Result<&Vec<u64>, &StepError>,
        #[context] context: &StepContext,
    ) -> usize {
        tokio::task::yield_now().await;
        list.len() + map.len() + taken.len() + usize::from(lost.is_ok()) + context.attempt() as usize
    }
    fn is_short(numbers: &[u64], most: &usize) -> bool {
        numbers.len() < *most
    }
    #[step(when = is_short)]
    async fn ws_none(#[from(ws_good)] numbers: &[u64], #[param] most: usize) -> usize {
        numbers.len() + most
    }
    let run = Pipeline::to::<ws_all>().and::<ws_none>().param("most", 1).run_blocking().unwrap();
    assert_eq!(run.output::<ws_all>(), Ok(&10));
    assert_eq!(run.status("ws_none"), Ok(Status::Skipped));
    let error = run.error("ws_none").unwrap();
    assert!(error.message().contains("`is_short`"), "{error}");
}

mod two_paths {
    use pipeline::prelude::*;

    #[step(switch(0 => one, 1 => other, _ => self::one))]
    pub(super) fn tp_ask(#[param] n: u32) -> u32 {
        n
    }
    #[step(branch = tp_ask)]
    pub(super) fn one() -> &'static str {
        "one"
    }
    #[step(branch = tp_ask)]
    pub(super) fn other() -> &'static str {
        "other"
    }
}

#[test]
fn a_branch_can_be_named_by_two_paths() {
    for (n, chosen) in [(0, "one"), (1, "other"), (2, "one")] {
        let pipeline = Pipeline::to::<two_paths::one>().and::<two_paths::other>().param("n", n);
        let run = pipeline.run_blocking().unwrap();
        for branch in ["one", "other"] {
            let expected = if branch == chosen { Status::Succeeded } else { Status::Skipped };
            assert_eq!(run.status(branch), Ok(expected), "`{branch}` with n = {n}");
        }
    }
}

#[test]
fn at_least_collects_successes_and_skips_the_step_if_they_are_too_few() {
    #[step]
    fn al_one() -> u64 {
        1
    }
    #[step]
    fn al_bad() -> Result<u64, String> {
        Err("no".to_owned())
    }
    #[step]
    fn al_three() -> u64 {
        3
    }
    #[step]
    fn al_enough(#[from(al_one, al_bad, al_three, at_least = 2)] values: Vec<&u64>) -> Vec<u64> {
        values.into_iter().copied().collect()
    }
    #[step]
    fn al_named(
        #[from(al_one, al_bad, al_three, at_least = 1)] values: BTreeMap<&str, &u64>,
    ) -> BTreeMap<String, u64> {
        values.into_iter().map(|(name, value)| (name.to_owned(), *value)).collect()
    }
    #[step]
    fn al_outcomes(#[from(al_one, al_bad, at_least = 1)] values: Vec<Result<&u64, &StepError>>) -> Vec<bool> {
        values.iter().map(Result::is_ok).collect()
    }
    #[step]
    fn al_none(#[from(al_bad, at_least = 0)] values: Vec<&u64>) -> usize {
        values.len()
    }
    #[step]
    fn al_too_few(#[from(al_one, al_bad, al_three, at_least = 3)] values: Vec<&u64>) -> usize {
        values.len()
    }
    let run = Pipeline::to::<al_enough>()
        .and::<al_named>()
        .and::<al_outcomes>()
        .and::<al_none>()
        .and::<al_too_few>()
        .run_blocking()
        .unwrap();
    assert_eq!(run.output::<al_enough>(), Ok(&vec![1, 3]));
    let named = BTreeMap::from([("al_one".to_owned(), 1), ("al_three".to_owned(), 3)]);
    assert_eq!(run.output::<al_named>(), Ok(&named));
    assert_eq!(run.output::<al_outcomes>(), Ok(&vec![true, false]));
    assert_eq!(run.output::<al_none>(), Ok(&0));
    assert_eq!(run.status("al_too_few"), Ok(Status::Skipped));
    assert_eq!(run.report().step("al_too_few").unwrap().because.as_deref(), Some("al_bad"));
}

#[test]
fn at_least_counts_the_steps_of_a_tag() {
    #[step(tags("al-shard"))]
    fn at_shard_1() -> u64 {
        1
    }
    #[step(tags("al-shard"))]
    fn at_shard_2() -> Result<u64, String> {
        Err("no".to_owned())
    }
    #[step]
    fn at_sum(#[from(tag = "al-shard", at_least = 1)] values: Vec<&u64>) -> u64 {
        values.into_iter().sum()
    }
    let run = Pipeline::to::<at_sum>().run_blocking().unwrap();
    assert_eq!(run.output::<at_sum>(), Ok(&1));
}

#[test]
fn priority_chooses_the_first_success_in_the_order_written() {
    #[step]
    fn pr_primary() -> Result<String, String> {
        Err("down".to_owned())
    }
    #[step]
    fn pr_second() -> String {
        "second".to_owned()
    }
    #[step]
    fn pr_third() -> String {
        "third".to_owned()
    }
    #[step]
    fn pr_chosen(#[from(pr_primary, pr_third, pr_second, priority)] text: &str) -> String {
        text.to_owned()
    }
    #[step]
    fn pr_none(#[from(pr_primary, priority)] text: &str) -> String {
        text.to_owned()
    }
    #[step]
    fn pr_option(#[from(pr_primary, priority)] text: Option<&str>) -> bool {
        text.is_none()
    }
    #[step]
    fn pr_outcome(#[from(pr_primary, priority)] text: Result<&str, &StepError>) -> String {
        text.map_or_else(|error| error.step().to_owned(), str::to_owned)
    }
    let run = Pipeline::to::<pr_chosen>()
        .and::<pr_none>()
        .and::<pr_option>()
        .and::<pr_outcome>()
        .run_blocking()
        .unwrap();
    assert_eq!(run.output::<pr_chosen>().map(String::as_str), Ok("third"));
    assert_eq!(run.status("pr_none"), Ok(Status::Skipped));
    assert_eq!(run.output::<pr_option>(), Ok(&true));
    assert_eq!(run.output::<pr_outcome>().map(String::as_str), Ok("pr_primary"));
}

#[test]
fn first_is_skipped_only_if_none_succeeded() {
    #[step]
    fn fi_bad() -> Result<u64, String> {
        Err("no".to_owned())
    }
    #[step]
    fn fi_good() -> u64 {
        4
    }
    #[step]
    fn fi_any(#[from(fi_bad, fi_good, first)] value: &u64) -> u64 {
        *value
    }
    #[step]
    fn fi_none(#[from(fi_bad, first)] value: &u64) -> u64 {
        *value
    }
    let run = Pipeline::to::<fi_any>().and::<fi_none>().run_blocking().unwrap();
    assert_eq!(run.output::<fi_any>(), Ok(&4));
    assert_eq!(run.status("fi_none"), Ok(Status::Skipped));
}
