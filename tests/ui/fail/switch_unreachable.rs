use pipeline::prelude::*;

#[step(switch(true => yes, false => no, _ => yes))]
fn ask() -> bool {
    true
}

#[step(branch = ask)]
fn yes() {}

#[step(branch = ask)]
fn no() {}

#[step(switch(1 => one, "two" => one, _ => one))]
fn number() -> u32 {
    1
}

#[step(branch = number)]
fn one() {}

fn main() {}
