//! Conditions, switches and quorums, as written in `#[step]`.

use std::collections::BTreeMap;

use pipeline::prelude::*;
use pipeline::*;

/// The status of a step in the report.
#[track_caller]
fn status(run: &Run, step: &str) -> Status {
    run.report().step(step).unwrap_or_else(|| panic!("`{step}` is in the report")).status
}

#[test]
fn a_false_condition_skips_the_step_and_its_dependents() {
    #[step]
    fn wh_numbers() -> Vec<u64> {
        vec![1, 2]
    }
    fn is_long(numbers: &[u64], limit: &usize) -> bool {
        numbers.len() > *limit
    }
    #[step(when = is_long)]
    fn wh_total(#[from(wh_numbers)] numbers: &[u64], #[param] limit: usize) -> u64 {
        numbers.iter().sum::<u64>() + limit as u64
    }
    #[step]
    fn wh_needs(wh_total: &u64) -> u64 {
        *wh_total
    }
    #[step]
    fn wh_copes(wh_total: Option<&u64>) -> u64 {
        wh_total.copied().unwrap_or(7)
    }
    let run = |limit| {
        let pipeline = Pipeline::to::<wh_needs>().and::<wh_copes>().param("limit", limit);
        pipeline.run_blocking().unwrap()
    };
    let short = run(1);
    assert_eq!((short.output::<wh_needs>(), short.output::<wh_copes>()), (Ok(&4), Ok(&4)));
    let long = run(2);
    assert_eq!((status(&long, "wh_total"), status(&long, "wh_needs")), (Status::Skipped, Status::Skipped));
    assert_eq!(long.output::<wh_copes>(), Ok(&7));
    let error = long.error("wh_total").unwrap();
    assert_eq!(error.kind(), FailureKind::NotMet);
    assert!(error.message().contains("`is_long`"), "{error}");
}

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
    #[step(when = |numbers| numbers.is_empty())]
    async fn ws_none(#[from(ws_good)] numbers: &[u64]) -> usize {
        numbers.len()
    }
    let run = Pipeline::to::<ws_all>().and::<ws_none>().run_blocking().unwrap();
    assert_eq!(run.output::<ws_all>(), Ok(&10));
    assert_eq!(status(&run, "ws_none"), Status::Skipped);
}

#[test]
fn a_switch_on_a_bool_runs_one_of_two_branches_that_rejoin() {
    #[step(switch(true => sw_full, false => sw_delta))]
    fn sw_is_monday(#[param] monday: bool) -> bool {
        monday
    }
    #[step(branch = sw_is_monday)]
    fn sw_full() -> &'static str {
        "full"
    }
    #[step(branch = sw_is_monday)]
    fn sw_delta() -> &'static str {
        "delta"
    }
    #[step]
    fn sw_behind(sw_full: &&'static str) -> usize {
        sw_full.len()
    }
    #[step]
    fn sw_joined(#[from(sw_full, sw_delta, priority)] loaded: &&'static str) -> String {
        format!("{loaded} load")
    }
    let run = |monday| {
        let pipeline = Pipeline::to::<sw_joined>().and::<sw_behind>().param("monday", monday);
        pipeline.run_blocking().unwrap()
    };
    let monday = run(true);
    assert_eq!(monday.output::<sw_joined>().map(String::as_str), Ok("full load"));
    assert_eq!(
        (status(&monday, "sw_full"), status(&monday, "sw_delta")),
        (Status::Succeeded, Status::Skipped)
    );
    let tuesday = run(false);
    assert_eq!(tuesday.output::<sw_joined>().map(String::as_str), Ok("delta load"));
    assert_eq!(
        (status(&tuesday, "sw_full"), status(&tuesday, "sw_delta")),
        (Status::Skipped, Status::Succeeded)
    );
    assert_eq!(status(&tuesday, "sw_behind"), Status::Skipped, "it needs the branch that was not chosen");
}

#[derive(Clone, Copy, serde::Deserialize)]
enum Size {
    Empty,
    Of(u32),
}

