//! Lints that the user denies find nothing in an expansion, and it allows none that the user forbids, except `non_upper_case_globals`.

#![deny(warnings)]
#![forbid(
    ambiguous_glob_imports,
    dead_code,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unnameable_types,
    unreachable_patterns,
    unreachable_pub,
    unsafe_code,
    unused,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]

/// Steps that others read.
pub mod ingest {
    use pipeline::prelude::*;

    /// The orders.
    #[step]
    pub fn orders(#[param(default = 3)] count: u32) -> Vec<u32> {
        (0..count).collect()
    }

    /// The rates.
    ///
    /// # Errors
    /// Never.
    #[step]
    #[deprecated(note = "still a step")]
    pub async fn rates(#[resource] pool: &u8, #[context] _cx: &StepContext) -> Result<u32, std::io::Error> {
        Ok(u32::from(*pool))
    }
}

use pipeline::prelude::*;

use ingest::orders;

#[step]
fn revenue(orders: &[u32], #[from(orders, orders)] all: Vec<&[u32]>) -> u32 {
    orders.iter().sum::<u32>() + u32::try_from(all.len()).unwrap_or(0)
}

#[step]
fn total(#[from(revenue)] mut revenue: u32) -> u32 {
    revenue += 1;
    revenue
}

fn worth_it(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::TimedOut
}

#[step(
    retries = 3,
    backoff = "1ms..1s",
    jitter = 0.1,
    retry_if = worth_it,
    timeout = "1s",
    fallback = 0,
    on_failure = |error| eprintln!("{error}"),
    limit("db" = 2, "api"),
    parallel_if = || true,
    memory = "1KiB",
    when = |total, limit| total < limit,
    priority = -1,
    switch(0 => none, 1..=3 => some, _ => none)
)]
async fn policies(total: u32, #[param] limit: u32) -> Result<u32, std::io::Error> {
    Ok(total.min(limit))
}

#[step(branch = policies)]
fn none() -> u32 {
    0
}

#[step(branch = policies)]
fn some() -> u32 {
    1
}

#[step(fallback = |error| error.attempt())]
fn joined(#[from(none, some, first)] one: &u32, #[from(none, some, at_least = 1)] all: Vec<&u32>) -> u32 {
    one + all.into_iter().sum::<u32>()
}

/// A pair.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// The first.
    pub left: u32,
}

#[step]
fn pair() -> Pair {
    Pair { left: 1 }
}

#[step]
fn forms(
    #[from(pair.left)] left: Option<&u32>,
    #[from("pa*")] pairs: Vec<&Pair>,
    #[from("pair")] pair: Result<&Pair, &StepError>,
    #[from(tag = "x", at_least = 0)] map: std::collections::BTreeMap<&str, &u32>,
    #[param(name = "z")] z: &str,
) -> usize {
    left.map_or(0, |_| pairs.len()) + usize::from(pair.is_ok()) + map.len() + z.len()
}

/// A trait.
pub trait Rates: Send + Sync {
    /// The rate.
    fn rate(&self) -> u32;
}

#[step]
fn rates() -> Box<dyn Rates> {
    todo!()
}

#[step(when = |rates, maybe, all, given| rates.rate() > 1 || maybe.is_some() || all.len() > 1 || given.rate() > 1)]
fn objects(
    rates: &dyn Rates,
    #[from("rates")] maybe: Option<&dyn Rates>,
    #[from(rates, rates)] all: std::collections::BTreeMap<&str, &dyn Rates>,
    #[resource] given: &(dyn Rates + 'static),
) -> u32 {
    rates.rate() + maybe.map_or(0, Rates::rate) + all.values().map(|one| one.rate()).sum::<u32>() + given.rate()
}

fn main() {}
