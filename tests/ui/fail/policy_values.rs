use pipeline::prelude::*;

#[step(retries = -1, backoff = "100", timeout = 30, deadline = "0s", memory = "512xb", cores = 0)]
fn numbers() {}

#[step(retries = "3", backoff = "10s..1s", jitter = 1.5, timeout = "30 sek", memory = 512, priority = high)]
fn forms() {}

#[step(retries, backoff, jitter(0.5), timeout(30), priority = 99999999999, sequential, cores = 1.5)]
fn missing() {}

#[step(limit("db" = 0, "api"), idempotent = true, optional("x"), sequential = "a b")]
fn limits() {}

#[step(limit, exclusive = "x", when, fallback, retry_if = , switch = true, branch(forms))]
fn alone() {}

#[step(limit("db", "db" = 2), backoff = "..1s", deadline = "99999999999999999999d", branch = "forms")]
fn twice() {}

fn main() {}
