#![allow(unused_variables)]

use pipeline::prelude::*;
use std::cell::RefCell;

#[step]
fn shared(#[resource] cache: &RefCell<u32>) {}

#[step]
fn shapes(#[resource] pool: String, #[resource] rows: &[u32], #[resource] maybe: Option<&u32>) {}

#[step]
fn name(#[resource(pool)] pool: &String, #[resource(name = "pool")] other: &String) {}

fn main() {}
