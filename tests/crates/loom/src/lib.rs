//! The framework's atomic protocols, compiled from their original files with loom's atomics and checked under every
//! interleaving (within loom's bounds).
//!
//! * [`counter`]: when a step may start, when an output may be dropped or taken, and which thread ends an attempt.
//! * [`tally`]: which member of a group decides that enough have succeeded, or that they cannot any more.
//! * [`gate`]: how drivers come and go without losing a step.
//!
//! `cargo test` in this folder runs it; the shipped crates do not depend on loom.

#![cfg(test)]
#![allow(dead_code, unreachable_pub)]

mod sync {
    pub(crate) use loom::sync::atomic::{AtomicI32, AtomicU32, AtomicUsize, Ordering, fence};
}

#[path = "../../../../pipeline-core/src/cells/counter.rs"]
mod counter;
#[path = "../../../../pipeline-exec/src/engine/gate.rs"]
mod gate;
#[path = "../../../../pipeline-core/src/cells/tally.rs"]
mod tally;

mod attempt_model;
mod counter_model;
mod gate_model;
mod tally_model;
