//! A program in which everything that a step receives or returns is a canary, for which `tests/programs/canary`
//! searches.
//!
//! It reads its canaries from the environment (`CANARY`), so that not even its source contains them.

#![allow(clippy::unwrap_used, clippy::trivially_copy_pass_by_ref, clippy::ptr_arg)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use pipeline::Secret;
use pipeline::prelude::*;
use serde::Deserialize;

/// A resource.
#[derive(Debug)]
struct Pool(String);

#[derive(Debug, Deserialize)]
struct Login {
    user: String,
    password: Secret<String>,
}

/// A secret that only some variant holds, and not the first.
#[derive(Debug, Deserialize)]
enum Access {
    Open,
    Token(Secret<String>),
}

fn canary() -> String {
    std::env::var("CANARY").unwrap()
}

/// Reads parameters of every form.
#[step(tags("good"))]
fn given(
    #[param] token: Secret<String>,
    #[param] note: String,
    #[param] list: &[String],
    #[param] login: Option<Login>,
    #[param(default = canary())] absent: String,
    #[resource] pool: &Pool,
    #[resource("spare")] spare: &Pool,
) -> Vec<String> {
    let login = login.map_or_else(canary, |login| login.user + login.password.expose());
    let texts = [token.expose(), &note, &login, &absent, &pool.0, &spare.0];
    texts.into_iter().chain(list).cloned().collect()
}

/// Counts, and says how far it is.
#[step(tags("good"))]
async fn read(given: &[String], #[context] cx: &StepContext) -> usize {
    cx.count("texts", given.len() as u64);
    tokio::time::sleep(Duration::from_millis(1)).await;
    given.len()
}

/// Takes what it is given.
#[step(blocking, writes, after(read), tags("good"))]
fn taken(given: Vec<String>) -> String {
    given.concat()
}

/// Fails with an error that quotes nothing but a secret, which is redacted.
#[step(retries = 1, tags("bad"))]
fn fails(#[param] token: &Secret<String>, given: &[String]) -> Result<String, String> {
    Err(format!("{} texts refused with {token:?}", given.len()))
}

/// Panics in the same way.
#[step(tags("bad"))]
fn panics(#[param] token: &Secret<String>) -> String {
    panic!("refused {token:?}")
}

/// Goes on with something else.
#[step(fallback = canary(), tags("bad"))]
fn replaced() -> Result<String, std::num::ParseIntError> {
    canary().len().to_string().replace(char::is_numeric, "x").parse::<u8>().map(|number| number.to_string())
}

/// Takes too long.
#[step(timeout = "20ms", tags("bad"))]
async fn late(#[param] note: String) -> String {
    tokio::time::sleep(Duration::from_mins(1)).await;
    note
}

/// Never runs.
#[step(tags("bad"))]
fn skipped(fails: &String, panics: &String, replaced: &String, late: &String) -> String {
    [fails, panics, replaced, late].map(String::as_str).concat()
}

/// Wants a number.
#[step(tags("typed"))]
fn typed(
    #[param] pin: Option<Secret<u32>>,
    #[param(default = Secret::new("written default".to_owned()))] key: Secret<String>,
    #[param(default = Access::Open)] access: Access,
) -> u32 {
    if let Access::Token(token) = access {
        return token.expose().len() as u32;
    }
    pin.map_or(key.expose().len() as u32, |pin| *pin.expose())
}

/// Reads as a secret what [`counts`] reads as a number.
#[step(tags("mixed"))]
fn unlocks(#[param(default = Secret::new(canary()))] code: Secret<String>) -> usize {
    code.expose().len()
}

#[step(tags("mixed"))]
fn counts(#[param(default = 1)] code: u32) -> u32 {
    code
}

/// Can be read until a step runs, and is no `Clone`.
#[derive(Debug)]
struct Ticket;

static IS_USED: AtomicBool = AtomicBool::new(false);

impl<'de> Deserialize<'de> for Ticket {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if IS_USED.load(Ordering::SeqCst) {
            return Err(serde::de::Error::custom(format!("{text} was used")));
        }
        Ok(Ticket)
    }
}

#[step(tags("mixed"))]
fn opens() {
    IS_USED.store(true, Ordering::SeqCst);
}

#[step(after(opens), tags("mixed"))]
fn uses(#[param(default = Ticket)] ticket: Ticket) -> String {
    format!("{ticket:?}")
}

fn main() -> std::process::ExitCode {
    pipeline::main_with(async |pipeline| {
        let pipeline = pipeline.resource(Pool(canary())).resource_named("spare", Pool(canary()));
        Ok(pipeline.param("list", [canary(), canary()]))
    })
}
