//! A million steps (in a release build) on a small stack.

use std::borrow::Cow;
use std::sync::Arc;

use super::super::{Bound, BoundSource, Dag, DefRef, Draft, DraftStep, Format, Scope, Selection};
use super::{AT, step};

/// Deep enough in a debug build for the smallest recursion to overflow.
const MANY: u32 = if cfg!(debug_assertions) { 200_000 } else { 1_000_000 };

/// Builds a graph of `steps` steps, all of one definition, each reading its `sources`.
fn wide_or_deep(steps: u32, sources: impl Fn(u32) -> Vec<u32>) -> Dag {
    let def = Arc::new(step("step").collects("xs", &[]).def);
    let mut draft = Draft::new(Scope::Builder(1));
    for number in 0..steps {
        draft.add(DraftStep {
            def: DefRef::Shared(Arc::clone(&def)),
            name: Some(Cow::Owned(format!("s{number}"))),
            location: AT,
            bound: vec![Bound {
                parameter: 0,
                sources: sources(number)
                    .into_iter()
                    .map(|step| BoundSource::Step { step, builder: 1 })
                    .collect(),
            }],
            after: Vec::new(),
            after_closed: false,
            params: Vec::new(),
            policy: None,
        });
    }
    draft.finish().expect("the steps fit together")
}

fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(512 * 1024).spawn(test).expect("a thread");
    thread.join().expect("the test passes");
}

/// Runs every query of a graph; checks only that it returns, and a few figures.
fn ask_everything(dag: &Dag, depth: usize, widest: usize) {
    let last = dag.len() - 1;
    assert_eq!(dag.ancestors(last).len() + dag.descendants(last).len(), last);
    assert_eq!(dag.with_ancestors(0..dag.len()).len(), dag.len());
    assert_eq!(dag.levels().depth(), depth);
    assert_eq!(dag.critical_path(|_| 1).steps.len(), depth);
    assert_eq!(dag.statistics().widest, widest);
    assert_eq!(dag.find("s777"), Ok(777));
    let selection = Selection::parse(&["s0+", "+s777", "s?"]).and_then(|all| all.exclude(&["s99*"]));
    assert!(dag.select(&selection.expect("readable")).expect("fits").len() < dag.len());
}

#[test]
fn a_very_long_chain_is_answered_on_a_small_stack() {
    on_a_small_stack(|| {
        let dag = wide_or_deep(MANY, |number| number.checked_sub(1).into_iter().collect());
        ask_everything(&dag, MANY as usize, 1);
    });
}

#[test]
fn a_very_wide_fan_is_answered_on_a_small_stack() {
    on_a_small_stack(|| {
        let last = MANY - 1;
        let dag = wide_or_deep(MANY, |number| match number {
            0 => Vec::new(),
            _ if number == last => (1..last).collect(),
            _ => vec![0],
        });
        ask_everything(&dag, 3, MANY as usize - 2);
    });
}

#[test]
fn large_graphs_are_shown_in_every_format() {
    on_a_small_stack(|| {
        let dag = wide_or_deep(20_000, |number| number.checked_sub(1).into_iter().collect());
        for format in Format::ALL {
            assert!(dag.render(format).contains("s19999"), "{format}");
        }
    });
}
