//! How do I watch a run? With an observer: here a closure that sends each event to a channel.
//!
//! Events of different steps come from different threads. One step at a time keeps their order, and this output, stable.

#![allow(clippy::print_stdout)]

use std::sync::mpsc;

use pipeline::Event;
use pipeline::prelude::*;

#[step]
fn words() -> Vec<&'static str> {
    vec!["so", "it", "goes"]
}

#[step]
fn numbers(words: &[&'static str]) -> Result<Vec<u64>, std::num::ParseIntError> {
    words.iter().map(|word| word.parse()).collect()
}

/// The cost puts it before `longest`. Otherwise, the order of two similar steps depends on how long others took.
#[step(cost = 2)]
fn total(numbers: &[u64]) -> u64 {
    numbers.iter().sum()
}

#[step]
fn longest(words: &[&'static str]) -> usize {
    words.iter().copied().map(str::len).max().unwrap_or_default()
}

/// One line per event, without run id and durations, which differ from run to run.
fn line(event: &Event<'_>) -> String {
    match event {
        Event::RunStarted { planned, .. } => format!("run starts: {planned} steps"),
        Event::StepStarted { step, lane, .. } => format!("  {step} starts on the {lane} lane"),
        Event::StepFinished { step, status, error: Some(error), .. } => {
            format!("  {step} {status}: {}", error.message())
        }
        Event::StepFinished { step, status, .. } => format!("  {step} {status}"),
        Event::RunFinished { succeeded, .. } => {
            format!("run ends: {}", if *succeeded { "all succeeded" } else { "not all succeeded" })
        }
        _ => "an event of a later version".to_owned(),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (sender, lines) = mpsc::channel();
    // An observer runs between steps: hand the event on, and do slow work elsewhere.
    let observer = move |event: &Event<'_>| drop(sender.send(line(event)));
    let pipeline =
        Pipeline::to::<total>().and::<longest>().settings(Settings::default().workers(1)).observe(observer);
    let run = pipeline.run_blocking()?;
    lines.try_iter().for_each(|line| println!("{line}"));
    println!("longest: {}", run.output::<longest>()?);
    Ok(())
}
