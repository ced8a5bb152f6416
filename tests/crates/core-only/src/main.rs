//! Draws a graph; runs nothing, and builds no tokio.

use pipeline::graph::Format;
use pipeline::{Dag, step};

#[step]
fn one() -> u64 {
    1
}

#[step]
async fn two(one: &u64) -> u64 {
    one + 1
}

fn main() {
    let dag = Dag::of::<two>().expect("a valid graph");
    print!("{}", dag.render(Format::Dot));
}
