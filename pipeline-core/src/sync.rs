//! The atomics of the protocol in [`frame`](crate::frame), behind one name so that the model checker's crate
//! (`tests/crates/loom`) can compile the same files against loom's.

pub(crate) use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
