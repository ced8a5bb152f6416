use pipeline::prelude::*;

#[step]
fn u8() -> u32 {
    1
}

#[step(name = "std")]
fn std() -> Vec<u8> {
    vec![1]
}

fn main() {}
