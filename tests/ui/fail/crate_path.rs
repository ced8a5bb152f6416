use pipeline::prelude::*;

#[step(crate = pipes)]
fn orders() -> u32 {
    1
}

// No follow-up here.
#[step]
fn total(orders: &u32) -> u32 {
    *orders
}

fn main() {}
