//! The graph before it runs: order, cycles, names, queries, plans, drawings, documents.

use std::collections::HashSet;

use pipeline::graph::{Format, GraphDocument, ProblemCode, Selection};
use pipeline::prelude::*;
use pipeline::run::OutputError;
use pipeline::*;

mod shop {
    use pipeline::prelude::*;

    #[step(group = "bronze", tags("source", daily))]
    pub(crate) fn shop_orders() -> u32 {
        1
    }
    #[step(group = "bronze", tags("source"))]
    pub(crate) fn shop_rates() -> u32 {
        2
    }
    #[step(group = "silver", tags(daily))]
    pub(crate) fn shop_valid(shop_orders: &u32) -> u32 {
        *shop_orders
    }
    #[step(group = "gold")]
    pub(crate) fn shop_revenue(shop_valid: &u32, shop_rates: &u32) -> u32 {
        shop_valid * shop_rates
    }
    #[step(group = "gold")]
    pub(crate) fn shop_ranks(shop_valid: &u32) -> u32 {
        *shop_valid
    }
}
use shop::{shop_ranks, shop_revenue};

fn shop_dag() -> Dag {
    Dag::from_defs(&[shop_revenue::def(), shop_ranks::def()]).unwrap()
}

fn names(dag: &Dag, steps: &[usize]) -> Vec<String> {
    steps.iter().map(|&step| dag.step(step).name().to_owned()).collect()
}

/// B02: every step comes after all that it waits for.
#[test]
fn steps_are_ordered_after_what_they_wait_for() {
    let dag = shop_dag();
    for step in 0..dag.len() {
        assert!(dag.upstream(step).iter().all(|&earlier| (earlier as usize) < step));
    }
    assert_eq!(dag.len(), 5);
}

/// B03
#[test]
fn the_order_is_the_same_a_hundred_times() {
    let order = |dag: &Dag| dag.steps().iter().map(|step| step.name().to_owned()).collect::<Vec<_>>();
    let first = order(&shop_dag());
    assert!((0..100).all(|_| order(&shop_dag()) == first));
}

/// B04: a cycle is reported with its whole path and the location of each step.
#[test]
fn a_cycle_through_string_edges_is_reported_with_its_path() {
    #[step]
    fn circle_a(#[from("circle_c")] c: &u32) -> u32 {
        *c
    }
    #[step]
    fn circle_b(circle_a: &u32) -> u32 {
        *circle_a
    }
    #[step]
    fn circle_c(circle_b: &u32) -> u32 {
        *circle_b
    }
    let problems = Pipeline::to::<circle_b>().plan().unwrap_err();
    let cycles: Vec<_> = problems.iter().filter(|problem| problem.code == ProblemCode::Cycle).collect();
    assert_eq!(cycles.len(), 1, "{problems}");
    let text = cycles[0].to_string();
    assert!(text.contains("`circle_a` -> `circle_b` -> `circle_c` -> `circle_a`"), "{text}");
    assert_eq!(text.matches("graph.rs:").count(), 4, "{text}");
}

/// B04
#[test]
fn two_cycles_are_two_problems() {
    #[step]
    fn link(#[input] from: &u32) -> u32 {
        *from
    }
    let mut dag = DagBuilder::new();
    for (name, from) in [("a", "b"), ("b", "a"), ("x", "y"), ("y", "z"), ("z", "x"), ("free", "x")] {
        let _ = dag.add::<link>().named(name).input_named("from", from);
    }
    let problems = dag.build().unwrap_err();
    let texts: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(problems.iter().filter(|problem| problem.code == ProblemCode::Cycle).count(), 2, "{texts:?}");
    assert!(texts[0].contains("`a` -> `b` -> `a`"), "{texts:?}");
    assert!(texts[1].contains("`x` -> `z` -> `y` -> `x`"), "{texts:?}");
}

/// B05: two takers of one output, and a taker that waits for a reader in a cycle.
#[test]
fn two_takers_of_one_output_are_a_problem_that_names_both() {
    #[step]
    fn owned() -> Vec<u8> {
        vec![1]
    }
    #[step]
    fn taker_one(owned: Vec<u8>) -> usize {
        owned.len()
    }
    #[step]
    fn taker_two(owned: Vec<u8>) -> usize {
        owned.len()
    }
    let problems = Pipeline::to::<taker_one>().and::<taker_two>().plan().unwrap_err();
    let problem = problems.iter().find(|problem| problem.code == ProblemCode::SecondTaker).unwrap();
    assert!(problem.message.contains("`taker_one`") && problem.message.contains("`taker_two`"), "{problem}");
    assert!(!problems.has(ProblemCode::Cycle), "the edges that were written are no cycle: {problems}");
    assert!(Pipeline::to::<taker_one>().plan().is_ok(), "one of them alone is fine");
}

