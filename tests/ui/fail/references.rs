use pipeline::prelude::*;

#[step]
fn orders() -> Vec<u32> {
    vec![]
}

#[step]
fn sorted(orders: &mut Vec<u32>) -> u32 {
    orders.sort();
    orders[0]
}

#[step]
fn forever(orders: &'static [u32]) -> u32 {
    orders[0]
}

#[step]
fn object(#[from(orders)] debug: &dyn std::fmt::Debug) -> String {
    format!("{debug:?}")
}

#[step]
fn outcome(orders: Result<&Vec<u32>, StepError>, #[from(orders)] again: Result<&Vec<u32>, &String>) -> bool {
    orders.is_ok() && again.is_ok()
}

fn main() {}
