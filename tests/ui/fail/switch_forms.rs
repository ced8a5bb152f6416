use pipeline::prelude::*;

#[step(switch())]
fn empty() -> bool {
    true
}

#[step(switch(true, false => no))]
fn no_arrow() -> bool {
    true
}

#[step(switch(true => "yes", false => no()))]
fn no_path() -> bool {
    true
}

#[step(switch(true = yes))]
fn equals() -> bool {
    true
}

fn main() {}
