use pipeline::prelude::*;

#[step]
fn numbers() -> impl Iterator<Item = u32> {
    0..3
}

#[step]
fn total(numbers: impl Iterator<Item = u32>) -> u32 {
    numbers.sum()
}

// Its upstream's type is not known, so nothing more is said here.
#[step]
fn more(numbers: &u32) -> u32 {
    *numbers
}

fn main() {}
