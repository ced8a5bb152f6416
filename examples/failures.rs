//! What happens when a step fails? What depends on it is skipped, with the cause; the rest goes on; and a step that
//! asks for the outcome (`Option<&T>`, `Result<&T, &StepError>`) runs and decides itself.

#![allow(clippy::print_stdout, clippy::trivially_copy_pass_by_ref)]

use std::num::ParseIntError;

use pipeline::prelude::*;

/// Any error type will do; `T` goes downstream.
#[step]
fn live_rate(#[param(default = "n/a")] quote: String) -> Result<u64, ParseIntError> {
    quote.parse()
}

#[step]
fn stored_rate() -> u64 {
    108
}

/// Needs the rate: skipped without it.
#[step]
fn live_price(live_rate: &u64) -> u64 {
    live_rate * 2
}

/// A fallback is an ordinary step: the live rate where there is one, else the stored one.
#[step]
fn rate(live_rate: Option<&u64>, stored_rate: &u64) -> u64 {
    *live_rate.unwrap_or(stored_rate)
}

/// The error itself, here behind a skipped step: it still names the step that failed.
#[step]
fn notice(live_price: Result<&u64, &StepError>) -> String {
    match live_price {
        Ok(price) => format!("the price is {price}"),
        Err(error) => format!("no price: {} of `{}`: {}", error.kind().name(), error.step(), error.message()),
    }
}

fn show(quote: &str) -> Result<(), Box<dyn std::error::Error>> {
    println!("quote {quote:?}");
    let pipeline = Pipeline::to::<rate>().and::<live_price>().and::<notice>().param("quote", quote);
    let run = pipeline.run_blocking()?;
    for step in &run.report().steps {
        let because = step.because.as_ref().map(|root| format!(", because `{root}` failed"));
        println!("  {:<12}{}{}", step.name, step.status, because.unwrap_or_default());
    }
    println!("  rate: {}; {}", run.output::<rate>()?, run.output::<notice>()?);
    match run.output::<live_price>() {
        Ok(price) => println!("  live price: {price}"),
        Err(reason) => println!("  {reason}"),
    }
    if let Some(error) = run.error("live_price") {
        println!("  {error}");
    }
    println!("  the run as a `Result`: {}", if run.into_result().is_ok() { "Ok" } else { "Err" });
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    show("127")?;
    show("n/a")
}
