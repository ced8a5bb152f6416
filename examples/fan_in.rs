//! How does one step read many? As a `Vec` in the written order, as a map by step name, by tag, and by name pattern.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;

use pipeline::prelude::*;

#[step(tags("region"))]
fn sales_north() -> Vec<u64> {
    vec![120, 80]
}

#[step(tags("region"))]
fn sales_south() -> Vec<u64> {
    vec![40]
}

#[step(tags("region", "new"))]
fn sales_west() -> Vec<u64> {
    vec![5, 5, 5]
}

/// These steps, in this order.
#[step]
fn first_sales(#[from(sales_south, sales_north)] regions: Vec<&Vec<u64>>) -> Vec<u64> {
    regions.into_iter().filter_map(|sales| sales.first().copied()).collect()
}

/// The same, by the name of the step.
#[step]
fn table(#[from(sales_south, sales_north)] regions: BTreeMap<&str, &Vec<u64>>) -> String {
    let rows: Vec<String> =
        regions.iter().map(|(name, sales)| format!("{name}={}", sales.iter().sum::<u64>())).collect();
    rows.join(" ")
}

/// Every step with the tag; a region added later is included without a change here.
#[step]
fn total(#[from(tag = "region")] regions: Vec<&Vec<u64>>) -> u64 {
    regions.into_iter().flatten().sum()
}

/// Every step whose name matches, in the order of the names.
#[step]
fn widths(#[from("sales_*")] regions: BTreeMap<&str, &Vec<u64>>) -> Vec<(String, usize)> {
    regions.iter().map(|(name, sales)| ((*name).to_owned(), sales.len())).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let run = Pipeline::to::<first_sales>()
        .and::<table>()
        .and::<total>()
        .and::<widths>()
        .settings(Settings::load()?)
        .run_blocking()?;
    println!("in order:   {:?}", run.output::<first_sales>()?);
    println!("by name:    {}", run.output::<table>()?);
    println!("by tag:     {}", run.output::<total>()?);
    println!("by pattern: {:?}", run.output::<widths>()?);
    Ok(())
}
