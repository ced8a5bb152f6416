use pipeline::prelude::*;

#[step(retrys = 3)]
fn one() {}

#[step(tag("a"))]
fn two() {}

#[step(colour = "red", blokking)]
fn three() {}

fn main() {}
