//! Panics and errors.

use std::error::Error;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use pipeline::prelude::*;

use crate::FOR_EVER;

#[step]
fn panics() -> u32 {
    panic!("planted: sync")
}

#[step]
fn behind_panics(panics: &u32) -> u32 {
    *panics
}

#[step]
pub(crate) fn sibling() -> u32 {
    1
}

#[step]
async fn panics_at_first_poll() -> u32 {
    panic!("planted: first poll")
}

#[step]
async fn panics_after_wait() -> u32 {
    tokio::task::yield_now().await;
    panic!("planted: after wait")
}

#[step]
async fn panics_in_select() -> u32 {
    tokio::select! {
        biased;
        () = async { panic!("planted: in select") } => 1,
        () = tokio::time::sleep(FOR_EVER) => 2,
    }
}

#[derive(Debug)]
struct Chained(&'static str, Option<Box<Chained>>);

impl fmt::Display for Chained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Chained {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.1.as_deref()?)
    }
}

#[step]
fn fails_with_causes() -> Result<(), Chained> {
    let innermost = Chained("the disk is full", None);
    let middle = Chained("cannot write the file", Some(Box::new(innermost)));
    Err(Chained("cannot save", Some(Box::new(middle))))
}

struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("planted: {}", self.0);
    }
}

#[step]
fn makes_bomb() -> Bomb {
    Bomb("in the drop of an output")
}

#[step]
fn makes_unread_bomb() -> Bomb {
    Bomb("in the drop of an unread output")
}

#[step]
fn reads_bomb(_makes_bomb: &Bomb) -> u32 {
    1
}

#[step(timeout = "50ms")]
async fn cancelled_with_bomb() {
    let _bomb = Bomb("in the drop of a cancelled future");
    tokio::time::sleep(FOR_EVER).await;
}

#[step]
async fn stopped_with_bomb() {
    let _bomb = Bomb("in the drop of a stopped future");
    tokio::time::sleep(FOR_EVER).await;
}

#[step]
fn panics_with_bomb() -> u32 {
    std::panic::panic_any(Bomb("in the drop of a payload"))
}

/// Its own cause.
#[derive(Debug)]
struct Endless;

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("endless")
    }
}

impl Error for Endless {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self)
    }
}

#[step]
fn fails_endlessly() -> Result<(), Endless> {
    Err(Endless)
}

#[derive(Debug)]
struct Sourceless;

impl fmt::Display for Sourceless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sourceless")
    }
}

impl Error for Sourceless {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        panic!("planted: in source")
    }
}

fn bad_filter(_: &Sourceless) -> bool {
    panic!("planted: in retry_if")
}

fn bad_hook(_: &StepError) {
    panic!("planted: in on_failure")
}

#[step(retries = 1, retry_if = bad_filter, on_failure = bad_hook)]
fn fails_sourcelessly() -> Result<(), Sourceless> {
    Err(Sourceless)
}

#[step(when = || panic!("planted: in when"))]
fn fails_in_its_condition() {}

#[step(parallel_if = || panic!("planted: in parallel_if"))]
fn chooses_badly() {}

struct Unprintable;

impl fmt::Display for Unprintable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("planted: in Display")
    }
}

impl fmt::Debug for Unprintable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("planted: in Debug")
    }
}

impl Error for Unprintable {}

#[step]
fn fails_unprintably() -> Result<(), Unprintable> {
    Err(Unprintable)
}

static SHARED: Mutex<u32> = Mutex::new(1);

#[step(group = "poison")]
fn poisons() -> u32 {
    let _held = SHARED.lock();
    panic!("planted: with a lock held")
}

#[step(group = "poison", after(poisons))]
fn never_meets_poison() -> u32 {
    2
}

#[step(group = "poison")]
fn trips_over_poison(poisons: Option<&u32>) -> u32 {
    *SHARED.lock().expect("the shared number") + poisons.copied().unwrap_or(0)
}

#[step(group = "poison")]
fn recovers_from_poison(poisons: Option<&u32>) -> u32 {
    *SHARED.lock().unwrap_or_else(PoisonError::into_inner) + poisons.copied().unwrap_or(0)
}

#[step(optional, group = "optional")]
fn optional_panics() -> u32 {
    panic!("planted: optional")
}
