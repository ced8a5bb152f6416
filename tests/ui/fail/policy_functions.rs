use pipeline::prelude::*;

fn of_number(number: &u32) -> bool {
    *number > 1
}

fn no_bool(_: &String) {}

#[step(retry_if = of_number)]
fn other_error() -> Result<u32, String> {
    Ok(1)
}

#[step(retry_if = no_bool)]
fn no_answer() -> Result<u32, String> {
    Ok(1)
}

#[step(retry_if = |error| error.is_transient())]
fn no_such_method() -> Result<u32, String> {
    Ok(1)
}

#[step(on_failure = of_number, parallel_if = of_number)]
fn hooks() {}

#[step(when = of_number)]
fn condition(#[from(other_error)] limit: &u32, #[param] days: u64) -> u64 {
    u64::from(*limit) + days
}

#[step(when = |limit| limit)]
fn closure(#[from(other_error)] limit: &u32) -> u32 {
    *limit
}

#[step(when = missing)]
fn unknown(#[from(other_error)] limit: &u32) -> u32 {
    *limit
}

fn main() {}
