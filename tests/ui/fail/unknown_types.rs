use pipeline::prelude::*;

#[step]
fn orders() -> Vec<Parcel> {
    vec![]
}

#[step]
fn total(#[param] rate: Rate, orders: &[u32]) -> u32 {
    1
}

fn main() {}
