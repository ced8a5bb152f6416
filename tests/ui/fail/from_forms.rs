#![allow(unused_variables)]

use pipeline::prelude::*;

#[step]
fn a() -> u32 {
    1
}

#[step]
fn empty(#[from] x: &u32, #[from()] y: &u32, #[from = "a"] z: &u32) {}

#[step]
fn unreadable(#[from(a::<u32>)] x: &u32, #[from(a + a)] y: &u32, #[from(1)] z: &u32) {}

#[step]
fn options(#[from(tags = "x")] x: Vec<&u32>, #[from(a, tag = "x")] y: Vec<&u32>, #[from(tag = x)] z: Vec<&u32>) {}

#[step]
fn lists(#[from(a, "b")] x: Vec<&u32>, #[from(a, a.0)] y: Vec<&u32>) {}

#[step]
fn none_of(#[from(a, or_none)] x: &u32, #[from("a_*", at_least = 1, or_none)] y: Vec<&u32>) {}

fn main() {}
