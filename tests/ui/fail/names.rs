use pipeline::prelude::*;

#[step(name = "all orders")]
fn one() {}

#[step(name = "", tags("a,b", "team:billing"), group = "*")]
fn two() {}

#[step(name = "-x")]
fn three() {}

fn main() {}
