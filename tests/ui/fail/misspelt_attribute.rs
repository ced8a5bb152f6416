use pipeline::prelude::*;

#[step]
fn orders() -> u32 {
    1
}

#[step]
fn revenue(#[form(orders)] rows: &u32, #[params] rate: f64) -> f64 {
    f64::from(*rows) * rate
}

#[step]
fn conditional(#[cfg(unix)] orders: &u32) {}

fn main() {}
