use pipeline::prelude::*;

pub struct Split {
    pub good: Vec<u32>,
    pub bad: Vec<String>,
}

#[step]
fn split() -> Split {
    Split { good: vec![], bad: vec![] }
}

#[step]
fn wrong_type(#[from(split.good)] good: &[u64]) -> usize {
    good.len()
}

#[step]
fn wrong_option(#[from(split.good)] good: Option<&String>) -> bool {
    good.is_some()
}

#[step]
fn unknown(#[from(split.goods)] good: &[u32]) -> usize {
    good.len()
}

fn main() {}
