use pipeline::prelude::*;

enum Size {
    Small,
    Large,
    Huge,
}

#[step(switch(Size::Small => small, Size::Large => large))]
fn size() -> Size {
    Size::Small
}

#[step(branch = size)]
fn small() {}

#[step(branch = size)]
fn large() {}

#[step(switch(Size::Large if true => never, Size::Small | Size::Huge => never))]
fn guarded() -> Size {
    Size::Huge
}

#[step(branch = guarded)]
fn never() {}

fn main() {}
