//! Lints that are set against the user's own code find nothing in an expansion.

#![forbid(unsafe_code)]
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    missing_copy_implementations,
    rust_2018_idioms,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unreachable_pub,
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
fn revenue(orders: &[u32], #[from(orders, ingest::orders)] all: Vec<&[u32]>) -> u32 {
    orders.iter().sum::<u32>() + u32::try_from(all.len()).unwrap_or(0)
}

#[step]
fn total(#[from(revenue)] mut revenue: u32) -> u32 {
    revenue += 1;
    revenue
}

fn main() {}
