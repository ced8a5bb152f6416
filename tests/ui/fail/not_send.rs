use pipeline::prelude::*;
use std::cell::Cell;
use std::rc::Rc;

async fn tick() {}

#[step]
async fn future() -> u32 {
    let count = Rc::new(1);
    tick().await;
    *count
}

#[step]
fn output() -> Rc<u32> {
    Rc::new(1)
}

#[step]
fn not_sync() -> Cell<u32> {
    Cell::new(1)
}

fn main() {}
