//! Faults, each in a separate process: what the program reports, its exit code, and that it ends.
//!
//! `program/` has the steps. The letters beside the tests are the sections of the failure catalogue: A panics and
//! errors, B time and threads, C the end of the process, D the graph. `shown` tests what a person sees meanwhile.

mod environment;
mod graph;
mod namesakes;
mod panics;
mod program_under_test;
mod screen;
mod shown;
mod signals;
mod store;
mod summary;
mod time;
mod values;
mod writes;
