//! An expansion names nothing that the user's module could shadow, and binds nothing that a pattern could take for a constant.

#![no_implicit_prelude]
#![allow(dead_code, non_camel_case_types, non_upper_case_globals, unused_macros)]

mod core {}
mod std {}
mod alloc {}

struct Option;
struct Result;
struct Box;
struct Vec;
struct String;
struct Cow;
struct Call;
struct Step;
struct Send;
struct usize;
struct DEF;
struct bool;
struct Policy;
struct From;
struct Some;
struct Duration;
struct Backoff;

macro_rules! module_path {
    () => {
        ::std::compile_error!("the user's")
    };
}
macro_rules! line {
    () => {
        ::std::compile_error!("the user's")
    };
}

// Each in two forms: a pattern compares with a constant, and cannot name a static.
macro_rules! take {
    ($($name:ident)*) => {
        $(static $name: u8 = 1;)*
        mod constants {
            $(pub(super) const $name: u8 = 1;)*
        }
    };
}
take! {
    call error output value field depth index name version policy worth_it limits cases inputs after def
    input0 input1 project0 definition checked condition other
}

#[::pipeline::step]
fn constants_in_scope(
    #[from(parts.left)] left: &u32,
    #[param(default = 1 + error as u32)] limit: u32,
) -> ::std::result::Result<u32, ::std::string::String> {
    use constants::*;
    let _ = (call, left);
    ::std::result::Result::Ok(limit)
}

struct Parts {
    left: u32,
}

#[::pipeline::step]
fn parts() -> Parts {
    Parts { left: 1 }
}

// The name of a function of an earlier expansion.
#[::pipeline::step]
fn project_0(#[from(parts.left)] left: &u32) -> u32 {
    *left
}

#[::pipeline::step]
fn orders(
    #[param(default = "x")] path: ::std::string::String,
    #[param] limit: ::std::option::Option<u32>,
) -> u32 {
    let _ = limit;
    path.len() as u32
}

#[::pipeline::step(tags(a), group = b, after(orders))]
async fn rates(
    orders: &u32,
    #[from(orders, orders)] all: ::std::vec::Vec<&u32>,
    #[from("x_*")] named: ::std::collections::BTreeMap<&str, ::std::option::Option<&u32>>,
    #[context] cx: &::pipeline::StepContext,
    #[resource] pool: &u8,
) -> ::std::result::Result<u32, ::std::io::Error> {
    let _ = (all, named, cx, pool);
    ::std::result::Result::Ok(*orders)
}

#[::pipeline::step]
fn broken(orders: ::std::result::Result<&u32, &::pipeline::StepError>) {
    let _ = orders;
}

#[::pipeline::step(
    retries = 2,
    backoff = "1s..2s",
    jitter,
    retry_if = |_| true,
    timeout = "3s",
    fallback = "none",
    on_failure = |_| {},
    limit = "db",
    parallel_if = || true,
    sequential = "x",
    when = |orders| orders > &1,
    switch(_ => case)
)]
fn policies(orders: u32) -> ::std::result::Result<::std::string::String, ::std::string::String> {
    ::std::result::Result::Ok(::std::string::ToString::to_string(&orders))
}

#[::pipeline::step(branch = policies)]
fn case(#[from(orders, orders, at_least = 1)] all: ::std::collections::BTreeMap<&str, &u32>) {
    let _ = all;
}

fn main() {
    ::std::assert_eq!(<rates as ::pipeline::Step>::def().name, "rates");
}
