//! The options of a step about what is stored: its own key, and what is never cached.

use std::sync::atomic::{AtomicU64, Ordering};

use pipeline::graph::CachePolicy;
use pipeline::prelude::*;
use pipeline::settings::{CacheMode, StepCache};
use pipeline::store::ValueStore;
use pipeline::{DagBuilder, Settings, Status, StepDefaults};

use crate::folder::Folder;

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
    let mut dag = DagBuilder::new();
    let writer = dag.cpu("writer", (), |()| 1_u8);
    dag.policy(writer, |policy| policy.cache(CachePolicy::ALWAYS).writes());
    let problems = dag.build().unwrap_err().to_string();
    assert!(problems.contains("step `writer` cannot be cached: it `writes`"), "{problems}");
}
