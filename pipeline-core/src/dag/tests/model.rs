//! Random graphs against a model that is slow but obviously correct.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::super::{Dag, GraphDocument, Selection};
use super::{build, step};
use crate::lane::Lane;
use crate::problem::{ProblemCode, Problems};
use crate::step::Mode;

const TAGS: [&[&str]; 4] = [&[], &["a"], &["b"], &["a", "b"]];
const GROUPS: [&str; 3] = ["bronze", "silver", "gold"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Read,
    After,
    /// Reads by value, if no other step does.
    Take,
}

/// A graph as a list of edges between steps numbered in the order in which they are added.
#[derive(Clone, Debug)]
struct Model {
    steps: usize,
    edges: Vec<(usize, usize, Edge)>,
}

/// Steps in any order of addition, edges along a hidden order, at most one taker of each output.
fn models() -> impl Strategy<Value = Model> {
    (1_usize..20).prop_flat_map(|steps| {
        let kind = prop_oneof![6 => Just(Edge::Read), 2 => Just(Edge::After), 1 => Just(Edge::Take)];
        let order = Just((0..steps).collect::<Vec<_>>()).prop_shuffle();
        (order, vec((any::<Index>(), any::<Index>(), kind), 0..3 * steps)).prop_map(move |(order, drawn)| {
            let mut edges: Vec<(usize, usize, Edge)> = Vec::new();
            for (a, b, kind) in drawn {
                let (a, b) = (a.index(steps), b.index(steps));
                if a == b {
                    continue;
                }
                let (from, to) = (order[a.min(b)], order[a.max(b)]);
                let is_taken = edges.iter().any(|&(taken, _, kind)| taken == from && kind == Edge::Take);
                edges.push((from, to, if kind == Edge::Take && is_taken { Edge::Read } else { kind }));
            }
            // A step that takes an output does not read it as well: that is refused, and tested elsewhere.
            let taken: Vec<(usize, usize)> =
                edges.iter().filter(|edge| edge.2 == Edge::Take).map(|edge| (edge.0, edge.1)).collect();
            edges.retain(|&(from, to, kind)| kind != Edge::Read || !taken.contains(&(from, to)));
            Model { steps, edges }
        })
    })
}

impl Model {
    fn build(&self) -> Result<Dag, Problems> {
        let sketch = |number: usize| {
            let into = self.edges.iter().filter(|edge| edge.1 == number);
            let of = |kind| into.clone().filter(move |edge| edge.2 == kind).map(|edge| edge.0 as u32);
            let mut sketch = step(format!("s{number}")).tags(TAGS[number % 4]).lane(Lane::ALL[number % 3]);
            if !number.is_multiple_of(5) {
                sketch = sketch.group(GROUPS[number % 3]);
            }
            sketch = sketch.collects("xs", &of(Edge::Read).collect::<Vec<_>>());
            for (index, taken) in of(Edge::Take).enumerate() {
                sketch = sketch.reads_as(format!("own{index}"), taken, Mode::Take);
            }
            sketch.after(&of(Edge::After).collect::<Vec<_>>())
        };
        build((0..self.steps).map(sketch).collect())
    }

    /// `(from, to)` for each need.
    fn needs(&self) -> BTreeSet<(usize, usize)> {
        self.edges.iter().map(|&(from, to, _)| (from, to)).collect()
    }

    /// The needs, and every other reader of a taken output before its taker.
    fn waits(&self) -> BTreeSet<(usize, usize)> {
        let mut waits = self.needs();
        for &(taken, taker, _) in self.edges.iter().filter(|edge| edge.2 == Edge::Take) {
            let readers = self.edges.iter().filter(|edge| edge.0 == taken && edge.2 != Edge::After);
            waits.extend(readers.filter(|edge| edge.1 != taker).map(|edge| (edge.1, taker)));
        }
        waits
    }
}

