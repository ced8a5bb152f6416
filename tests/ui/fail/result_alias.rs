use pipeline::prelude::*;

type Read<T> = Result<T, std::io::Error>;

#[step]
fn rows() -> Read<u32> {
    Ok(1)
}

#[step]
fn total(rows: &u32) -> u32 {
    *rows
}

fn main() {}
