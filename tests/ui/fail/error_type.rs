use pipeline::prelude::*;
use std::error::Error;

#[derive(Debug)]
struct Broken;

#[step]
fn not_an_error() -> Result<u32, Broken> {
    Err(Broken)
}

#[step]
fn not_send() -> Result<u32, Box<dyn Error>> {
    Ok(1)
}

fn main() {}
