use pipeline::prelude::*;

#[step]
fn split() -> (Vec<u32>, Vec<String>) {
    (vec![], vec![])
}

#[step]
fn taken(#[from(split.0)] good: Vec<u32>) -> usize {
    good.len()
}

#[step]
fn many(#[from(split.0)] good: Vec<&u32>) -> usize {
    good.len()
}

fn main() {}
