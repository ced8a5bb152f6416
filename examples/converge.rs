//! How do I iterate until a result converges, with a bound? A graph has no circles: `Repeat` runs a pipeline per round,
//! made from the result of the round before.

#![allow(clippy::print_stdout, clippy::trivially_copy_pass_by_ref, clippy::unnecessary_wraps)]

use std::ops::ControlFlow;

use pipeline::prelude::*;
use pipeline::run::RepeatError;
use pipeline::{Problems, Repeat, Run};

/// The links: page 0 to 1 and 2, page 1 to 2, page 2 to 0.
const LINKS: [&[usize]; 3] = [&[1, 2], &[2], &[0]];

type Ranks = Vec<f64>;

/// The rank that each page passes on along its links.
#[step]
fn passed(#[param] ranks: Ranks) -> Ranks {
    let mut passed = vec![0.0; ranks.len()];
    for (rank, links) in ranks.iter().zip(LINKS) {
        links.iter().for_each(|&to| passed[to] += rank / links.len() as f64);
    }
    passed
}

/// Spreads a part of every rank evenly.
#[step]
fn better(passed: &[f64]) -> Ranks {
    let even = 1.0 / passed.len() as f64;
    passed.iter().map(|rank| 0.15 * even + 0.85 * rank).collect()
}

/// How much the ranks changed in this round.
#[step]
fn moved(#[param] ranks: Ranks, better: &[f64]) -> f64 {
    ranks.iter().zip(better).map(|(old, new)| (old - new).abs()).sum()
}

/// The pipeline of one round.
fn round(ranks: &Ranks, _number: u32) -> Result<Pipeline, Problems> {
    Ok(Pipeline::to::<moved>().and::<better>().param("ranks", ranks).settings(Settings::load()?))
}

/// Decides if the result is good enough: returns it, or the state for the next round. A failed step is an error here.
fn judge(
    _: Ranks,
    mut run: Run,
) -> Result<ControlFlow<Ranks, Ranks>, Box<dyn std::error::Error + Send + Sync>> {
    let moved = *run.output::<moved>()?;
    let better = run.take_output::<better>()?;
    Ok(if moved < 1e-6 { ControlFlow::Break(better) } else { ControlFlow::Continue(better) })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = vec![1.0 / 3.0; 3];
    let found = Repeat::at_most(100).run_blocking(start.clone(), round, judge)?;
    println!("{} rounds: {:.3?}", found.rounds, found.value);

    // If the rounds run out, the error has the last state.
    match Repeat::at_most(3).run_blocking(start, round, judge) {
        Err(error @ RepeatError::NotConverged { .. }) => {
            println!("{error}");
            if let RepeatError::NotConverged { state, .. } = error {
                println!("so far: {state:.3?}");
            }
        }
        other => println!("{} rounds", other?.rounds),
    }
    Ok(())
}
