use pipeline::prelude::*;

#[step]
const fn one() -> u32 {
    1
}

#[step]
unsafe fn two() -> u32 {
    2
}

#[step]
extern "C" fn three() -> u32 {
    3
}

#[step]
fn never() -> ! {
    loop {}
}

fn main() {}
