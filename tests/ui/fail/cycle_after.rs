use pipeline::prelude::*;

#[step(after(second))]
fn first() {}

#[step(after(first))]
fn second() {}

fn main() {}
