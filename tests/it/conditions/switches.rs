//! Switches: exactly one branch runs, whatever is requested, given, selected, or built.

use pipeline::prelude::*;
use pipeline::*;
use proptest::prelude::*;

#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
enum Order {
    Empty,
    Single { price: u32 },
    Many(Vec<u32>),
}

#[step(switch(
    Order::Empty => so_nothing,
    Order::Many(prices) if prices.is_empty() => so_nothing,
    Order::Single { price: 0..=9 } => so_small,
    Order::Single { .. } => so_large,
    Order::Many(_) => so_many,
))]
fn so_order(#[param] order: Order) -> Order {
    order
}
#[step(branch = so_order)]
fn so_nothing() -> u32 {
    0
}
#[step(branch = so_order)]
async fn so_small(so_order: &Order) -> u32 {
    tokio::task::yield_now().await;
    if let Order::Single { price } = so_order { *price } else { u32::MAX }
}
#[step(blocking, branch = so_order)]
fn so_large(so_order: &Order) -> u32 {
    if let Order::Single { price } = so_order { 100 + price } else { u32::MAX }
}
#[step(branch = so_order)]
fn so_many(so_order: &Order) -> u32 {
    if let Order::Many(prices) = so_order { prices.iter().sum() } else { u32::MAX }
}
#[step]
fn so_first(#[from(so_nothing, so_small, so_large, so_many, first)] total: &u32) -> u32 {
    *total
}
#[step]
fn so_priority(#[from(so_nothing, so_small, so_large, so_many, priority)] total: &u32) -> u32 {
    *total
}
#[step]
fn so_behind(so_many: &u32) -> u32 {
    *so_many
}
#[step]
fn so_options(#[from(so_nothing, so_small, so_large, so_many)] totals: Vec<Option<&u32>>) -> Vec<u32> {
    totals.into_iter().flatten().copied().collect()
}
#[step]
fn so_outcomes(
    so_nothing: Result<&u32, &StepError>,
    so_small: Result<&u32, &StepError>,
    so_large: Result<&u32, &StepError>,
    so_many: Result<&u32, &StepError>,
) -> Vec<Option<FailureKind>> {
    [so_nothing, so_small, so_large, so_many].map(|total| total.err().map(StepError::kind)).to_vec()
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![
        Just(Order::Empty),
        (0_u32..20).prop_map(|price| Order::Single { price }),
        proptest::collection::vec(0_u32..20, 0..3).prop_map(Order::Many),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// F02, F03, F04: one of many branches runs, and every kind of rejoin reads that one.
    #[test]
    fn exactly_one_branch_runs_and_every_rejoin_reads_it(order in order(), workers in 1_usize..4) {
        let expected = match &order {
            Order::Empty => 0,
            Order::Single { price } if *price < 10 => *price,
            Order::Single { price } => 100 + price,
            Order::Many(prices) => prices.iter().sum(),
        };
        let pipeline = Pipeline::to::<so_first>().and::<so_priority>().and::<so_options>().and::<so_outcomes>();
        let run = pipeline.and::<so_behind>().param("order", &order).settings(Settings::default().workers(workers)).run_blocking().unwrap();
        prop_assert!(run.succeeded());
        prop_assert_eq!((run.output::<so_first>(), run.output::<so_priority>()), (Ok(&expected), Ok(&expected)));
        prop_assert_eq!(run.output::<so_options>(), Ok(&vec![expected]));
        let outcomes = run.output::<so_outcomes>().unwrap();
        prop_assert_eq!(outcomes.iter().filter(|outcome| outcome.is_none()).count(), 1);
        prop_assert!(outcomes.iter().flatten().all(|kind| *kind == FailureKind::NotMet));
        prop_assert_eq!(run.status("so_behind"), run.status("so_many"));
        let is_many = usize::from(run.status("so_many") == Ok(Status::Succeeded));
        let counts = run.report().counts;
        prop_assert_eq!((counts.succeeded, counts.skipped), (6 + is_many, 4 - is_many));
    }
}

/// F02: a branch that was not chosen names its switch, and the text does not call it a failure.
#[test]
fn a_branch_that_was_not_chosen_names_its_switch() {
    let run = Pipeline::to::<so_first>().param("order", Order::Empty).run_blocking().unwrap();
    let step = run.report().step("so_many").unwrap();
    assert_eq!((step.status, &step.because), (Status::Skipped, &None));
    let error = step.error.as_ref().unwrap();
    assert_eq!(error.kind, FailureKind::NotMet);
    assert!(error.message.contains("`so_order` chose another branch"), "{}", error.message);
    let text = run.report().to_string();
    assert!(text.contains("`so_order` chose another branch") && !text.contains("failed"), "{text}");
}

/// F02: a branch that is requested alone adds its switch, and is skipped if the switch chooses another.
#[test]
fn a_branch_alone_adds_its_switch() {
    let run = |order| Pipeline::to::<so_small>().param("order", order).run_blocking().unwrap();
    let chosen = run(Order::Single { price: 3 });
    assert_eq!(chosen.output::<so_small>(), Ok(&3));
    let names: Vec<&str> = chosen.report().steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["so_order", "so_small"], "the other branches are not part of it");
    let other = run(Order::Empty);
    assert!(other.succeeded());
    assert_eq!(other.status("so_small"), Ok(Status::Skipped));
    assert!(other.output::<so_small>().is_err());
}

