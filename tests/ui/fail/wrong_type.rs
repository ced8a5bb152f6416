use pipeline::prelude::*;

#[step]
fn orders() -> Vec<u32> {
    vec![]
}

#[step]
fn borrowed(orders: &[u64]) -> usize {
    orders.len()
}

#[step]
fn taken(orders: Vec<u64>) -> usize {
    orders.len()
}

#[step]
fn outcome(orders: Result<&String, &StepError>) -> bool {
    orders.is_ok()
}

fn main() {}
