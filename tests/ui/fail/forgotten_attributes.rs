use pipeline::prelude::*;

struct Pool;

#[step]
fn load(pool: &Pool, limit: u32) -> u32 {
    limit
}

fn rates() -> u32 {
    1
}

mod stock {
    #[pipeline::step]
    pub fn stock() -> u32 {
        1
    }
}

#[step]
fn convert(rates: &u32, stock: &u32) -> u32 {
    rates + stock
}

fn main() {
    let _ = Pipeline::to::<rates>().and::<stock>();
}
