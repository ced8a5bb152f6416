use pipeline::prelude::*;

#[step]
fn orders() -> Vec<Ordr> {
    vec![]
}

#[step]
fn total(#[param] rate: Rate, orders: &[u32]) -> u32 {
    1
}

fn main() {}