/// F02, M04: a switch whose output is given chooses by it without running.
#[test]
fn a_given_output_of_a_switch_chooses() {
    for (order, expected) in
        [(Order::Empty, 0), (Order::Single { price: 50 }, 150), (Order::Many(vec![1, 2]), 3)]
    {
        let run = Pipeline::to::<so_first>().with_output::<so_order>(order.clone()).run_blocking().unwrap();
        assert_eq!(run.output::<so_first>(), Ok(&expected), "{order:?}");
        assert_eq!(run.status("so_order"), Ok(Status::Given));
        assert_eq!(run.report().counts.skipped, 3, "{order:?}");
        let alone = Pipeline::to::<so_large>().with_output::<so_order>(order.clone()).run_blocking().unwrap();
        assert_eq!(alone.output::<so_large>().is_ok(), expected == 150, "{order:?}");
    }
}

/// F02, M04: a given output of a branch is used, whatever the switch chooses.
#[test]
fn a_given_output_of_a_branch_is_always_used() {
    let run = |order| {
        let pipeline = Pipeline::to::<so_options>().with_output::<so_many>(1000);
        pipeline.param("order", order).run_blocking().unwrap()
    };
    assert_eq!(run(Order::Empty).output::<so_options>(), Ok(&vec![0, 1000]));
    assert_eq!(run(Order::Many(vec![4])).output::<so_options>(), Ok(&vec![1000]));
}

/// F02, E02: a switch that fails skips all branches because of it; one with a fallback chooses by that.
#[test]
fn a_failed_switch_chooses_no_branch_unless_it_has_a_fallback() {
    #[step(switch(true => sx_yes, false => sx_no))]
    fn sx_fails() -> Result<bool, String> {
        Err("planted".to_owned())
    }
    #[step(branch = sx_fails)]
    fn sx_yes() -> u32 {
        1
    }
    #[step(branch = sx_fails)]
    fn sx_no() -> u32 {
        2
    }
    #[step]
    fn sx_joined(#[from(sx_yes, sx_no, first)] way: Option<&u32>) -> Option<u32> {
        way.copied()
    }
    let run = Pipeline::to::<sx_joined>().run_blocking().unwrap();
    assert_eq!((run.report().status, run.output::<sx_joined>()), (RunStatus::Failed, Ok(&None)));
    for way in ["sx_yes", "sx_no"] {
        let step = run.report().step(way).unwrap();
        assert_eq!((step.status, step.because.as_deref()), (Status::Skipped, Some("sx_fails")));
    }

    #[step(fallback = false, switch(true => sy_yes, false => sy_no))]
    fn sy_falls_back() -> Result<bool, String> {
        Err("planted".to_owned())
    }
    #[step(branch = sy_falls_back)]
    fn sy_yes() -> u32 {
        1
    }
    #[step(branch = sy_falls_back)]
    fn sy_no() -> u32 {
        2
    }
    #[step]
    fn sy_joined(#[from(sy_yes, sy_no, first)] way: &u32) -> u32 {
        *way
    }
    let run = Pipeline::to::<sy_joined>().run_blocking().unwrap();
    assert!(run.succeeded());
    assert_eq!(run.output::<sy_joined>(), Ok(&2));
    assert!(run.report().step("sy_falls_back").unwrap().fallback_used);
}

/// F01, F02: a switch whose own condition is false chooses no branch.
#[test]
fn a_skipped_switch_chooses_no_branch() {
    #[step(when = || false, switch(true => sk_yes, false => sk_no))]
    fn sk_asks() -> bool {
        true
    }
    #[step(branch = sk_asks)]
    fn sk_yes() -> u32 {
        1
    }
    #[step(branch = sk_asks)]
    fn sk_no() -> u32 {
        2
    }
    let run = Pipeline::to::<sk_yes>().and::<sk_no>().run_blocking().unwrap();
    assert!(run.succeeded());
    for way in ["sk_yes", "sk_no"] {
        assert_eq!(run.report().step(way).unwrap().because.as_deref(), Some("sk_asks"));
    }
}

