use std::cell::{Cell, RefCell};
use std::rc::Rc;

use pipeline::DagBuilder;
use pipeline::prelude::*;

#[step]
fn counts_in_a_cell(#[resource] seen: &Cell<u32>) {
    seen.set(seen.get() + 1);
}

#[step]
fn collects(#[resource] rows: &RefCell<Vec<u32>>) {
    rows.borrow_mut().push(1);
}

#[step]
fn shares() -> Rc<RefCell<u32>> {
    Rc::default()
}

fn main() {
    let mut dag = DagBuilder::new();
    let one = dag.cpu("one", (), |()| 1);
    let log = RefCell::new(Vec::new());
    dag.cpu("logs", (one,), move |(one,)| log.borrow_mut().push(*one));
}
