//! The dependency is renamed: `#[step(crate = …)]` names it for each step, or one `extern crate` for all.

use flow::Pipeline;

#[flow::step(crate = flow)]
fn one() -> u64 {
    1
}

#[flow::step(crate = ::flow)]
async fn two(one: &u64) -> u64 {
    one + 1
}

fn main() {
    let run = Pipeline::to::<two>().run_blocking().expect("a valid pipeline");
    println!("two = {}", run.output::<two>().expect("it succeeded"));
}
