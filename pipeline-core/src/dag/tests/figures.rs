//! Levels, critical path, statistics, on graphs whose figures are known.

use super::{Dag, graph, names_of, shop, step};
use crate::step::Mode;

/// Scenario S2: three chains bronze, silver, and a gold step behind all; tenths of seconds.
fn medallion() -> (Dag, impl Fn(usize) -> u64 + Copy) {
    let dag = graph(vec![
        step("b1"),
        step("b2"),
        step("b3"),
        step("s1").reads("b1", 0),
        step("s2").reads("b2", 1),
        step("s3").reads("b3", 2),
        step("gold").collects("silver", &[3, 4, 5]),
    ]);
    (dag, |step: usize| [14, 8, 3, 9, 16, 31, 9][step])
}

#[test]
fn critical_path_is_the_costliest_chain() {
    let (dag, cost) = medallion();
    let path = dag.critical_path(cost);
    assert_eq!(path.cost, 43);
    assert_eq!(names_of(&dag, path.steps), ["b3", "s3", "gold"]);
    assert_eq!(dag.remaining(cost), [32, 33, 43, 18, 25, 40, 9]);
}

#[test]
fn the_first_of_equal_paths_is_reported() {
    let (dag, _) = medallion();
    assert_eq!(names_of(&dag, dag.critical_path(|_| 1).steps), ["b1", "s1", "gold"]);
    assert_eq!(names_of(&dag, dag.critical_path(|_| 0).steps), ["b1", "s1", "gold"]);
}

#[test]
fn costs_do_not_overflow() {
    let (dag, _) = medallion();
    assert_eq!(dag.critical_path(|_| u64::MAX).cost, u64::MAX);
    assert!((dag.theoretical_speed_up(|_| u64::MAX, 7) - 7.0).abs() < 1e-9);
}

#[test]
fn speed_up_is_bound_by_the_critical_path_and_by_the_workers() {
    let (dag, cost) = medallion();
    let bound = |workers| dag.theoretical_speed_up(cost, workers);
    assert!((bound(4) - 90.0 / 43.0).abs() < 1e-9);
    assert!((bound(2) - 2.0).abs() < 1e-9);
    assert!((bound(1) - 1.0).abs() < 1e-9);
    assert!((bound(0) - 1.0).abs() < 1e-9, "no workers count as one");
    assert!((dag.theoretical_speed_up(|_| 0, 4) - 1.0).abs() < 1e-9);
}

#[test]
fn levels_number_the_steps_by_their_longest_path() {
    let (dag, _) = medallion();
    let levels = dag.levels();
    assert_eq!(levels.depth(), 3);
    assert_eq!(levels.widest(), (0, 3), "the first of equally wide levels");
    assert_eq!(levels.of(5), 1);
    assert_eq!(levels.steps(1), [3, 4, 5]);
    assert_eq!(levels.steps(3), [0_u32; 0]);
    assert_eq!(levels.iter().map(<[u32]>::len).collect::<Vec<_>>(), [3, 3, 1]);
}

#[test]
fn a_taker_is_on_a_later_level_than_the_readers() {
    let dag = graph(vec![
        step("rows"),
        step("sorted").reads_as("rows", 0, Mode::Take),
        step("count").reads("rows", 0),
    ]);
    assert_eq!(names_of(&dag, 0..3), ["rows", "count", "sorted"]);
    assert_eq!(dag.levels().depth(), 3);
    assert_eq!(dag.critical_path(|_| 1).cost, 3);
    // A reader that goes before a taker is an order, not a need.
    assert_eq!(names_of(&dag, dag.ancestors(2)), ["rows"]);
}

#[test]
fn statistics_count_what_the_definitions_say() {
    let statistics = shop().statistics();
    assert_eq!((statistics.steps, statistics.edges), (5, 4));
    assert_eq!((statistics.sources, statistics.sinks), (2, 2));
    assert_eq!((statistics.depth, statistics.widest_level, statistics.widest), (3, 0, 2));
    assert!((statistics.average_degree - 0.8).abs() < 1e-9);
    let counts = |counts: &std::collections::BTreeMap<String, usize>| {
        counts.iter().map(|(key, count)| format!("{key} {count}")).collect::<Vec<_>>()
    };
    assert_eq!(counts(&statistics.by_lane), ["blocking 1", "cpu 3", "io 1"]);
    assert_eq!(counts(&statistics.by_group), ["bronze 2", "gold 2"]);
    assert_eq!(counts(&statistics.by_tag), ["nightly 1", "source 2"]);
    assert_eq!(counts(&statistics.by_package), ["shop 1.2.3 5"]);
}

#[test]
fn statistics_count_takers_and_steps_that_run_on_failure() {
    let dag = graph(vec![
        step("rows"),
        step("sorted").reads_as("rows", 0, Mode::Take),
        step("report").reads_as("sorted", 1, Mode::Result).reads_as("rows", 1, Mode::Option),
    ]);
    let statistics = dag.statistics();
    assert_eq!((statistics.takers, statistics.conditional), (1, 1));
}

#[test]
fn statistics_survive_json() {
    let statistics = shop().statistics();
    let json = serde_json::to_string(&statistics).expect("serialises");
    assert_eq!(serde_json::from_str::<super::super::Statistics>(&json).expect("reads back"), statistics);
}

#[test]
fn an_empty_graph_has_figures_too() {
    let dag = graph(vec![]);
    assert_eq!(dag.levels().widest(), (0, 0));
    assert_eq!(dag.critical_path(|_| 1), super::super::CriticalPath::default());
    assert_eq!(dag.statistics(), super::super::Statistics::default());
    assert!((dag.theoretical_speed_up(|_| 1, 4) - 1.0).abs() < 1e-9);
}
