use pipeline::prelude::*;

#[step(name, cost = 0, tags = "daily", group("silver"), after, cpu = 3)]
fn one() {}

#[step(name = daily, cost = many, tags(), crate = "pipeline", "io")]
fn two() {}

fn main() {}
