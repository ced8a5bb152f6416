//! How do I ask several services at once and combine their answers? One async step for each, and a step that reads them
//! all. One service hangs, and the answer shows which part is a fallback. `-- --times` prints how long it took.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::trivially_copy_pass_by_ref)]

use std::time::Duration;

use pipeline::prelude::*;

/// Stands for a client of the services, which answer after a moment.
struct Client;

impl Client {
    async fn get(&self, service: &str) -> Result<String, String> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        match service {
            "weather" => std::future::pending().await,
            "stock" => Err("503 from the stock service".to_owned()),
            name => Ok(format!("{name} of 17")),
        }
    }
}

#[step(group = "services")]
async fn customer(#[resource] client: &Client) -> Result<String, String> {
    client.get("customer").await
}

#[step(group = "services")]
async fn orders(#[resource] client: &Client) -> Result<String, String> {
    client.get("orders").await
}

/// Hangs: after 50 ms its future is dropped, and the fallback replaces its output.
#[step(group = "services", timeout = "50ms", fallback = "no forecast")]
async fn weather(#[resource] client: &Client) -> Result<String, String> {
    client.get("weather").await
}

/// Fails: its reader gets the error instead, and the run still succeeds.
#[step(group = "services", optional)]
async fn stock(#[resource] client: &Client) -> Result<String, String> {
    client.get("stock").await
}

#[step]
fn page(customer: &str, orders: &str, weather: &str, stock: Result<&String, &StepError>) -> Vec<String> {
    let stock = stock.map_or_else(|error| format!("unknown: {}", error.message()), String::clone);
    vec![customer.to_owned(), orders.to_owned(), weather.to_owned(), format!("stock {stock}")]
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let run =
        Pipeline::to::<page>().resource(Client).settings(Settings::load()?).run().await?.into_result()?;
    for line in run.output::<page>()? {
        println!("{line}");
    }
    println!();
    for step in &run.report().steps {
        let fallback = if step.fallback_used { ", fallback used" } else { "" };
        println!("{}: {}{fallback}", step.name, step.status);
    }
    if std::env::args().any(|argument| argument == "--times") {
        eprintln!("\n{}", run.report());
    }
    Ok(())
}
