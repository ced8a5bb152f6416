//! How does a pipeline cope with services that fail, hang or answer nonsense? Retries with growing waits, a timeout with a
//! fallback, an optional step, and two answers out of three. `-- --times` prints how long it took.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::trivially_copy_pass_by_ref)]

use pipeline::prelude::*;

/// Flaky: succeeds at the third attempt. It waits 1 ms, then 2 ms; jitter makes a part of each random (by the seed).
/// `retry_if` decides which errors are worth another attempt.
#[step(retries = 4, backoff = "1ms..20ms", jitter, retry_if = |error| error != "no such customer")]
async fn orders(#[context] cx: &StepContext) -> Result<Vec<u64>, String> {
    if cx.attempt() < 3 { Err("connection refused".to_owned()) } else { Ok(vec![20, 22]) }
}

/// Hangs: its future is dropped after 20 ms, and the run continues with 108. The hook is called once.
#[step(timeout = "20ms", fallback = 108, on_failure = |error| println!("hook: {error}"))]
async fn rate() -> u64 {
    std::future::pending().await
}

/// Down, but optional: the run can succeed without it.
#[step(optional)]
fn weather() -> Result<String, String> {
    Err("no such city".to_owned())
}

#[step]
fn berlin() -> u64 {
    7
}

#[step]
fn lisbon() -> Result<u64, String> {
    Err("disk full".to_owned())
}

#[step]
fn oslo() -> u64 {
    9
}

/// Two of three are enough for this step. The run still reports the failure of `lisbon`.
#[step]
fn stock(#[from(berlin, lisbon, oslo, at_least = 2)] depots: Vec<&u64>) -> u64 {
    depots.into_iter().sum()
}

#[step]
fn report(orders: &[u64], rate: &u64, weather: Option<&str>, stock: &u64) -> String {
    let total = orders.iter().sum::<u64>() * rate;
    format!("{total} sold, {stock} in stock, weather: {}", weather.unwrap_or("unknown"))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Deterministic: the report is the same each time, and has no times.
    let timed = std::env::args().any(|argument| argument == "--times");
    let settings = Settings::default().seed(1).deterministic(!timed);
    let run = Pipeline::to::<report>().settings(settings).settings(Settings::load()?).run_blocking()?;
    println!("{}\n", run.output::<report>()?);
    if timed {
        eprintln!("{}\n", run.report());
    } else {
        println!("{}\n", run.report().to_string().replace(&run.id()[28..], "(id)"));
    }
    for step in run.report().steps.iter().filter(|step| step.attempts > 1 || step.fallback_used) {
        println!("{}: {} attempt(s), fallback used: {}", step.name, step.attempts, step.fallback_used);
    }
    Ok(())
}
