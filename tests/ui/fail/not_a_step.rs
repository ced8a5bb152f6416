use pipeline::prelude::*;

struct Config;

#[step]
fn load(#[from(Config)] config: &u32) -> u32 {
    *config
}

fn rates() -> u32 {
    1
}

#[step]
fn convert(rates: &u32) -> u32 {
    *rates
}

fn main() {}
