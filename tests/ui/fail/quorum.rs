use std::collections::BTreeMap;

use pipeline::prelude::*;

#[step(tags("x"))]
fn a() -> u32 {
    1
}

#[step(tags("x"))]
fn b() -> u32 {
    2
}

#[step]
fn types(
    #[from(a, b, first)] x: Vec<&u32>,
    #[from(a, b, priority)] y: BTreeMap<&str, &u32>,
    #[from(a, b, at_least = 1)] z: &u32,
    #[from(a, b, first)] taken: u32,
) {
}

#[step]
fn counts(
    #[from(a, b, at_least = 3)] x: Vec<&u32>,
    #[from(a, b, at_least = many)] y: Vec<&u32>,
    #[from(a, b, at_least = -1)] z: Vec<&u32>,
    #[from(a, b, at_least = 1, at_least = 2)] w: Vec<&u32>,
) {
}

#[step]
fn words(
    #[from(a, b, cancel)] x: Vec<&u32>,
    #[from(a, b, at_least = 1, first)] y: &u32,
    #[from(a, b, at_least = 0, cancel)] z: Vec<&u32>,
    #[from(a, b, least = 1)] w: Vec<&u32>,
) {
}

#[step]
fn sources(
    #[from(a.0, first)] x: &u32,
    #[from("a", at_least = 1)] y: Vec<&u32>,
    #[from(tag = "x", a, first)] z: &u32,
    #[from(at_least = 1)] w: Vec<&u32>,
) {
}

fn main() {}
