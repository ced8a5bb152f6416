//! How do I reject bad rows? A step splits its rows by rules, reports the rejected ones, and fails if too few are left;
//! steps that need the good rows are then skipped. `-- --times` prints how long it took.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::trivially_copy_pass_by_ref)]

use pipeline::prelude::*;

#[derive(Debug)]
struct Order {
    customer: String,
    amount: i64,
}

#[step(group = "bronze")]
fn rows(#[param(default = "ann,30 bob,x cid,-4 ,12 dan,7 eve,9")] text: String) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The rules, each with the reason that is reported if it is broken.
fn checked(row: &str) -> Result<Order, &'static str> {
    let (customer, amount) = row.split_once(',').ok_or("not two fields")?;
    let amount = amount.parse().map_err(|_| "the amount is not a number")?;
    if customer.is_empty() {
        return Err("no customer");
    }
    if amount < 0 {
        return Err("a negative amount");
    }
    Ok(Order { customer: customer.to_owned(), amount })
}

/// Rejected rows become dead letters of the run, named by their place and not by their content.
#[step(group = "silver")]
fn valid(
    rows: &[String],
    #[param(default = 50)] percent: usize,
    #[context] cx: &StepContext,
) -> Result<Vec<Order>, String> {
    let mut orders = Vec::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        match checked(row) {
            Ok(order) => orders.push(order),
            Err(reason) => cx.dead_letter(place, reason),
        }
    }
    cx.count("rows_in", rows.len() as u64);
    cx.count("rows_out", orders.len() as u64);
    cx.count("rejected", (rows.len() - orders.len()) as u64);
    if orders.len() * 100 < rows.len() * percent {
        return Err(format!("{} of {} rows are valid, less than {percent} %", orders.len(), rows.len()));
    }
    Ok(orders)
}

#[step(group = "gold")]
fn best(valid: &[Order]) -> Option<String> {
    valid.iter().max_by_key(|order| order.amount).map(|order| order.customer.clone())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for percent in [50, 80] {
        let run =
            Pipeline::to::<best>().param("percent", percent).settings(Settings::load()?).run_blocking()?;
        let report = run.report();
        println!("at least {percent} % valid: {}", report.status);
        if let Some(step) = report.step("valid") {
            println!("  valid: {}, {:?}", step.status, step.activity.counters);
        }
        for letter in &report.dead_letters {
            println!("  row {}: {}", letter.item, letter.error);
        }
        match run.output::<best>() {
            Ok(best) => println!("  best: {best:?}"),
            Err(error) => println!("  best: {error}"),
        }
        if std::env::args().any(|argument| argument == "--times") {
            eprintln!("\n{report}");
        }
    }
    Ok(())
}
