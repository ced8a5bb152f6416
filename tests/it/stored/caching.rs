//! Cached steps: what is run, and what comes from the store.

use pipeline::prelude::*;
use pipeline::store::ValueStore;
use pipeline::{Run, Status};

use crate::folder::Folder;

#[step(cache)]
fn rows(#[param] count: u64) -> Vec<u64> {
    (0..count).collect()
}

/// The same for any two counts that differ by less than ten.
#[step(cache)]
fn tens(rows: &[u64]) -> u64 {
    rows.len() as u64 / 10
}

#[step(cache)]
fn text(tens: &u64) -> String {
    format!("{tens} tens")
}

/// Not cached.
#[step]
fn length(text: &str) -> usize {
    text.len()
}

fn run(folder: &Folder, count: u64) -> Run {
    let store = ValueStore::open(&**folder).unwrap();
    Pipeline::to::<text>().and::<length>().store(&store).param("count", count).run_blocking().unwrap()
}

fn statuses<const N: usize>(run: &Run, steps: [&str; N]) -> [Status; N] {
    steps.map(|step| run.status(step).unwrap())
}

const STEPS: [&str; 4] = ["rows", "tens", "text", "length"];

#[test]
fn what_is_stored_is_not_run_again_and_only_what_is_read_is_loaded() {
    let folder = Folder::new();
    let first = run(&folder, 42);
    assert_eq!(statuses(&first, STEPS), [Status::Succeeded; 4]);
    let again = run(&folder, 42);
    assert_eq!(statuses(&again, STEPS), [Status::Cached, Status::Cached, Status::Cached, Status::Succeeded]);
    assert_eq!((again.output::<text>().unwrap().as_str(), again.output::<length>().unwrap()), ("4 tens", &6));
    let store = again.report().store.clone().unwrap();
    assert_eq!((store.hits, store.misses, store.hit_rate()), (3, 0, Some(1.0)));
}

#[test]
fn an_output_that_is_the_same_as_before_ends_the_wave_of_changes() {
    let folder = Folder::new();
    run(&folder, 42);
    let other = run(&folder, 47);
    assert_eq!(
        statuses(&other, STEPS),
        [Status::Succeeded, Status::Succeeded, Status::Cached, Status::Succeeded]
    );
    let another = run(&folder, 57);
    assert_eq!(statuses(&another, STEPS), [Status::Succeeded; 4]);
    assert_eq!(another.output::<text>().unwrap(), "5 tens");
}

#[test]
fn outputs_that_nobody_reads_in_the_run_can_be_read_and_moved_out_after_it() {
    let folder = Folder::new();
    let store = ValueStore::open(&*folder).unwrap();
    let pipeline = || Pipeline::to::<text>().and::<rows>().store(&store).param("count", 12);
    pipeline().run_blocking().unwrap();
    let mut again = pipeline().run_blocking().unwrap();
    assert_eq!(statuses(&again, ["rows", "tens", "text"]), [Status::Cached; 3]);
    assert_eq!(again.available(), ["rows", "text"]);
    assert_eq!(again.output::<rows>().unwrap().len(), 12);
    assert!(again.output::<tens>().is_err(), "it was not asked for");
    assert_eq!(again.take_output::<text>().unwrap(), "1 tens");
    assert!(again.take_output::<text>().is_err(), "an output is moved out once");
    assert!(again.report().steps.iter().all(|step| step.cached_from.is_some()));
}
