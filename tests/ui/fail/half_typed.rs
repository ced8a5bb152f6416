use pipeline::prelude::*;

#[step]
fn orders() -> Vec<u32> {
    let x = ;
    vec![]
}

#[step]
fn total(orders: &[u32]) -> u32 {
    orders.
}

fn main() {}