/// B05
#[test]
fn a_target_that_is_taken_is_a_problem() {
    #[step]
    fn wanted() -> Vec<u8> {
        vec![1]
    }
    #[step]
    fn takes_wanted(wanted: Vec<u8>) -> usize {
        wanted.len()
    }
    for pipeline in [
        Pipeline::to::<takes_wanted>().and::<wanted>(),
        Pipeline::to::<takes_wanted>().keep::<wanted>(),
        Pipeline::to::<takes_wanted>().keep_named("wanted"),
    ] {
        let problems = pipeline.run_blocking().unwrap_err();
        assert!(problems.has(ProblemCode::TakenTarget), "{problems}");
    }
    let run = Pipeline::to::<takes_wanted>().keep_all().run_blocking().unwrap();
    assert!(matches!(run.output::<wanted>(), Err(OutputError::NotKept { .. })));
}

/// A taker, and a reader that needs the taker: no order exists.
#[test]
fn a_reader_that_needs_the_taker_is_a_cycle() {
    #[step]
    fn shared() -> Vec<u8> {
        vec![1]
    }
    #[step]
    fn eats(shared: Vec<u8>) -> usize {
        shared.len()
    }
    #[step]
    fn late_reader(eats: &usize, shared: &[u8]) -> usize {
        eats + shared.len()
    }
    let problems = Pipeline::to::<late_reader>().plan().unwrap_err();
    assert!(problems.has(ProblemCode::Cycle), "{problems}");
}

/// B05
#[test]
fn duplicate_and_ambiguous_names_are_problems() {
    let mut dag = DagBuilder::new();
    dag.cpu("same", (), |()| 1_u32);
    dag.cpu("same", (), |()| 2_u32);
    let problems = dag.build().unwrap_err();
    assert!(problems.has(ProblemCode::DuplicateStep), "{problems}");
    assert_eq!(problems.to_string().matches("graph.rs:").count(), 2, "both places: {problems}");

    mod one {
        use pipeline::prelude::*;
        #[step]
        pub(crate) fn namesake() -> u32 {
            1
        }
    }
    mod two {
        use pipeline::prelude::*;
        #[step]
        pub(crate) fn namesake() -> u32 {
            2
        }
    }
    #[step]
    fn by_name(#[from("namesake")] n: &u32) -> u32 {
        *n
    }
    #[step]
    fn by_path(#[from(one::namesake)] a: &u32, #[from(two::namesake)] b: &u32) -> u32 {
        a * 10 + b
    }
    let problems = Pipeline::to::<by_name>().plan().unwrap_err();
    assert!(problems.has(ProblemCode::AmbiguousName), "{problems}");
    assert!(problems.to_string().contains("one::namesake"), "{problems}");
    let run = Pipeline::to::<by_path>().run_blocking().unwrap();
    assert_eq!(run.output::<by_path>(), Ok(&12));
    let report: Vec<&str> = run.report().steps.iter().map(|step| step.name.as_str()).collect();
    assert!(report[0].ends_with("::one::namesake") && report[1].ends_with("::two::namesake"), "{report:?}");
    let both = Pipeline::to::<by_path>().target("namesake").plan().unwrap_err();
    assert!(both.has(ProblemCode::AmbiguousName), "{both}");
}

/// B05
#[test]
fn problems_of_different_kinds_come_together() {
    #[step]
    fn kinds_source() -> Vec<u8> {
        vec![]
    }
    #[step]
    fn kinds_one(kinds_source: Vec<u8>) -> usize {
        kinds_source.len()
    }
    #[step]
    fn kinds_two(kinds_source: Vec<u8>, #[from("kinds_nowhere")] gone: &u8) -> usize {
        kinds_source.len() + *gone as usize
    }
    #[step]
    fn kinds_three(#[from("kinds_one")] text: &str, #[from("kinds_four")] four: &u8) -> u8 {
        text.len() as u8 + four
    }
    #[step]
    fn kinds_four(kinds_three: &u8, kinds_two: &usize) -> u8 {
        kinds_three + *kinds_two as u8
    }
    let problems = Pipeline::to::<kinds_four>().plan().unwrap_err();
    for code in [
        ProblemCode::UnknownUpstream,
        ProblemCode::TypeMismatch,
        ProblemCode::Cycle,
        ProblemCode::SecondTaker,
    ] {
        assert!(problems.has(code), "{code} in {problems}");
    }
}

