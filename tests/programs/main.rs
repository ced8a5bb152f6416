//! Examples and test programs, each run as a process: what they print and record, and how they end.

#![allow(clippy::unwrap_used)]

mod cache;
mod cached_runs;
mod canary;
mod examples;
#[cfg(unix)]
mod faults;
#[path = "../support/folder.rs"]
mod folder;
mod pipelines;
#[path = "../support/process.rs"]
mod process;
#[cfg(unix)]
mod stored;
mod support;
