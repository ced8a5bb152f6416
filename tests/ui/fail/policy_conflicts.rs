use pipeline::prelude::*;

fn worth_it(_: &String) -> bool {
    true
}

#[step(optional, fail_fast)]
fn meaning() {}

#[step(exclusive, parallel_if = || true)]
fn beside() {}

#[step(jitter, retries = 1)]
fn no_backoff() {}

#[step(timeout = "1s", timeout = "2s")]
fn twice() {}

#[step(no_cancel)]
fn on_a_thread() {}

#[step(retry_if = worth_it)]
fn infallible() -> u32 {
    1
}

#[step(infallible, retry_if = |error| true)]
fn said_so() -> Result<u32, String> {
    Ok(1)
}

fn main() {}
