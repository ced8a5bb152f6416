use pipeline::prelude::*;

#[step]
fn total(total: &u32) -> u32 {
    *total
}

fn main() {}