/// B06
#[test]
fn ancestors_and_descendants_can_be_asked_for() {
    let dag = shop_dag();
    let revenue = dag.find("shop_revenue").unwrap();
    let above: HashSet<String> = names(&dag, &dag.ancestors(revenue)).into_iter().collect();
    assert_eq!(above, ["shop_orders", "shop_rates", "shop_valid"].map(str::to_owned).into());
    let orders = dag.find("shop::shop_orders").unwrap();
    let below: HashSet<String> = names(&dag, &dag.descendants(orders)).into_iter().collect();
    assert_eq!(below, ["shop_valid", "shop_revenue", "shop_ranks"].map(str::to_owned).into());
}

/// B07, B08, I02, I03: levels, their number and the widest; steps of one level do not need each other.
#[test]
fn levels_are_distances_from_the_start() {
    let dag = shop_dag();
    let levels = dag.levels();
    assert_eq!(levels.depth(), 3);
    assert_eq!(levels.widest(), (0, 2));
    assert_eq!(levels.of(dag.find("shop_revenue").unwrap()), 2);
    for steps in levels.iter() {
        for &step in steps {
            assert!(dag.ancestors(step as usize).iter().all(|&earlier| !steps.contains(&(earlier as u32))));
        }
    }
}

/// B09
#[test]
fn a_plan_is_printed_without_running_a_step() {
    #[step]
    fn must_not_run() -> u32 {
        panic!("a plan runs nothing")
    }
    let pipeline = Pipeline::to::<must_not_run>();
    let plan = pipeline.plan().unwrap();
    assert_eq!((plan.len(), plan.planned()), (1, 1));
    assert!(plan.dag().render(Format::Text).contains("must_not_run"));
    assert!(pipeline.check().is_ok());
}

/// B12
#[test]
fn a_graph_counts_its_steps_edges_and_labels() {
    let statistics = shop_dag().statistics();
    assert_eq!((statistics.steps, statistics.edges, statistics.sources, statistics.sinks), (5, 4, 2, 2));
    assert_eq!(statistics.by_group["gold"], 2);
    assert_eq!(statistics.by_tag["source"], 2);
    assert!((statistics.average_degree - 0.8).abs() < 1e-9);
}

/// B13: drawings name every step and edge.
#[test]
fn a_graph_is_drawn_as_dot_and_mermaid() {
    let dag = shop_dag();
    let (dot, mermaid) = (dag.render(Format::Dot), dag.render(Format::Mermaid));
    assert!(dot.starts_with("digraph") && mermaid.starts_with("flowchart"), "{dot}\n{mermaid}");
    for step in dag.steps() {
        assert!(dot.contains(step.name()) && mermaid.contains(step.name()), "{}", step.name());
    }
    assert_eq!(dot.matches("->").count(), dag.edge_count());
    assert_eq!(mermaid.matches("-->").count(), dag.edge_count());
}

/// A17: a graph is written as JSON, and read back as one that runs.
#[test]
fn a_graph_survives_a_round_trip_through_json() {
    let dag = shop_dag();
    let json = dag.render(Format::Json);
    let loaded = Dag::from_document(&GraphDocument::from_json(&json).unwrap()).unwrap();
    assert_eq!(loaded.render(Format::Json), json);
    let run = Pipeline::new(loaded).run_blocking().unwrap();
    assert_eq!(run.output_named::<u32>("shop_revenue"), Ok(&2));
}

/// A11, A12: groups and tags select steps and are reported.
#[test]
fn groups_and_tags_select_and_are_reported() {
    let dag = shop_dag();
    let select = |terms: &[&str]| {
        let found = dag.select(&Selection::parse(terms).unwrap()).unwrap();
        names(&dag, &found).into_iter().collect::<HashSet<_>>()
    };
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<HashSet<_>>();
    assert_eq!(select(&["group:bronze"]), set(&["shop_orders", "shop_rates"]));
    assert_eq!(select(&["tag:daily"]), set(&["shop_orders", "shop_valid"]));
    assert_eq!(select(&["+shop_ranks"]), set(&["shop_orders", "shop_valid", "shop_ranks"]));
    assert_eq!(select(&["shop_orders+"]), set(&["shop_orders", "shop_valid", "shop_revenue", "shop_ranks"]));
    let gone = dag.select(&Selection::parse(&["group:silvr"]).unwrap()).unwrap_err();
    assert!(gone.to_string().contains("did you mean `silver`?"), "{gone}");
    let report = Pipeline::new(dag).run_blocking().unwrap().report().clone();
    assert_eq!(report.step("shop_valid").unwrap().group.as_deref(), Some("silver"));
    assert_eq!(report.step("shop_orders").unwrap().tags, ["source", "daily"]);
}

