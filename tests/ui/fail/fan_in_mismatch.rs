use pipeline::prelude::*;

#[step]
fn north() -> u32 {
    1
}

#[step]
fn south() -> u64 {
    1
}

#[step]
fn total(#[from(north, south)] regions: Vec<&u32>) -> u32 {
    regions.into_iter().sum()
}

fn main() {}
