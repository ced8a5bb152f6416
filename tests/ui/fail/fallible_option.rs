#![allow(unused_variables)]

use pipeline::prelude::*;

#[step(fallible)]
fn already() -> Result<u32, std::io::Error> {
    Ok(1)
}

#[step(infallible)]
fn never() -> u32 {
    1
}

#[step(fallible)]
fn nothing() {}

#[step(fallible)]
fn number() -> u32 {
    1
}

fn main() {}
