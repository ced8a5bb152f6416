use pipeline::prelude::*;

#[step(switch(true => yes, false => yes))]
fn ask(yes: &u32) -> bool {
    *yes > 1
}

#[step(branch = ask)]
fn yes() -> u32 {
    1
}

fn main() {}
