use pipeline::prelude::*;

#[step]
fn total(first: &u32, rest: ...) -> u32 {
    *first
}

fn main() {}
