use pipeline::prelude::*;

#[step(cots = 3, io)]
fn broken<T>((a, b): &(u32, u32), orders: &mut u32, #[param] #[context] x: u32) -> impl Sized {}

// What depends on it is silent.
#[step]
fn downstream(broken: &u32, #[from(broken)] again: &str) -> u32 {
    *broken
}

fn main() {}
