#![allow(unused_variables)]

use pipeline::prelude::*;
use std::collections::{BTreeMap, HashMap, HashSet};

#[step]
fn a() -> u32 {
    1
}

#[step]
fn not_many(#[from(a, a)] x: &u32, #[from("shard_*")] y: &u32, #[from(tag = "source")] z: u32) {}

#[step]
fn not_one(a: Vec<&u32>, #[from("a")] b: BTreeMap<&str, &u32>) {}

#[step]
fn collections(
    #[from(a, a)] x: HashMap<&str, &u32>,
    #[from(a, a)] y: HashSet<&u32>,
    #[from(a, a)] z: (&u32, &u32),
    #[from(a, a)] w: BTreeMap<u32, &u32>,
) {
}

fn main() {}
