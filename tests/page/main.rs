//! The page of a run in a real browser: headless Chromium.
//!
//! Without Chromium every test says so and passes; with `REQUIRE_TOOLS=1`, as in CI, it fails. `PIPELINE_CHROMIUM`
//! names a program outside the path. The pages stay in the target folder's `tmp/page`.

#![allow(clippy::unwrap_used)]

mod attempts;
mod browser;
mod columns;
mod hostile;
mod large;
#[path = "../support/process.rs"]
mod process;
mod reading;
mod runs;
mod using;
