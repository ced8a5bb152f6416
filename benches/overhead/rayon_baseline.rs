//! The same work, hand-written on rayon.
//!
//! - independent: `par_iter` (rayon's own splitting: not a job per step but a loop per piece, and so a bound that no
//!   scheduler of single steps reaches), `par_iter_each` (one job per step), `scope` (one spawn per step).
//! - chain, layered: `scope`: a job per step, spawned by the job that counts its missing inputs down to zero.
//! - tree: `scope`, and `join` from the root down.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rayon::prelude::*;

use crate::shapes::{Graph, Shape, step};

/// A style: its name, and the code that returns the answer.
pub(crate) type Style = (&'static str, fn(&Graph) -> u64);

/// The styles that fit a shape.
pub(crate) fn styles(shape: Shape) -> &'static [Style] {
    match shape {
        Shape::Independent => &[("par_iter", par_iter), ("par_iter_each", par_iter_each), ("scope", counted)],
        Shape::Chain | Shape::Layered => &[("scope", counted)],
        Shape::Tree => &[("scope", counted), ("join", join)],
    }
}

fn par_iter(graph: &Graph) -> u64 {
    let outputs: Vec<u64> = (0..graph.len()).into_par_iter().map(|_| step([].into_iter())).collect();
    outputs.into_iter().fold(0, u64::wrapping_add)
}

fn par_iter_each(graph: &Graph) -> u64 {
    let steps = (0..graph.len()).into_par_iter().with_max_len(1);
    let outputs: Vec<u64> = steps.map(|_| step([].into_iter())).collect();
    outputs.into_iter().fold(0, u64::wrapping_add)
}

/// Shared by the jobs of one run.
struct State<'g> {
    graph: &'g Graph,
    missing: Vec<AtomicU32>,
    outputs: Vec<AtomicU64>,
}

fn counted(graph: &Graph) -> u64 {
    let state = State {
        graph,
        missing: (0..graph.len()).map(|step| AtomicU32::new(graph.inputs(step).len() as u32)).collect(),
        outputs: (0..graph.len()).map(|_| AtomicU64::new(0)).collect(),
    };
    rayon::scope(|scope| {
        for root in graph.roots() {
            let state = &state;
            scope.spawn(move |scope| run(state, root, scope));
        }
    });
    let outputs = graph.sinks.iter().map(|&sink| state.outputs[sink as usize].load(Ordering::Relaxed));
    outputs.fold(0, u64::wrapping_add)
}

fn run<'s>(state: &'s State<'_>, this: usize, scope: &rayon::Scope<'s>) {
    let inputs = state.graph.inputs(this).iter();
    let output = step(inputs.map(|&input| state.outputs[input as usize].load(Ordering::Relaxed)));
    state.outputs[this].store(output, Ordering::Relaxed);
    for &next in state.graph.successors(this) {
        if state.missing[next as usize].fetch_sub(1, Ordering::AcqRel) == 1 {
            scope.spawn(move |scope| run(state, next as usize, scope));
        }
    }
}

fn join(graph: &Graph) -> u64 {
    fn below(graph: &Graph, this: usize) -> u64 {
        match *graph.inputs(this) {
            [left, right] => {
                let (left, right) =
                    rayon::join(|| below(graph, left as usize), || below(graph, right as usize));
                step([left, right].into_iter())
            }
            _ => step([].into_iter()),
        }
    }
    // From inside the pool, like everything below it.
    rayon::scope(|_| below(graph, graph.len() - 1))
}