/// F02, F03: a branch can itself be a switch with a condition.
#[test]
fn a_branch_can_be_a_switch_with_a_condition() {
    #[step(switch(0 => sn_zero, _ => sn_more))]
    fn sn_outer(#[param] n: u32) -> u32 {
        n
    }
    #[step(branch = sn_outer)]
    fn sn_zero() -> &'static str {
        "zero"
    }
    #[step(branch = sn_outer, when = |n| *n < 10, switch(true => sn_even, false => sn_odd))]
    fn sn_more(#[from(sn_outer)] n: &u32) -> bool {
        n.is_multiple_of(2)
    }
    #[step(branch = sn_more)]
    fn sn_even() -> &'static str {
        "even"
    }
    #[step(branch = sn_more)]
    fn sn_odd() -> &'static str {
        "odd"
    }
    #[step]
    fn sn_joined(#[from(sn_zero, sn_even, sn_odd, first)] text: Option<&&'static str>) -> &'static str {
        text.copied().unwrap_or("none")
    }
    for (n, expected) in [(0, "zero"), (3, "odd"), (4, "even"), (12, "none")] {
        let run = Pipeline::to::<sn_joined>().param("n", n).run_blocking().unwrap();
        assert_eq!((run.output::<sn_joined>(), run.succeeded()), (Ok(&expected), true), "{n}");
    }
}

#[step(switch(true => si_left, false => si_right))]
fn si_asks(#[param] left: bool) -> bool {
    left
}
#[step(branch = si_asks)]
fn si_left() -> &'static str {
    "left"
}
#[step(branch = si_asks)]
fn si_right() -> &'static str {
    "right"
}
#[step]
fn si_joined(#[input] ways: Vec<Option<&&'static str>>) -> String {
    ways.into_iter().flatten().copied().collect()
}

/// F02, A04: in a builder, the instances of a switch and its branches find each other under any names.
#[test]
fn instances_of_a_switch_and_its_branches_find_each_other() {
    for left in [true, false] {
        let mut dag = DagBuilder::new();
        let _ = dag.add::<si_asks>().named("asks").param("left", left);
        let ways = [
            dag.add::<si_left>().named("a").handle(),
            dag.add::<si_right>().named("b").handle(),
            dag.add::<si_left>().named("again").handle(),
        ];
        let _ = dag.add::<si_joined>().inputs("ways", ways);
        let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
        let expected = if left { "leftleft" } else { "right" };
        assert_eq!(run.output_named::<String>("si_joined").map(String::as_str), Ok(expected));
    }
}

/// F02, A04: if a switch has two instances, a branch has to be bound to one; otherwise it is a problem.
#[test]
fn a_branch_of_two_instances_of_its_switch_is_bound() {
    let mut dag = DagBuilder::new();
    let one = dag.add::<si_asks>().named("one").param("left", true).handle();
    let two = dag.add::<si_asks>().named("two").param("left", false).handle();
    let mut ways = Vec::new();
    for (name, asks) in [("one", one), ("two", two)] {
        ways.push(dag.add::<si_left>().named(format!("left_{name}")).input("branch", asks).handle());
        ways.push(dag.add::<si_right>().named(format!("right_{name}")).input("branch", asks).handle());
    }
    let _ = dag.add::<si_joined>().inputs("ways", ways);
    let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
    assert_eq!(run.output_named::<String>("si_joined").map(String::as_str), Ok("leftright"));
    assert_eq!(run.status("left_one"), Ok(Status::Succeeded));
    assert_eq!(run.status("right_one"), Ok(Status::Skipped));

    let mut dag = DagBuilder::new();
    let _ = dag.add::<si_asks>().named("one").param("left", true);
    let _ = dag.add::<si_asks>().named("two").param("left", false);
    let _ = dag.add::<si_left>();
    let problems = dag.build().unwrap_err().to_string();
    assert!(
        problems.contains("one") && problems.contains("two") && problems.contains("branch"),
        "{problems}"
    );
}

/// F02, A13: a part with a switch is included twice, and each instance chooses by itself.
#[test]
fn a_part_with_a_switch_can_be_included_twice() {
    let part = |left: bool| {
        let mut part = DagBuilder::new();
        let _ = part.add::<si_asks>().param("left", left);
        let ways = [part.add::<si_left>().handle(), part.add::<si_right>().handle()];
        let _ = part.add::<si_joined>().inputs("ways", ways);
        part
    };
    let mut dag = DagBuilder::new();
    let one = dag.include("one", part(true)).output::<si_joined>();
    let two = dag.include("two", part(false)).output::<si_joined>();
    dag.cpu("both", (one, two), |(one, two)| format!("{one} {two}"));
    let run = Pipeline::new(dag.build().unwrap()).run_blocking().unwrap();
    assert_eq!(run.output_named::<String>("both").map(String::as_str), Ok("left right"));
}

/// L08, F02: excluding a branch is a problem only if a step reads it.
#[test]
fn a_branch_without_readers_can_be_excluded() {
    let pipeline = || Pipeline::to::<so_options>().param("order", Order::Empty);
    let problems = pipeline().exclude(["so_many"]).run_blocking().unwrap_err().to_string();
    assert!(problems.contains("`so_many` is excluded, but `so_options` needs it"), "{problems}");
    let pipeline = Pipeline::to::<so_small>().and::<so_many>().param("order", Order::Many(vec![1]));
    let run = pipeline.exclude(["so_many"]).run_blocking().unwrap();
    assert_eq!(run.report().steps.len(), 2);
    assert_eq!(run.status("so_small"), Ok(Status::Skipped), "its case was chosen by nobody");
}
