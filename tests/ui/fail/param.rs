#![allow(unused_variables)]

use pipeline::prelude::*;

struct Plain;

#[step]
fn unreadable(#[param] plain: Plain, #[param] other: &Plain) {}

#[step]
fn shapes(#[param] a: Option<&str>, #[param] b: Vec<&u32>, #[param] c: &mut u32) {}

#[step]
fn options(#[param(defualt = 3)] a: u32, #[param(name = 3)] b: u32, #[param("c")] c: u32, #[param = 3] d: u32) {}

#[step]
fn defaults(#[param(default = "x")] a: bool, #[param(default = 1.5)] b: u32) {}

fn main() {}
