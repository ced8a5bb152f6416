use pipeline::prelude::*;

struct Order;

#[step]
fn orders() -> Vec<Order> {
    vec![]
}

#[step]
fn one() -> Order {
    Order
}

#[step(retries = 3)]
fn sorted(orders: Vec<Order>, #[from(one)] first: Order) -> usize {
    let _ = first;
    orders.len()
}

fn main() {}
