//! Plans of graphs that are never run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pipeline_core::{Dag, DagBuilder, Handle, Policy};
use proptest::prelude::*;

use super::document::{Kind, PlanDocument};
use super::text::text;
use crate::cli::args::SelectionArgs;
use crate::cli::forecast::{Forecast, Stage};
use crate::cli::wording::WIDTH;
use crate::limits::LimitSettings;
use crate::pipeline::Pipeline;
use crate::settings::{Settings, StepDefaults};

const MS: Duration = Duration::from_millis(1);

fn document(pipeline: &Pipeline, history: Option<&crate::cli::runs_dir::Usual>) -> PlanDocument {
    let plan = pipeline.plan().expect("the graph is fine");
    PlanDocument::new(&plan, pipeline, &SelectionArgs::default(), history)
}

fn pipeline(dag: DagBuilder, settings: Settings) -> Pipeline {
    Pipeline::new(dag.build().expect("the graph is fine")).settings(settings)
}

/// So many CPU steps that need nothing.
fn wide(dag: &mut DagBuilder, count: usize) -> Vec<Handle<u64>> {
    (0..count).map(|number| dag.cpu(format!("wide_{number}"), (), |()| 1_u64)).collect()
}

fn wall(pipeline: &Pipeline) -> Duration {
    let plan = pipeline.plan().expect("the graph is fine");
    Forecast::new(&plan, pipeline.current_settings(), &vec![MS; plan.len()], |_| Stage::Pending).wall
}

#[test]
fn slots_workers_limits_sequences_and_exclusion_shape_the_forecast() {
    let with = |settings: Settings, policy: fn(Policy) -> Policy| {
        let mut dag = DagBuilder::new();
        for step in wide(&mut dag, 8) {
            dag.policy(step, policy);
        }
        wall(&pipeline(dag, settings))
    };
    let base = || Settings::default().cpu(4);
    assert_eq!(with(base(), |policy| policy), 2 * MS);
    assert_eq!(with(Settings::default().workers(3), |policy| policy), 3 * MS);
    assert_eq!(with(base(), |policy| policy.limit("db", 1)), 8 * MS);
    assert_eq!(with(base().limit("db", LimitSettings::new(4)), |policy| policy.limit("db", 2)), 4 * MS);
    assert_eq!(with(base(), |policy| policy.limit("db", 9)), 8 * MS);
    assert_eq!(with(base(), Policy::exclusive), 8 * MS);
    assert_eq!(with(base(), |policy| policy.sequential("one")), 8 * MS);
    assert_eq!(with(base(), |policy| policy.cores(2)), 4 * MS);
}

/// B11: recorded times are used; those of other steps are estimated from them.
#[test]
fn recorded_times_make_an_estimate_and_advice() {
    let mut dag = DagBuilder::new();
    let first = dag.cpu("first", (), |()| 1_u64);
    let slow = dag.cpu("slow", (first,), |(first,)| first + 1);
    let _last = dag.cpu("last", (slow,), |(slow,)| slow + 1);
    wide(&mut dag, 4);
    let pipeline = pipeline(dag, Settings::default().workers(1));
    let unknown = document(&pipeline, None);
    assert_eq!(unknown.forecast.recorded_steps, 0);
    assert!(text(&unknown, false).contains("unknown: no earlier run is recorded"));
    let history = BTreeMap::from([("first".to_owned(), 10 * MS), ("slow".to_owned(), 80 * MS)]);
    let known = document(&pipeline, Some(&history));
    assert_eq!(known.forecast.recorded_steps, 2);
    // 45 ms each for the five without a time: the mean of the others.
    assert_eq!(known.forecast.forecast.total, 315 * MS);
    assert_eq!(known.forecast.forecast.critical_path, 135 * MS);
    assert_eq!(known.forecast.forecast.wall, 315 * MS);
    assert_eq!(known.critical_path.steps, ["first", "slow", "last"]);
    let shown = text(&known, false);
    assert!(shown.contains("about 315.0 ms") && shown.contains("recorded times for 2 of 7 steps"), "{shown}");
    assert!(known.recommendations.iter().any(|advice| advice.contains("`--workers 2`")), "{shown}");
    let free = pipeline.settings(Settings::default().workers(9));
    let advice = document(&free, Some(&history)).recommendations.join(" ");
    assert!(advice.contains("`slow` is 59 % of it"), "{advice}");
}

/// B10: each step is counted once.
#[test]
fn steps_are_counted_by_what_keeps_them_apart() {
    let mut dag = DagBuilder::new();
    let policies: [fn(Policy) -> Policy; 5] = [
        |policy| policy,
        Policy::exclusive,
        |policy| policy.sequential("s").limit("db", 1),
        |policy| policy.limit("db", 1),
        |policy| policy.memory(5),
    ];
    for (step, policy) in wide(&mut dag, 5).into_iter().zip(policies) {
        dag.policy(step, policy);
    }
    let plan = document(&pipeline(dag, Settings::default()), None);
    let counts: Vec<(Kind, usize)> = plan.kinds.iter().map(|(kind, count)| (*kind, *count)).collect();
    let expected = [(Kind::Unrestricted, 1), (Kind::Limited, 2), (Kind::Sequential, 1), (Kind::Exclusive, 1)];
    assert_eq!(counts, expected);
    let warnings = plan.warnings.join(" ");
    assert!(warnings.contains("limit `db` has no capacity set; using 1, so its 2 steps"), "{warnings}");
}

