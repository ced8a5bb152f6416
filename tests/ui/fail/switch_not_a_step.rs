use pipeline::prelude::*;

fn plain() {}

struct Unit;

#[step(switch(true => Unit, false => missing))]
fn ask() -> bool {
    true
}

#[step(branch = Unit)]
fn branch() {}

#[step(branch = plain)]
fn other() {}

fn main() {}
