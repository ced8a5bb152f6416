//! A crate whose steps are not deprecated can forbid the lint.

#![forbid(deprecated)]

use pipeline::prelude::*;

#[step]
fn one() -> u32 {
    1
}

fn main() {
    assert_eq!(Pipeline::to::<one>().run_blocking().unwrap().output::<one>(), Ok(&1));
}
