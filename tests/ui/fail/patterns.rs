use pipeline::prelude::*;

#[step]
fn pair() -> (u32, u32) {
    (1, 2)
}

#[step]
fn sum((a, b): &(u32, u32)) -> u32 {
    a + b
}

#[step]
fn ignored(_: &(u32, u32)) -> u32 {
    1
}

#[step]
fn by_ref(ref pair: (u32, u32)) -> u32 {
    pair.0
}

fn main() {}
