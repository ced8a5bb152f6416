//! How do I count by key, in parallel? Mappers count words in their part of the text, split by key, and each reducer reads
//! its share of every mapper. With 4 mappers and 2 reducers, the answer is the same for any number of workers.
//! `-- --times` prints how long it took.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::trivially_copy_pass_by_ref)]

use std::collections::BTreeMap;

use pipeline::prelude::*;
use pipeline::{Dag, DagBuilder, Handle, Problems};

const MAPPERS: usize = 4;
const REDUCERS: usize = 2;

type Counts = BTreeMap<String, u64>;

#[step]
fn text() -> Vec<&'static str> {
    vec![
        "the sun came up over the sea",
        "the sea was calm and the sun was warm",
        "a ship came over the sea",
        "and the ship was gone",
    ]
}

/// Chooses the reducer of a word, by the word alone, so that every mapper chooses the same one.
fn reducer_of(word: &str) -> usize {
    word.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % REDUCERS
}

/// Counts every fourth line: one map of counts for each reducer.
#[step]
fn mapped(#[input] text: &[&'static str], #[param] number: usize) -> Vec<Counts> {
    let mut shares = vec![Counts::new(); REDUCERS];
    for word in text.iter().skip(number).step_by(MAPPERS).flat_map(|line| line.split(' ')) {
        *shares[reducer_of(word)].entry(word.to_owned()).or_default() += 1;
    }
    shares
}

/// Adds up its share of every mapper, in the order of the mappers.
#[step]
fn reduced(#[input] mapped: Vec<&Vec<Counts>>, #[param] number: usize) -> Counts {
    let mut sums = Counts::new();
    for (word, count) in mapped.into_iter().flat_map(|shares| &shares[number]) {
        *sums.entry(word.clone()).or_default() += count;
    }
    sums
}

/// Lists all words, the most frequent first, then alphabetically.
#[step]
fn counted(#[input] reduced: Vec<&Counts>) -> Vec<(String, u64)> {
    let mut words: Vec<(String, u64)> =
        reduced.into_iter().flatten().map(|(word, count)| (word.clone(), *count)).collect();
    words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    words
}

fn graph() -> Result<Dag, Problems> {
    let mut dag = DagBuilder::new();
    let text = dag.add::<text>().handle();
    let mapped: Vec<Handle<Vec<Counts>>> = (0..MAPPERS)
        .map(|n| {
            dag.add::<mapped>().named(format!("map_{n}")).input("text", text).param("number", n).handle()
        })
        .collect();
    let reduced: Vec<Handle<Counts>> = (0..REDUCERS)
        .map(|n| {
            let reducer = dag.add::<reduced>().named(format!("reduce_{n}")).param("number", n);
            reducer.inputs("mapped", mapped.iter().copied()).handle()
        })
        .collect();
    let _ = dag.add::<counted>().inputs("reduced", reduced);
    dag.build()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pipeline = Pipeline::new(graph()?);
    let one = pipeline.clone().settings(Settings::default().workers(1)).run_blocking()?;
    let words = one.output_named::<Vec<(String, u64)>>("counted")?;
    for (word, count) in words.iter().filter(|(_, count)| *count > 1) {
        println!("{count} {word}");
    }
    for workers in [1, 2, 4, 8] {
        let run = pipeline.clone().settings(Settings::default().workers(workers)).run_blocking()?;
        let same = run.output_named::<Vec<(String, u64)>>("counted")? == words;
        println!("with {workers} at once: {}", if same { "the same" } else { "something else" });
        if std::env::args().any(|argument| argument == "--times") {
            eprintln!("\n{}", run.report());
        }
    }
    Ok(())
}
