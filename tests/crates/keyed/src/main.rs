//! Three steps that reach the same code, known by their trace, by the program, and by a version.

use pipeline::prelude::*;
use pipeline::store::ValueStore;
use serde::{Deserialize, Serialize};

/// What the steps return.
#[derive(Serialize, Deserialize)]
struct Made {
    count: u32,
}

const CONSTANT: u64 = 1;

macro_rules! plus {
    ($value:expr) => {
        $value + 1
    };
}

trait Weight {
    fn weight(&self) -> u64;
}

impl Weight for u64 {
    fn weight(&self) -> u64 {
        self * 1
    }
}

fn near(count: u64) -> u64 {
    middle(count)
}

fn middle(count: u64) -> u64 {
    far(count)
}

fn far(count: u64) -> u64 {
    plus!(count.weight()) + CONSTANT + include_str!("text.txt").len() as u64
}

fn made(count: u64) -> Made {
    Made { count: near(count) as u32 }
}

#[allow(dead_code)]
fn unrelated() -> u64 {
    100
}

#[step(cache)]
fn by_trace(#[param(default = 1)] count: u64) -> Made {
    made(count)
}

#[step(cache)]
fn by_program(#[param] more: u64) -> Made {
    // No trace knows it.
    let line = line!();
    made(more + u64::from(line))
}

#[step(cache, version = "1")]
fn by_version(#[param] more: u64) -> Made {
    made(more)
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let store = ValueStore::open(arguments.next().expect("keyed STORE MORE")).expect("it is a store");
    let more: u64 = arguments.next().and_then(|more| more.parse().ok()).expect("keyed STORE MORE");
    let run = Pipeline::to::<by_trace>()
        .and::<by_program>()
        .and::<by_version>()
        .store(&store)
        .param("more", more)
        .run_blocking()
        .unwrap_or_else(|problems| panic!("{problems}"));
    for step in ["by_trace", "by_program", "by_version"] {
        print!("{:?} ", run.status(step).expect("it is a step"));
    }
    println!();
}
