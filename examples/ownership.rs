//! Who owns an output? Readers borrow it, one taker moves it, and it is dropped after its last use.
//!
//! `Rows` cannot be cloned, and its buffer keeps its address: it is never copied.

#![allow(clippy::print_stdout, clippy::trivially_copy_pass_by_ref)]

use pipeline::prelude::*;

/// Prints when it is dropped.
struct Rows(Vec<u64>);

impl Rows {
    fn address(&self) -> usize {
        self.0.as_ptr() as usize
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        println!("drop  {} rows", self.0.len());
    }
}

#[step]
fn rows() -> Rows {
    println!("make  3 rows");
    Rows(vec![3, 1, 2])
}

/// `&T` reads.
#[step]
fn largest(rows: &Rows) -> Option<u64> {
    println!("read  {:?}", rows.0);
    rows.0.iter().copied().max()
}

/// `&T` reads: the same value, at the same address.
#[step]
fn seen_at(rows: &Rows) -> usize {
    println!("read  {:?}", rows.0);
    rows.address()
}

/// `T` takes: it starts after the last reader, owns the value and may change it in place.
#[step]
fn sorted(mut rows: Rows) -> Rows {
    rows.0.sort_unstable();
    println!("take  {:?}", rows.0);
    rows
}

/// `sorted` is dropped after this step, because no other step or target needs it.
#[step]
fn same_buffer(sorted: &Rows, seen_at: &usize) -> bool {
    println!("read  {:?}", sorted.0);
    sorted.address() == *seen_at
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let run = Pipeline::to::<same_buffer>()
        .and::<largest>()
        .settings(Settings::default().workers(1))
        .run_blocking()?;
    println!("the run has ended");
    println!("same buffer all the way: {}", run.output::<same_buffer>()?);
    println!("largest: {:?}", run.output::<largest>()?);
    Ok(())
}
