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

/// Runs of these steps by their values of `seed`; a resource of the run, so no part of a key.
struct Seed(u64);

/// Its output depends on what is no part of its key.
#[step(cache)]
fn drawn(#[resource] seed: &Seed) -> Vec<u64> {
    vec![seed.0; 3]
}

#[step(cache)]
fn summed(drawn: &[u64]) -> u64 {
    drawn.iter().sum()
}

#[step]
fn shown(drawn: &[u64], summed: &u64) -> String {
    format!("{drawn:?} {summed}")
}

/// If a stored value is damaged, its step runs again, and what was made of the old value is not mixed with the new one.
#[test]
fn values_made_of_different_inputs_are_never_mixed() {
    let folder = Folder::new();
    let run = |seed: u64| {
        let store = ValueStore::open(&*folder).unwrap();
        Pipeline::to::<shown>().store(&store).resource(Seed(seed)).run_blocking().unwrap()
    };
    let shown_of = |run: &Run| run.output::<shown>().unwrap().clone();
    assert_eq!(shown_of(&run(1)), "[1, 1, 1] 3");
    let cached = run(2);
    assert_eq!(shown_of(&cached), "[1, 1, 1] 3", "resources are no part of a key");
    for blob in blobs(&folder) {
        std::fs::write(&blob, "x".repeat(std::fs::metadata(&blob).unwrap().len() as usize)).unwrap();
    }
    let after = run(2);
    assert_eq!(statuses(&after, ["drawn", "summed", "shown"]), [Status::Succeeded; 3]);
    assert_eq!(shown_of(&after), "[2, 2, 2] 6");
    assert_eq!(statuses(&run(3), ["drawn", "summed"]), [Status::Cached; 2], "the second run is clean");
}

