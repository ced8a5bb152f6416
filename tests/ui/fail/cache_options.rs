use pipeline::prelude::*;

struct NoSerde;

struct NoCodec;

#[step(cache = 30, version = 3, key = , codec = "path")]
fn forms() -> u64 {
    1
}

#[step(cache = "0s", version = "")]
fn values() -> u64 {
    1
}

#[step(cache("30d"), version, key, codec)]
fn alone() -> u64 {
    1
}

#[step(cache, writes)]
fn effect() -> u64 {
    1
}

#[step(cache, key = || 3)]
fn no_text() -> u64 {
    1
}

#[step(cache, key = |rows: &[u64]| String::new())]
fn no_parameter() -> u64 {
    1
}

#[step(cache, codec = NoCodec)]
fn no_codec() -> NoSerde {
    NoSerde
}

fn main() {}