/// K11: what a run with `no_write` would skip, and what depends on that, with the reason.
#[test]
fn skipped_steps_are_shown_with_the_reason() {
    let mut dag = DagBuilder::new();
    let table = dag.cpu("table", (), |()| 1_u64);
    dag.policy(table, Policy::writes);
    let mail = dag.cpu("mail", (table,), |(table,)| table + 1);
    let _shown = dag.cpu("shown", (mail,), |(mail,)| mail + 1);
    let shown = text(&document(&pipeline(dag, Settings::default().no_write(true)), None), false);
    for line in [
        "skipped        table: it writes, and `no_write` is set",
        "skipped        mail: it needs `table`, which is skipped",
        "skipped        shown: it needs `mail`, which is skipped",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
}

/// Settings that disable a step show as `no_write` does.
#[test]
fn disabled_steps_are_marked() {
    let mut dag = DagBuilder::new();
    let table = dag.cpu("table", (), |()| 1_u64);
    let _mail = dag.cpu("mail", (table,), |(table,)| table + 1);
    let off = Settings::default().step("table", StepDefaults::new().enabled(false));
    let plan = document(&pipeline(dag, off), None);
    assert_eq!(plan.steps.iter().map(|step| step.is_disabled).collect::<Vec<_>>(), [true, false]);
    let shown = text(&plan, false);
    assert!(shown.contains("table      0  cpu       -      disabled"), "{shown}");
    assert!(shown.contains("mail: it needs `table`, which is skipped"), "{shown}");
}

#[test]
fn run_parameters_that_no_step_reads_are_a_warning() {
    let mut dag = DagBuilder::new();
    wide(&mut dag, 1);
    let pipeline = pipeline(dag, Settings::default()).param("rate", 1);
    let warnings = document(&pipeline, None).warnings;
    assert_eq!(warnings, ["run parameter `rate` (the program's code) is not read by any step of this plan"]);
}

#[test]
fn a_long_plan_is_shortened_unless_all_is_asked_for() {
    let mut dag = DagBuilder::new();
    wide(&mut dag, 10_000);
    let plan = document(&pipeline(dag, Settings::default()), None);
    let shown = text(&plan, false);
    assert!(shown.lines().count() < 80 && shown.contains("9950 more; -v shows all"), "{shown}");
    assert!(text(&plan, true).lines().count() > 10_000);
}

/// Names may be anything: each line keeps to the width, and nothing in it steers a terminal.
#[test]
fn hostile_names_fit_and_steer_nothing() {
    let mut dag = DagBuilder::new();
    let long = dag.cpu("x".repeat(10_000), (), |()| 1_u64);
    let escape = dag.cpu("\u{1b}[2J\u{202e}name\nline", (long,), |(long,)| long + 1);
    dag.policy(escape, |policy| policy.limit("\u{1b}]0;title\u{7}", 1).writes());
    let _other = dag.cpu("other", (escape,), |(escape,)| escape + 1);
    let pipeline = pipeline(dag, Settings::default().no_write(true));
    for is_verbose in [false, true] {
        let shown = text(&document(&pipeline, None), is_verbose);
        let is_hostile = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!shown.contains(is_hostile), "{shown:?}");
        assert!(shown.lines().all(|line| line.chars().count() <= WIDTH), "{shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// No schedule is faster than the bound, none of this kind slower than twice it and the longest path together, and one
    /// slot is no faster than one step after the other.
    #[test]
    fn a_forecast_keeps_to_the_bounds_of_list_schedules(
        edges in proptest::collection::vec((0_usize..30, 0_usize..30), 0..60),
        times in proptest::collection::vec(1_u32..50, 30),
        slots in 1_usize..5,
    ) {
        let dag = Arc::new(graph(&edges));
        let plan = Pipeline::new(dag).plan().expect("the graph is fine");
        let times: Vec<Duration> = times.iter().map(|time| *time * MS).collect();
        let at = |slots: usize| Forecast::new(&plan, &Settings::default().cpu(slots), &times, |_| Stage::Pending);
        let found = at(slots);
        let total: Duration = times.iter().sum();
        prop_assert_eq!(found.total, total);
        prop_assert!(found.wall >= found.critical_path.max(total / slots as u32));
        prop_assert!(found.wall <= total / slots as u32 + found.critical_path);
        prop_assert_eq!(at(1).wall, total);
        prop_assert_eq!(at(30).wall, found.critical_path);
    }
}

/// Thirty CPU steps with edges from lower to higher numbers.
fn graph(edges: &[(usize, usize)]) -> Dag {
    let mut dag = DagBuilder::new();
    let mut steps: Vec<Handle<u64>> = Vec::new();
    for number in 0..30 {
        let from = edges.iter().filter(|(a, b)| a.max(b) == &number && a != b).map(|(a, b)| steps[*a.min(b)]);
        let from: Vec<Handle<u64>> = from.collect();
        steps.push(dag.cpu(format!("s{number}"), from, |_| 1_u64));
    }
    dag.build().expect("edges go up only")
}