fn blobs(folder: &Folder) -> Vec<std::path::PathBuf> {
    let folders = std::fs::read_dir(folder.join("blobs")).unwrap().map(|entry| entry.unwrap().path());
    folders.flat_map(|dir| std::fs::read_dir(dir).unwrap()).map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_fresh_step_runs_although_it_is_stored_and_its_new_output_replaces_the_old_one() {
    let folder = Folder::new();
    let pipeline = |seed: u64| {
        let store = ValueStore::open(&*folder).unwrap();
        Pipeline::to::<shown>().store(&store).resource(Seed(seed))
    };
    pipeline(1).run_blocking().unwrap();
    let fresh = pipeline(2).fresh("drawn").run_blocking().unwrap();
    assert_eq!(statuses(&fresh, ["drawn", "summed"]), [Status::Succeeded; 2]);
    let last = pipeline(3).run_blocking().unwrap();
    assert_eq!(statuses(&last, ["drawn", "summed"]), [Status::Cached; 2]);
    assert_eq!(last.output::<shown>().unwrap(), "[2, 2, 2] 6");
    let unknown = pipeline(4).fresh("drwan").run_blocking().unwrap_err();
    assert!(unknown.to_string().contains("did you mean `drawn`"), "{unknown}");
}

#[step(cache = "1ms")]
fn short_lived(#[resource] seed: &Seed) -> u64 {
    seed.0
}

#[test]
fn a_value_that_is_too_old_is_made_again() {
    let folder = Folder::new();
    let store = ValueStore::open(&*folder).unwrap();
    let run = |seed: u64| {
        let run = Pipeline::to::<short_lived>().store(&store).resource(Seed(seed)).run_blocking().unwrap();
        *run.output::<short_lived>().unwrap()
    };
    assert_eq!(run(1), 1);
    // As long as it takes until the clock has moved on.
    let mut latest = run(2);
    while latest == 1 {
        latest = run(2);
    }
    assert_eq!(latest, 2);
}

#[step(cache, fallback = 7)]
fn unsteady(#[resource] seed: &Seed) -> Result<u64, String> {
    if seed.0 == 0 { Err("planted".to_owned()) } else { Ok(seed.0) }
}

#[test]
fn a_fallback_is_not_stored() {
    let folder = Folder::new();
    let store = ValueStore::open(&*folder).unwrap();
    let run =
        |seed: u64| Pipeline::to::<unsteady>().store(&store).resource(Seed(seed)).run_blocking().unwrap();
    assert_eq!(run(0).output::<unsteady>().unwrap(), &7);
    let second = run(5);
    assert_eq!(
        (second.status("unsteady").unwrap(), second.output::<unsteady>().unwrap()),
        (Status::Succeeded, &5)
    );
    assert_eq!(run(0).output::<unsteady>().unwrap(), &5);
}

#[step(cache)]
async fn waits(rows: &[u64]) -> usize {
    tokio::task::yield_now().await;
    rows.len()
}

#[step(cache, retries = 2)]
fn tried(waits: &usize, rows: Vec<u64>) -> u64 {
    *waits as u64 + rows.iter().sum::<u64>()
}

#[test]
fn steps_that_wait_are_retried_or_take_their_input_are_cached_too() {
    let folder = Folder::new();
    let run = || {
        let store = ValueStore::open(&*folder).unwrap();
        Pipeline::to::<tried>().store(&store).param("count", 4).run_blocking().unwrap()
    };
    assert_eq!(statuses(&run(), ["rows", "waits", "tried"]), [Status::Succeeded; 3]);
    let again = run();
    assert_eq!(statuses(&again, ["rows", "waits", "tried"]), [Status::Cached; 3]);
    assert_eq!(again.output::<tried>().unwrap(), &10);
}

#[step(switch(0 => on_zero, _ => on_other))]
fn chosen(rows: &[u64]) -> u64 {
    rows.len() as u64
}

#[step(cache, branch = chosen)]
fn on_zero() -> String {
    "zero".to_owned()
}

#[step(cache, branch = chosen)]
fn on_other() -> String {
    "other".to_owned()
}

#[step]
fn either(on_zero: Option<&String>, on_other: Option<&String>) -> String {
    on_zero.or(on_other).cloned().unwrap_or_default()
}

#[test]
fn branches_that_were_not_chosen_stay_skipped_although_they_are_stored() {
    let folder = Folder::new();
    let run = |count: u64| {
        let store = ValueStore::open(&*folder).unwrap();
        Pipeline::to::<either>().store(&store).param("count", count).run_blocking().unwrap()
    };
    assert_eq!(run(0).output::<either>().unwrap(), "zero");
    assert_eq!(run(1).output::<either>().unwrap(), "other");
    for (count, is_zero) in [(0, true), (1, false)] {
        let again = run(count);
        let (zero, other) = (again.status("on_zero").unwrap(), again.status("on_other").unwrap());
        let wanted =
            if is_zero { (Status::Cached, Status::Skipped) } else { (Status::Skipped, Status::Cached) };
        assert_eq!((zero, other), wanted);
    }
}

/// Not cached: it reads the outside world, so its value is another one from run to run.
#[step]
fn prices(#[resource] seed: &Seed) -> Vec<u64> {
    vec![seed.0, 10]
}

#[step]
fn stock() -> Vec<u64> {
    vec![3, 4]
}

#[step(cache)]
fn price_total(prices: &[u64]) -> u64 {
    prices.iter().sum()
}

#[step(cache)]
fn stock_total(stock: &[u64]) -> u64 {
    stock.iter().sum()
}

#[step(cache)]
fn worth(price_total: &u64, stock_total: &u64) -> u64 {
    price_total * stock_total
}

#[test]
fn an_upstream_value_that_changes_between_runs_is_never_answered_by_the_old_result() {
    let folder = Folder::new();
    let run = |seed: u64| {
        let store = ValueStore::open(&*folder).unwrap();
        Pipeline::to::<worth>().store(&store).resource(Seed(seed)).run_blocking().unwrap()
    };
    let steps = ["price_total", "stock_total", "worth"];
    let first = run(1);
    assert_eq!((statuses(&first, steps), first.output::<worth>()), ([Status::Succeeded; 3], Ok(&77)));
    let other = run(2);
    let wanted = [Status::Succeeded, Status::Cached, Status::Succeeded];
    assert_eq!((statuses(&other, steps), other.output::<worth>()), (wanted, Ok(&84)));
    let back = run(1);
    assert_eq!((statuses(&back, steps), back.output::<worth>()), ([Status::Cached; 3], Ok(&77)));
}

/// What a step reads of a resource can be a part of its key.
#[step(cache, key = |drawn, seed| format!("{} {}", drawn.len(), seed.0))]
fn keyed(drawn: Vec<u64>, #[resource] seed: &Seed) -> u64 {
    drawn.len() as u64 + seed.0
}

#[test]
fn a_step_can_have_a_key_of_its_own() {
    let folder = Folder::new();
    let run = |seed: u64| {
        let store = ValueStore::open(&*folder).unwrap();
        Pipeline::to::<keyed>().store(&store).resource(Seed(seed)).run_blocking().unwrap()
    };
    assert_eq!(run(1).output::<keyed>().unwrap(), &4);
    let other = run(2);
    assert_eq!(statuses(&other, ["drawn", "keyed"]), [Status::Cached, Status::Succeeded]);
    assert_eq!(other.output::<keyed>().unwrap(), &5);
    assert_eq!(run(1).status("keyed"), Ok(Status::Cached));
}

/// A type without serde.
struct Opaque(u64);

struct Digits;

impl pipeline::store::StoreAs<Opaque> for Digits {
    const NAME: &'static str = "digits";

    fn encode(value: &Opaque, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        write!(out, "{}", value.0)
    }

    fn decode(bytes: &[u8]) -> std::io::Result<Opaque> {
        let text = std::str::from_utf8(bytes).map_err(std::io::Error::other)?;
        text.parse().map(Opaque).map_err(std::io::Error::other)
    }
}

#[step(cache, codec = Digits)]
fn opaque(#[param] count: u64) -> Opaque {
    Opaque(count * 2)
}

#[step]
fn doubled(opaque: &Opaque) -> u64 {
    opaque.0
}

/// Without a form, it is known by what it was made of.
#[step(cache)]
fn formless(#[param] count: u64) -> Opaque {
    Opaque(count)
}

#[step(cache)]
fn of_formless(formless: &Opaque) -> u64 {
    formless.0 + 1
}

#[test]
fn a_step_can_store_its_output_in_a_form_of_its_own() {
    let folder = Folder::new();
    let run = || {
        let store = ValueStore::open(&*folder).unwrap();
        Pipeline::to::<doubled>().store(&store).param("count", 21).run_blocking().unwrap()
    };
    assert_eq!(run().output::<doubled>().unwrap(), &42);
    let again = run();
    assert_eq!((again.status("opaque"), again.output::<doubled>().unwrap()), (Ok(Status::Cached), &42));
}

#[test]
fn an_output_that_cannot_be_stored_is_known_by_what_made_it() {
    let folder = Folder::new();
    let run = |count: u64| {
        let store = ValueStore::open(&*folder).unwrap();
        Pipeline::to::<of_formless>().store(&store).param("count", count).run_blocking().unwrap()
    };
    let steps = ["formless", "of_formless"];
    assert_eq!(statuses(&run(1), steps), [Status::Succeeded; 2]);
    assert_eq!(statuses(&run(1), steps), [Status::Succeeded, Status::Cached]);
    let other = run(2);
    assert_eq!(
        (statuses(&other, steps), other.output::<of_formless>().unwrap()),
        ([Status::Succeeded; 2], &3)
    );
}