/// A12: targets are named in short or in full; unknown names are problems.
#[test]
fn targets_can_be_named() {
    let run = Pipeline::new(shop_dag()).target("shop_ranks").run_blocking().unwrap();
    assert_eq!(run.report().counts.planned, 3);
    let full = concat!(module_path!(), "::shop::shop_ranks");
    assert_eq!(Pipeline::new(shop_dag()).target(full).plan().unwrap().len(), 3);
    let problems = Pipeline::new(shop_dag()).target("shop_rank").target("x").plan().unwrap_err();
    assert_eq!(problems.iter().count(), 2, "{problems}");
    assert!(problems.to_string().contains("did you mean `shop_ranks`?"), "{problems}");
}

/// B04: a step that names itself waits for itself: that is a circle, not a misspelt name.
#[test]
fn a_step_that_names_itself_is_a_circle() {
    #[step]
    fn circle_alone(#[from("circle_alone")] own: &u32) -> u32 {
        *own
    }
    let problems = Pipeline::to::<circle_alone>().plan().unwrap_err();
    let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, [ProblemCode::Cycle], "{problems}");
    let text = problems.to_string();
    assert!(text.contains("steps wait for each other: `circle_alone` -> `circle_alone`"), "{text}");
    assert!(!text.contains("did you mean"), "{text}");
}

/// Of a long circle, the first steps and the last edge are named, and how many there are.
#[test]
fn a_circle_of_a_thousand_is_shortened() {
    #[step]
    fn link(#[input] before: &u32) -> u32 {
        *before
    }
    let circle = |length: usize| {
        let mut dag = DagBuilder::new();
        for at in 0..length {
            let before = format!("k{:04}", (at + length - 1) % length);
            let _ = dag.add::<link>().named(format!("k{at:04}")).input_named("before", before);
        }
        dag.build().unwrap_err().to_string()
    };
    let text = circle(1000);
    assert!(text.len() < 2500, "{} bytes\n{text}", text.len());
    for part in [
        "`k0000` -> `k0001` -> ",
        "`k0010` -> … 989 more … -> `k0000`",
        "`k0001` waits for `k0000` (",
        "`k0010` waits for `k0009` (",
        "`k0000` waits for `k0999` (",
        "the circle has 1000 steps",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("k0011`"), "{text}");
    assert!(!circle(11).contains("more …"));
}

/// An input that finds no step says what it needs.
#[test]
fn an_input_without_a_step_names_its_type() {
    #[step]
    fn lonely(#[from("no_such_step")] _orders: &Vec<u64>) {}
    #[step]
    fn open(#[input] _orders: &Vec<u64>) {}
    let text = Pipeline::to::<lonely>().plan().unwrap_err().to_string();
    assert!(text.contains("it reads a step that returns alloc::vec::Vec<u64>"), "{text}");
    let mut dag = DagBuilder::new();
    dag.add::<open>();
    let text = dag.build().unwrap_err().to_string();
    assert!(text.contains("it reads a step that returns alloc::vec::Vec<u64>"), "{text}");
}

/// A graph made in code has as many steps as there is work: without work, its run has nothing to do.
#[test]
fn a_run_of_an_empty_graph_succeeds() {
    let empty = || Pipeline::new(DagBuilder::new().build().unwrap());
    let run = empty().run_blocking().unwrap();
    assert!(run.succeeded());
    assert_eq!((run.report().counts.planned, run.report().status), (0, RunStatus::Succeeded));
    assert!(futures::executor::block_on(empty().run()).unwrap().succeeded());
    assert!(empty().settings(Settings::default().workers(1).cpu(1)).run_blocking().unwrap().succeeded());
    assert_eq!(empty().plan().unwrap().planned(), 0);
    // What is asked for by name has to be there.
    let problems = empty().target("x").run_blocking().unwrap_err();
    assert!(problems.has(ProblemCode::UnknownTarget), "{problems}");
}

/// As many runs within a step as a list has entries, and the list is empty.
#[test]
fn a_step_can_run_an_empty_graph() {
    #[step]
    fn nothing_inside(#[context] cx: &StepContext) -> Result<usize, Problems> {
        let run = Pipeline::new(DagBuilder::new().build()?).within(cx).run_blocking()?;
        Ok(run.available().len())
    }
    for settings in [Settings::default(), Settings::default().workers(1)] {
        let run = Pipeline::to::<nothing_inside>().settings(settings).run_blocking().unwrap();
        assert_eq!(run.output::<nothing_inside>(), Ok(&0));
    }
}
