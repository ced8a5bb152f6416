use pipeline::prelude::*;

#[step(cost = 1, cost = 2)]
fn one() {}

#[step(cpu, blocking)]
fn two() {}

#[step(fallible, infallible)]
fn three() -> Result<(), StepError> {
    Ok(())
}

#[step]
#[step(cost = 1)]
fn four() {}

fn main() {}
