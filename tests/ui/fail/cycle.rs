use pipeline::prelude::*;

#[step]
fn chicken(egg: &u32) -> u32 {
    *egg
}

#[step]
fn egg(chicken: &u32) -> u32 {
    *chicken
}

fn main() {}
