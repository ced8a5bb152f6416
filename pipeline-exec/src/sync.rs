//! The atomics of the engine's protocol, behind one name so that the model checker's crate (`tests/crates/loom`) can
//! compile the same files against loom's.

pub(crate) use std::sync::atomic::{AtomicUsize, Ordering, fence};
