//! Two runs of a step that succeeds, then one of a step that panics.

use pipeline::prelude::*;

#[step]
fn succeeds() -> u32 {
    1
}

#[step]
fn panics() -> u32 {
    panic!("planted")
}

fn main() {
    for _ in 0..2 {
        let run = Pipeline::to::<succeeds>().run_blocking().expect("the graph is right");
        println!("ran: {}", run.succeeded());
    }
    let run = Pipeline::to::<panics>().run_blocking();
    println!("never printed: {run:?}");
}
