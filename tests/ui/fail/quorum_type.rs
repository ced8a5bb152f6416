use pipeline::prelude::*;

#[step]
fn number() -> u32 {
    1
}

#[step]
fn text() -> String {
    String::new()
}

#[step]
fn chosen(#[from(number, text, first)] x: &u32) -> u32 {
    *x
}

#[step]
fn enough(#[from(number, text, at_least = 1)] x: Vec<&str>) -> usize {
    x.len()
}

fn main() {}