/// Returns everything that the pairs lead to from some steps, by repeating until nothing is new.
fn closure(pairs: &BTreeSet<(usize, usize)>, from: BTreeSet<usize>) -> BTreeSet<usize> {
    let mut reached = from;
    loop {
        let more: Vec<usize> =
            pairs.iter().filter(|pair| reached.contains(&pair.0)).map(|pair| pair.1).collect();
        let before = reached.len();
        reached.extend(more);
        if reached.len() == before {
            return reached;
        }
    }
}

fn reversed(pairs: &BTreeSet<(usize, usize)>) -> BTreeSet<(usize, usize)> {
    pairs.iter().map(|&(from, to)| (to, from)).collect()
}

/// Returns, for each step, the costliest path along the pairs that ends in it, by relaxing until nothing changes; `None` if
/// it never stops changing.
fn longest(steps: usize, pairs: &BTreeSet<(usize, usize)>, cost: impl Fn(usize) -> u64) -> Option<Vec<u64>> {
    let mut longest: Vec<u64> = (0..steps).map(&cost).collect();
    for _ in 0..=steps {
        let before = longest.clone();
        for &(from, to) in pairs {
            longest[to] = longest[to].max(longest[from] + cost(to));
        }
        if longest == before {
            return Some(longest);
        }
    }
    None
}

/// The number of the step at each position of the graph.
fn numbers(dag: &Dag) -> Vec<usize> {
    let number =
        |name: &str| name.trim_start_matches('s').parse().expect("the model names steps `s<number>`");
    dag.steps().iter().map(|spec| number(spec.name())).collect()
}

/// Returns the graph of a model and the numbers of its steps; `None` if a taker makes a circle, which must be reported.
fn built(model: &Model) -> Option<(Dag, Vec<usize>)> {
    let is_acyclic = longest(model.steps, &model.waits(), |_| 1).is_some();
    match model.build() {
        Ok(dag) => {
            assert!(is_acyclic, "a circle was not found");
            let numbers = numbers(&dag);
            Some((dag, numbers))
        }
        Err(problems) => {
            assert!(!is_acyclic, "a circle was made up: {problems}");
            assert!(problems.iter().all(|problem| problem.code == ProblemCode::Cycle), "{problems}");
            None
        }
    }
}

fn set(numbers: &[usize], positions: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
    positions.into_iter().map(|position| numbers[position]).collect()
}

fn is_ascending(positions: &[usize]) -> bool {
    positions.windows(2).all(|pair| pair[0] < pair[1])
}

/// Returns everything within a number of pairs from some steps; `None` is no bound.
fn within(pairs: &BTreeSet<(usize, usize)>, from: &BTreeSet<usize>, most: Option<usize>) -> BTreeSet<usize> {
    let Some(most) = most else { return closure(pairs, from.clone()) };
    let mut reached = from.clone();
    for _ in 0..most {
        let more: Vec<usize> =
            pairs.iter().filter(|pair| reached.contains(&pair.0)).map(|pair| pair.1).collect();
        reached.extend(more);
    }
    reached
}

/// `None` is nothing, `Some(None)` everything, `Some(Some(n))` at most `n` steps away.
type Around = Option<Option<usize>>;

fn arounds() -> impl Strategy<Value = Around> {
    proptest::option::of(proptest::option::of(0_usize..4))
}

/// A part of a term with its reach, as written, and the steps that it selects in the model.
fn part(model: &Model, kind: usize, number: usize, around: (Around, Around)) -> (String, BTreeSet<usize>) {
    let (text, alone) = match kind {
        5 => {
            let of_lane = (0..model.steps).filter(|number| number % 3 == 1);
            (format!("lane:{}", Lane::ALL[1].name()), of_lane.collect())
        }
        6 => ("package:sho?".to_owned(), (0..model.steps).collect()),
        _ => expected(model, kind, number, (false, false)),
    };
    let mut selected: BTreeSet<usize> = alone.clone();
    let written = |around: Around| {
        around.map_or(String::new(), |most| most.map_or(String::new(), |most| most.to_string()) + "+")
    };
    let above = written(around.0);
    let below = around.1.map_or(String::new(), |most| most.map_or("+".to_owned(), |most| format!("+{most}")));
    if let Some(most) = around.0 {
        selected.extend(within(&reversed(&model.needs()), &alone, most));
    }
    if let Some(most) = around.1 {
        selected.extend(within(&model.needs(), &alone, most));
    }
    (format!("{above}{text}{below}"), selected)
}