#[test]
fn a_switch_follows_the_pattern_and_its_guard_and_patterns_can_share_a_branch() {
    #[step(switch(
        Size::Empty => sm_nothing,
        Size::Of(count) if *count > 100 => sm_large,
        Size::Of(0) => sm_nothing,
        Size::Of(_) => sm_small,
    ))]
    fn sm_size(#[param] size: Size) -> Size {
        size
    }
    #[step(branch = sm_size)]
    fn sm_nothing() -> String {
        "nothing".to_owned()
    }
    #[step(branch = sm_size)]
    async fn sm_large(sm_size: &Size) -> String {
        tokio::task::yield_now().await;
        if let Size::Of(count) = sm_size { format!("large {count}") } else { "wrong".to_owned() }
    }
    #[step(branch = sm_size)]
    fn sm_small() -> String {
        "small".to_owned()
    }
    #[step]
    fn sm_joined(#[from(sm_nothing, sm_large, sm_small, first)] text: &str) -> String {
        text.to_owned()
    }
    for (size, expected) in [
        (serde_json::json!("Empty"), "nothing"),
        (serde_json::json!({ "Of": 0 }), "nothing"),
        (serde_json::json!({ "Of": 5 }), "small"),
        (serde_json::json!({ "Of": 101 }), "large 101"),
    ] {
        let run = Pipeline::to::<sm_joined>().param("size", size).run_blocking().unwrap();
        assert_eq!(run.output::<sm_joined>().map(String::as_str), Ok(expected));
        let branches = ["sm_nothing", "sm_large", "sm_small"];
        let chosen = branches.iter().filter(|branch| status(&run, branch) == Status::Succeeded);
        assert_eq!(chosen.count(), 1, "one branch of {expected} runs");
    }
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
            assert_eq!(status(&run, branch), expected, "`{branch}` with n = {n}");
        }
    }
}

#[test]
fn a_branch_is_skipped_with_its_switch() {
    #[step(switch(true => sf_yes, false => sf_no))]
    fn sf_fails() -> Result<bool, String> {
        Err("cannot tell".to_owned())
    }
    #[step(branch = sf_fails)]
    fn sf_yes() {}
    #[step(branch = sf_fails)]
    fn sf_no() {}
    let run = Pipeline::to::<sf_yes>().and::<sf_no>().run_blocking().unwrap();
    for branch in ["sf_yes", "sf_no"] {
        assert_eq!(status(&run, branch), Status::Skipped);
        assert_eq!(run.report().step(branch).unwrap().because.as_deref(), Some("sf_fails"));
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
    assert_eq!(status(&run, "al_too_few"), Status::Skipped);
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
fn at_least_with_cancel_starts_with_the_first_successes() {
    #[step]
    fn ac_one() -> u64 {
        1
    }
    #[step]
    fn ac_bad() -> Result<u64, String> {
        Err("no".to_owned())
    }
    #[step]
    fn ac_sum(#[from(ac_one, ac_bad, at_least = 1, cancel)] values: Vec<&u64>) -> u64 {
        values.into_iter().sum()
    }
    let run = Pipeline::to::<ac_sum>().run_blocking().unwrap();
    assert_eq!(run.output::<ac_sum>(), Ok(&1));
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
    assert_eq!(status(&run, "pr_none"), Status::Skipped);
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
    assert_eq!(status(&run, "fi_none"), Status::Skipped);
}

#[test]
fn the_error_filter_decides_which_errors_are_retried() {
    fn is_busy(error: &String) -> bool {
        error == "busy"
    }
    #[step(retry_if = is_busy)]
    fn rf_step(#[param] message: String) -> Result<(), String> {
        Err(message)
    }
    for (message, worth_it) in [("busy", true), ("broken", false)] {
        let run = Pipeline::to::<rf_step>().param("message", message).run_blocking().unwrap();
        let error = run.error("rf_step").unwrap();
        assert_eq!((error.message(), error.may_retry()), (message, worth_it));
    }
}

#[test]
fn a_step_that_retries_takes_its_input_by_value() {
    #[step]
    fn tk_numbers() -> Vec<u64> {
        vec![2, 1]
    }
    #[step(retries = 2)]
    fn tk_sorted(mut tk_numbers: Vec<u64>) -> Result<Vec<u64>, String> {
        tk_numbers.sort_unstable();
        Ok(tk_numbers)
    }
    let run = Pipeline::to::<tk_sorted>().run_blocking().unwrap();
    assert_eq!(run.output::<tk_sorted>(), Ok(&vec![1, 2]));
}
