//! What happens when a step fails? Steps that need its output are skipped, with the cause; the others run. A step that
//! reads the outcome (`Option<&T>`, `Result<&T, &StepError>`) runs and decides itself.

#![allow(clippy::print_stdout, clippy::trivially_copy_pass_by_ref)]

use std::num::ParseIntError;

use pipeline::prelude::*;

/// Any error type works; `T` is passed downstream.
#[step]
fn live_rate(#[param(default = "n/a")] quote: String) -> Result<u64, ParseIntError> {
    quote.parse()
}

#[step]
fn stored_rate() -> u64 {
    108
}

/// Needs the rate, and is skipped without it.
#[step]
fn live_price(live_rate: &u64) -> u64 {
    live_rate * 2
}

/// A fallback as an ordinary step: uses the live rate if there is one, otherwise the stored one.
#[step]
fn rate(live_rate: Option<&u64>, stored_rate: &u64) -> u64 {
    *live_rate.unwrap_or(stored_rate)
}

/// Reads the error, here of a skipped step: it names the step that failed.
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
    let run = pipeline.settings(Settings::load()?).run_blocking()?;
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
