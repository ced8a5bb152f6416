//! Faults, each in a process of its own: what such a program tells, with which code it ends, and that it does end.
//!
//! `program/` has the steps; it is built once, into the target folder of this test. The letters beside the tests are the
//! sections of the failure catalogue: A panics and errors, B time and threads, C the end of the process, D the graph. `shown` looks at what a person sees meanwhile.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod graph;
mod panics;
mod program_under_test;
mod screen;
mod shown;
mod signals;
mod store;
mod summary;
mod time;
