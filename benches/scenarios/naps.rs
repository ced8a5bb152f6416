//! Graphs of steps that sleep, and those of the scenarios.

use std::sync::Arc;
use std::time::Duration;

use pipeline::{Dag, DagBuilder, Handle, step};

/// Sleeps, and returns a value that depends on everything before it.
#[step]
async fn first(#[param] millis: u64) -> u64 {
    tokio::time::sleep(Duration::from_millis(millis)).await;
    millis
}

#[step]
async fn then(#[input] before: Vec<&u64>, #[param] millis: u64) -> u64 {
    tokio::time::sleep(Duration::from_millis(millis)).await;
    before.into_iter().fold(millis, |sum, value| sum.wrapping_mul(31).wrapping_add(*value))
}

/// A graph of naps under construction.
pub(crate) struct Naps(DagBuilder);

type Nap = Handle<u64>;

impl Naps {
    pub(crate) fn new() -> Self {
        Naps(DagBuilder::new())
    }

    /// Adds a step that sleeps this long, after these.
    pub(crate) fn nap(&mut self, millis: u64, after: &[Nap]) -> Nap {
        let name = format!("nap{}", self.0.len());
        if after.is_empty() {
            self.0.add::<first>().named(name).param("millis", millis).handle()
        } else {
            let then = self.0.add::<then>().named(name).param("millis", millis);
            then.inputs("before", after.iter().copied()).handle()
        }
    }

    /// Adds naps one after another; returns the last.
    fn chain(&mut self, millis: &[u64], after: &[Nap]) -> Nap {
        let (one, rest) = millis.split_first().expect("a chain has a first nap");
        let start = self.nap(*one, after);
        rest.iter().fold(start, |last, &millis| self.nap(millis, &[last]))
    }

    pub(crate) fn dag(self) -> Arc<Dag> {
        Arc::new(self.0.build().expect("a valid graph"))
    }
}

/// Independent naps.
pub(crate) fn independent(count: usize, millis: u64) -> Arc<Dag> {
    let mut naps = Naps::new();
    for _ in 0..count {
        naps.nap(millis, &[]);
    }
    naps.dag()
}

/// A medallion: a silver step after each bronze one, gold after all.
pub(crate) fn medallion(bronze: [u64; 3], silver: [u64; 3], gold: u64) -> Arc<Dag> {
    let mut naps = Naps::new();
    let silver: Vec<Nap> =
        bronze.into_iter().zip(silver).map(|(bronze, silver)| naps.chain(&[bronze, silver], &[])).collect();
    naps.nap(gold, &silver);
    naps.dag()
}

/// Three years of 20 unit steps: 4 staging, two levels of 2 foundation, a chain of 5 events, a chain of 4 state, 3
/// validation. The events of a year need the state of the year before.
pub(crate) fn three_years(unit: u64) -> Arc<Dag> {
    let mut naps = Naps::new();
    let mut state_before: Option<Nap> = None;
    for _ in 0..3 {
        let staging: Vec<Nap> = (0..4).map(|_| naps.nap(unit, &[])).collect();
        let mut ready: Vec<Nap> = (0..2).map(|_| naps.chain(&[unit; 2], &staging)).collect();
        ready.extend(state_before);
        let events = naps.chain(&[unit; 5], &ready);
        let state = naps.chain(&[unit; 4], &[events]);
        for _ in 0..3 {
            naps.nap(unit, &[state]);
        }
        state_before = Some(state);
    }
    naps.dag()
}
