//! The options of a step about what is stored: its own key, and what is never cached.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pipeline::graph::{CachePolicy, Policy};
use pipeline::prelude::*;
use pipeline::settings::{CacheMode, StepCache};
use pipeline::store::ValueStore;
use pipeline::{DagBuilder, Settings, Status, StepDefaults};

use crate::folder::Folder;

struct Rates {
    edition: u32,
    price: u64,
}

#[step]
fn so_amount() -> Vec<u64> {
    vec![2, 3]
}

#[step]
fn so_others() -> Vec<u64> {
    vec![4]
}

/// Its key gets every form of parameter: taken, collected, a run parameter, a resource, the context.
#[step(cache, key = |amount, all, discount, rates, context| {
    format!("{} {} {discount} {} {}", rates.edition, amount.len(), all.len(), context.step())
})]
fn so_priced(
    so_amount: Vec<u64>,
    #[from(so_others, so_others)] all: Vec<&Vec<u64>>,
    #[param(default = 0_u64)] discount: u64,
    #[resource] rates: &Rates,
    #[context] context: &StepContext,
) -> u64 {
    _ = (all, context);
    so_amount.iter().sum::<u64>() * rates.price - discount
}

/// An async step has one too.
#[step(cache, key = |priced| (priced / 100).to_string())]
async fn so_hundreds(so_priced: &u64) -> u64 {
    so_priced / 100
}

fn statuses(folder: &Folder, edition: u32, price: u64) -> [Status; 2] {
    let store = ValueStore::open(&**folder).unwrap();
    let pipeline = Pipeline::to::<so_hundreds>().and::<so_priced>().store(&store);
    let run = pipeline.resource(Rates { edition, price }).run_blocking().unwrap();
    assert!(run.succeeded(), "{}", run.report());
    ["so_priced", "so_hundreds"].map(|step| run.status(step).unwrap())
}

#[test]
fn a_key_of_the_step_adds_what_its_other_inputs_do_not_tell() {
    let folder = Folder::new();
    assert_eq!(statuses(&folder, 1, 10), [Status::Succeeded; 2]);
    assert_eq!(statuses(&folder, 1, 10), [Status::Cached; 2]);
    // The resource itself does not count, but its edition does.
    assert_eq!(statuses(&folder, 1, 99), [Status::Cached; 2]);
    assert_eq!(statuses(&folder, 2, 20), [Status::Succeeded; 2]);
    assert_eq!(statuses(&folder, 1, 10), [Status::Cached; 2]);
}

#[step(cache, key = |count| { assert!(*count > 0, "no count"); String::new() })]
fn so_without_key(#[param] count: u32) -> u32 {
    count
}

#[test]
fn a_step_whose_key_panics_runs_each_time() {
    for (count, wanted) in [(0, Status::Succeeded), (1, Status::Cached)] {
        let folder = Folder::new();
        let store = ValueStore::open(&*folder).unwrap();
        let pipeline = Pipeline::to::<so_without_key>().store(&store).param("count", count);
        assert!(pipeline.run_blocking().unwrap().succeeded());
        let second = pipeline.run_blocking().unwrap();
        assert_eq!(second.status("so_without_key").unwrap(), wanted, "{count}");
        assert_eq!(second.output::<so_without_key>().unwrap(), &count);
    }
}

#[step(optional)]
fn so_fails() -> Result<Vec<u64>, String> {
    Err("no rows".to_owned())
}

#[step(cache, key = |rows| rows.len().to_string())]
fn so_needs_it(so_fails: &[u64]) -> u64 {
    so_fails.len() as u64
}

#[test]
fn the_key_of_a_step_without_its_input_is_not_asked_for() {
    let folder = Folder::new();
    let store = ValueStore::open(&*folder).unwrap();
    let run = Pipeline::to::<so_needs_it>().store(&store).run_blocking().unwrap();
    assert_eq!(run.status("so_needs_it").unwrap(), Status::Skipped);
}

static WRITTEN: AtomicU64 = AtomicU64::new(0);

#[step(writes)]
fn so_writes() -> u64 {
    WRITTEN.fetch_add(1, Ordering::Relaxed)
}

#[step]
fn so_nothing() {
    WRITTEN.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn what_only_has_an_effect_runs_each_time_unless_it_is_named() {
    let folder = Folder::new();
    let count = |settings: Settings| {
        let store = ValueStore::open(&*folder).unwrap();
        let pipeline = Pipeline::to::<so_writes>().and::<so_nothing>().store(&store).settings(settings);
        let before = WRITTEN.load(Ordering::Relaxed);
        assert!(pipeline.run_blocking().unwrap().succeeded());
        assert!(pipeline.run_blocking().unwrap().succeeded());
        WRITTEN.load(Ordering::Relaxed) - before
    };
    let on = || StepDefaults::new().cache(StepCache::On);
    assert_eq!(count(Settings::default().cache(CacheMode::All)), 4);
    assert_eq!(count(Settings::default().defaults(on())), 4);
    assert_eq!(count(Settings::default().step("so_nothing", on())), 3);
}

#[test]
fn a_policy_of_a_builder_is_refused_as_the_attribute_is() {
    let problems_of = |change: fn(Policy) -> Policy| {
        let mut dag = DagBuilder::new();
        let writer = dag.cpu("writer", (), |()| 1_u8);
        dag.policy(writer, change);
        dag.build().unwrap_err().to_string()
    };
    let writes = problems_of(|policy| policy.cache(CachePolicy::ALWAYS).writes());
    assert!(writes.contains("step `writer` cannot be cached: it `writes`"), "{writes}");
    let version = problems_of(|policy| policy.cache(CachePolicy::ALWAYS).version(""));
    assert!(version.contains("the version of step `writer` is empty"), "{version}");
    let lifetime = problems_of(|policy| policy.cache(CachePolicy { ttl: Some(Duration::ZERO) }));
    assert!(lifetime.contains("step `writer` is cached for no time"), "{lifetime}");
}
