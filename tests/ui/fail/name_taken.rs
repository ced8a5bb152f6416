use pipeline::prelude::*;

mod orders {}

#[step]
fn orders() -> u32 {
    1
}

struct Rates;
#[allow(non_camel_case_types)]
type rates = Rates;

#[step]
fn rates() -> u32 {
    1
}

fn main() {}
