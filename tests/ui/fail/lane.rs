use pipeline::prelude::*;

#[step(io)]
fn fetch() -> u32 {
    1
}

#[step(blocking)]
async fn read() -> u32 {
    1
}

fn main() {}
