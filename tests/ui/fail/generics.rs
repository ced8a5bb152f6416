use pipeline::prelude::*;

#[step]
fn sort<T: Ord>(mut orders: Vec<T>) -> Vec<T> {
    orders.sort();
    orders
}

#[step]
fn first<'a>(orders: &'a [u32]) -> u32 {
    orders[0]
}

#[step]
fn chunk<const N: usize>(orders: &[u32]) -> usize {
    orders.len() / N
}

#[step]
fn plain() -> u32
where
    u32: Copy,
{
    1
}

fn main() {}