/// A term, and what it selects in the model.
fn expected(model: &Model, kind: usize, number: usize, plus: (bool, bool)) -> (String, BTreeSet<usize>) {
    let all = 0..model.steps;
    let (text, alone): (String, BTreeSet<usize>) = match kind {
        0 => (format!("s{number}"), BTreeSet::from([number])),
        1 => (format!("shop::s{number}"), BTreeSet::from([number])),
        2 => ("s1*".into(), all.filter(|number| number.to_string().starts_with('1')).collect()),
        3 => ("tag:a".into(), all.filter(|number| TAGS[number % 4].contains(&"a")).collect()),
        _ => {
            let of_group = all.filter(|number| number % 5 != 0 && GROUPS[number % 3] == "gold");
            ("group:gold".into(), of_group.collect())
        }
    };
    let mut selected = alone.clone();
    if !alone.is_empty() && plus.0 {
        selected.extend(closure(&reversed(&model.needs()), alone.clone()));
    }
    if plus.1 {
        selected.extend(closure(&model.needs(), alone));
    }
    let (before, after) = (if plus.0 { "+" } else { "" }, if plus.1 { "+" } else { "" });
    (format!("{before}{text}{after}"), selected)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_step_comes_after_all_it_waits_for(model in models()) {
        let Some((_, numbers)) = built(&model) else { return Ok(()) };
        let mut place = vec![usize::MAX; model.steps];
        for (position, &number) in numbers.iter().enumerate() {
            prop_assert_eq!(place[number], usize::MAX, "each step is there once");
            place[number] = position;
        }
        for (from, to) in model.waits() {
            prop_assert!(place[from] < place[to]);
        }
        prop_assert_eq!(numbers, self::numbers(&model.build().expect("built before")), "the order is stable");
    }

    #[test]
    fn lists_hold_each_edge_once_from_both_ends(model in models()) {
        let Some((dag, numbers)) = built(&model) else { return Ok(()) };
        let mut pairs = Vec::new();
        let mut transposed = Vec::new();
        for step in 0..dag.len() {
            pairs.extend(dag.upstream(step).iter().map(|&upstream| (upstream as usize, step)));
            transposed.extend(dag.downstream(step).iter().map(|&downstream| (step, downstream as usize)));
            prop_assert!(dag.upstream(step).windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(dag.downstream(step).windows(2).all(|pair| pair[0] < pair[1]));
        }
        pairs.sort_unstable();
        prop_assert_eq!(&pairs, &transposed);
        let needs: BTreeSet<_> = pairs.iter().map(|&(from, to)| (numbers[from], numbers[to])).collect();
        prop_assert_eq!(needs, model.needs());
        prop_assert_eq!(dag.edge_count(), pairs.len());
        for step in 0..dag.len() {
            let number = numbers[step];
            let reads: BTreeSet<usize> =
                model.edges.iter().filter(|edge| edge.1 == number && edge.2 != Edge::After).map(|edge| edge.0).collect();
            let needs: BTreeSet<usize> =
                model.edges.iter().filter(|edge| edge.1 == number).map(|edge| edge.0).collect();
            prop_assert_eq!(set(&numbers, dag.after(step)), &needs - &reads);
        }
    }

    #[test]
    fn ancestors_and_descendants_are_what_the_edges_lead_to(model in models(), starts in vec(any::<Index>(), 0..4)) {
        let Some((dag, numbers)) = built(&model) else { return Ok(()) };
        let (down, up) = (model.needs(), reversed(&model.needs()));
        for step in 0..dag.len() {
            let own = BTreeSet::from([numbers[step]]);
            let (ancestors, descendants) = (dag.ancestors(step), dag.descendants(step));
            prop_assert!(is_ascending(&ancestors) && is_ascending(&descendants));
            prop_assert_eq!(set(&numbers, ancestors), &closure(&up, own.clone()) - &own);
            prop_assert_eq!(set(&numbers, descendants), &closure(&down, own.clone()) - &own);
        }
        let starts: Vec<usize> = starts.iter().map(|start| start.index(dag.len())).collect();
        let own = set(&numbers, starts.iter().copied());
        prop_assert_eq!(set(&numbers, dag.with_ancestors(starts.iter().copied())), closure(&up, own.clone()));
        prop_assert_eq!(set(&numbers, dag.with_descendants(starts)), closure(&down, own));
    }

    #[test]
    fn levels_are_the_longest_paths(model in models()) {
        let Some((dag, numbers)) = built(&model) else { return Ok(()) };
        let expected = longest(model.steps, &model.waits(), |_| 1).expect("acyclic");
        let levels = dag.levels();
        for (step, &number) in numbers.iter().enumerate() {
            prop_assert_eq!(levels.of(step) as u64 + 1, expected[number]);
            prop_assert!(levels.steps(levels.of(step)).contains(&(step as u32)));
        }
        prop_assert_eq!(levels.depth() as u64, expected.iter().copied().max().unwrap_or(0));
        prop_assert_eq!(levels.iter().map(<[u32]>::len).sum::<usize>(), dag.len());
        let (level, width) = levels.widest();
        prop_assert_eq!(levels.steps(level).len(), width);
        prop_assert!(levels.iter().all(|steps| steps.len() <= width));
    }

    #[test]
    fn the_critical_path_is_the_costliest_way(model in models(), costs in vec(0_u64..5, 20), workers in 1_usize..5) {
        let Some((dag, numbers)) = built(&model) else { return Ok(()) };
        let cost = |step: usize| costs[numbers[step]];
        let waits = model.waits();
        let remaining = longest(model.steps, &reversed(&waits), |number| costs[number]).expect("acyclic");
        let found = dag.remaining(cost);
        for (step, &number) in numbers.iter().enumerate() {
            prop_assert_eq!(found[step], remaining[number]);
        }
        let path = dag.critical_path(cost);
        prop_assert_eq!(path.cost, remaining.iter().copied().max().unwrap_or(0));
        prop_assert_eq!(path.cost, path.steps.iter().map(|&step| cost(step)).sum::<u64>());
        for pair in path.steps.windows(2) {
            prop_assert!(waits.contains(&(numbers[pair[0]], numbers[pair[1]])), "each step waits for the one before");
        }
        let total = (0..dag.len()).map(cost).sum::<u64>() as f64;
        let bound = if total == 0.0 { 1.0 } else { total / (total / workers as f64).max(path.cost as f64) };
        prop_assert!((dag.theoretical_speed_up(cost, workers) - bound).abs() < 1e-9);
    }

    #[test]
    fn a_selection_is_the_union_of_its_terms_without_the_excluded(
        model in models(),
        drawn in vec((0_usize..5, any::<Index>(), any::<(bool, bool)>()), 0..4),
        excluded in 0_usize..4,
    ) {
        let Some((dag, numbers)) = built(&model) else { return Ok(()) };
        let terms: Vec<_> = drawn
            .iter()
            .map(|(kind, number, plus)| expected(&model, *kind, number.index(model.steps), *plus))
            .collect();
        let (without, with) = terms.split_at(excluded.min(terms.len()));
        let union = |terms: &[(String, BTreeSet<usize>)]| -> BTreeSet<usize> {
            terms.iter().flat_map(|(_, selected)| selected.iter().copied()).collect()
        };
        let texts = |terms: &[(String, BTreeSet<usize>)]| -> Vec<String> {
            terms.iter().map(|(text, _)| text.clone()).collect()
        };
        let selection = Selection::parse(&texts(with)).and_then(|all| all.exclude(&texts(without)));
        let found = dag.select(&selection.expect("readable"));
        let unmatched: BTreeSet<&str> =
            terms.iter().filter(|(_, selected)| selected.is_empty()).map(|(text, _)| text.as_str()).collect();
        if unmatched.is_empty() {
            let found = found.expect("every term selects something");
            prop_assert!(is_ascending(&found));
            let all = if with.is_empty() { (0..model.steps).collect() } else { union(with) };
            prop_assert_eq!(set(&numbers, found), &all - &union(without));
        } else {
            let problems = found.expect_err("a term selects nothing").into_vec();
            prop_assert_eq!(problems.len(), unmatched.len(), "each is told once");
        }
    }

    #[test]
    fn a_term_is_what_all_its_parts_select(
        model in models(),
        drawn in vec((0_usize..7, any::<Index>(), (arounds(), arounds())), 1..4),
    ) {
        let Some((dag, numbers)) = built(&model) else { return Ok(()) };
        let parts: Vec<_> = drawn
            .iter()
            .map(|(kind, number, around)| part(&model, *kind, number.index(model.steps), *around))
            .collect();
        let text = parts.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(",");
        let mut common = parts[0].1.clone();
        parts.iter().for_each(|(_, selected)| common = &common & selected);
        let found = dag.select(&Selection::parse(&[&text]).expect("readable"));
        match found {
            Ok(found) => {
                prop_assert!(is_ascending(&found));
                prop_assert_eq!(set(&numbers, found), common, "{}", text);
                prop_assert!(parts.iter().all(|(_, selected)| !selected.is_empty()), "{} has an empty part", text);
            }
            Err(problems) => prop_assert!(common.is_empty(), "{}: {}", text, problems),
        }
    }

    #[test]
    fn from_and_until_bound_a_selection(
        model in models(),
        from in vec(any::<Index>(), 0..3),
        until in vec(any::<Index>(), 0..3),
    ) {
        let Some((dag, numbers)) = built(&model) else { return Ok(()) };
        let names = |drawn: &[Index]| -> Vec<usize> { drawn.iter().map(|one| one.index(model.steps)).collect() };
        let texts = |names: &[usize]| -> Vec<String> { names.iter().map(|number| format!("s{number}")).collect() };
        let (from, until) = (names(&from), names(&until));
        let all: BTreeSet<usize> = (0..model.steps).collect();
        let bound = |pairs: &BTreeSet<(usize, usize)>, ends: &[usize]| {
            if ends.is_empty() { all.clone() } else { closure(pairs, ends.iter().copied().collect()) }
        };
        let expected = &bound(&model.needs(), &from) & &bound(&reversed(&model.needs()), &until);
        let selection = Selection::all().from_steps(&texts(&from)).and_then(|all| all.until(&texts(&until)));
        let found = dag.select(&selection.expect("readable")).expect("all are there");
        prop_assert_eq!(set(&numbers, found), expected);
    }

    #[test]
    fn a_document_survives_json(model in models()) {
        let Some((dag, numbers)) = built(&model) else { return Ok(()) };
        let document = dag.document();
        prop_assert_eq!(GraphDocument::from_json(&document.to_json()), Ok(document.clone()));
        let number = |name: &str| name.trim_start_matches('s').parse::<usize>().expect("named by the model");
        let mut pairs = BTreeSet::new();
        for (step, &to) in document.steps.iter().zip(&numbers) {
            let from = step.inputs.iter().flat_map(|input| &input.from).chain(&step.after);
            pairs.extend(from.map(|name| (number(name), to)));
        }
        prop_assert_eq!(pairs, model.needs());
    }
}
